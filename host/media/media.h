/* SPDX-License-Identifier: MIT
 *
 * What the picture functions of impasto.h are made of: one pair of reader and writer for each file
 * format, which know nothing of names and folders.
 */
#ifndef IMP_MEDIA_MEDIA_H
#define IMP_MEDIA_MEDIA_H

#include "impasto.h"

/* A picture file in memory. */
typedef struct imp_source {
    const unsigned char *bytes; /* borrowed */
    size_t size;
    const char *path; /* for messages; borrowed */
    size_t max_pixels;
} imp_source;

/* What is written to a file. */
typedef struct imp_painting {
    const imp_picture *picture;
    const char *path; /* for messages */
    int quality;      /* 1..100, JPEG only */
    const char *text; /* UTF-8, or NULL */
} imp_painting;

/* imp_picture_read for bytes in memory, told by their first ones. */
imp_status imp_picture_decode(imp_picture *out, const imp_source *in, imp_error *err);

/* Decoders give a picture to be finished by the caller, also when they fail half-way. */
imp_status imp_png_read(imp_picture *out, const imp_source *in, imp_error *err);
imp_status imp_jpeg_read(imp_picture *out, const imp_source *in, imp_error *err);

/* *text: to be freed, or NULL where the file has none of ours. */
imp_status imp_png_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_jpeg_text(char **text, const imp_source *in, imp_error *err);

/* imp_file_fill; painting: an imp_painting. */
imp_status imp_png_write(FILE *file, const void *painting, imp_error *err);
imp_status imp_jpeg_write(FILE *file, const void *painting, imp_error *err);

/* ---- What both formats need ------------------------------------------------------------------ */

/* A picture with undefined colours; both sides at least 1. Refuses with IMP_ERR_MEMORY. */
imp_status imp_picture_alloc(imp_picture *out, size_t width, size_t height, imp_error *err);

/* imp_picture_alloc for a file that says it has this size: refuses more than in->max_pixels. */
imp_status imp_picture_expect(imp_picture *out, const imp_source *in, size_t width, size_t height,
                              imp_error *err);

/* Row y in 3 * width bytes, rounded to the nearest; what is no number becomes 0. */
void imp_picture_row(unsigned char *row, const imp_picture *picture, size_t y);

/* What a library says of a file's contents (reason), or that memory ran out. */
imp_status imp_picture_damaged(const imp_source *in, const char *format, bool memory,
                               const char *reason, imp_error *err);

/* Why writing failed: IMP_ERR_IO without a message when `file` is at fault (see imp_file_fill). */
imp_status imp_picture_unwritten(const imp_painting *what, FILE *file, bool memory,
                                 const char *reason, imp_error *err);

#endif
