/* SPDX-License-Identifier: MIT
 *
 * Memory that a processor computes in.
 */
#ifndef IMP_PAGES_H
#define IMP_PAGES_H

#include <stddef.h>

enum { IMP_LARGE = 1 << 22 }; /* bytes from which on large pages are worth it: two of them */

/* Bytes of a map from which on it is written past the caches: they would lose it before it is read
 * (measured with 1 and 2 MiB of second-level cache a core; half as many gains nothing more). */
enum { IMP_FAR = 16 << 20 };

/* So many bytes at a multiple of `alignment`, a power of two of at most 2 MiB; from IMP_LARGE on in
 * large pages, where the system has them: a processor's caches of addresses then hold more of it.
 * The caller frees; NULL: no memory. Contents undefined. */
void *imp_pages_take(size_t alignment, size_t bytes);

#endif
