/* SPDX-License-Identifier: MIT
 *
 * PNG by libpng. Every kind of PNG becomes RGB floats: palettes and grey are expanded, 16 bits are
 * kept, alpha is composited on white in the encoded colours (as browsers do). Gamma and colour
 * profiles are not looked at: the colours are taken as sRGB.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "engine/error.h"
#include "media/media.h"

#define TEXT_KEYWORD "impasto"

/* What libpng's callbacks need to reach, and what a jump out of it must leave to be released. */
typedef struct png_state {
    png_structp png;
    png_infop info;
    const imp_source *in; /* of a reader */
    size_t at;            /* bytes of it already read */
    unsigned char *rows;
    bool memory; /* an allocation failed */
    char reason[128];
} png_state;

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void on_error(png_structp png, png_const_charp message) {
    png_state *s = png_get_error_ptr(png);
    snprintf(s->reason, sizeof s->reason, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    png_state *s = png_get_mem_ptr(png);
    void *p = malloc(size);
    s->memory |= p == NULL;
    return p;
}

static void on_free(png_structp png, png_voidp p) {
    (void)png;
    free(p);
}

static void on_read(png_structp png, png_bytep out, size_t n) {
    png_state *s = png_get_io_ptr(png);
    if (n > s->in->size - s->at)
        png_error(png, "the file ends too early");
    memcpy(out, s->in->bytes + s->at, n);
    s->at += n;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool open_reader(png_state *s, const imp_source *in) {
    *s = (png_state){.in = in};
    s->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, s, on_error, on_warning, s, on_malloc,
                                      on_free);
    s->info = s->png ? png_create_info_struct(s->png) : NULL;
    return s->info != NULL;
}

static void close_reader(png_state *s) {
    png_destroy_read_struct(&s->png, &s->info, NULL);
    free(s->rows);
}

static void read_header(png_state *s) {
    png_set_read_fn(s->png, s, on_read);
    png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* max_pixels decides */
    png_read_info(s->png, s->info);
}

/* A row of RGB or RGBA samples, 8 or 16 bits with the high byte first, to floats. */
static bool convert_row(float *rgb, const unsigned char *row, size_t width, size_t channels,
                        bool wide) {
    bool seen_through = false;
    for (size_t x = 0; x < width; x++) {
        float v[4] = {0, 0, 0, 1};
        for (size_t c = 0; c < channels; c++) {
            const size_t i = channels * x + c;
            v[c] = wide ? (float)(row[2 * i] << 8 | row[2 * i + 1]) / 65535 : (float)row[i] / 255;
        }
        seen_through |= v[3] < 1;
        for (size_t c = 0; c < 3; c++)
            rgb[3 * x + c] = v[c] * v[3] + (1 - v[3]);
    }
    return seen_through;
}

/* An interlaced picture needs all its rows at once: each pass adds to them. */
static void read_rows(png_state *s, imp_picture *out, int passes) {
    const size_t row_bytes = png_get_rowbytes(s->png, s->info);
    const size_t channels = png_get_channels(s->png, s->info);
    const bool wide = png_get_bit_depth(s->png, s->info) == 16;
    s->rows = calloc(passes > 1 ? out->height : 1, row_bytes);
    s->memory = s->rows == NULL;
    if (s->memory)
        png_error(s->png, "out of memory");
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < out->height; y++) {
            unsigned char *row = s->rows + (passes > 1 ? y * row_bytes : 0);
            png_read_row(s->png, row, NULL);
            if (pass == passes - 1)
                out->alpha |=
                    convert_row(out->rgb + 3 * y * out->width, row, out->width, channels, wide);
        }
    }
}

static imp_status decode(png_state *s, imp_picture *out, imp_error *err) {
    if (setjmp(png_jmpbuf(s->png)))
        return imp_picture_damaged(s->in, "PNG", s->memory, s->reason, err);
    read_header(s);
    TRY(imp_picture_expect(out, s->in, png_get_image_width(s->png, s->info),
                           png_get_image_height(s->png, s->info), err));
    png_set_expand(s->png); /* palettes to RGB, transparent colours to alpha, 1..4 bits to 8 */
    png_set_gray_to_rgb(s->png);
    const int passes = png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    read_rows(s, out, passes);
    png_read_end(s->png, NULL);
    return IMP_OK;
}

imp_status imp_png_read(imp_picture *out, const imp_source *in, imp_error *err) {
    png_state s;
    const imp_status status =
        open_reader(&s, in) ? decode(&s, out, err) : imp_picture_damaged(in, "PNG", true, "", err);
    close_reader(&s);
    return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static bool copy_text(png_state *s, char **text) {
    png_textp all;
    int count = 0;
    png_get_text(s->png, s->info, &all, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(all[i].key, TEXT_KEYWORD) != 0)
            continue;
        *text = strdup(all[i].text);
        s->memory = *text == NULL;
        if (s->memory)
            png_error(s->png, "out of memory");
        return true;
    }
    return false;
}

/* Ours stands before the colours; other programs move it behind them. */
static imp_status find_text(png_state *s, char **text, imp_error *err) {
    if (setjmp(png_jmpbuf(s->png)))
        return imp_picture_damaged(s->in, "PNG", s->memory, s->reason, err);
    read_header(s);
    if (copy_text(s, text))
        return IMP_OK;
    const int passes = png_set_interlace_handling(s->png);
    const size_t height = png_get_image_height(s->png, s->info);
    for (size_t i = 0; i < (size_t)passes * height; i++)
        png_read_row(s->png, NULL, NULL);
    png_read_end(s->png, s->info);
    copy_text(s, text);
    return IMP_OK;
}

imp_status imp_png_text(char **text, const imp_source *in, imp_error *err) {
    png_state s;
    *text = NULL;
    const imp_status status = open_reader(&s, in) ? find_text(&s, text, err)
                                                  : imp_picture_damaged(in, "PNG", true, "", err);
    close_reader(&s);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static imp_status encode(png_state *s, FILE *file, const imp_painting *what, imp_error *err) {
    const imp_picture *picture = what->picture;
    if (setjmp(png_jmpbuf(s->png)))
        return imp_picture_unwritten(what, file, s->memory, s->reason, err);
    png_init_io(s->png, file);
    png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(s->png, s->info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(s->png, s->info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (what->text) {
        char key[] = TEXT_KEYWORD, none[] = "";
        png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE,
                         .key = key,
                         .text = (char *)(uintptr_t)what->text, /* libpng only copies it */
                         .lang = none,
                         .lang_key = none};
        png_set_text(s->png, s->info, &text, 1);
    }
    png_write_info(s->png, s->info);
    for (size_t y = 0; y < picture->height; y++) {
        imp_picture_row(s->rows, picture, y);
        png_write_row(s->png, s->rows);
    }
    png_write_end(s->png, NULL);
    return IMP_OK;
}

imp_status imp_png_write(FILE *file, const void *painting, imp_error *err) {
    const imp_painting *what = painting;
    png_state s = {.rows = malloc(3 * what->picture->width)};
    s.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s,
                                      on_malloc, on_free);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    const imp_status status = s.info && s.rows ? encode(&s, file, what, err)
                                               : imp_picture_unwritten(what, file, true, "", err);
    const int code = errno;
    png_destroy_write_struct(&s.png, &s.info);
    free(s.rows);
    errno = code;
    return status;
}
