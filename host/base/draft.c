/* SPDX-License-Identifier: MIT
 *
 * Writing files so that a name is always the whole old file or the whole new one: drafts, their
 * temporary names, and checks beforehand.
 */
#define _GNU_SOURCE /* O_TMPFILE, S_ISVTX */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* The part of a path up to and including the last slash. */
static size_t folder_length(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* ---- What a path names ----------------------------------------------------------------------- */

/* One symbolic link further: *path becomes what it points to. False: it is no link (errno 0), or an
 * error. */
static bool follow(char **path) {
    char to[IMP_PATH_MAX];
    const ssize_t length = readlink(*path, to, sizeof to - 1);
    errno = length < 0 && (errno == EINVAL || errno == ENOENT) ? 0 : errno;
    if (length <= 0)
        return false;
    to[length] = '\0';
    const size_t n = *to == '/' ? 0 : folder_length(*path);
    char *next = malloc(n + (size_t)length + 1);
    if (!next)
        return false;
    memcpy(next, *path, n);
    memcpy(next + n, to, (size_t)length + 1);
    free(*path);
    *path = next;
    return true;
}

/* The file that a path names after all symbolic links, which need not exist. The caller frees. */
static char *target_of(const char *path) {
    enum { LINKS_MAX = 40 }; /* as many as Linux follows */
    char *target = strdup(path);
    int left = LINKS_MAX;
    while (target && left > 0 && follow(&target))
        left--;
    if (left > 0 && target && errno == 0)
        return target;
    free(target);
    errno = left == 0 ? ELOOP : errno;
    return NULL;
}

bool imp_file_whole_path(char *whole, const char *path) {
    char *target = target_of(path), folder[IMP_PATH_MAX];
    const size_t n = target ? folder_length(target) : 0;
    snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, n ? target : ".");
    char *const real = target && n < sizeof folder ? realpath(folder, NULL) : NULL;
    int length = IMP_PATH_MAX;
    if (real)
        length =
            snprintf(whole, IMP_PATH_MAX, "%s%s%s", real, strcmp(real, "/") ? "/" : "", target + n);
    free(real);
    free(target);
    return length > 0 && length < IMP_PATH_MAX;
}

/* In a folder like /tmp only the owner of a file may replace it. */
static bool replaceable(const char *path, const struct stat *about) {
    struct stat parent;
    char folder[IMP_PATH_MAX];
    const size_t n = folder_length(path);
    snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, n ? path : ".");
    const uid_t self = geteuid();
    return self == 0 || about->st_uid == self || stat(folder, &parent) != 0 ||
           !(parent.st_mode & S_ISVTX) || parent.st_uid == self;
}

/* A rename would replace a device by a file, or fail late. */
static imp_status check_target(const char *path, imp_error *err) {
    struct stat about;
    if (path[0] == '\0' || path[folder_length(path)] == '\0')
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': the path has no file name: add one", path);
    const bool exists = stat(path, &about) == 0;
    if (!exists && errno == ENAMETOOLONG)
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': the name is too long, with %zu bytes: choose a "
                        "shorter one",
                        path, strlen(path + folder_length(path)));
    if (exists && !S_ISREG(about.st_mode))
        return imp_fail(err, IMP_ERR_IO, "cannot write '%s': it is %s: choose another name", path,
                        imp_file_kind(about.st_mode));
    if (exists && !replaceable(path, &about))
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': it belongs to another user, in a folder where only "
                        "they may replace it: choose another name",
                        path);
    return IMP_OK;
}

/* ---- Drafts ---------------------------------------------------------------------------------- */

static imp_status fail_draft(imp_error *err, const char *path, int code) {
    const size_t n = folder_length(path);
    char folder[256];
    snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, n ? path : ".");
    if (code == ENOENT)
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': there is no folder '%s': create it first", path,
                        folder);
    if (code == ENOTDIR)
        return imp_fail(err, IMP_ERR_IO, "cannot write '%s': '%s' is not a folder: choose another",
                        path, folder);
    if (code == EACCES || code == EPERM || code == EROFS)
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': folder '%s' is not writable: choose another, or change "
                        "its permissions",
                        path, folder);
    return imp_fail_system(err, "write", "file", path, code);
}

enum { NAME_ROOM = 64, TRIES = 1000 };

/* Writes the i-th temporary name beside the target; `name` holds the folder and NAME_ROOM. */
static void name_temporary(char *name, const char *target, unsigned i) {
    const size_t n = folder_length(target);
    memcpy(name, target, n);
    snprintf(name + n, NAME_ROOM, ".impasto-%ld-%u.tmp", (long)getpid(), i);
}

#ifdef O_TMPFILE
/* A file without a name, in the target's folder: it vanishes with the process. It gets its name in
 * keep_nameless. Not every file system has such files. */
static bool open_nameless(imp_draft *d, mode_t mode) {
    const size_t n = folder_length(d->target);
    snprintf(d->name, n + NAME_ROOM, "%.*s", n ? (int)n : 1, n ? d->target : ".");
    d->fd = open(d->name, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (d->fd < 0)
        return false;
    snprintf(d->name, n + NAME_ROOM, "/proc/self/fd/%d", d->fd);
    if (access(d->name, W_OK) == 0)
        return true;
    close(d->fd);
    d->fd = -1;
    return false;
}

/* Gives it a temporary name, because a link cannot replace a file. */
static bool keep_nameless(imp_draft *d) {
    char *named = malloc(folder_length(d->target) + NAME_ROOM);
    bool linked = false;
    for (unsigned i = 0; named && i < TRIES && !linked; i++) {
        name_temporary(named, d->target, i);
        linked = linkat(AT_FDCWD, d->name, AT_FDCWD, named, AT_SYMLINK_FOLLOW) == 0;
        if (!linked && errno != EEXIST)
            break;
    }
    const int code = errno;
    if (linked) {
        char *const old = d->name;
        d->name = named;
        named = old;
        d->named = true;
    }
    free(named);
    errno = code;
    return linked;
}
#else
static bool open_nameless(imp_draft *d, mode_t mode) {
    (void)d;
    (void)mode;
    return false;
}

static bool keep_nameless(imp_draft *d) {
    (void)d;
    errno = ENOTSUP;
    return false;
}
#endif

/* O_EXCL keeps processes and threads apart, and never follows a link. */
static bool open_named(imp_draft *d, mode_t mode) {
    d->named = true;
    for (unsigned i = 0; i < TRIES; i++) {
        name_temporary(d->name, d->target, i);
        d->fd = open(d->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (d->fd >= 0 || errno != EEXIST)
            break;
    }
    return d->fd >= 0;
}

/* A file that is replaced keeps its owner, as far as the system allows, and its permissions. */
static void take_owner(const imp_draft *d) {
    struct stat old, own;
    if (stat(d->target, &old) != 0 || fstat(d->fd, &own) != 0)
        return;
    mode_t mode = old.st_mode & 0777;
    if (old.st_gid != own.st_gid && fchown(d->fd, (uid_t)-1, old.st_gid) != 0)
        mode &= (mode_t)~0070; /* for the old group, not for ours */
    if (old.st_uid != own.st_uid && fchown(d->fd, old.st_uid, (gid_t)-1) != 0)
        mode |= S_IRUSR | S_IWUSR; /* it is ours now */
    fchmod(d->fd, mode);
}

static void release(imp_draft *d) {
    if (d->fd >= 0)
        close(d->fd);
    free(d->name);
    free(d->target);
    *d = (imp_draft){.fd = -1};
}

/* Mode 0666 leaves the permissions to the umask. */
static imp_status begin(imp_draft *d, const char *path, bool private, imp_error *err) {
    const mode_t mode = private ? 0600 : 0666;
    *d = (imp_draft){.fd = -1};
    TRY(check_target(path, err));
    d->target = target_of(path);
    if (!d->target)
        return fail_draft(err, path, errno);
    d->name = malloc(folder_length(d->target) + NAME_ROOM);
    if (d->name && (open_nameless(d, mode) || open_named(d, mode))) {
        if (!private)
            take_owner(d);
        return IMP_OK;
    }
    const int code = d->name ? errno : ENOMEM;
    release(d);
    return fail_draft(err, path, code);
}

/* Whether an entry of a folder is a temporary file that a killed process left behind. The folder
 * may be shared with other machines, whose processes are not visible here, so the file must also be
 * an hour old. */
static bool is_left_over(int folder, const char *name) {
    enum { HOUR = 3600 };
    struct stat about;
    long pid;
    unsigned i;
    int length = 0;
    return sscanf(name, ".impasto-%ld-%u.tmp%n", &pid, &i, &length) == 2 && length > 0 &&
           name[length] == '\0' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
           fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode) &&
           about.st_uid == geteuid() && time(NULL) - about.st_mtime > HOUR;
}

/* Removes such files from the folder of path. */
static void sweep(const char *path) {
    char folder[IMP_PATH_MAX];
    const size_t n = folder_length(path);
    snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, n ? path : ".");
    DIR *const entries = n < sizeof folder ? opendir(folder) : NULL;
    for (const struct dirent *e; entries && (e = readdir(entries));)
        if (is_left_over(dirfd(entries), e->d_name))
            unlinkat(dirfd(entries), e->d_name, 0);
    if (entries)
        closedir(entries);
}

imp_status imp_file_begin(imp_draft *d, const char *path, imp_error *err) {
    TRY(begin(d, path, false, err));
    sweep(d->target);
    return IMP_OK;
}

/* Some file systems cannot sync and return EINVAL. */
static bool settle(imp_draft *d) {
    return (fsync(d->fd) == 0 || errno == EINVAL) && (d->named || keep_nameless(d)) &&
           rename(d->name, d->target) == 0;
}

imp_status imp_file_end(imp_draft *d, const char *path, bool keep, imp_error *err) {
    const int code = keep && !settle(d) ? errno ? errno : EIO : 0;
    if (d->named && (!keep || code))
        unlink(d->name);
    release(d);
    return code ? imp_fail_system(err, "write", "file", path, code) : IMP_OK;
}

/* ---- Whole files ----------------------------------------------------------------------------- */

/* The stream has a descriptor of its own: what closing it reports must be known before the end. */
static imp_status fill_draft(const imp_draft *d, imp_file_fill fill, const void *user,
                             imp_error *err) {
    const int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
    FILE *const file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file) {
        const int code = errno;
        if (fd >= 0)
            close(fd);
        errno = code;
        return IMP_ERR_IO;
    }
    errno = 0;
    imp_status status = fill(file, user, err);
    int code = errno;
    if (fclose(file) != 0 && status == IMP_OK) {
        code = errno;
        status = IMP_ERR_IO;
    }
    errno = code;
    return status;
}

static imp_status replace(const char *path, bool private, imp_file_fill fill, const void *user,
                          imp_error *err) {
    imp_draft d;
    TRY(begin(&d, path, private, err));
    sweep(d.target);
    const imp_status status = fill_draft(&d, fill, user, err);
    const int code = errno;
    const imp_status ended = imp_file_end(&d, path, status == IMP_OK, err);
    if (status == IMP_ERR_IO)
        return imp_fail_system(err, "write", "file", path, code ? code : EIO);
    return status != IMP_OK ? status : ended;
}

imp_status imp_file_replace(const char *path, imp_file_fill fill, const void *user,
                            imp_error *err) {
    return replace(path, false, fill, user, err);
}

imp_status imp_file_replace_private(const char *path, imp_file_fill fill, const void *user,
                                    imp_error *err) {
    return replace(path, true, fill, user, err);
}

typedef struct memory {
    const void *bytes;
    size_t size;
} memory;

static imp_status fill_bytes(FILE *file, const void *user, imp_error *err) {
    const memory *m = user;
    (void)err;
    return fwrite(m->bytes, 1, m->size, file) == m->size ? IMP_OK : IMP_ERR_IO;
}

imp_status imp_file_replace_bytes(const char *path, const void *bytes, size_t size,
                                  imp_error *err) {
    return imp_file_replace(path, fill_bytes, &(memory){bytes, size}, err);
}

bool imp_file_keep(const char *path, const char *second) {
    if (unlink(second) != 0 && errno != ENOENT)
        return false;
    return link(path, second) == 0 || rename(path, second) == 0; /* some systems have no links */
}

/* ---- Beforehand ------------------------------------------------------------------------------ */

imp_status imp_file_check_output(const char *path, size_t bytes, imp_error *err) {
    imp_draft d;
    struct statvfs about;
    TRY(imp_file_begin(&d, path, err));
    const bool known = fstatvfs(d.fd, &about) == 0 && about.f_blocks > 0 && about.f_frsize > 0;
    TRY(imp_file_end(&d, path, false, err));
    if (bytes > 0 && known && bytes / about.f_frsize >= about.f_bavail)
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': its folder has %.1f MiB free, and the file may "
                        "need %.1f MiB: free some space or choose another folder",
                        path, (double)about.f_bavail * (double)about.f_frsize / 0x1p20,
                        (double)bytes / 0x1p20);
    return IMP_OK;
}
