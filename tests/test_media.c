/* SPDX-License-Identifier: MIT
 *
 * Picture files: every kind of PNG and JPEG is read with the right colours, and written pictures
 * are read back.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

#include "impasto.h"
#include "makers.h"
#include "scratch.h"

static imp_picture read_picture(const char *path) {
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, path, NULL, &err);
    assert_string_equal(err.text, "");
    return p;
}

/* ---- PNG in ---------------------------------------------------------------------------------- */

static void read_as_made(scratch *s, const png_spec *spec) {
    imp_picture p = read_picture(make_png(s, "in.png", spec));
    bool alpha = false;
    assert_int_equal(p.width, spec->width);
    assert_int_equal(p.height, spec->height);
    for (size_t i = 0; i < 3 * p.width * p.height; i++) {
        const size_t x = i / 3 % p.width, y = i / 3 / p.width;
        const double wanted = png_colour(spec, x, y, i % 3);
        alpha |= png_alpha(spec, x, y) < 1;
        if (fabs(p.rgb[i] - wanted) > 4 * 0x1p-24) /* four roundings of numbers up to 1 */
            fail_msg("colour type %d, %d bits, interlaced %d, transparent %d, (%zu,%zu) %zu: got "
                     "%.9g, wanted %.9g",
                     spec->colour, spec->depth, spec->interlaced, spec->transparent, x, y, i % 3,
                     (double)p.rgb[i], wanted);
    }
    assert_int_equal(p.alpha, alpha);
    imp_picture_finish(&p);
}

static void test_png_kinds(void **state) {
    static const struct {
        int colour, depths[6];
    } kinds[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}},
                 {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},
                 {PNG_COLOR_TYPE_RGB, {8, 16}},
                 {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}}};
    static const size_t sides[][2] = {{37, 23}, {3, 2}};
    int seen = 0;
    for (size_t k = 0; k < 5; k++)
        for (const int *depth = kinds[k].depths; *depth; depth++)
            for (int i = 0; i < 8; i++) {
                const png_spec spec = {.width = sides[i >> 2][0],
                                       .height = sides[i >> 2][1],
                                       .colour = kinds[k].colour,
                                       .depth = *depth,
                                       .interlaced = i & 1,
                                       .transparent = i & 2};
                if (spec.transparent && (spec.colour & PNG_COLOR_MASK_ALPHA))
                    continue;
                read_as_made(*state, &spec);
                seen++;
            }
    assert_int_equal(seen, 11 * 8 + 4 * 4);
}

/* ---- JPEG in --------------------------------------------------------------------------------- */

/* steps: the tolerance of a colour in units of 1/255. */
static void read_blocks(scratch *s, const jpeg_spec *spec, double steps) {
    imp_picture p = read_picture(make_jpeg(s, "in.jpg", spec));
    assert_int_equal(p.width, spec->width);
    assert_int_equal(p.height, spec->height);
    assert_false(p.alpha);
    for (size_t i = 0; i < 3 * p.width * p.height; i++) {
        const double wanted = jpeg_colour(spec, i / 3 % p.width, i / 3 / p.width, i % 3);
        if (fabs(p.rgb[i] - wanted) > steps / 255 + 4 * 0x1p-24)
            fail_msg("colour spaces %d in %d, unmarked %d, progressive %d, sample %zu: got %.6g, "
                     "wanted %.6g",
                     spec->given, spec->stored, spec->unmarked, spec->progressive, i,
                     (double)p.rgb[i], wanted);
    }
    imp_picture_finish(&p);
}

/* For YCbCr each of three numbers is rounded, and so is blue, Y + 1.772 Cb: 0.5 + 1.772 / 2 + 0.5 <
 * 2 steps. Otherwise nothing is rounded: a constant block is one number, its sum over 8. */
static void test_jpeg_kinds(void **state) {
    static const struct {
        int given, stored;
        bool unmarked;
        double steps;
    } kinds[] = {{JCS_GRAYSCALE, JCS_GRAYSCALE, false, 0},
                 {JCS_RGB, JCS_RGB, false, 0},
                 {JCS_RGB, JCS_YCbCr, false, 2},
                 {JCS_CMYK, JCS_CMYK, false, 0},
                 {JCS_CMYK, JCS_CMYK, true, 0},
                 {JCS_CMYK, JCS_YCCK, false, 2}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int i = 0; i < 4; i++) {
            const jpeg_spec spec = {.width = i & 2 ? 61 : 3,
                                    .height = i & 2 ? 43 : 5,
                                    .given = kinds[k].given,
                                    .stored = kinds[k].stored,
                                    .unmarked = kinds[k].unmarked,
                                    .progressive = i & 1};
            read_blocks(*state, &spec, kinds[k].steps);
        }
}

/* ---- Out and in again ------------------------------------------------------------------------ */

static imp_picture gradient(size_t width, size_t height) {
    imp_picture p = {.width = width, .height = height};
    p.rgb = malloc(3 * width * height * sizeof *p.rgb);
    assert_non_null(p.rgb);
    for (size_t i = 0; i < 3 * width * height; i++) {
        const double x = (double)(i / 3 % width), y = (double)(i / 3 / width);
        p.rgb[i] = (float)(0.5 + 0.4 * sin(0.05 * x + 0.03 * y + (double)(i % 3)));
    }
    return p;
}

static void write_picture(const imp_picture *p, const char *path, int quality, const char *text) {
    imp_error err = {0};
    imp_picture_write(p, path, &(imp_write_options){.quality = quality, .text = text}, &err);
    assert_string_equal(err.text, "");
}

static void test_png_out(void **state) {
    imp_picture p = gradient(67, 45);
    static const float values[] = {-3, 0, 0.499F / 255, 0.501F / 255, 1, 7, NAN, INFINITY};
    static const float wanted[] = {0, 0, 0, 1.0F / 255, 1, 1, 0, 1};
    memcpy(p.rgb, values, sizeof values);
    write_picture(&p, scratch_path(*state, "out.png"), 1, NULL);
    imp_picture q = read_picture(scratch_path(*state, "out.png"));
    assert_int_equal(q.width, 67);
    assert_int_equal(q.height, 45);
    assert_memory_equal(q.rgb, wanted, sizeof wanted);
    for (size_t i = 8; i < 3 * 67 * 45; i++)
        assert_true(fabs((double)q.rgb[i] - (double)p.rgb[i]) < 0.50001 / 255);
    write_picture(&q, scratch_path(*state, "AGAIN.PNG"), 1, NULL);
    imp_picture r = read_picture(scratch_path(*state, "AGAIN.PNG"));
    assert_memory_equal(r.rgb, q.rgb, 3 * 67 * 45 * sizeof *q.rgb);
    imp_picture_finish(&p);
    imp_picture_finish(&q);
    imp_picture_finish(&r);
}

static double distance(const imp_picture *a, const imp_picture *b) {
    double sum = 0;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (size_t i = 0; i < 3 * a->width * a->height; i++)
        sum += pow((double)a->rgb[i] - (double)b->rgb[i], 2);
    return sqrt(sum / (double)(3 * a->width * a->height));
}

/* Quality makes files better and larger. Quality 100 is about as good as 8 bits allow: colours and
 * coefficients are rounded to steps of 1/255, and so is the colour conversion, each by a third of a
 * step. */
static void test_jpeg_out(void **state) {
    static const char *const names[] = {"out.jpg", "out.jpeg", "OUT.JPG"};
    static const int qualities[] = {1, 60, 100};
    imp_picture p = gradient(131, 77);
    double far[3];
    size_t size[3];
    for (size_t i = 0; i < 3; i++) {
        write_picture(&p, scratch_path(*state, names[i]), qualities[i], NULL);
        imp_picture q = read_picture(scratch_path(*state, names[i]));
        far[i] = distance(&p, &q);
        free(scratch_read(*state, names[i], &size[i]));
        imp_picture_finish(&q);
    }
    assert_true(far[0] > far[1] && far[1] > far[2] && far[2] < 1.0 / 255);
    assert_true(size[0] < size[1] && size[1] < size[2]);
    imp_picture_finish(&p);
}

/* Writing replaces an older file, follows the umask, and leaves no other file. */
static void test_replacement(void **state) {
    imp_picture p = gradient(9, 9);
    struct stat about;
    const mode_t mask = umask(027);
    const size_t before = scratch_count(*state);
    scratch_write(*state, "old.png", "something", 9);
    write_picture(&p, scratch_path(*state, "old.png"), 90, NULL);
    write_picture(&p, scratch_path(*state, "new.png"), 90, NULL);
    umask(mask);
    assert_int_equal(stat(scratch_path(*state, "new.png"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    assert_int_equal(scratch_count(*state), before + 2);
    imp_picture q = read_picture(scratch_path(*state, "old.png"));
    assert_int_equal(q.width, 9);
    imp_picture_finish(&p);
    imp_picture_finish(&q);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void test_text(void **state) {
    static const char text[] =
        "{\"size\": 512, \"style\": \"Gr\xc3\xbc\xc3\x9f\x65 \xe2\x98\x83\"}";
    static const char *const names[] = {"text.png", "text.jpg"};
    imp_picture p = gradient(20, 10);
    for (size_t i = 0; i < 2; i++) {
        write_picture(&p, scratch_path(*state, names[i]), 90, text);
        assert_text(scratch_path(*state, names[i]), text);
        write_picture(&p, scratch_path(*state, names[i]), 90, "");
        assert_text(scratch_path(*state, names[i]), "");
        write_picture(&p, scratch_path(*state, names[i]), 90, NULL);
        assert_text(scratch_path(*state, names[i]), NULL);
    }
    imp_picture_finish(&p);
}

static void test_long_text(void **state) {
    imp_picture p = gradient(20, 10);
    imp_error err = {0};
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    write_picture(&p, scratch_path(*state, "long.png"), 90, text);
    assert_text(scratch_path(*state, "long.png"), text);
    const char *path = scratch_path(*state, "long.jpg");
    assert_error(&err, imp_picture_write(&p, path, &(imp_write_options){.text = text}, &err),
                 IMP_ERR_ARGUMENT, path, "write a PNG");
    text[65533 - strlen("impasto: ")] = '\0'; /* as much as a marker holds */
    write_picture(&p, path, 90, text);
    assert_text(path, text);
    free(text);
    imp_picture_finish(&p);
}

static void test_text_of_others(void **state) {
    png_spec png = {.width = 30, .height = 20, .colour = PNG_COLOR_TYPE_RGB, .depth = 8};
    jpeg_spec jpeg = {.width = 8, .height = 8, .given = JCS_RGB, .stored = JCS_YCbCr};
    assert_text(make_png(*state, "none.png", &png), NULL);
    png.behind = "moved behind the colours";
    assert_text(make_png(*state, "behind.png", &png), png.behind);
    png.interlaced = true;
    assert_text(make_png(*state, "behind.png", &png), png.behind);
    assert_text(make_jpeg(*state, "none.jpg", &jpeg), NULL);
    jpeg.comment = "a holiday";
    assert_text(make_jpeg(*state, "other.jpg", &jpeg), NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_kinds),   cmocka_unit_test(test_jpeg_kinds),
        cmocka_unit_test(test_png_out),     cmocka_unit_test(test_jpeg_out),
        cmocka_unit_test(test_replacement), cmocka_unit_test(test_text),
        cmocka_unit_test(test_long_text),   cmocka_unit_test(test_text_of_others),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
