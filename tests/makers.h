/* SPDX-License-Identifier: MIT
 *
 * Makes picture files of every kind with the formats' own libraries, and gives the colours that
 * they should be read as.
 */
#ifndef IMP_TEST_MAKERS_H
#define IMP_TEST_MAKERS_H

#include "scratch.h"

typedef struct png_spec {
    size_t width, height;
    int colour, depth;  /* libpng's PNG_COLOR_TYPE_* and bits of a sample */
    bool interlaced;    /* Adam7 */
    bool transparent;   /* a tRNS chunk: some palette entries, or one colour */
    bool cut;           /* writing stops after some rows */
    const char *behind; /* our text, after the colours */
} png_spec;

/* Returns the path. */
const char *make_png(scratch *s, const char *name, const png_spec *spec);
/* Colour c of a pixel as it should be read, and its alpha before compositing. */
double png_colour(const png_spec *spec, size_t x, size_t y, size_t c);
double png_alpha(const png_spec *spec, size_t x, size_t y);

/* Constant blocks of 8 x 8, which quality 100 preserves up to the rounding of the colour
 * conversion. */
typedef struct jpeg_spec {
    size_t width, height;
    int given, stored; /* libjpeg's JCS_*: of the samples, and within the file */
    bool unmarked;     /* without Adobe's marker, which inverts inks */
    bool progressive;
    const char *comment; /* not one of ours */
} jpeg_spec;

const char *make_jpeg(scratch *s, const char *name, const jpeg_spec *spec);
double jpeg_colour(const jpeg_spec *spec, size_t x, size_t y, size_t c);

#endif
