/* SPDX-License-Identifier: MIT
 *
 * Whole files: messages, and reading. Writing is in draft.c.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

const char *imp_file_kind(mode_t mode) {
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
                    imp_file_kind(about.st_mode));
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
