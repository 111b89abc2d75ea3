/* SPDX-License-Identifier: MIT
 *
 * Pictures in and out of the program: standard streams, addresses, transparency, camera and date,
 * and kept or matched colours.
 */
#include "program.h"
#include "server.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL "--size 32 -n 3 "

/* Waves, transparent at the top and opaque at the bottom, with EXIF of a camera. */
static void write_seen_through(scratch *s) {
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, scratch_path(s, "a.png"), NULL, &err);
    assert_string_equal(err.text, "");
    p.opacity = malloc(p.width * p.height * sizeof *p.opacity);
    assert_non_null(p.opacity);
    for (size_t i = 0; i < p.width * p.height; i++)
        p.opacity[i] = (float)(i / p.width) / (float)(p.height - 1);
    snprintf(p.origin.model, sizeof p.origin.model, "a model");
    imp_picture_write(&p, scratch_path(s, "seen-through.png"),
                      &(imp_write_options){.opacity = true}, &err);
    assert_string_equal(err.text, "");
    imp_picture_finish(&p);
}

static int set_up(void **state) {
    if (program_set_up(state))
        return -1;
    write_seen_through(*state);
    scratch_write(*state, "page.png", "<!DOCTYPE html><html></html>", 28);
    return 0;
}

static void complains(scratch *s, const char *line, int status, const char *says) {
    ended e = program_run(s, line);
    assert_complaint(&e, line, status, says);
    ended_free(&e);
}

static imp_picture read_result(scratch *s, const char *name) {
    const imp_read_options keep = {.keep_alpha = true};
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, scratch_path(s, name), &keep, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(p.width, 32);
    assert_int_equal(p.height, 27);
    return p;
}

/* From standard input to standard output, which gets nothing but the picture. */
static void test_streams(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "impasto paint - b.jpg -o - --depth 16 " SMALL " <a.png >piped.png");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.err, "painted -: 32 x 27"));
    ended_free(&e);
    imp_picture p = read_result(s, "piped.png");
    imp_picture_finish(&p);
    complains(s, "impasto paint - - -o c.png", 2, "only one picture");
    complains(s, "impasto paint a.png b.jpg -o - --json", 2, "both need standard output");
    complains(s, "impasto paint - b.jpg -o c.png </dev/null", 1, "it is empty");
}

/* What the result keeps of the content. */
static void test_content_stays(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint seen-through.png b.jpg -q --background keep -o c.webp " SMALL);
    imp_picture p = read_result(s, "c.webp");
    assert_true(p.opacity && p.opacity[0] < 0.1F && p.opacity[p.width * p.height - 1] > 0.9F);
    assert_string_equal(p.origin.model, "a model");
    imp_picture_finish(&p);
    run_silent(s, "impasto paint --like c.webp -q --strip -o d.tif");
    p = read_result(s, "d.tif");
    assert_true(p.opacity && !*p.origin.model);
    imp_picture_finish(&p);
    complains(s, "impasto paint seen-through.png b.jpg -q --background keep -o e.jpg", 2,
              "no transparency");
    complains(s, "impasto paint a.png b.jpg --background puce", 2, "a colour: white");
    complains(s, "impasto paint a.png b.jpg --depth 16 -o e.webp", 2, "at most 8 bits per colour");
}

static void test_addresses(void **state) {
    static const struct {
        const char *path, *says; /* says NULL: succeeds */
    } pages[] = {{"/file/a.png", NULL},
                 {"/moved/a.png", NULL},
                 {"/file/page.png", "the file is a web page"},
                 {"/status/404/a.png", "404"},
                 {"/loop/a.png", "redirect"}};
    scratch *s = *state;
    server v = server_start(s);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char address[256], line[512];
        snprintf(line, sizeof line, "impasto paint %s b.jpg -q -o net.png " SMALL,
                 server_address(address, &v, false, pages[i].path));
        if (pages[i].says)
            complains(s, line, 1, pages[i].says);
        else
            run_silent(s, line);
    }
    server_stop(&v);
    imp_picture p = read_result(s, "net.png");
    imp_picture_finish(&p);
}

/* The axes a and b of OKLab (Ottosson 2020), which are hue and chroma. */
static void hue_of(double hue[2], const float rgb[3]) {
    static const double cones[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                       {0.2119034982, 0.6806995451, 0.1073969566},
                                       {0.0883024619, 0.2817188376, 0.6299787005}};
    static const double axes[2][3] = {{1.9779984951, -2.4285922050, 0.4505937099},
                                      {0.0259040371, 0.7827717662, -0.8086757660}};
    hue[0] = hue[1] = 0;
    for (size_t i = 0; i < 3; i++) {
        double light = 0;
        for (size_t c = 0; c < 3; c++)
            light +=
                cones[i][c] * (rgb[c] <= 0.04045F ? (double)rgb[c] / 12.92
                                                  : pow(((double)rgb[c] + 0.055) / 1.055, 2.4));
        hue[0] += axes[0][i] * cbrt(light);
        hue[1] += axes[1][i] * cbrt(light);
    }
}

/* The hue is the content's, and so is the chroma where sRGB has it at the painting's lightness. */
static void test_content_colours(void **state) {
    scratch *s = *state;
    run_silent(s, "impasto paint a.png b.jpg -q --color content --size original -n 3 "
                  "--depth 16 -o c.png");
    imp_picture a, c;
    imp_error err = {0};
    imp_picture_read(&a, scratch_path(s, "a.png"), NULL, &err);
    imp_picture_read(&c, scratch_path(s, "c.png"), NULL, &err);
    assert_string_equal(err.text, "");
    size_t whole = 0, changed = 0;
    for (size_t i = 0; i < 3 * a.width * a.height; i += 3) {
        double want[2], got[2];
        hue_of(want, a.rgb + i);
        hue_of(got, c.rgb + i);
        const double square = want[0] * want[0] + want[1] * want[1];
        const double share = square > 0 ? (got[0] * want[0] + got[1] * want[1]) / square : 1;
        for (size_t k = 0; k < 2; k++)
            assert_true(fabs(got[k] - share * want[k]) < 1e-3);
        assert_true(square < 1e-4 || (share > -0.01 && share < 1.01));
        whole += share > 0.99;
        changed += fabs((double)c.rgb[i] - (double)a.rgb[i]) > 0.01;
    }
    assert_true(whole > a.width * a.height / 2 && changed > a.width * a.height / 4);
    imp_picture_finish(&a);
    imp_picture_finish(&c);
}

/* A picture of one colour, as content or as style, is painted without a note about a step that was
 * not finite. */
static void test_grey_pictures(void **state) {
    static const char *const methods[] = {"pca", "cholesky", "mk"};
    scratch *s = *state;
    float rgb[3 * 16 * 16];
    const imp_picture grey = {.width = 16, .height = 16, .rgb = rgb};
    for (size_t i = 0; i < 3 * 16 * 16; i++)
        rgb[i] = (float)(i / 3 % 16) / 15;
    assert_int_equal(imp_picture_write(&grey, scratch_path(s, "grey.png"), NULL, NULL), IMP_OK);
    for (size_t i = 0; i < 6; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "impasto paint %s %s -q --color match --color-method %s --size 32 -n 2 -o m.png",
                 i % 2 ? "grey.png" : "a.png", i % 2 ? "b.jpg" : "grey.png", methods[i / 2]);
        run_silent(s, line);
    }
    run_silent(s, "impasto paint grey.png b.jpg -q --color content --size 32 -n 2 -o m.png");
    imp_picture m;
    assert_int_equal(imp_picture_read(&m, scratch_path(s, "m.png"), NULL, NULL), IMP_OK);
    for (size_t i = 0; i < 3 * m.width * m.height; i++) /* the U of a grey is .001 of it, not 0 */
        assert_true(fabs((double)m.rgb[i] - (double)m.rgb[i / 3 * 3]) < 2.5 / 255);
    imp_picture_finish(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_streams),         TEST(test_content_stays), TEST(test_addresses),
        TEST(test_content_colours), TEST(test_grey_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
