/* SPDX-License-Identifier: MIT
 *
 * Colours: chrominance is kept within rounding, palettes are matched within what the regularisation
 * allows, and every input gives a finite picture.
 */
#include "engine/colour.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 60, COUNT = SIDE * SIDE };

/* Correlated colours: mixtures of three waves. */
static imp_picture make_picture(const double mix[3][3], const double mean[3], unsigned seed) {
    imp_picture p = {.width = SIDE, .height = SIDE, .rgb = malloc(3 * COUNT * sizeof(float))};
    assert_non_null(p.rgb);
    for (size_t i = 0; i < COUNT; i++) {
        const double x = (double)(i % SIDE), y = (double)(i / SIDE);
        const double w[3] = {sin(0.31 * x + seed), cos(0.17 * y + 0.05 * x * seed),
                             sin(0.7 * x + 0.9 * y)};
        for (size_t c = 0; c < 3; c++)
            p.rgb[3 * i + c] =
                (float)(mean[c] + mix[c][0] * w[0] + mix[c][1] * w[1] + mix[c][2] * w[2]);
    }
    return p;
}

static imp_picture bright(void) {
    return make_picture((const double[3][3]){{0.2, 0.05, 0.03}, {0.15, -0.1, 0.02}, {0, 0.1, 0.05}},
                        (const double[3]){0.6, 0.5, 0.3}, 1);
}

static imp_picture dark(void) {
    return make_picture((const double[3][3]){{0.05, 0.1, 0.02}, {0.1, 0.1, -0.03}, {0.2, 0, 0.05}},
                        (const double[3]){0.3, 0.4, 0.6}, 2);
}

static imp_picture grey(void) {
    return make_picture((const double[3][3]){{0.2, 0.1, 0}, {0.2, 0.1, 0}, {0.2, 0.1, 0}},
                        (const double[3]){0.5, 0.5, 0.5}, 3);
}

static imp_picture even(void) {
    return make_picture((const double[3][3]){{0}}, (const double[3]){0.2, 0.4, 0.9}, 0);
}

/* ---- Luminance ------------------------------------------------------------------------------- */

static double part(const float *rgb, const double weights[3]) {
    return weights[0] * (double)rgb[0] + weights[1] * (double)rgb[1] + weights[2] * (double)rgb[2];
}

/* Y is the painting's, U and V are the content's: three roundings to float each. */
static void test_luminance(void **state) {
    static const double y[3] = {0.299, 0.587, 0.114}, u[3] = {-0.147, -0.288, 0.436},
                        v[3] = {0.615, -0.515, -0.1};
    imp_picture painted = bright(), content = dark(), out = bright();
    (void)state;
    imp_colour_take_chrominance(out.rgb, content.rgb, COUNT);
    for (size_t i = 0; i < 3 * COUNT; i += 3) {
        assert_true(fabs(part(out.rgb + i, y) - part(painted.rgb + i, y)) < 3 * 0x1p-24);
        assert_true(fabs(part(out.rgb + i, u) - part(content.rgb + i, u)) < 3 * 0x1p-24);
        assert_true(fabs(part(out.rgb + i, v) - part(content.rgb + i, v)) < 3 * 0x1p-24);
    }
    imp_picture_finish(&painted);
    imp_picture_finish(&content);
    imp_picture_finish(&out);
}

/* ---- Palettes -------------------------------------------------------------------------------- */

static void assert_palette(const imp_palette *got, const imp_palette *wanted, double bound) {
    double far = 0, size = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabs(got->mean[i] - wanted->mean[i]) < bound * wanted->mean[i]);
        for (size_t j = 0; j < 3; j++) {
            far += pow(got->covariance[i][j] - wanted->covariance[i][j], 2);
            size += pow(wanted->covariance[i][j], 2);
        }
    }
    assert_true(sqrt(far) < bound * sqrt(size));
}

static void test_palettes(void **state) {
    (void)state;
    for (imp_color_method m = IMP_COLOR_PCA; m <= IMP_COLOR_MK; m++) {
        imp_picture p = bright(), source = dark();
        const imp_palette wanted = imp_colour_palette(&source);
        imp_colour_match(&p, &wanted, m);
        const imp_palette got = imp_colour_palette(&p);
        assert_palette(&got, &wanted, 0.01);
        imp_picture_finish(&p);
        imp_picture_finish(&source);
    }
}

/* Matching a picture to its own palette changes nothing, by any method. */
static void test_own_palette(void **state) {
    (void)state;
    for (imp_color_method m = IMP_COLOR_PCA; m <= IMP_COLOR_MK; m++) {
        imp_picture p = bright(), before = bright();
        const imp_palette own = imp_colour_palette(&p);
        imp_colour_match(&p, &own, m);
        for (size_t i = 0; i < 3 * COUNT; i++)
            assert_true(fabs((double)p.rgb[i] - (double)before.rgb[i]) < 1e-6);
        imp_picture_finish(&p);
        imp_picture_finish(&before);
    }
}

/* Of the three maps between two palettes mk changes colours least. */
static void test_least_change(void **state) {
    double moved[3] = {0};
    (void)state;
    for (imp_color_method m = IMP_COLOR_PCA; m <= IMP_COLOR_MK; m++) {
        imp_picture p = bright(), before = bright(), source = dark();
        const imp_palette wanted = imp_colour_palette(&source);
        imp_colour_match(&p, &wanted, m);
        for (size_t i = 0; i < 3 * COUNT; i++)
            moved[m] += pow((double)p.rgb[i] - (double)before.rgb[i], 2);
        imp_picture_finish(&p);
        imp_picture_finish(&before);
        imp_picture_finish(&source);
    }
    assert_true(moved[IMP_COLOR_MK] <= moved[IMP_COLOR_PCA] * (1 + 1e-6));
    assert_true(moved[IMP_COLOR_MK] <= moved[IMP_COLOR_CHOLESKY] * (1 + 1e-6));
}

/* Grey and even pictures have singular covariances and must still give a picture. */
static void test_singular_palettes(void **state) {
    static imp_picture (*const makers[])(void) = {bright, grey, even};
    (void)state;
    for (size_t i = 0; i < 9; i++)
        for (imp_color_method m = IMP_COLOR_PCA; m <= IMP_COLOR_MK; m++) {
            imp_picture p = makers[i % 3](), source = makers[i / 3]();
            const imp_palette wanted = imp_colour_palette(&source);
            imp_colour_match(&p, &wanted, m);
            const imp_palette got = imp_colour_palette(&p);
            for (size_t c = 0; c < 3; c++)
                assert_true(fabs(got.mean[c] - wanted.mean[c]) < 1e-5);
            for (size_t k = 0; k < 3 * COUNT; k++)
                assert_true(p.rgb[k] > -2 && p.rgb[k] < 3); /* false for NaN */
            imp_colour_clip(&p);
            imp_picture_finish(&p);
            imp_picture_finish(&source);
        }
}

static void test_clip(void **state) {
    float rgb[6] = {-1, NAN, 0.5F, 2, INFINITY, -INFINITY};
    const float wanted[6] = {0, 0, 0.5F, 1, 1, 0};
    imp_picture p = {.width = 2, .height = 1, .rgb = rgb};
    (void)state;
    imp_colour_clip(&p);
    assert_memory_equal(rgb, wanted, sizeof wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_luminance),         cmocka_unit_test(test_palettes),
        cmocka_unit_test(test_own_palette),       cmocka_unit_test(test_least_change),
        cmocka_unit_test(test_singular_palettes), cmocka_unit_test(test_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
