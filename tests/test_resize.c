/* SPDX-License-Identifier: MIT
 *
 * Resampling: compared with its formula in double precision, and its basic properties.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers.h"
#include "impasto.h"

static imp_picture picture(size_t width, size_t height) {
    imp_picture p = {.width = width, .height = height};
    p.rgb = calloc(width * height, 3 * sizeof *p.rgb);
    assert_non_null(p.rgb);
    return p;
}

static imp_picture noise(size_t width, size_t height, uint64_t seed) {
    imp_picture p = picture(width, height);
    test_random(p.rgb, 3 * width * height, 16, &seed);
    for (size_t i = 0; i < 3 * width * height; i++)
        p.rgb[i] = (p.rgb[i] + 1) / 2;
    return p;
}

static imp_picture resized(const imp_picture *in, size_t width, size_t height) {
    imp_picture out;
    imp_error err = {0};
    assert_int_equal(imp_picture_resize(&out, in, width, height, &err), IMP_OK);
    assert_int_equal(out.width, width);
    assert_int_equal(out.height, height);
    for (size_t i = 0; i < 3 * width * height; i++)
        assert_true(out.rgb[i] >= 0 && out.rgb[i] <= 1);
    return out;
}

/* ---- The formula ----------------------------------------------------------------------------- */

static double decode(double v) {
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double encode(double v) {
    v = v < 0 ? 0 : v > 1 ? 1 : v;
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

static double sinc(double x) {
    const double a = 3.14159265358979323846 * x;
    return x == 0 ? 1 : sin(a) / a;
}

/* The weight of pixel j of `in` in pixel i of `out`, before division by the sum over j. */
static double weight(size_t i, size_t j, size_t out, size_t in) {
    const double ratio = (double)in / (double)out, stretch = ratio > 1 ? ratio : 1;
    const double x = ((double)j + 0.5 - ((double)i + 0.5) * ratio) / stretch;
    return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/* One pixel; *spread: the sum of the absolute weights, which amplifies errors. */
static void resample_pixel(double rgb[3], double *spread, const imp_picture *in, size_t width,
                           size_t height, size_t x, size_t y) {
    double sum = 0;
    rgb[0] = rgb[1] = rgb[2] = *spread = 0;
    for (size_t b = 0; b < in->height; b++) {
        for (size_t a = 0; a < in->width; a++) {
            const double w = weight(x, a, width, in->width) * weight(y, b, height, in->height);
            sum += w;
            *spread += fabs(w);
            for (size_t c = 0; c < 3; c++)
                rgb[c] += w * decode(in->rgb[3 * (b * in->width + a) + c]);
        }
    }
    *spread /= sum;
    for (size_t c = 0; c < 3; c++)
        rgb[c] /= sum;
}

/* The error of a float sum of n terms is at most n 2^-24 times the sum of absolute values, that of
 * the tables for decoding and encoding 1.1e-7 and 9e-7. Encoding amplifies errors at most
 * 12.92-fold, near black. */
static void agree_with_formula(size_t w, size_t h, size_t width, size_t height) {
    imp_picture in = noise(w, h, 7 * w + h), out = resized(&in, width, height);
    const double terms = 7.0 * (1 + (double)w / (double)width + 1 + (double)h / (double)height);
    for (size_t i = 0; i < width * height; i++) {
        double rgb[3], spread;
        resample_pixel(rgb, &spread, &in, width, height, i % width, i / width);
        const double bound = 12.92 * spread * (terms * 0x1p-24 + 1.1e-7) + 9e-7;
        for (size_t c = 0; c < 3; c++)
            if (fabs(out.rgb[3 * i + c] - encode(rgb[c])) > bound)
                fail_msg("%zux%zu to %zux%zu, pixel %zu: got %.9g, wanted %.9g, bound %.3g", w, h,
                         width, height, i, (double)out.rgb[3 * i + c], encode(rgb[c]), bound);
    }
    imp_picture_finish(&in);
    imp_picture_finish(&out);
}

static void test_formula(void **state) {
    static const size_t shapes[][4] = {{23, 17, 11, 9},  {23, 17, 40, 31}, {23, 17, 7, 30},
                                       {64, 48, 16, 12}, {5, 4, 1, 1},     {1, 1, 5, 3},
                                       {1, 50, 1, 20},   {50, 1, 21, 1},   {2, 3, 9, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        agree_with_formula(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
}

/* ---- What anyone expects --------------------------------------------------------------------- */

static void test_constant(void **state) {
    static const float values[] = {0, 0.001F, 0.04F, 0.5F, 0.731F, 1};
    (void)state;
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        imp_picture in = picture(31, 22);
        for (size_t i = 0; i < 3 * 31 * 22; i++)
            in.rgb[i] = values[v];
        static const size_t sides[][2] = {{7, 5}, {90, 70}, {31, 3}, {1, 1}};
        for (size_t s = 0; s < 4; s++) {
            imp_picture out = resized(&in, sides[s][0], sides[s][1]);
            for (size_t i = 0; i < 3 * out.width * out.height; i++)
                assert_true(fabsf(out.rgb[i] - values[v]) < 0.1F / 255);
            imp_picture_finish(&out);
        }
        imp_picture_finish(&in);
    }
}

/* Half the light of white is 188/255 in sRGB; filtering encoded values would give 128/255. */
static void test_linear_light(void **state) {
    (void)state;
    imp_picture in = picture(128, 128);
    for (size_t i = 0; i < 3 * 128 * 128; i++)
        in.rgb[i] = (float)((i / 3 % 128 + i / 3 / 128) % 2);
    imp_picture out = resized(&in, 16, 16);
    for (size_t y = 3; y < 13; y++)
        for (size_t x = 3; x < 13; x++)
            assert_true(fabsf(out.rgb[3 * (16 * y + x)] - 188.0F / 255) < 1.0F / 255);
    imp_picture_finish(&in);
    imp_picture_finish(&out);
}

static void test_identity(void **state) {
    (void)state;
    imp_picture in = noise(33, 21, 3);
    in.alpha = true;
    imp_picture out = resized(&in, 33, 21);
    assert_memory_equal(out.rgb, in.rgb, 3 * 33 * 21 * sizeof *in.rgb);
    assert_true(out.alpha);
    imp_picture_finish(&in);
    imp_picture_finish(&out);
}

static void test_extremes(void **state) {
    static const size_t shapes[][4] = {{1, 4000, 1, 512}, {4000, 1, 512, 1},     {1, 4000, 4000, 1},
                                       {1, 1, 300, 200},  {4000, 3, 1, 1},       {3, 4000, 600, 2},
                                       {2, 2, 1, 4000},   {1000, 999, 999, 1000}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        imp_picture in = noise(shapes[i][0], shapes[i][1], i);
        imp_picture out = resized(&in, shapes[i][2], shapes[i][3]);
        imp_picture_finish(&in);
        imp_picture_finish(&out);
    }
}

/* Colours out of range, and NaN, give colours within it. */
static void test_wild_colours(void **state) {
    static const float values[] = {-1, 2, NAN, INFINITY, -INFINITY, 1e30F};
    (void)state;
    imp_picture in = picture(9, 9);
    for (size_t i = 0; i < 3 * 81; i++)
        in.rgb[i] = values[i % 6];
    imp_picture out = resized(&in, 5, 14);
    imp_picture_finish(&in);
    imp_picture_finish(&out);
}

static void test_refusals(void **state) {
    (void)state;
    imp_error err = {0};
    imp_picture in = noise(4, 4, 1), out;
    assert_int_equal(imp_picture_resize(&out, &in, 0, 4, &err), IMP_ERR_ARGUMENT);
    assert_null(out.rgb);
    err = (imp_error){0};
    assert_int_equal(imp_picture_resize(&out, &in, SIZE_MAX / 2, SIZE_MAX / 2, &err),
                     IMP_ERR_MEMORY);
    assert_null(out.rgb);
    assert_non_null(strstr(err.text, "make it smaller"));
    imp_picture_finish(&in);
    imp_picture_finish(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula),      cmocka_unit_test(test_constant),
        cmocka_unit_test(test_linear_light), cmocka_unit_test(test_identity),
        cmocka_unit_test(test_extremes),     cmocka_unit_test(test_wild_colours),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
