/* SPDX-License-Identifier: MIT
 *
 * Downloads an address into a file, over several calls if need be. A second file beside it holds
 * what is needed to resume, in three lines: the address, the total size, and the server's validator
 * (ETag or date).
 */
#include "net/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"

enum { LINE_ROOM = 4096, VALIDATOR_ROOM = 256 };

/* What is known about the bytes downloaded so far. */
typedef struct origin {
    char
        address[LINE_ROOM]; /* its SHA-256, since it may hold a password; older notes have itself */
    char validator[VALIDATOR_ROOM];
    uint64_t total; /* 0: unknown */
} origin;

typedef struct part {
    const char *path, *address;
    char beside[IMP_PATH_MAX + 16]; /* the file that holds the origin */
    origin origin;
    int fd;
    bool changed; /* the server's file is no longer the one begun here */
} part;

static imp_status fail_write(const part *p, int code, imp_error *err) {
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", code);
    return imp_fail(err, IMP_ERR_IO, "cannot write '%s': %s: %s", p->path, reason,
                    code == ENOSPC || code == EDQUOT ? "free some space and try again"
                                                     : "check its folder");
}

/* ---- The origin ------------------------------------------------------------------------------ */

static bool read_line(char *line, size_t size, FILE *file) {
    if (!fgets(line, (int)size, file))
        return false;
    const size_t length = strcspn(line, "\n");
    const bool whole = line[length] == '\n';
    line[length] = 0;
    return whole;
}

/* Zeroed where the file is missing or incomplete; nothing of the part is used then. */
static void read_origin(part *p) {
    char number[32];
    FILE *const file = fopen(p->beside, "r");
    p->origin = (origin){0};
    if (!file)
        return;
    if (!read_line(p->origin.address, sizeof p->origin.address, file) ||
        !read_line(number, sizeof number, file) ||
        !read_line(p->origin.validator, VALIDATOR_ROOM, file))
        p->origin = (origin){0};
    else
        p->origin.total = strtoull(number, NULL, 10);
    fclose(file);
}

static imp_status fill_origin(FILE *file, const void *user, imp_error *err) {
    const origin *o = user;
    (void)err;
    return fprintf(file, "%s\n%" PRIu64 "\n%s\n", o->address, o->total, o->validator) > 0
               ? IMP_OK
               : IMP_ERR_IO;
}

/* ---- The file -------------------------------------------------------------------------------- */

static imp_status empty(part *p, imp_error *err) {
    if (ftruncate(p->fd, 0) == 0 && lseek(p->fd, 0, SEEK_SET) == 0)
        return IMP_OK;
    return fail_write(p, errno, err);
}

/* A strong ETag, else the date of last modification; "" where there is neither. */
static void take_validator(char *out, const imp_transfer *t) {
    const char *tag = imp_transfer_field(t, "ETag");
    if (!tag || strncmp(tag, "W/", 2) == 0)
        tag = imp_transfer_field(t, "Last-Modified");
    snprintf(out, VALIDATOR_ROOM, "%s", tag && strlen(tag) < VALIDATOR_ROOM ? tag : "");
}

/* Whether "bytes A-B/TOTAL" continues where the part ends, with the same total. */
static bool fits(const part *p, const imp_transfer *t) {
    const char *const range = imp_transfer_field(t, "Content-Range");
    uint64_t from, to, total;
    return range &&
           sscanf(range, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, &total) == 3 &&
           from == t->before && total == p->origin.total;
}

static imp_status begin(imp_transfer *t, long code, imp_error *err) {
    part *const p = t->into;
    if (code == 206) {
        p->changed = !fits(p, t);
        return p->changed ? IMP_ERR_IO : IMP_OK;
    }
    p->origin = (origin){.total = t->total};
    imp_bytes_sha256(p->origin.address, p->address, strlen(p->address));
    take_validator(p->origin.validator, t);
    const imp_status status = empty(p, err);
    return status == IMP_OK ? imp_file_replace(p->beside, fill_origin, &p->origin, err) : status;
}

static imp_status take(imp_transfer *t, const void *bytes, size_t size, imp_error *err) {
    const part *const p = t->into;
    const unsigned char *next = bytes;
    while (size > 0) {
        const ssize_t n = write(p->fd, next, size);
        if (n < 0 && errno != EINTR)
            return fail_write(p, errno, err);
        if (n > 0) {
            next += n;
            size -= (size_t)n;
        }
    }
    return IMP_OK;
}

/* ---- Over several calls ---------------------------------------------------------------------- */

/* Opens the part for this process alone. *kept: how many of its bytes can be used. */
static imp_status open_part(part *p, uint64_t *kept, imp_error *err) {
    struct stat about;
    if ((size_t)snprintf(p->beside, sizeof p->beside, "%s.from", p->path) >= sizeof p->beside)
        return fail_write(p, ENAMETOOLONG, err);
    p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (p->fd < 0)
        return fail_write(p, errno, err);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(p->fd, F_SETLK, &whole) != 0 && (errno == EACCES || errno == EAGAIN))
        return imp_fail(err, IMP_ERR_IO,
                        "'%s': another process is fetching it: wait until it has finished",
                        p->path);
    if (fstat(p->fd, &about) != 0)
        return fail_write(p, errno, err);
    read_origin(p);
    if (p->origin.total > 0 && (uint64_t)about.st_size <= p->origin.total)
        *kept = (uint64_t)about.st_size;
    return lseek(p->fd, (off_t)*kept, SEEK_SET) >= 0 ? IMP_OK : fail_write(p, errno, err);
}

static imp_status fail_whole(const part *p, const char *what, imp_error *err) {
    char shown[256];
    imp_http_show(shown, sizeof shown, p->address);
    return imp_fail(err, IMP_ERR_FORMAT, "'%s': %s: check the address", shown, what);
}

static bool is_address_of(const origin *o, const char *address) {
    char own[65];
    return strcmp(o->address, address) == 0 ||
           (imp_bytes_sha256(own, address, strlen(address)) && strcmp(o->address, own) == 0);
}

static imp_status fetch_once(part *p, uint64_t kept, const imp_http_terms *terms, imp_error *err) {
    static const imp_sink sink = {begin, take};
    const bool known = is_address_of(&p->origin, p->address) && *p->origin.validator;
    char validator[VALIDATOR_ROOM];
    snprintf(validator, sizeof validator, "%s", p->origin.validator);
    imp_transfer t = {.address = p->address,
                      .terms = terms,
                      .sink = &sink,
                      .into = p,
                      .before = kept,
                      .validator = known ? validator : NULL};
    imp_error why = {0};
    const imp_status status = imp_transfer_run(&t, &why);
    p->changed = p->changed || (kept > 0 && t.code == 416);
    if (status != IMP_OK && !p->changed)
        return imp_fail(err, status, "%s", why.text);
    if (status == IMP_OK && t.done == 0)
        return fail_whole(p, "the answer is empty", err);
    return status;
}

static imp_status fetch_open(part *p, uint64_t kept, const imp_http_terms *terms, imp_error *err) {
    if (kept > 0 && kept == p->origin.total)
        return IMP_OK;
    const imp_status status = fetch_once(p, kept, terms, err);
    if (!p->changed)
        return status;
    p->changed = false;
    p->origin = (origin){0};
    const imp_status emptied = empty(p, err);
    return emptied == IMP_OK ? fetch_once(p, 0, terms, err) : emptied;
}

imp_status imp_http_fetch(const char *path, const char *address, const imp_http_terms *terms,
                          imp_error *err) {
    part p = {.path = path, .address = address, .fd = -1};
    uint64_t kept = 0;
    imp_status status =
        strlen(address) < LINE_ROOM && !strpbrk(address, "\r\n")
            ? open_part(&p, &kept, err)
            : imp_fail(err, IMP_ERR_ARGUMENT, "'%.100s...': this is not a valid address: check it",
                       address);
    if (status == IMP_OK)
        status = fetch_open(&p, kept, terms, err);
    if (status == IMP_OK && fsync(p.fd) != 0 && errno != EINVAL)
        status = fail_write(&p, errno, err);
    if (p.fd >= 0 && close(p.fd) != 0 && status == IMP_OK)
        status = fail_write(&p, errno, err);
    if (status == IMP_OK)
        unlink(p.beside);
    return status;
}
