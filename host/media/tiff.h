/* SPDX-License-Identifier: MIT
 *
 * Opening libtiff on bytes in memory, for the reader and the writer of TIFF.
 */
#ifndef IMP_MEDIA_TIFF_H
#define IMP_MEDIA_TIFF_H

#include <tiffio.h>

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

#endif
