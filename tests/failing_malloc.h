/* SPDX-License-Identifier: MIT
 *
 * An allocator that fails on demand. It replaces the C library's in a program that includes this
 * header, in one source file, and in all its shared libraries. Under a sanitizer or valgrind, which
 * bring their own allocator, can_fail() is false and the tests must be skipped.
 */
#ifndef IMP_FAILING_MALLOC_H
#define IMP_FAILING_MALLOC_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static atomic_long left = -1; /* allocations before the one that fails; negative: none fails */
static atomic_long live;      /* blocks allocated and not freed */
/* Allocations requested so far; unused in some programs. */
__attribute__((unused)) static atomic_long asked;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1 /* as gcc defines it */
#endif
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

/* Shared libraries must find these functions too. */
#define EXPORTED __attribute__((visibility("default")))

static bool fails(void) {
    asked++;
    if (left < 0 || left-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *p) {
    live += p != NULL;
    return p;
}

EXPORTED void *malloc(size_t size) {
    return fails() ? NULL : counted(__libc_malloc(size));
}

EXPORTED void *calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

EXPORTED void *realloc(void *old, size_t size) {
    if (!old)
        return malloc(size);
    return fails() ? NULL : __libc_realloc(old, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size) {
    void *p = fails() ? NULL : counted(__libc_memalign(alignment, size));
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

EXPORTED void free(void *p) {
    live -= p != NULL;
    __libc_free(p);
}
#endif

static inline bool can_fail(void) {
    void *(*volatile allocate)(size_t) = malloc; /* volatile: the call is not optimised away */
    left = 0;
    void *p = allocate(1);
    left = -1;
    free(p);
    return p == NULL;
}

#endif
