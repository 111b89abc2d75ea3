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

/* ---- Lightness ------------------------------------------------------------------------------- */

/* OKLab of an sRGB colour, from Ottosson's page. */
static void oklab(double lab[3], const float rgb[3]) {
    double v[3];
    for (size_t c = 0; c < 3; c++)
        v[c] = (double)rgb[c] <= 0.04045 ? (double)rgb[c] / 12.92
                                         : pow(((double)rgb[c] + 0.055) / 1.055, 2.4);
    const double l = cbrt(0.4122214708 * v[0] + 0.5363325363 * v[1] + 0.0514459929 * v[2]),
                 m = cbrt(0.2119034982 * v[0] + 0.6806995451 * v[1] + 0.1073969566 * v[2]),
                 s = cbrt(0.0883024619 * v[0] + 0.2817188376 * v[1] + 0.6299787005 * v[2]);
    lab[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
    lab[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    lab[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

/* The lightness is the painting's. Hue and chroma are the content's; only a colour at the edge of
 * sRGB has less chroma. */
static void test_lightness(void **state) {
    imp_picture painted = bright(), content = dark(), out = bright();
    size_t whole = 0;
    (void)state;
    imp_colour_clip(&painted);
    imp_colour_clip(&content);
    imp_colour_take_hue(out.rgb, content.rgb, COUNT);
    for (size_t i = 0; i < 3 * COUNT; i += 3) {
        double got[3], own[3], of[3];
        bool at_edge = false;
        oklab(got, out.rgb + i);
        oklab(own, painted.rgb + i);
        oklab(of, content.rgb + i);
        for (size_t c = 0; c < 3; c++) {
            assert_true(out.rgb[i + c] >= 0 && out.rgb[i + c] <= 1);
            at_edge |= out.rgb[i + c] < 0.01F || out.rgb[i + c] > 0.99F;
        }
        const double chroma = hypot(of[1], of[2]), share = hypot(got[1], got[2]) / chroma;
        assert_true(fabs(got[0] - own[0]) < 1e-4);
        assert_true(chroma < 0.01 || fabs(got[1] * of[2] - got[2] * of[1]) < 2e-4 * chroma);
        assert_true(share < 1 + 1e-3);
        assert_true(at_edge || share > 1 - 1e-3);
        whole += share > 1 - 1e-3;
    }
    assert_true(whole > COUNT / 2 && whole < COUNT); /* both kinds were there */
    imp_picture_finish(&painted);
    imp_picture_finish(&content);
    imp_picture_finish(&out);
}

/* A colour of its own lightness stays itself; grey gives grey; black and white stay. */
static void test_lightness_of_one(void **state) {
    (void)state;
    float own[15] = {0.9F, 0.2F, 0.1F, 0.5F, 0.5F, 0.5F, 0, 0, 0, 1, 1, 1, 0, 0, 1};
    float of[15] = {0.9F, 0.2F, 0.1F, 0.2F, 0.2F, 0.2F, 1, 0, 0, 0, 1, 0, 0, 0, 1};
    static const float wanted[15] = {0.9F, 0.2F, 0.1F, 0.5F, 0.5F, 0.5F, 0, 0, 0, 1, 1, 1, 0, 0, 1};
    imp_colour_take_hue(own, of, 5);
    for (size_t i = 0; i < 15; i++)
        assert_true(fabsf(own[i] - wanted[i]) < 2e-3F);
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
        cmocka_unit_test(test_lightness),    cmocka_unit_test(test_lightness_of_one),
        cmocka_unit_test(test_palettes),     cmocka_unit_test(test_own_palette),
        cmocka_unit_test(test_least_change), cmocka_unit_test(test_singular_palettes),
        cmocka_unit_test(test_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
