/* SPDX-License-Identifier: MIT
 *
 * Memory for computation on the processor: see pages.h.
 */
#define _DEFAULT_SOURCE /* madvise */
#include "base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

void *imp_pages_take(size_t alignment, size_t bytes) {
    const size_t step = bytes < IMP_LARGE ? alignment : IMP_LARGE / 2;
    const size_t size = (bytes / step + 1) * step;
    void *pages = aligned_alloc(step, size);
#ifdef MADV_HUGEPAGE
    if (pages && bytes >= IMP_LARGE)
        madvise(pages, size, MADV_HUGEPAGE); /* affects speed only */
#endif
    return pages;
}
