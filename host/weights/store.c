/* SPDX-License-Identifier: MIT
 *
 * The folder of installed networks: see store.h.
 */
#include "weights/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "weights/random.h"

static const imp_folder place = {"IMPASTO_WEIGHTS", "XDG_DATA_HOME", ".local/share"};
static const char network_end[] = ".safetensors", note_end[] = ".sha256";

/* ---- Paths ----------------------------------------------------------------------------------- */

imp_status imp_weights_folder(char *path, size_t size, bool make, imp_error *err) {
    char reason[128];
    if (!imp_folder_path(path, size, &place))
        return imp_fail(
            err, IMP_ERR_IO,
            "weights: there is no folder for networks: set IMPASTO_WEIGHTS to one, or set HOME");
    if (!make || imp_folder_make(path))
        return IMP_OK;
    if (strerror_r(errno, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "unknown reason");
    return imp_fail(err, IMP_ERR_IO,
                    "weights: cannot create folder '%s': %s: set IMPASTO_WEIGHTS to another", path,
                    reason);
}

/* Names become parts of paths and command lines, so only harmless characters are allowed. */
static bool is_name(const char *name) {
    const size_t length = strlen(name);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return length > 0 && length < IMP_NAME_MAX && name[0] != '.' && name[0] != '-' &&
           strcmp(name, "builtin") != 0 && strcmp(name, IMP_NETWORK_RANDOM) != 0;
}

static imp_status path_in_folder(char *path, size_t size, const char *name, const char *end,
                                 imp_error *err) {
    if (!name)
        return imp_fail(err, IMP_ERR_ARGUMENT, "weights: the name is NULL");
    if (!is_name(name))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "weights '%s': invalid name; expected at most %d letters, digits, '.', '_' "
                        "and '-', and not the name of a built-in network",
                        name, IMP_NAME_MAX - 1);
    TRY(imp_weights_folder(path, size, false, err));
    const size_t used = strlen(path);
    if ((size_t)snprintf(path + used, size - used, "/%s%s", name, end) >= size - used)
        return imp_fail(
            err, IMP_ERR_IO,
            "weights '%s': the path of the folder is too long: set IMPASTO_WEIGHTS to another",
            name);
    return IMP_OK;
}

imp_status imp_weights_path(char *path, size_t size, const char *name, imp_error *err) {
    return path_in_folder(path, size, name, network_end, err);
}

imp_status imp_store_path(char path[IMP_PATH_MAX], const char *name, const char *end,
                          imp_error *err) {
    return path_in_folder(path, IMP_PATH_MAX, name, end, err);
}

bool imp_weights_here(const char *name) {
    char path[IMP_PATH_MAX];
    return imp_weights_path(path, sizeof path, name, NULL) == IMP_OK && access(path, F_OK) == 0;
}

/* ---- The list -------------------------------------------------------------------------------- */

/* The name of an installed network's file; false for any other file. */
static bool name_of(char name[IMP_NAME_MAX], const char *file) {
    const size_t length = strlen(file), end = sizeof network_end - 1;
    if (length <= end || length - end >= IMP_NAME_MAX ||
        strcmp(file + length - end, network_end) != 0)
        return false;
    memcpy(name, file, length - end);
    name[length - end] = 0;
    return is_name(name);
}

static void insert(char (*names)[IMP_NAME_MAX], size_t count, const char *name) {
    size_t i = count;
    for (; i > 0 && strcmp(names[i - 1], name) > 0; i--)
        memcpy(names[i], names[i - 1], IMP_NAME_MAX);
    memcpy(names[i], name, IMP_NAME_MAX);
}

size_t imp_weights_list(char (*names)[IMP_NAME_MAX], size_t cap) {
    char path[IMP_PATH_MAX], name[IMP_NAME_MAX] = "";
    size_t count = 0;
    DIR *const folder =
        imp_weights_folder(path, sizeof path, false, NULL) == IMP_OK ? opendir(path) : NULL;
    if (!folder)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (!name_of(name, entry->d_name))
            continue;
        if (count < cap)
            insert(names, count, name);
        count++;
    }
    closedir(folder);
    return count;
}

/* ---- The note -------------------------------------------------------------------------------- */

typedef struct note {
    const char *name;
    char sha256[65];
} note;

static imp_status fill_note(FILE *file, const void *user, imp_error *err) {
    const note *const n = user;
    (void)err;
    return fprintf(file, "%s  %s%s\n", n->sha256, n->name, network_end) > 0 ? IMP_OK : IMP_ERR_IO;
}

static imp_status write_note(const char *name, imp_error *err) {
    char path[IMP_PATH_MAX];
    note n = {.name = name};
    TRY(imp_weights_path(path, sizeof path, name, err));
    TRY(imp_file_sha256(n.sha256, path, err));
    TRY(imp_store_path(path, name, note_end, err));
    return imp_file_replace(path, fill_note, &n, err);
}

/* False where there is no note. */
static bool read_note(char sha256[65], const char *name) {
    char path[IMP_PATH_MAX];
    FILE *const file =
        imp_store_path(path, name, note_end, NULL) == IMP_OK ? fopen(path, "r") : NULL;
    if (!file)
        return false;
    const bool read = fscanf(file, "%64[0-9a-f]", sha256) == 1 && strlen(sha256) == 64;
    fclose(file);
    return read;
}

imp_status imp_store_check(const char *path, const char *name, const char *digest, imp_error *err) {
    if (!digest)
        return IMP_OK;
    const char *const digits = strchr(digest, ':') + 1;
    const bool md5 = strncmp(digest, "md5:", 4) == 0;
    char hex[65];
    TRY(imp_file_digest(hex, path, md5, err));
    if (strncmp(hex, digits, strlen(digits)) == 0)
        return IMP_OK;
    return imp_fail(
        err, IMP_ERR_FORMAT,
        "weights '%s': the downloaded file is damaged or a different one (its %s begins with %.8s, "
        "not %.8s); nothing is installed: try again, or give setting 'from' another address",
        name, md5 ? "MD5" : "SHA-256", hex, digits);
}

/* ---- What can be done with a network of the folder ------------------------------------------- */

imp_status imp_weights_install(const char *name, const char *from,
                               const imp_import_options *options, imp_import_report *report,
                               imp_error *err) {
    char folder[IMP_PATH_MAX], path[IMP_PATH_MAX], old[IMP_PATH_MAX];
    TRY(imp_weights_path(path, sizeof path, name, err));
    TRY(imp_store_path(old, name, note_end, err));
    TRY(imp_weights_folder(folder, sizeof folder, true, err));
    TRY(imp_network_import(from, path, options, report, err));
    unlink(old); /* it belongs to the old file */
    return write_note(name, err);
}

static imp_status fail_absent(const char *name, imp_error *err) {
    return imp_fail(err, IMP_ERR_IO,
                    "weights '%s': not installed: 'impasto weights list' shows what is", name);
}

imp_status imp_weights_verify(const char *name, char sha256[65], bool *noted, imp_error *err) {
    char path[IMP_PATH_MAX], wanted[65] = "";
    imp_network *network = NULL;
    sha256[0] = 0;
    TRY(imp_weights_path(path, sizeof path, name, err));
    if (access(path, F_OK) != 0)
        return fail_absent(name, err);
    const bool has_note = read_note(wanted, name);
    if (noted)
        *noted = has_note;
    TRY(imp_file_sha256(sha256, path, err));
    if (has_note && strcmp(sha256, wanted) != 0)
        return imp_fail(err, IMP_ERR_FORMAT,
                        "weights '%s': changed since it was installed (SHA-256 %.16s..., was "
                        "%.16s...): remove it, and fetch or import it again",
                        name, sha256, wanted);
    const imp_status status = imp_network_open(&network, path, err);
    imp_network_close(network);
    return status;
}

imp_status imp_weights_remove(const char *name, imp_error *err) {
    static const char *const ends[] = {".part.from", ".part", note_end, network_end};
    char path[IMP_PATH_MAX], reason[128];
    bool any = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        TRY(imp_store_path(path, name, ends[i], err));
        const bool gone = unlink(path) == 0;
        any = any || gone;
        if (gone || errno == ENOENT)
            continue;
        if (strerror_r(errno, reason, sizeof reason) != 0)
            snprintf(reason, sizeof reason, "unknown reason");
        return imp_fail(err, IMP_ERR_IO, "cannot remove '%s': %s: check its folder", path, reason);
    }
    return any ? IMP_OK : fail_absent(name, err);
}
