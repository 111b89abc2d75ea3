/* SPDX-License-Identifier: MIT
 *
 * Whole files: reading, atomic replacement and its temporary files, and checks beforehand.
 */
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

/* ---- Messages -------------------------------------------------------------------------------- */

static const char *advice_for(int code) {
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return "check the path";
    case EACCES:
    case EPERM:
        return "check its permissions and those of its folder";
    case EROFS:
        return "choose another folder";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "free some space or choose another folder";
    case ENOMEM:
        return "close other programs";
    default:
        return "try again, or choose another place";
    }
}

imp_status imp_fail_system(imp_error *err, const char *did, const char *kind, const char *path,
                           int code) {
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", code);
    return imp_fail(err, code == ENOMEM ? IMP_ERR_MEMORY : IMP_ERR_IO, "cannot %s %s '%s': %s: %s",
                    did, kind, path, reason, advice_for(code));
}

static const char *name_of_mode(mode_t mode) {
    return S_ISDIR(mode) ? "a folder" : "not a regular file";
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Without O_NONBLOCK, opening a pipe that nobody writes to would block. */
imp_status imp_file_open(int *fd, size_t *size, const char *kind, const char *path,
                         imp_error *err) {
    struct stat about;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &about) != 0) {
        const int code = errno;
        if (*fd >= 0)
            close(*fd);
        return imp_fail_system(err, "read", kind, path, code);
    }
    *size = (size_t)about.st_size;
    if (S_ISREG(about.st_mode) && (uintmax_t)about.st_size < SIZE_MAX)
        return IMP_OK;
    close(*fd);
    return imp_fail(err, IMP_ERR_IO, "cannot read %s '%s': it is %s: give a file", kind, path,
                    name_of_mode(about.st_mode));
}

size_t imp_file_take(int fd, unsigned char *bytes, size_t size) {
    size_t got = 0;
    errno = 0;
    while (got < size) {
        const ssize_t n = read(fd, bytes + got, size - got);
        if (n < 0 && errno == EINTR)
            errno = 0;
        else if (n <= 0)
            break;
        else
            got += (size_t)n;
    }
    return got;
}

static imp_status read_open(unsigned char **bytes, size_t size, int fd, const char *kind,
                            const char *path, imp_error *err) {
    if (size == 0)
        return imp_fail(err, IMP_ERR_FORMAT, "%s '%s': the file is empty: fetch or save it again",
                        kind, path);
    unsigned char *const all = malloc(size);
    if (!all)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "%s '%s': out of memory for its %zu bytes: close other programs", kind,
                        path, size);
    if (imp_file_take(fd, all, size) == size) {
        *bytes = all;
        return IMP_OK;
    }
    const int code = errno;
    free(all);
    if (code != 0)
        return imp_fail_system(err, "read", kind, path, code);
    return imp_fail(err, IMP_ERR_IO, "%s '%s': the file shrank while it was read: try again", kind,
                    path);
}

imp_status imp_file_read(unsigned char **bytes, size_t *size, const char *kind, const char *path,
                         imp_error *err) {
    int fd;
    *bytes = NULL;
    *size = 0;
    TRY(imp_file_open(&fd, size, kind, path, err));
    const imp_status status = read_open(bytes, *size, fd, kind, path, err);
    close(fd);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* The part of a path up to and including the last slash. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A rename would replace a device by a file, or fail late on a folder. */
static imp_status check_target(const char *path, imp_error *err) {
    struct stat about;
    if (path[0] == '\0' || path[folder_length(path)] == '\0')
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': the path has no file name: add one", path);
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        return imp_fail(err, IMP_ERR_IO, "cannot write '%s': it is %s: choose another name", path,
                        name_of_mode(about.st_mode));
    return IMP_OK;
}

static imp_status fail_temporary(imp_error *err, const char *path, int code) {
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

/* Creates a temporary file in path's folder. O_EXCL keeps processes and threads apart; mode 0666
 * leaves the permissions to the umask, which mkstemp would not. The caller frees *name. */
static imp_status open_temporary(int *fd, char **name, const char *path, imp_error *err) {
    enum { TRIES = 1000, ROOM = 64 };
    const size_t n = folder_length(path);
    TRY(check_target(path, err));
    *name = malloc(n + ROOM);
    if (!*name)
        return imp_fail(err, IMP_ERR_MEMORY, "cannot write '%s': out of memory", path);
    memcpy(*name, path, n);
    *fd = -1;
    for (unsigned i = 0; i < TRIES && *fd < 0; i++) {
        snprintf(*name + n, ROOM, ".impasto-%ld-%u.tmp", (long)getpid(), i);
        *fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd < 0 && errno != EEXIST)
            break;
    }
    if (*fd >= 0)
        return IMP_OK;
    const int code = errno;
    free(*name);
    return fail_temporary(err, path, code);
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

/* Some file systems cannot sync and return EINVAL. */
static bool flush_to_disk(FILE *file) {
    return fflush(file) == 0 && (fsync(fileno(file)) == 0 || errno == EINVAL);
}

imp_status imp_file_replace(const char *path, imp_file_fill fill, const void *user,
                            imp_error *err) {
    int fd;
    char *name;
    sweep(path);
    TRY(open_temporary(&fd, &name, path, err));
    imp_status status = IMP_ERR_IO;
    FILE *const file = fdopen(fd, "wb");
    errno = file ? 0 : errno;
    if (file)
        status = fill(file, user, err);
    if (status == IMP_OK && !flush_to_disk(file))
        status = IMP_ERR_IO;
    int code = errno;
    if ((file ? fclose(file) : close(fd)) != 0 && status == IMP_OK) {
        code = errno;
        status = IMP_ERR_IO;
    }
    if (status == IMP_OK && rename(name, path) != 0) {
        code = errno;
        status = IMP_ERR_IO;
    }
    if (status != IMP_OK)
        unlink(name);
    free(name);
    return status == IMP_ERR_IO ? imp_fail_system(err, "write", "file", path, code ? code : EIO)
                                : status;
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

imp_status imp_file_begin(char **name, const char *path, imp_error *err) {
    int fd;
    const imp_status status = open_temporary(&fd, name, path, err);
    if (status == IMP_OK)
        close(fd);
    else
        *name = NULL;
    return status;
}

imp_status imp_file_end(char *name, const char *path, bool keep, imp_error *err) {
    const int code = keep && rename(name, path) != 0 ? errno : 0;
    if (!keep || code)
        unlink(name);
    free(name);
    return code ? imp_fail_system(err, "write", "file", path, code) : IMP_OK;
}

imp_status imp_file_check_output(const char *path, size_t bytes, imp_error *err) {
    int fd;
    char *name;
    struct statvfs about;
    TRY(open_temporary(&fd, &name, path, err));
    sweep(path);
    const bool known = fstatvfs(fd, &about) == 0 && about.f_blocks > 0 && about.f_frsize > 0;
    close(fd);
    unlink(name);
    free(name);
    if (bytes > 0 && known && bytes / about.f_frsize >= about.f_bavail)
        return imp_fail(err, IMP_ERR_IO,
                        "cannot write '%s': its folder has %.1f MiB free, and the file may "
                        "need %.1f MiB: free some space or choose another folder",
                        path, (double)about.f_bavail * (double)about.f_frsize / 0x1p20,
                        (double)bytes / 0x1p20);
    return IMP_OK;
}
