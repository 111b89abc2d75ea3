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

/* U and V are the content's, except for the file's rounding and clipped colours. */
static void test_content_colours(void **state) {
    static const double u[3] = {-0.147, -0.288, 0.436}, v[3] = {0.615, -0.515, -0.1};
    scratch *s = *state;
    run_silent(s, "impasto paint a.png b.jpg -q --color content --size original -n 3 "
                  "--depth 16 -o c.png");
    imp_picture a, c;
    imp_error err = {0};
    imp_picture_read(&a, scratch_path(s, "a.png"), NULL, &err);
    imp_picture_read(&c, scratch_path(s, "c.png"), NULL, &err);
    assert_string_equal(err.text, "");
    size_t inside = 0, changed = 0;
    for (size_t i = 0; i < 3 * a.width * a.height; i += 3) {
        double du = 0, dv = 0;
        bool clipped = false;
        for (size_t k = 0; k < 3; k++) {
            clipped |= c.rgb[i + k] <= 0 || c.rgb[i + k] >= 1;
            du += u[k] * ((double)c.rgb[i + k] - (double)a.rgb[i + k]);
            dv += v[k] * ((double)c.rgb[i + k] - (double)a.rgb[i + k]);
        }
        assert_true(clipped || (fabs(du) < 1.0 / 65535 && fabs(dv) < 1.0 / 65535));
        inside += !clipped;
        changed += fabs((double)c.rgb[i] - (double)a.rgb[i]) > 0.01;
    }
    assert_true(inside > a.width * a.height / 2 && changed > a.width * a.height / 4);
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
