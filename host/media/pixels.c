/* SPDX-License-Identifier: MIT
 *
 * Pictures from and to a caller's pixels in memory. Incoming rows are converted like those of a
 * file.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "media/media.h"

/* ---- How pixels lie in memory ---------------------------------------------------------------- */

static const unsigned layout_colours[] = {[IMP_PIXELS_GREY] = 1,
                                          [IMP_PIXELS_GREY_ALPHA] = 1,
                                          [IMP_PIXELS_RGB] = 3,
                                          [IMP_PIXELS_RGBA] = 3};
static const size_t type_bytes[] = {
    [IMP_PIXELS_U8] = 1, [IMP_PIXELS_U16] = 2, [IMP_PIXELS_F32] = 4};

static bool has_alpha(imp_pixel_layout layout) {
    return layout == IMP_PIXELS_GREY_ALPHA || layout == IMP_PIXELS_RGBA;
}

static size_t samples_of(imp_pixel_layout layout) {
    return layout_colours[layout] + has_alpha(layout);
}

/* Gives the bytes from one row to the next. */
static imp_status check_pixels(size_t *stride, const void *data, const imp_pixels *pixels,
                               imp_error *err) {
    enum { LAYOUTS = sizeof layout_colours / sizeof *layout_colours };
    enum { TYPES = sizeof type_bytes / sizeof *type_bytes };
    if (!data || !pixels)
        return imp_fail(err, IMP_ERR_ARGUMENT, "pixels: data or its description is NULL");
    if ((unsigned)pixels->layout >= LAYOUTS || (unsigned)pixels->type >= TYPES)
        return imp_fail(err, IMP_ERR_ARGUMENT, "pixels: layout %d or type %d is unknown",
                        (int)pixels->layout, (int)pixels->type);
    if (pixels->width == 0 || pixels->height == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT, "pixels: %zu x %zu: no side may be 0", pixels->width,
                        pixels->height);
    const size_t pixel = samples_of(pixels->layout) * type_bytes[pixels->type];
    if (pixels->width > SIZE_MAX / pixel)
        return imp_fail(err, IMP_ERR_ARGUMENT, "pixels: a width of %zu is too large",
                        pixels->width);
    *stride = pixels->stride ? pixels->stride : pixels->width * pixel;
    if (*stride < pixels->width * pixel || pixels->height > SIZE_MAX / *stride)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "pixels: a stride of %zu bytes: give at least the %zu of a row, and at "
                        "most what memory can address",
                        *stride, pixels->width * pixel);
    return IMP_OK;
}

/* ---- In -------------------------------------------------------------------------------------- */

/* row may have any alignment. */
static float load(const unsigned char *row, size_t i, imp_pixel_type type) {
    uint16_t word;
    float real;
    switch (type) {
    case IMP_PIXELS_U8:
        return (float)row[i] / 255;
    case IMP_PIXELS_U16:
        memcpy(&word, row + i * sizeof word, sizeof word);
        return (float)word / 65535;
    default:
        memcpy(&real, row + i * sizeof real, sizeof real);
        return real;
    }
}

static imp_status take_rows(imp_decode *t, const unsigned char *data, const imp_pixels *pixels,
                            size_t stride, imp_error *err) {
    const size_t samples = samples_of(pixels->layout);
    TRY(imp_decode_size(t, pixels->width, pixels->height, err));
    TRY(imp_decode_colours(t, layout_colours[pixels->layout], has_alpha(pixels->layout), NULL, 0,
                           err));
    for (size_t y = 0; y < pixels->height; y++) {
        for (size_t i = 0; i < samples * pixels->width; i++) {
            t->samples[i] = load(data + y * stride, i, pixels->type);
            if (!isfinite(t->samples[i]))
                return imp_fail(err, IMP_ERR_ARGUMENT,
                                "pixels: the pixel at (%zu,%zu) is NaN or infinite: give numbers "
                                "in [0,1]",
                                i / samples, y);
        }
        imp_decode_row(t, y);
    }
    return imp_decode_complete(t, err);
}

imp_status imp_picture_from_pixels(imp_picture *out, const void *data, const imp_pixels *pixels,
                                   imp_error *err) {
    static const imp_read_options options = {.max_pixels = SIZE_MAX, .keep_alpha = true};
    const imp_source in = {.path = "memory", .options = &options};
    imp_decode t = {.in = &in, .out = out};
    size_t stride;
    if (!out)
        return imp_fail(err, IMP_ERR_ARGUMENT, "imp_picture_from_pixels: out is NULL");
    *out = (imp_picture){0};
    TRY(check_pixels(&stride, data, pixels, err));
    const imp_status status = take_rows(&t, data, pixels, stride, err);
    imp_decode_finish(&t);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static void store(unsigned char *row, size_t i, float v, imp_pixel_type type) {
    const float clamped = v > 0 ? v < 1 ? v : 1 : 0; /* NaN gives 0 */
    const uint16_t word = (uint16_t)imp_encode_value(v, 65535);
    switch (type) {
    case IMP_PIXELS_U8:
        row[i] = (unsigned char)imp_encode_value(v, 255);
        break;
    case IMP_PIXELS_U16:
        memcpy(row + i * sizeof word, &word, sizeof word);
        break;
    default:
        memcpy(row + i * sizeof clamped, &clamped, sizeof clamped);
    }
}

/* Luma with the weights of BT.709. */
static float luma(const float rgb[3]) {
    return (float)(0.2126 * (double)rgb[0] + 0.7152 * (double)rgb[1] + 0.0722 * (double)rgb[2]);
}

static void give_row(unsigned char *row, const imp_pixels *pixels, const imp_picture *p, size_t y) {
    const unsigned colours = layout_colours[pixels->layout];
    const bool alpha = has_alpha(pixels->layout);
    size_t i = 0;
    for (size_t x = 0; x < p->width; x++) {
        const size_t at = y * p->width + x;
        const float *rgb = p->rgb + 3 * at;
        for (size_t c = 0; c < colours; c++)
            store(row, i++, colours == 1 ? luma(rgb) : rgb[c], pixels->type);
        if (alpha)
            store(row, i++, p->opacity ? p->opacity[at] : 1, pixels->type);
    }
}

imp_status imp_picture_to_pixels(void *data, const imp_pixels *pixels, const imp_picture *picture,
                                 imp_error *err) {
    size_t stride;
    TRY(check_pixels(&stride, data, pixels, err));
    if (!picture || !picture->rgb)
        return imp_fail(err, IMP_ERR_ARGUMENT, "pixels: the picture is NULL or empty");
    if (picture->width != pixels->width || picture->height != pixels->height)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "pixels: %zu x %zu for a picture of %zu x %zu: give its size, or resize it "
                        "first",
                        pixels->width, pixels->height, picture->width, picture->height);
    for (size_t y = 0; y < picture->height; y++)
        give_row((unsigned char *)data + y * stride, pixels, picture, y);
    return IMP_OK;
}
