/* SPDX-License-Identifier: MIT
 *
 * Memory for computation on the processor.
 */
#ifndef IMP_PAGES_H
#define IMP_PAGES_H

#include <stddef.h>

enum { IMP_LARGE = 1 << 22 }; /* bytes from which large pages pay off: two of them */

/* Maps of at least this many bytes are written past the caches, which would evict them before they
 * are read (measured with 1 and 2 MiB of second-level cache per core; half the limit gains nothing
 * more). */
enum { IMP_FAR = 16 << 20 };

/* Allocates `bytes` at a multiple of `alignment`, a power of two of at most 2 MiB. From IMP_LARGE
 * on it uses large pages where the system has them, so that the processor's TLB covers more. The
 * contents are undefined. The caller frees; NULL: out of memory. */
void *imp_pages_take(size_t alignment, size_t bytes);

#endif
