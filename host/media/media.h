/* SPDX-License-Identifier: MIT
 *
 * The inside of the picture functions of impasto.h: a decoder and an encoder for each file format,
 * which work on bytes in memory and know nothing of files, and what they share. Nothing of an
 * imp_decode or imp_encode outlives the call that works on it.
 */
#ifndef IMP_MEDIA_MEDIA_H
#define IMP_MEDIA_MEDIA_H

#include "base/buffer.h"
#include "impasto.h"

/* The bytes that decide on a file's format. */
enum { IMP_SOURCE_HEAD = 512 };

/* The bytes of a picture file. */
typedef struct imp_source {
    const unsigned char *bytes; /* borrowed, as is everything here */
    size_t size;
    const char *path;                /* for messages */
    const imp_read_options *options; /* NULL: the defaults */
    const int *fd; /* of a large file, of which `bytes` has the first IMP_SOURCE_HEAD; or NULL */
} imp_source;

/* A picture while it is decoded. The decoder of a format calls imp_decode_size, then
 * imp_decode_colours, and then passes on each row once, in any order. */
typedef struct imp_decode {
    const imp_source *in;
    imp_picture *out;
    size_t width, height; /* as the file stores it: `out` may be smaller, or be turned */
    size_t by;            /* so many columns and rows of the file make one of `out` */
    unsigned orientation; /* EXIF's 1..8; any other value: upright */
    bool more;            /* the file has further pictures or frames */
    unsigned colours; /* colour samples of a pixel: 1 grey, 3 RGB or Lab, 4 CMYK (1: full ink) */
    bool alpha;       /* an alpha sample follows the colours, which are not premultiplied */
    float *samples;   /* owned: one row as the file stores it, in [0,1] */
    void *transform;  /* owned: lcms2's, from the file's colours to sRGB; NULL: they are sRGB */
    double white[3], adapt[9]; /* of Lab that is relative to another white than D50: it and a matrix
                                * from XYZ to XYZ under D50; else 0 */
    struct imp_light *light;   /* owned, like `line`: where `out` is smaller */
    float *line;               /* colours and opacity of a row before they are averaged */
} imp_decode;

/* A picture while it is encoded. */
typedef struct imp_encode {
    const imp_picture *picture; /* borrowed */
    const char *path;           /* for messages; borrowed */
    imp_write_options options;  /* quality and depth are set */
} imp_encode;

/* Copies n bytes from position `at` on, which must be in the file. False: it cannot be read. */
bool imp_source_take(const imp_source *in, size_t at, void *out, size_t n);

/* Decodes a picture of any known format, recognised by its first bytes. The caller releases *out
 * with imp_picture_finish; after an error it is zeroed. Errors: IMP_ERR_FORMAT (not a picture, or
 * damaged), IMP_ERR_UNSUPPORTED (a format or variant that is not read), IMP_ERR_MEMORY (also: more
 * pixels than the options allow). */
imp_status imp_decode_source(imp_picture *out, const imp_source *in, imp_error *err);

/* The text that an encoder stored in the picture; the caller frees *text, which is NULL where the
 * file has none and after an error. Errors: as above. */
imp_status imp_decode_text(char **text, const imp_source *in, imp_error *err);

/* ---- Formats --------------------------------------------------------------------------------- */

/* The path that means standard input or output. */
#define IMP_STANDARD_STREAM "-"

/* A file format; `encode` is NULL where it is only read, `text` where it has no text of ours. */
typedef struct imp_picture_format {
    const char *name;
    const char *extensions[2];
    size_t max_side;
    unsigned max_depth;
    bool opacity;
    bool streams; /* the decoder reads by imp_source_take only */
    /* The caller releases what a decoder leaves in t, also after an error. */
    imp_status (*decode)(imp_decode *t, imp_error *err);
    imp_status (*text)(char **text, const imp_source *in, imp_error *err);
    /* Appends the file to out, which the caller frees, also after an error. Errors:
     * IMP_ERR_MEMORY, IMP_ERR_ARGUMENT (what the format cannot hold). */
    imp_status (*encode)(imp_buffer *out, const imp_encode *what, imp_error *err);
} imp_picture_format;

/* The format of a file's bytes. Errors: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED (a known file type that
 * is no readable picture). */
imp_status imp_format_of_bytes(const imp_picture_format **out, const imp_source *in,
                               imp_error *err);

/* The format to write, by a path's extension ("-": PNG) or by number. Errors: IMP_ERR_ARGUMENT. */
imp_status imp_format_of_path(const imp_picture_format **out, const char *path, imp_error *err);
imp_status imp_format_at(const imp_picture_format **out, imp_format format, imp_error *err);

/* Fills in the defaults of the options, and checks that the format can hold what they ask for and a
 * picture of width x height. options may be NULL. Errors: IMP_ERR_ARGUMENT. */
imp_status imp_format_check(imp_write_options *out, const imp_write_options *options,
                            const imp_picture_format *format, const char *path, size_t width,
                            size_t height, imp_error *err);

imp_status imp_png_decode(imp_decode *t, imp_error *err);
imp_status imp_jpeg_decode(imp_decode *t, imp_error *err);
imp_status imp_webp_decode(imp_decode *t, imp_error *err);
imp_status imp_tiff_decode(imp_decode *t, imp_error *err);
imp_status imp_heif_decode(imp_decode *t, imp_error *err);
imp_status imp_gif_decode(imp_decode *t, imp_error *err);
imp_status imp_bmp_decode(imp_decode *t, imp_error *err);
imp_status imp_pnm_decode(imp_decode *t, imp_error *err);
imp_status imp_tga_decode(imp_decode *t, imp_error *err);
imp_status imp_jxl_decode(imp_decode *t, imp_error *err);
imp_status imp_jp2_decode(imp_decode *t, imp_error *err);
imp_status imp_exr_decode(imp_decode *t, imp_error *err);

/* Whether the bytes, which have no signature of another format, make sense as a TGA. */
bool imp_tga_is(const imp_source *in);

imp_status imp_png_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_jpeg_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_webp_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_tiff_text(char **text, const imp_source *in, imp_error *err);
imp_status imp_heif_text(char **text, const imp_source *in, imp_error *err);

imp_status imp_png_encode(imp_buffer *out, const imp_encode *what, imp_error *err);
imp_status imp_jpeg_encode(imp_buffer *out, const imp_encode *what, imp_error *err);
imp_status imp_webp_encode(imp_buffer *out, const imp_encode *what, imp_error *err);
imp_status imp_tiff_encode(imp_buffer *out, const imp_encode *what, imp_error *err);

/* ---- Decoding -------------------------------------------------------------------------------- */

/* The rows that follow are as large as `out`: the library has made them smaller. */
void imp_decode_reduced(imp_decode *t);

/* Allocates the picture for a file of that size: smaller, where the options say so. Errors:
 * IMP_ERR_FORMAT (a side is 0), IMP_ERR_MEMORY (also: more pixels than the options allow, or more
 * bytes than the process may use). */
imp_status imp_decode_size(imp_decode *t, size_t width, size_t height, imp_error *err);

/* Whether a file of that size may be decoded; for decoders that know its final size only later. */
imp_status imp_decode_check(const imp_decode *t, size_t width, size_t height, imp_error *err);

/* Whether this process may use `pixel` bytes for each pixel besides, as some libraries need.
 * Errors: IMP_ERR_MEMORY. */
imp_status imp_decode_room(const imp_decode *t, size_t width, size_t height, double pixel,
                           imp_error *err);

/* Sets which samples the rows hold. profile: an ICC profile of `size` bytes, or NULL; a damaged
 * one, or one for other colours, is ignored with a note. Errors: IMP_ERR_MEMORY. */
imp_status imp_decode_colours(imp_decode *t, unsigned colours, bool alpha, const void *profile,
                              size_t size, imp_error *err);

/* In its place: the samples are CIE L*a*b*, L* of 0..100 and a*, b* of -128..127. white: the
 * chromaticity x, y of the white that they are relative to; NULL: D50. Errors: IMP_ERR_MEMORY. */
imp_status imp_decode_lab(imp_decode *t, bool alpha, const double *white, imp_error *err);

/* After imp_decode_colours with 1 or 3 colours and no profile: describes the colours by numbers.
 * xy: chromaticities of white, red, green and blue; gamma: the exponent from samples to light, 0:
 * the curve of sRGB. Values that make no sense are ignored with a note. Errors: IMP_ERR_MEMORY. */
imp_status imp_decode_primaries(imp_decode *t, const double xy[8], double gamma, imp_error *err);

/* Likewise from the numbers of primaries and curve by which video and PNG describe colours (ITU-T
 * H.273), if they are known. High dynamic range is noted, and taken as it is. */
bool imp_colours_known(unsigned primaries, unsigned curve);
imp_status imp_decode_numbers(imp_decode *t, unsigned primaries, unsigned curve, imp_error *err);

/* Converts row y of the picture as it is stored. imp_decode_row takes it from t->samples, whose
 * values may be anything; the others fill t->samples first, from integers of which 255 or `most`
 * means 1. */
void imp_decode_row(imp_decode *t, size_t y);
void imp_decode_bytes(imp_decode *t, size_t y, const unsigned char *row);
void imp_decode_words(imp_decode *t, size_t y, const uint16_t *row, unsigned most);

/* Converts `count` pixels from t->samples: those of row y in the columns first, first + step ... */
void imp_decode_pixels(imp_decode *t, size_t y, size_t first, size_t step, size_t count);

/* Rows from y on are missing at the end of the file. If they are at most an eighth of the picture,
 * repeats the row before them, whose samples t still has, and notes it. False: more are missing. */
bool imp_decode_missing(imp_decode *t, size_t y);

/* Takes orientation and origin from an EXIF block, with or without "Exif\0\0" before it. A damaged
 * block is ignored, since the picture is whole without it. */
void imp_decode_exif(imp_decode *t, const unsigned char *bytes, size_t size);

/* Completes a picture that has all its rows: turns it upright and gives colours to its fully
 * transparent pixels. Errors: IMP_ERR_MEMORY. */
imp_status imp_decode_complete(imp_decode *t, imp_error *err);

/* Releases what t owns. Accepts one that was never used. */
void imp_decode_finish(imp_decode *t);

/* Logs a warning about this picture; `what` follows its name. */
void imp_decode_note(const imp_decode *t, const char *what);

/* Fails because a library found the file's contents damaged (reason, one line) or memory ran out.
 */
imp_status imp_decode_fail(const imp_source *in, const char *format, bool memory,
                           const char *reason, imp_error *err);

/* Fails because this program was built without the library that reads the format. */
imp_status imp_decode_without(const imp_source *in, const char *format, const char *library,
                              imp_error *err);

/* ---- Encoding -------------------------------------------------------------------------------- */

/* Samples of a pixel in the file: 3, or 4 with its opacity. */
size_t imp_encode_samples(const imp_encode *what);

/* Converts row y to integers, rounded to the nearest, imp_encode_samples of them a pixel. NaN
 * becomes 0. */
void imp_encode_bytes(unsigned char *row, const imp_encode *what, size_t y);
void imp_encode_words(uint16_t *row, const imp_encode *what, size_t y);

/* Value v of [0,1] as an integer of 0..most, rounded to the nearest; NaN gives 0. */
static inline unsigned imp_encode_value(float v, float most) {
    return v > 0 ? (unsigned)(v < 1 ? v * most + 0.5F : most) : 0;
}

/* Fails because memory ran out, or with a library's reason. */
imp_status imp_encode_fail(const imp_encode *what, bool memory, const char *reason, imp_error *err);

/* ---- What both share ------------------------------------------------------------------------- */

/* Begins our text where a format's text field may hold anybody's. */
#define IMP_TEXT_START "impasto: "

/* The text after IMP_TEXT_START in `size` bytes, which the caller frees. NULL: they do not begin
 * with it, or out of memory (*memory becomes true). */
char *imp_text_of_ours(const void *bytes, size_t size, bool *memory);

/* The text that imp_exif_write stored, likewise. */
char *imp_exif_text(const unsigned char *bytes, size_t size, bool *memory);

/* An EXIF block without "Exif\0\0" before it, with the picture's origin and text (may be NULL). The
 * caller frees *bytes, which is NULL where there is nothing to store. False: out of memory. */
bool imp_exif_write(unsigned char **bytes, size_t *size, const imp_origin *origin,
                    const char *text);

/* A context of lcms2 for one thread, which the caller releases with cmsDeleteContext. It locks
 * nothing: lcms2's own mutexes crash when memory runs out. NULL: out of memory. */
void *imp_colour_context(void);

/* An ICC profile of sRGB, always the same bytes, which the caller frees. NULL: out of memory. */
unsigned char *imp_srgb_profile(size_t *size);

/* A picture with undefined colours and no opacity, which the caller releases with
 * imp_picture_finish. Errors: IMP_ERR_MEMORY (also: a side is 0); *out is zeroed then. */
imp_status imp_picture_alloc(imp_picture *out, size_t width, size_t height, imp_error *err);

#endif
