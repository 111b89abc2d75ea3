/* SPDX-License-Identifier: MIT
 *
 * Making picture files: see makers.h.
 */
#include "makers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

/* An arbitrary number below 2^16 for each position. */
static unsigned scramble(size_t x, size_t y, size_t c) {
    const uint32_t v = (uint32_t)(x * 7919 + y * 104729 + c * 1299709 + 12345);
    return (v * 2654435761u >> 13) & 0xFFFF;
}

/* ---- PNG ------------------------------------------------------------------------------------- */

static size_t channels_of(const png_spec *spec) {
    switch (spec->colour) {
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return 2;
    case PNG_COLOR_TYPE_RGB:
        return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return 4;
    default:
        return 1;
    }
}

static unsigned sample(const png_spec *spec, size_t x, size_t y, size_t channel) {
    return scramble(x, y, channel) & ((1u << spec->depth) - 1);
}

/* Palette entry i; where the spec asks for transparency, the first 100 have some. */
static png_color entry(unsigned i) {
    return (png_color){(png_byte)(i * 7), (png_byte)(255 - i), (png_byte)(i * 31 + 5)};
}

static png_byte entry_alpha(unsigned i) {
    return (png_byte)(i < 100 ? i * 2 : 255);
}

/* The transparent colour is that of pixel (1,1). */
static bool is_transparent_colour(const png_spec *spec, size_t x, size_t y) {
    for (size_t c = 0; c < channels_of(spec); c++)
        if (sample(spec, x, y, c) != sample(spec, 1, 1, c))
            return false;
    return true;
}

double png_alpha(const png_spec *spec, size_t x, size_t y) {
    const double most = (1 << spec->depth) - 1;
    if (spec->colour == PNG_COLOR_TYPE_PALETTE)
        return spec->transparent ? entry_alpha(sample(spec, x, y, 0)) / 255.0 : 1;
    if (spec->colour & PNG_COLOR_MASK_ALPHA)
        return sample(spec, x, y, channels_of(spec) - 1) / most;
    return spec->transparent && is_transparent_colour(spec, x, y) ? 0 : 1;
}

double png_colour(const png_spec *spec, size_t x, size_t y, size_t c) {
    const double alpha = png_alpha(spec, x, y), most = (1 << spec->depth) - 1;
    double v;
    if (spec->colour == PNG_COLOR_TYPE_PALETTE) {
        const png_color e = entry(sample(spec, x, y, 0));
        v = (c == 0 ? e.red : c == 1 ? e.green : e.blue) / 255.0;
    } else {
        v = sample(spec, x, y, spec->colour & PNG_COLOR_MASK_COLOR ? c : 0) / most;
    }
    return alpha * v + 1 - alpha;
}

static void write_palette(png_structp png, png_infop info, const png_spec *spec) {
    png_color palette[256];
    png_byte alpha[256];
    const int count = 1 << spec->depth;
    for (int i = 0; i < count; i++) {
        palette[i] = entry((unsigned)i);
        alpha[i] = entry_alpha((unsigned)i);
    }
    png_set_PLTE(png, info, palette, count);
    if (spec->transparent)
        png_set_tRNS(png, info, alpha, count, NULL);
}

static void write_transparency(png_structp png, png_infop info, const png_spec *spec) {
    png_color_16 colour = {.gray = (png_uint_16)sample(spec, 1, 1, 0),
                           .red = (png_uint_16)sample(spec, 1, 1, 0),
                           .green = (png_uint_16)sample(spec, 1, 1, 1),
                           .blue = (png_uint_16)sample(spec, 1, 1, 2)};
    if (spec->colour == PNG_COLOR_TYPE_PALETTE)
        write_palette(png, info, spec);
    else if (spec->transparent)
        png_set_tRNS(png, info, NULL, 0, &colour);
}

static void write_png_rows(png_structp png, const png_spec *spec, unsigned char *row, int passes) {
    const size_t n = channels_of(spec);
    const size_t rows = spec->cut ? 8 : (size_t)passes * spec->height;
    for (size_t i = 0; i < rows; i++) {
        unsigned char *at = row;
        for (size_t k = 0; k < n * spec->width; k++) {
            const unsigned v = sample(spec, k / n, i % spec->height, k % n);
            if (spec->depth == 16)
                *at++ = (unsigned char)(v >> 8);
            *at++ = (unsigned char)v;
        }
        png_write_row(png, row);
    }
}

static void write_png_end(png_structp png, const png_spec *spec) {
    png_infop info = png_create_info_struct(png);
    char title[] = "Title", key[] = "impasto", value[256];
    snprintf(value, sizeof value, "%s", spec->behind ? spec->behind : "");
    png_text text[] = {{.compression = PNG_TEXT_COMPRESSION_NONE, .key = title, .text = title},
                       {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = value}};
    if (spec->behind)
        png_set_text(png, info, text, 2);
    png_write_end(png, info);
    png_destroy_info_struct(png, &info);
}

const char *make_png(scratch *s, const char *name, const png_spec *spec) {
    FILE *file = fopen(scratch_path(s, name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    unsigned char *row = malloc(8 * spec->width);
    assert_true(file && png && info && row);
    assert_int_equal(setjmp(png_jmpbuf(png)), 0);
    png_init_io(png, file);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, info, (png_uint_32)spec->width, (png_uint_32)spec->height, spec->depth,
                 spec->colour, spec->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    write_transparency(png, info, spec);
    if (spec->cut)
        png_set_compression_level(png, 0); /* so that no rows are held back */
    png_write_info(png, info);
    png_set_packing(png);
    write_png_rows(png, spec, row, png_set_interlace_handling(png));
    if (!spec->cut)
        write_png_end(png, spec);
    png_destroy_write_struct(&png, &info);
    fclose(file);
    free(row);
    return s->path;
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

static int components_of(int colours) {
    return colours == JCS_GRAYSCALE ? 1 : colours == JCS_CMYK ? 4 : 3;
}

static unsigned char block_sample(size_t x, size_t y, size_t c) {
    return (unsigned char)(scramble(x / 8, y / 8, c) >> 8);
}

double jpeg_colour(const jpeg_spec *spec, size_t x, size_t y, size_t c) {
    if (spec->given == JCS_GRAYSCALE)
        return block_sample(x, y, 0) / 255.0;
    const double v = block_sample(x, y, c) / 255.0, k = block_sample(x, y, 3) / 255.0;
    if (spec->given != JCS_CMYK)
        return v;
    return spec->unmarked ? (1 - v) * (1 - k) : v * k;
}

static void start_jpeg(struct jpeg_compress_struct *jpeg, const jpeg_spec *spec) {
    jpeg->image_width = (JDIMENSION)spec->width;
    jpeg->image_height = (JDIMENSION)spec->height;
    jpeg->input_components = components_of(spec->given);
    jpeg->in_color_space = (J_COLOR_SPACE)spec->given;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, (J_COLOR_SPACE)spec->stored);
    jpeg_set_quality(jpeg, 100, TRUE);
    for (int i = 0; i < jpeg->num_components; i++)
        jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor = 1;
    if (spec->unmarked)
        jpeg->write_Adobe_marker = FALSE;
    if (spec->progressive)
        jpeg_simple_progression(jpeg);
    jpeg_start_compress(jpeg, TRUE);
    if (spec->comment)
        jpeg_write_marker(jpeg, JPEG_COM, (const JOCTET *)spec->comment,
                          (unsigned)strlen(spec->comment));
}

const char *make_jpeg(scratch *s, const char *name, const jpeg_spec *spec) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    const size_t n = (size_t)components_of(spec->given);
    FILE *file = fopen(scratch_path(s, name), "wb");
    unsigned char *row = malloc(n * spec->width);
    assert_true(file && row);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    start_jpeg(&jpeg, spec);
    for (size_t y = 0; y < spec->height; y++) {
        JSAMPROW rows[1] = {row};
        for (size_t k = 0; k < n * spec->width; k++)
            row[k] = block_sample(k / n, y, k % n);
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
    free(row);
    return s->path;
}
