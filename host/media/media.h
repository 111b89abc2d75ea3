/* SPDX-License-Identifier: MIT
 *
 * What the picture functions of impasto.h are made of: one pair of reader and writer for each file
 * format, which know nothing of names and folders, and what they share.
 */
#ifndef IMP_MEDIA_MEDIA_H
#define IMP_MEDIA_MEDIA_H

#include "impasto.h"

/* A picture file in memory. */
typedef struct imp_source {
    const unsigned char *bytes; /* borrowed */
    size_t size;
    const char *path;                /* for messages; borrowed */
    const imp_read_options *options; /* borrowed; NULL: the defaults */
} imp_source;

/* One picture on its way in. A decoder says how large it is, then which colours it has, then gives
 * the rows in any order. */
typedef struct imp_decode {
    const imp_source *in;
    imp_picture *out;
    unsigned orientation; /* EXIF's 1..8; anything else: upright */
    bool more;            /* the file holds further pictures, or frames */
    unsigned colours;     /* samples of a pixel: 1 grey, 3 red green blue, 4 inks (1: all of it) */
    bool alpha;           /* one sample more, not multiplied into the colours */
    float *samples;       /* room for a row as it is stored, in [0,1] */
    void *transform; /* lcms2's, from the file's colours to sRGB; NULL: they are that already */
} imp_decode;

/* What is written to a file. */
typedef struct imp_painting {
    const imp_picture *picture;
    const char *path;          /* for messages */
    imp_write_options options; /* quality and depth are set */
} imp_painting;

/* imp_picture_read for bytes in memory, told by their first ones. */
imp_status imp_picture_decode(imp_picture *out, const imp_source *in, imp_error *err);

/* imp_picture_text for bytes in memory. */
imp_status imp_picture_decode_text(char **text, const imp_source *in, imp_error *err);

/* Decoders; what they leave in the intake is released by the caller, also when they fail. */
imp_status imp_png_read(imp_decode *t, imp_error *err);
imp_status imp_jpeg_read(imp_decode *t, imp_error *err);
imp_status imp_webp_read(imp_decode *t, imp_error *err);
imp_status imp_tiff_read(imp_decode *t, imp_error *err);
imp_status imp_heif_read(imp_decode *t, imp_error *err);

/* *text: to be freed, or NULL where the file has none of ours. */
imp_status imp_png_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_jpeg_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_webp_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_tiff_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_heif_text(char **text, const imp_source *in, imp_error *err);

/* imp_file_fill; painting: an imp_painting. */
imp_status imp_png_write(FILE *file, const void *painting, imp_error *err);
imp_status imp_jpeg_write(FILE *file, const void *painting, imp_error *err);
imp_status imp_webp_write(FILE *file, const void *painting, imp_error *err);
imp_status imp_tiff_write(FILE *file, const void *painting, imp_error *err);

/* ---- On the way in --------------------------------------------------------------------------- */

/* Room for a picture that a file says has this size: refuses more than the options allow. */
imp_status imp_decode_size(imp_decode *t, size_t width, size_t height, imp_error *err);

/* Which samples will come. profile: an ICC profile of size bytes, or NULL; one that is damaged or
 * belongs to other colours is passed over with a note. */
imp_status imp_decode_colours(imp_decode *t, unsigned colours, bool alpha, const void *profile,
                              size_t size, imp_error *err);

/* After imp_decode_colours with 1 or 3: no profile, but what the colours are. xy: chromaticities of
 * white, red, green, blue; gamma: exponent from samples to light, 0: the curve of sRGB. */
imp_status imp_decode_primaries(imp_decode *t, const double xy[8], double gamma, imp_error *err);

/* Row y of the picture as it is stored. The first takes it from t->samples, in which anything may
 * stand; the others fill those from whole numbers, of which `most` means 1. */
void imp_decode_row(imp_decode *t, size_t y);
void imp_decode_bytes(imp_decode *t, size_t y, const unsigned char *row);
void imp_decode_words(imp_decode *t, size_t y, const uint16_t *row, unsigned most);

/* Orientation and origin from an EXIF block, with or without "Exif\0\0" before it. Silent about
 * damage: a picture is worth more than what is said of it. */
void imp_decode_exif(imp_decode *t, const unsigned char *bytes, size_t size);

/* Once all rows are there: turned upright, and colours given to what cannot be seen. */
imp_status imp_decode_complete(imp_decode *t, imp_error *err);

void imp_decode_finish(imp_decode *t);

/* Tells people about this picture: what goes behind its name. */
void imp_decode_note(const imp_decode *t, const char *what);

/* ---- EXIF, sRGB ------------------------------------------------------------------------------ */

/* The text that imp_exif_write stored; NULL where there is none, or no memory (*memory). */
char *imp_exif_text(const unsigned char *bytes, size_t size, bool *memory);

/* An EXIF block without "Exif\0\0" before it, of the picture's origin and text (may be NULL). The
 * caller frees. False without memory; *bytes is NULL when there is nothing to be said. */
bool imp_exif_write(unsigned char **bytes, size_t *size, const imp_origin *origin,
                    const char *text);

/* A context of lcms2 for one thread; it goes back through cmsDeleteContext. Its own mutexes would
 * not survive a lack of memory. NULL: no memory. */
void *imp_colour_context(void);

/* An ICC profile of sRGB, the same bytes each time; the caller frees. NULL: no memory. */
unsigned char *imp_srgb_profile(size_t *size);

/* ---- What all formats need ------------------------------------------------------------------- */

/* What stands before our text where a format's text field may be anybody's. */
#define IMP_TEXT_START "impasto: "

/* What stands behind IMP_TEXT_START in `size` bytes, as a string to be freed; NULL where they do
 * not begin with it or there is no memory (*memory turns true). */
char *imp_text_of_ours(const void *bytes, size_t size, bool *memory);

/* A picture with undefined colours; both sides at least 1. Refuses with IMP_ERR_MEMORY. */
imp_status imp_picture_alloc(imp_picture *out, size_t width, size_t height, imp_error *err);

/* Samples of a pixel that is written: 3, or 4 with its opacity. */
size_t imp_painting_samples(const imp_painting *what);

/* Row y as whole numbers rounded to the nearest, imp_painting_samples of them a pixel; what is no
 * number becomes 0. */
void imp_painting_bytes(unsigned char *row, const imp_painting *what, size_t y);
void imp_painting_words(uint16_t *row, const imp_painting *what, size_t y);

/* What a library says of a file's contents (reason), or that memory ran out. */
imp_status imp_picture_damaged(const imp_source *in, const char *format, bool memory,
                               const char *reason, imp_error *err);

/* Why writing failed: IMP_ERR_IO without a message when `file` is at fault (see imp_file_fill). */
imp_status imp_picture_unwritten(const imp_painting *what, FILE *file, bool memory,
                                 const char *reason, imp_error *err);

#endif
