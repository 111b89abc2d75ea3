/* SPDX-License-Identifier: MIT
 *
 * Pictures in memory: a caller's pixels in and out, files encoded and decoded, and what is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "impasto.h"

enum { LAYOUTS = 4, TYPES = 3, W = 7, H = 5, ROOM = 1 << 12 };

static const size_t samples_of[LAYOUTS] = {1, 2, 3, 4}, bytes_of[TYPES] = {1, 2, 4};

/* ---- Pixels ---------------------------------------------------------------------------------- */

/* Random pixels; all that is alpha is above 0, so that no colour is replaced. */
static void fill(unsigned char *data, const imp_pixels *p) {
    const size_t samples = samples_of[p->layout], bytes = bytes_of[p->type];
    const bool alpha = samples % 2 == 0;
    const size_t stride = p->stride ? p->stride : p->width * samples * bytes;
    uint64_t state = 1;
    for (size_t i = 0; i < stride * p->height; i++)
        data[i] = (unsigned char)imp_random_bits(&state);
    for (size_t y = 0; y < p->height; y++)
        for (size_t i = 0; i < p->width * samples; i++) {
            unsigned char *const at = data + y * stride + i * bytes;
            const float v = imp_random_unit(&state);
            if (p->type == IMP_PIXELS_F32)
                memcpy(at, &v, sizeof v);
            else if (alpha && i % samples == samples - 1)
                *at |= 1; /* of 16 bits, the low or the high byte */
        }
}

/* Rows `gap` bytes longer than needed, from an address `shift` bytes off: what goes in comes out,
 * and nothing between the rows is touched. */
static void round_trip(imp_pixel_layout layout, imp_pixel_type type, size_t gap, size_t shift) {
    static unsigned char from[ROOM], to[ROOM];
    const size_t row = W * samples_of[layout] * bytes_of[type];
    const imp_pixels p = {W, H, gap ? row + gap : 0, layout, type};
    imp_picture picture;
    imp_error err = {0};
    fill(from + shift, &p);
    memset(to, 0xA5, sizeof to);
    assert_int_equal(imp_picture_from_pixels(&picture, from + shift, &p, &err), IMP_OK);
    assert_int_equal(picture.width, W);
    assert_int_equal(picture.height, H);
    assert_int_equal(picture.opacity != NULL, samples_of[layout] % 2 == 0);
    assert_int_equal(picture.alpha, picture.opacity != NULL);
    assert_int_equal(imp_picture_to_pixels(to + shift, &p, &picture, &err), IMP_OK);
    for (size_t y = 0; y < H; y++) {
        const size_t at = shift + y * (row + gap);
        assert_memory_equal(to + at, from + at, row);
        for (size_t i = 0; i < gap; i++)
            assert_int_equal(to[at + row + i], 0xA5);
    }
    imp_picture_finish(&picture);
}

static void test_round_trips(void **state) {
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int type = 0; type < TYPES; type++)
            for (size_t i = 0; i < 4; i++)
                round_trip((imp_pixel_layout)layout, (imp_pixel_type)type, i & 1 ? 3 : 0, i >> 1);
}

/* The meaning of numbers, layout by layout. */
static void test_values(void **state) {
    static const unsigned char grey_alpha[] = {51, 255, 102, 0};
    static const uint16_t rgb16[] = {0, 65535, 13107};
    static const float rgba[] = {0.25F, -1, 2, 0.5F};
    imp_picture p;
    float real;
    unsigned char byte;
    (void)state;
    imp_pixels how = {2, 1, 0, IMP_PIXELS_GREY_ALPHA, IMP_PIXELS_U8};
    assert_int_equal(imp_picture_from_pixels(&p, grey_alpha, &how, NULL), IMP_OK);
    for (size_t i = 0; i < 6; i++) /* the second pixel is unseen and takes the first one's colour */
        assert_true(fabsf(p.rgb[i] - 0.2F) < 1e-6F);
    assert_true(p.opacity[0] == 1 && p.opacity[1] == 0);
    imp_picture_finish(&p);

    how = (imp_pixels){1, 1, 0, IMP_PIXELS_RGB, IMP_PIXELS_U16};
    assert_int_equal(imp_picture_from_pixels(&p, rgb16, &how, NULL), IMP_OK);
    assert_true(p.rgb[0] == 0 && p.rgb[1] == 1 && fabsf(p.rgb[2] - 0.2F) < 1e-6F);
    assert_true(!p.opacity && !p.alpha && !*p.sha256);
    how = (imp_pixels){1, 1, 0, IMP_PIXELS_GREY, IMP_PIXELS_F32};
    assert_int_equal(imp_picture_to_pixels(&real, &how, &p, NULL), IMP_OK);
    assert_true(fabs(real - (0.7152 + 0.2 * 0.0722)) < 1e-6);
    how = (imp_pixels){1, 1, 0, IMP_PIXELS_GREY, IMP_PIXELS_U8};
    assert_int_equal(imp_picture_to_pixels(&byte, &how, &p, NULL), IMP_OK);
    assert_int_equal(byte, 186); /* 255 (0.7152 + 0.2 * 0.0722) = 186.06 */
    imp_picture_finish(&p);

    how = (imp_pixels){1, 1, 0, IMP_PIXELS_RGBA, IMP_PIXELS_F32};
    assert_int_equal(imp_picture_from_pixels(&p, rgba, &how, NULL), IMP_OK);
    assert_true(p.rgb[0] == 0.25F && p.rgb[1] == 0 && p.rgb[2] == 1 && p.opacity[0] == 0.5F);
    imp_picture_finish(&p);
}

/* A picture without opacity is opaque where the layout has alpha; opaque alpha is no opacity. */
static void test_opaque(void **state) {
    float rgb[3] = {0, 0.5F, 1};
    unsigned char out[4] = {0};
    const imp_pixels how = {1, 1, 0, IMP_PIXELS_RGBA, IMP_PIXELS_U8};
    imp_picture p = {.width = 1, .height = 1, .rgb = rgb};
    (void)state;
    assert_int_equal(imp_picture_to_pixels(out, &how, &p, NULL), IMP_OK);
    assert_memory_equal(out, ((unsigned char[]){0, 128, 255, 255}), 4);
    assert_int_equal(imp_picture_from_pixels(&p, out, &how, NULL), IMP_OK);
    assert_true(p.opacity == NULL && !p.alpha);
    imp_picture_finish(&p);
}

/* ---- Files in memory ------------------------------------------------------------------------- */

static imp_picture smooth(size_t width, size_t height) {
    imp_picture p = {.width = width,
                     .height = height,
                     .rgb = malloc(3 * width * height * sizeof(float)),
                     .opacity = malloc(width * height * sizeof(float))};
    assert_non_null(p.rgb);
    assert_non_null(p.opacity);
    for (size_t i = 0; i < width * height; i++) {
        const float x = (float)(i % width) / (float)width, y = (float)(i / width) / (float)height;
        const float rgb[3] = {x, y, 0.5F};
        memcpy(p.rgb + 3 * i, rgb, sizeof rgb);
        p.opacity[i] = 0.5F + x / 4;
    }
    return p;
}

/* Each format gives back the picture, up to rounding. The bounds of JPEG and lossy WebP are loose:
 * they find a wrong channel, row or encoding. */
static void test_encode(void **state) {
    static const struct {
        imp_format format;
        imp_write_options options;
        const char *start;
        double bound; /* of a colour */
    } cases[] = {{IMP_FORMAT_PNG, {.opacity = true}, "\x89PNG", 0.51 / 255},
                 {IMP_FORMAT_PNG, {.depth = 16, .opacity = true}, "\x89PNG", 0.51 / 65535},
                 {IMP_FORMAT_JPEG, {.quality = 100}, "\xff\xd8\xff", 8.0 / 255},
                 {IMP_FORMAT_WEBP, {.quality = 100, .opacity = true}, "RIFF", 0.51 / 255},
                 {IMP_FORMAT_WEBP, {.quality = 95}, "RIFF", 16.0 / 255},
                 {IMP_FORMAT_TIFF, {.opacity = true}, "II*", 0.51 / 255},
                 {IMP_FORMAT_TIFF, {.depth = 16, .opacity = true}, "II*", 0.51 / 65535}};
    const imp_read_options keep = {.keep_alpha = true};
    imp_picture p = smooth(200, 150);
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        unsigned char *bytes;
        size_t size;
        imp_picture back;
        imp_error err = {0};
        imp_picture_encode(&bytes, &size, &p, cases[k].format, &cases[k].options, &err);
        assert_string_equal(err.text, "");
        assert_memory_equal(bytes, cases[k].start, strlen(cases[k].start));
        imp_picture_decode(&back, bytes, size, &keep, &err);
        assert_string_equal(err.text, "");
        assert_int_equal(back.width, p.width);
        assert_int_equal(back.height, p.height);
        assert_int_equal(strlen(back.sha256), 64);
        for (size_t i = 0; i < 3 * p.width * p.height; i++)
            if (!(fabs((double)p.rgb[i] - (double)back.rgb[i]) <= cases[k].bound))
                fail_msg("case %zu, sample %zu: %.6g became %.6g", k, i, (double)p.rgb[i],
                         (double)back.rgb[i]);
        assert_int_equal(back.opacity != NULL, cases[k].options.opacity);
        for (size_t i = 0; back.opacity && i < p.width * p.height; i++)
            assert_true(fabs((double)p.opacity[i] - (double)back.opacity[i]) <= cases[k].bound);
        imp_picture_finish(&back);
        imp_free(bytes);
    }
    imp_picture_finish(&p);
}

/* ---- What is refused ------------------------------------------------------------------------- */

/* One error that names `part`, and a picture that stays zeroed. */
static void refuses(const void *data, const imp_pixels *how, const char *part) {
    imp_picture p = {.width = 1};
    imp_error err = {0};
    assert_int_equal(imp_picture_from_pixels(&p, data, how, &err), IMP_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, part));
    assert_true(p.width == 0 && !p.rgb && !p.opacity);
}

static void test_bad_pixels(void **state) {
    static const float data[12] = {0};
    const imp_pixels good = {2, 2, 0, IMP_PIXELS_RGB, IMP_PIXELS_F32};
    imp_pixels bad = good;
    (void)state;
    refuses(NULL, &good, "NULL");
    refuses(data, NULL, "NULL");
    bad.width = 0;
    refuses(data, &bad, "no side may be 0");
    bad = good, bad.height = 0;
    refuses(data, &bad, "no side may be 0");
    bad = good, bad.stride = 23;
    refuses(data, &bad, "at least the 24 of a row");
    bad = good, bad.width = SIZE_MAX / 2;
    refuses(data, &bad, "too large");
    bad = good, bad.height = SIZE_MAX / 2;
    refuses(data, &bad, "stride");
    bad = good, bad.layout = (imp_pixel_layout)100;
    refuses(data, &bad, "layout 100");
    bad = good, bad.type = (imp_pixel_type)-1;
    refuses(data, &bad, "type -1");
    for (size_t i = 0; i < 3; i++) {
        float wrong[12] = {0};
        wrong[8] = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
        refuses(wrong, &good, "pixel at (0,1)");
    }
    assert_int_equal(imp_picture_from_pixels(NULL, data, &good, NULL), IMP_ERR_ARGUMENT);
}

static void test_bad_targets(void **state) {
    float rgb[12] = {0}, out[12];
    const imp_pixels good = {2, 2, 0, IMP_PIXELS_RGB, IMP_PIXELS_F32};
    const imp_pixels wider = {3, 2, 0, IMP_PIXELS_GREY, IMP_PIXELS_U8};
    const imp_picture p = {.width = 2, .height = 2, .rgb = rgb}, none = {0};
    imp_error err = {0};
    (void)state;
    assert_int_equal(imp_picture_to_pixels(out, &good, &p, &err), IMP_OK);
    assert_int_equal(imp_picture_to_pixels(NULL, &good, &p, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_to_pixels(out, NULL, &p, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_to_pixels(out, &good, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_to_pixels(out, &good, &none, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_to_pixels(out, &wider, &p, &err), IMP_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "3 x 2 for a picture of 2 x 2"));
    rgb[5] = NAN; /* as in files */
    assert_int_equal(imp_picture_to_pixels(out, &good, &p, NULL), IMP_OK);
    assert_true(out[5] == 0);
}

static void test_bad_files(void **state) {
    float rgb[3] = {0};
    const imp_picture p = {.width = 1, .height = 1, .rgb = rgb}, none = {0};
    imp_picture out = {.width = 1};
    unsigned char *bytes = (unsigned char *)rgb;
    size_t size = 1;
    imp_error err = {0};
    (void)state;
    assert_int_equal(imp_picture_encode(&bytes, &size, &p, (imp_format)104, NULL, &err),
                     IMP_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "format 104"));
    assert_true(bytes == NULL && size == 0);
    assert_int_equal(imp_picture_encode(&bytes, &size, NULL, IMP_FORMAT_PNG, NULL, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_encode(&bytes, &size, &none, IMP_FORMAT_PNG, NULL, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_encode(NULL, &size, &p, IMP_FORMAT_PNG, NULL, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_encode(&bytes, NULL, &p, IMP_FORMAT_PNG, NULL, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_encode(&bytes, &size, &p, IMP_FORMAT_JPEG,
                                        &(imp_write_options){.depth = 16}, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_decode(&out, NULL, 0, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_picture_decode(&out, "", 0, NULL, NULL), IMP_ERR_FORMAT);
    assert_int_equal(imp_picture_decode(NULL, "", 0, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_true(out.width == 0 && !out.rgb);
    imp_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_values),
        cmocka_unit_test(test_opaque),      cmocka_unit_test(test_encode),
        cmocka_unit_test(test_bad_pixels),  cmocka_unit_test(test_bad_targets),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
