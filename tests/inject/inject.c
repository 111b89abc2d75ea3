/* SPDX-License-Identifier: MIT
 *
 * Makes calls of the C library fail on demand, in a program that it is preloaded into. Counted are
 * the calls that impasto and its library make themselves, and those of any library that write.
 *
 *     IMPASTO_INJECT       "write": what writes, opens for writing, syncs or renames;
 *                          "alloc": what allocates
 *     IMPASTO_INJECT_AT    which call fails, from 1; 0: none
 *     IMPASTO_INJECT_STAYS if set, all later ones fail, too, like on a full disk
 *     IMPASTO_INJECT_ERROR the errno, as a number (default: ENOSPC, and ENOMEM)
 *     IMPASTO_INJECT_LOG   a file that gets the number of calls at the end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    bool ready, writes, allocs, stays;
    long at;
    int code;
    uintptr_t begin[4], end[4]; /* of the program and its library in memory */
    size_t ranges;
} plan;
static atomic_long calls;

static int find_ranges(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    (void)user;
    if (info->dlpi_name[0] && !strstr(info->dlpi_name, "libimpasto"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum && plan.ranges < 4; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        plan.begin[plan.ranges] = info->dlpi_addr + p->p_vaddr;
        plan.end[plan.ranges++] = info->dlpi_addr + p->p_vaddr + p->p_memsz;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *what = getenv("IMPASTO_INJECT"), *at = getenv("IMPASTO_INJECT_AT");
    const char *code = getenv("IMPASTO_INJECT_ERROR");
    plan.writes = what && !strcmp(what, "write");
    plan.allocs = what && !strcmp(what, "alloc");
    plan.stays = getenv("IMPASTO_INJECT_STAYS");
    plan.at = at ? strtol(at, NULL, 10) : 0;
    plan.code = code ? (int)strtol(code, NULL, 10) : plan.allocs ? ENOMEM : ENOSPC;
    dl_iterate_phdr(find_ranges, NULL);
    plan.ready = true;
}

__attribute__((destructor)) static void end(void) {
    const char *log = getenv("IMPASTO_INJECT_LOG");
    plan.ready = false;
    const int fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (fd >= 0) {
        dprintf(fd, "%ld\n", (long)calls);
        close(fd);
    }
}

static bool own(const void *caller) {
    const uintptr_t address = (uintptr_t)caller;
    for (size_t i = 0; i < plan.ranges; i++)
        if (address >= plan.begin[i] && address < plan.end[i])
            return true;
    return false;
}

/* Counts a call; true: it must fail, and errno is set. */
static bool fails(bool kind) {
    if (!plan.ready || !kind)
        return false;
    const long n = ++calls;
    const bool now = plan.at > 0 && (n == plan.at || (plan.stays && n > plan.at));
    if (now)
        errno = plan.code;
    return now;
}

/* The real function of that name, found once. */
#define REAL(result, name, ...)                                                                    \
    static result (*real)(__VA_ARGS__);                                                            \
    if (!real)                                                                                     \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

#define CALLER __builtin_return_address(0)

/* ---- What writes ----------------------------------------------------------------------------- */

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    return fd > 2 && fails(plan.writes) ? -1 : real(fd, bytes, size);
}

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
    REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
    return own(CALLER) && fileno(file) > 2 && fails(plan.writes) ? 0
                                                                 : real(bytes, size, count, file);
}

int fflush(FILE *file) {
    REAL(int, fflush, FILE *);
    return file && own(CALLER) && fileno(file) > 2 && fails(plan.writes) ? EOF : real(file);
}

int fclose(FILE *file) {
    REAL(int, fclose, FILE *);
    const bool fail =
        own(CALLER) && (fcntl(fileno(file), F_GETFL) & O_ACCMODE) != O_RDONLY && fails(plan.writes);
    const int code = errno, closed = real(file);
    errno = fail ? code : errno;
    return fail ? EOF : closed;
}

FILE *fdopen(int fd, const char *mode) {
    REAL(FILE *, fdopen, int, const char *);
    return own(CALLER) && *mode == 'w' && fails(plan.writes) ? NULL : real(fd, mode);
}

int fsync(int fd) {
    REAL(int, fsync, int);
    return fails(plan.writes) ? -1 : real(fd);
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    return own(CALLER) && fails(plan.writes) ? -1 : real(fd, length);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return fails(plan.writes) ? -1 : real(from, to);
}

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *);
    return fails(plan.writes) ? -1 : real(from, to);
}

int linkat(int a, const char *from, int b, const char *to, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int);
    return fails(plan.writes) ? -1 : real(a, from, b, to, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    return own(CALLER) && fails(plan.writes) ? -1 : real(path, mode);
}

static bool opens_to_write(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    REAL(int, open, const char *, int, ...);
    return strncmp(path, "/dev/", 5) != 0 && opens_to_write(flags) && fails(plan.writes)
               ? -1
               : real(path, flags, mode);
}

FILE *tmpfile(void) {
    REAL(FILE *, tmpfile, void);
    return fails(plan.writes) ? NULL : real();
}

/* ---- What allocates -------------------------------------------------------------------------- */

/* NOLINTBEGIN(bugprone-reserved-identifier): the C library's own, under the names it gives them */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

void *malloc(size_t size) {
    return plan.allocs && own(CALLER) && fails(true) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return plan.allocs && own(CALLER) && fails(true) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return plan.allocs && own(CALLER) && fails(true) ? NULL : __libc_realloc(old, size);
}

char *strdup(const char *text) {
    const size_t size = strlen(text) + 1;
    char *copy = plan.allocs && own(CALLER) && fails(true) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
