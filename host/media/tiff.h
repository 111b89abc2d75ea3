/* SPDX-License-Identifier: MIT
 *
 * Opening libtiff on bytes in memory, for the reader and the writer of TIFF, and choosing a page.
 */
#ifndef IMP_MEDIA_TIFF_H
#define IMP_MEDIA_TIFF_H

#include <tiffio.h>

#include "media/media.h"

typedef struct imp_tiff_stream {
    void *user; /* passed to all callbacks */
    TIFFErrorHandlerExtR on_error;
    TIFFReadWriteProc read, write;
    TIFFSeekProc seek;
    TIFFSizeProc size;
} imp_tiff_stream;

/* Warnings are ignored. The caller closes with TIFFClose. NULL: after on_error, or out of memory.
 */
TIFF *imp_tiff_open(const char *mode, const imp_tiff_stream *stream);

/* Finds the page to read, in a file that was just opened: its offset *sub as TIFFSetSubDirectory
 * takes it or, where that is 0, its *number. libtiff may complain meanwhile about other pages.
 * Errors: IMP_ERR_UNSUPPORTED (camera raw). */
imp_status imp_tiff_find_page(toff_t *sub, tdir_t *number, TIFF *tiff, const imp_decode *t,
                              imp_error *err);

#endif
