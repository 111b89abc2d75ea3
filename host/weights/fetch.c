/* SPDX-License-Identifier: MIT
 *
 * Downloads a published network from one of its addresses, checks its digest and installs it.
 */
#include "impasto.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "net/http.h"
#include "weights/store.h"

static const double usual_stall = 30; /* seconds */

typedef struct fetch {
    const char *name;
    const imp_weights_entry *entry; /* NULL: not in the catalogue */
    const char *digest;             /* the entry's; NULL: unknown */
    const imp_fetch_options *options;
    char part[IMP_PATH_MAX];
    const char *address;  /* where the file came from */
    char provenance[768]; /* for the network's metadata */
    imp_error last;       /* why the last address failed */
} fetch;

static void tell(const fetch *f, const char *line) {
    if (f->options->log)
        f->options->log(f->options->user, IMP_LOG_WARNING, line);
}

/* ---- The addresses --------------------------------------------------------------------------- */

static uint64_t size_of(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
}

static void drop_part(const fetch *f) {
    char beside[IMP_PATH_MAX];
    unlink(f->part);
    if (imp_store_path(beside, f->name, ".part.from", NULL) == IMP_OK)
        unlink(beside);
}

/* Retries an interrupted download as long as each try makes progress. */
static imp_status fetch_whole(const fetch *f, const char *address, imp_error *err) {
    enum { TRIES = 5 };
    const imp_fetch_options *const o = f->options;
    const imp_http_terms terms = {
        .stall = o->stall > 0 ? o->stall : usual_stall, .progress = o->progress, .user = o->user};
    imp_status status = IMP_ERR_IO;
    for (int i = 0; i < TRIES && status == IMP_ERR_IO; i++) {
        const uint64_t before = size_of(f->part);
        imp_error why = {0};
        status = imp_http_fetch(f->part, address, &terms, &why);
        if (status == IMP_OK)
            return IMP_OK;
        if (i + 1 == TRIES || status != IMP_ERR_IO || size_of(f->part) <= before)
            return imp_fail(err, status, "%s", why.text);
        tell(f, why.text);
    }
    return status;
}

/* If the digest is wrong and an earlier call began the file, downloads it once more from the start.
 */
static imp_status fetch_right(const fetch *f, const char *address, imp_error *err) {
    const bool begun = size_of(f->part) > 0;
    imp_error why = {0};
    TRY(fetch_whole(f, address, err));
    imp_status status = imp_store_check(f->part, f->name, f->digest, &why);
    if (status == IMP_ERR_FORMAT)
        drop_part(f);
    if (status == IMP_ERR_FORMAT && begun) {
        tell(f, why.text);
        why = (imp_error){0};
        TRY(fetch_whole(f, address, err));
        status = imp_store_check(f->part, f->name, f->digest, &why);
        if (status == IMP_ERR_FORMAT)
            drop_part(f);
    }
    return status == IMP_OK ? IMP_OK : imp_fail(err, status, "%s", why.text);
}

/* Whether another address may succeed. */
static bool may_go_on(imp_status status) {
    return status == IMP_ERR_IO || status == IMP_ERR_FORMAT;
}

/* The final error: what failed, and how to do it by hand. */
static imp_status fail_all(const fetch *f, imp_status status, imp_error *err) {
    if (!f->entry || !may_go_on(status))
        return imp_fail(err, status, "%s", f->last.text);
    return imp_fail(err, status,
                    "%.230s; or download %s by other means, and fetch %s with setting 'from' = %s",
                    f->last.text, f->entry->addresses[0], f->name, f->entry->file);
}

static imp_status fetch_any(fetch *f, imp_error *err) {
    const char *const own[] = {f->options->from, NULL};
    assert(own[0] || f->entry);
    const char *const *address = own[0] ? own : f->entry->addresses;
    imp_status status = IMP_ERR_IO;
    for (; *address; address++) {
        f->last = (imp_error){0};
        f->address = *address;
        status = fetch_right(f, *address, &f->last);
        if (status == IMP_OK)
            return IMP_OK;
        if (!may_go_on(status) || !address[1])
            break;
        tell(f, f->last.text);
    }
    return fail_all(f, status, err);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static imp_status check_space(const fetch *f, imp_error *err) {
    const uint64_t here = size_of(f->part), all = f->entry ? f->entry->bytes : 0;
    return imp_file_check_output(f->part, all > here ? (size_t)(all - here) : 0, err);
}

/* Fills in the network's metadata: its origin and the source file. */
static imp_status install(fetch *f, const char *path, imp_import_report *report, imp_error *err) {
    imp_import_options words = f->options->import;
    char from[256] = "a file", sha256[65];
    TRY(imp_file_sha256(sha256, path, err));
    if (f->address)
        imp_http_show(from, sizeof from, f->address);
    snprintf(f->provenance, sizeof f->provenance, "%s%sfetched from %s (SHA-256 %s)",
             f->entry ? f->entry->origin : "", f->entry ? "; " : "", from, sha256);
    if (!words.provenance && (f->entry || f->address))
        words.provenance = f->provenance;
    if (words.input == IMP_INPUT_AUTO && f->entry)
        words.input = f->entry->input;
    if (!words.licence && f->entry)
        words.licence = f->entry->licence;
    return imp_weights_install(f->name, path, &words, report, err);
}

/* Removes the download once it is installed, or if it is unusable. */
static imp_status install_part(fetch *f, imp_import_report *report, imp_error *err) {
    const imp_status status = install(f, f->part, report, err);
    if (status == IMP_OK || status == IMP_ERR_FORMAT || status == IMP_ERR_UNSUPPORTED ||
        status == IMP_ERR_NUMBER)
        drop_part(f);
    return status;
}

imp_status imp_weights_fetch(const char *name, const imp_fetch_options *options,
                             imp_import_report *report, imp_error *err) {
    static const imp_fetch_options usual = {0};
    char folder[IMP_PATH_MAX];
    fetch f = {
        .name = name, .entry = imp_weights_find(name), .options = options ? options : &usual};
    const char *const from = f.options->from;
    if (!(f.options->stall >= 0))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'stall-limit': invalid value '%g'; expected seconds, or 0 for %g",
                        f.options->stall, usual_stall);
    f.digest = f.entry ? f.entry->digest : NULL;
    TRY(imp_store_path(f.part, name, ".part", err));
    if (!f.entry && !from)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "weights '%s': unknown name: 'impasto weights list' shows the known ones; "
                        "others need an address",
                        name);
    if (from && !imp_http_is_address(from)) {
        TRY(imp_store_check(from, name, f.digest, err));
        return install(&f, from, report, err);
    }
    TRY(imp_weights_folder(folder, sizeof folder, true, err));
    TRY(check_space(&f, err));
    TRY(fetch_any(&f, err));
    return install_part(&f, report, err);
}
