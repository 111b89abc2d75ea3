/* SPDX-License-Identifier: MIT
 *
 * How the reader and the writer of TIFF open libtiff on what is no file of its own.
 */
#ifndef IMP_MEDIA_TIFF_H
#define IMP_MEDIA_TIFF_H

#include <tiffio.h>

typedef struct imp_tiff_stream {
    void *user; /* handed to all of them */
    TIFFErrorHandlerExtR on_error;
    TIFFReadWriteProc read, write;
    TIFFSeekProc seek;
    TIFFSizeProc size;
} imp_tiff_stream;

/* NULL, after on_error or without memory. Warnings are dropped. */
TIFF *imp_tiff_open(const char *mode, const imp_tiff_stream *stream);

#endif
