/* SPDX-License-Identifier: MIT
 *
 * Sheets: pictures are copied whole and unchanged, captions do not overlap them, mistakes are
 * reported.
 */
#include "program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL "--size 32 -n 2 -q "

static imp_picture read(scratch *s, const char *name) {
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, scratch_path(s, name), NULL, &err);
    assert_string_equal(err.text, "");
    return p;
}

/* Whether p is at (x, y) of the sheet. */
static bool stands(const imp_picture *sheet, const imp_picture *p, size_t x, size_t y) {
    for (size_t j = 0; j < p->height; j++)
        if (memcmp(sheet->rgb + 3 * ((y + j) * sheet->width + x), p->rgb + 3 * j * p->width,
                   3 * p->width * sizeof *p->rgb) != 0)
            return false;
    return true;
}

/* Finds p on the sheet, surrounded by background; test failure if it is not there. */
static void find(const imp_picture *sheet, const imp_picture *p, size_t *x, size_t *y) {
    for (*y = 1; *y + p->height < sheet->height; ++*y)
        for (*x = 1; *x + p->width < sheet->width; ++*x) {
            if (!stands(sheet, p, *x, *y))
                continue;
            for (size_t i = *x - 1; i <= *x + p->width; i++)
                for (size_t end = 0; end < 2; end++) /* the rows above and below */
                    assert_memory_equal(
                        sheet->rgb + 3 * ((end ? *y + p->height : *y - 1) * sheet->width + i),
                        sheet->rgb, 3 * sizeof *sheet->rgb);
            return;
        }
    fail_msg("a picture of %zu x %zu is not on the sheet", p->width, p->height);
}

/* Whether columns x0..x1 of rows y0..y1 contain anything but background. */
static bool drawn(const imp_picture *sheet, size_t x0, size_t y0, size_t x1, size_t y1) {
    for (size_t y = y0; y < y1; y++)
        for (size_t i = 3 * (y * sheet->width + x0); i < 3 * (y * sheet->width + x1); i++)
            if (sheet->rgb[i] != sheet->rgb[i % 3])
                return true;
    return false;
}

/* ---- paint --sheet --------------------------------------------------------------------------- */

/* Content, style and result in one row, each with a caption below. */
static void test_paint_sheet(void **state) {
    scratch *s = *state;
    size_t x, y, left, top;
    run_silent(s, "impasto paint a.png b.jpg --size original -n 3 -q -o c.png --sheet s.png");
    imp_picture sheet = read(s, "s.png"), content = read(s, "a.png"), result = read(s, "c.png");
    find(&sheet, &content, &left, &top);
    find(&sheet, &result, &x, &y);
    assert_int_equal(top, y);
    assert_true(x > left + content.width + 33); /* the style, 33 x 40, is between them */
    assert_true(drawn(&sheet, left + content.width, top, x, top + content.height));
    assert_true(drawn(&sheet, left, top + content.height, x, sheet.height));
    assert_true(drawn(&sheet, x, y + result.height, sheet.width, sheet.height));
    assert_false(drawn(&sheet, 0, 0, sheet.width - 4, top)); /* margins */
    assert_false(drawn(&sheet, 0, 0, left, sheet.height));
    imp_picture_finish(&sheet);
    imp_picture_finish(&content);
    imp_picture_finish(&result);
}

/* Wide pictures are stacked in one column. */
static void test_paint_sheet_of_a_panorama(void **state) {
    scratch *s = *state;
    size_t x, y, left, top;
    write_waves(s, "wide.png", 90, 20);
    run_silent(s, "impasto paint wide.png b.jpg --size original -n 3 -q -o c.png --sheet s.png");
    imp_picture sheet = read(s, "s.png"), content = read(s, "wide.png"), result = read(s, "c.png");
    find(&sheet, &content, &left, &top);
    find(&sheet, &result, &x, &y);
    assert_int_equal(left, x);
    assert_true(y > top + 2 * content.height);
    imp_picture_finish(&sheet);
    imp_picture_finish(&content);
    imp_picture_finish(&result);
}

/* Unusual file names, every format, and pictures of one line and of one pixel. */
static void test_names_and_formats(void **state) {
    scratch *s = *state;
    write_waves(s, "line.png", 1, 300);
    write_waves(s, "dot.png", 1, 1);
    run_silent(s, "cp a.png 'gro\303\237e Welle \347\245\236\345\245\210\345\267\235.png' && "
                  "cp b.jpg '<b>&\377 a name that is much too long to stand below it.jpg' && "
                  "impasto paint gro*.png '<b'* " SMALL "-o c.png --sheet s.jpg");
    run_silent(s, "impasto paint line.png dot.png " SMALL "-o d.png --sheet s.webp");
    run_silent(s, "impasto paint dot.png line.png --size original -n 1 -q -o e.png --sheet s.tif");
    run_silent(s, "impasto paint --texture b.jpg " SMALL "-o f.png --sheet f_sheet.png");
    static const char *const sheets[] = {"s.jpg", "s.webp", "s.tif", "f_sheet.png"};
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
        imp_picture sheet = read(s, sheets[i]);
        assert_true(sheet.width > 100 && sheet.height > 60 && sheet.width < 1000);
        imp_picture_finish(&sheet);
    }
}

static void test_paint_sheet_mistakes(void **state) {
    scratch *s = *state;
    const size_t files = scratch_count(s);
    assert_fails(s, "impasto paint a.png b.jpg --sheet s.gif", 2, ".gif");
    assert_fails(s, "impasto paint a.png b.jpg --sheet no/s.png", 1, "there is no folder");
    assert_fails(s, "impasto paint a.png b.jpg --sheet a.png", 2, "one of the input pictures");
    assert_fails(s, "impasto paint a.png b.jpg -o c.png --sheet c.png", 2,
                 "is also the file of output");
    assert_fails(s, "impasto paint a.png b.jpg --sheet -", 2, "give a file");
    scratch_write(s, "none.conf", "<fontconfig/>", 13);
    assert_fails(s, "FONTCONFIG_FILE=\"$PWD\"/none.conf impasto paint a.png b.jpg --sheet s.png", 1,
                 "no fonts are installed");
    assert_int_equal(scratch_count(s), files + 1);
}

/* ---- compare --------------------------------------------------------------------------------- */

static void write_grey(scratch *s, const char *name, float grey) {
    float rgb[3 * 6 * 5];
    const imp_picture p = {.width = 6, .height = 5, .rgb = rgb};
    for (size_t i = 0; i < sizeof rgb / sizeof *rgb; i++)
        rgb[i] = grey;
    assert_int_equal(imp_picture_write(&p, scratch_path(s, name), NULL, NULL), IMP_OK);
}

static void assert_says(scratch *s, const char *line, const char *says) {
    ended e = program_run(s, line);
    if (e.status != 0 || *e.err || !strstr(e.out, says))
        fail_msg("%s: status %d, output: %s%s (wanted: %s)", line, e.status, e.out, e.err, says);
    ended_free(&e);
}

/* A difference of 10 of 255 everywhere is 20 log10(25.5) dB. */
static void test_compare_measures(void **state) {
    scratch *s = *state;
    write_grey(s, "g.png", 100.0F / 255);
    write_grey(s, "h.png", 110.0F / 255);
    assert_says(s, "impasto compare g.png h.png g.png a.png",
                "h.png      6 x 5  28.13 dB  10.00     "
                "10.0\n");
    assert_says(s, "impasto compare g.png h.png g.png a.png",
                "g.png      6 x 5  same       0.00     "
                " 0.0\n");
    assert_says(s, "impasto compare g.png a.png", "a.png    48 x 40     -     -        -\n");
    assert_says(s, "impasto compare g.png h.png --json", "\"psnr\":28.13");
    assert_says(s, "impasto compare g.png h.png --labels \u7d75,e\u0301", /* a wide character; a
                                                                             combining one */
                "\n\u7d75       6 x 5  ");
    assert_says(s, "impasto compare g.png h.png --labels \u7d75,e\u0301",
                "\ne\u0301        6 x 5  ");
}

/* One row or one column; captions show the settings that a result records. */
static void test_compare_sheet(void **state) {
    scratch *s = *state;
    size_t x[2], y[2];
    run_silent(s, "impasto paint a.png b.jpg --size original -n 2 -q --tv-weight 7 -o c.png");
    run_silent(s, "impasto compare a.png c.png -q -o row.png --labels one,two");
    run_silent(s, "impasto compare a.png c.png -q -o column.png --columns 1");
    assert_says(s, "impasto compare a.png c.png --json",
                "\"settings\":\"preset default, 2 iterations on cpu, tv-weight 7\"");
    imp_picture row = read(s, "row.png"), column = read(s, "column.png");
    imp_picture pictures[] = {read(s, "a.png"), read(s, "c.png")};
    for (size_t i = 0; i < 2; i++)
        find(&row, &pictures[i], &x[i], &y[i]);
    assert_true(y[0] == y[1] && x[1] > x[0] + pictures[0].width);
    for (size_t i = 0; i < 2; i++)
        find(&column, &pictures[i], &x[i], &y[i]);
    assert_true(x[0] == x[1] && y[1] > y[0] + pictures[0].height);
    for (size_t i = 0; i < 2; i++)
        imp_picture_finish(&pictures[i]);
    imp_picture_finish(&row);
    imp_picture_finish(&column);
}

static void test_compare_many(void **state) {
    scratch *s = *state;
    run_silent(s, "for i in 1 2 3 4 5 6 7 8 9; do cp a.png n$i.png; done; "
                  "impasto compare n*.png b.jpg -q -o s.webp --size 60");
    imp_picture sheet = read(s, "s.webp");
    assert_true(sheet.width > 3 * 60 && sheet.width < 10 * 60);
    assert_true(sheet.height > 2 * 60 && sheet.height < 10 * 60);
    imp_picture_finish(&sheet);
}

static void test_compare_mistakes(void **state) {
    scratch *s = *state;
    const size_t files = scratch_count(s);
    assert_fails(s, "impasto compare a.png", 2, "missing argument");
    assert_fails(s, "impasto compare a.png missing.png -o s.png", 1, "missing.png");
    assert_fails(s, "impasto compare a.png b.jpg -o s.gif", 2, ".gif");
    assert_fails(s, "impasto compare a.png b.jpg -o b.jpg", 2, "one of the input pictures");
    assert_fails(s, "impasto compare a.png b.jpg --labels x,y,z", 2, "3 labels for 2 pictures");
    assert_fails(s, "impasto compare a.png b.jpg -o -", 2, "give a file");
    assert_fails(s, "impasto compare a.png b.jpg --columns 0", 2, "from 1 to 1000");
    assert_int_equal(scratch_count(s), files);
}

/* ---- grid ------------------------------------------------------------------------------------ */

#define GRID "impasto grid a.png b.jpg -n 2 --size 48 -o s.png "

/* Each result equals paint's and is at its place; the longer list runs across. */
static void test_grid_of_two(void **state) {
    static const char *const styles[] = {"0.8", "1"}, *const weights[] = {"1", "30", "900"};
    scratch *s = *state;
    size_t x[6], y[6];
    assert_says(s, GRID "--style-scale .8,1 --content-weight 1,30,900 --json",
                "{\"event\":\"variation\",\"settings\":\"content-weight 900, style-scale 1\"");
    imp_picture sheet = read(s, "s.png");
    for (size_t i = 0; i < 6; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "impasto paint a.png b.jpg -n 2 --size 48 -q -o c.png --style-scale %s "
                 "--content-weight %s",
                 styles[i / 3], weights[i % 3]);
        run_silent(s, line);
        imp_picture p = read(s, "c.png");
        find(&sheet, &p, &x[i], &y[i]);
        assert_true(i % 3 == 0 || (y[i] == y[i - 1] && x[i] > x[i - 1]));
        assert_true(i < 3 || (x[i] == x[i - 3] && y[i] > y[i - 3]));
        imp_picture_finish(&p);
    }
    assert_true(drawn(&sheet, 0, 0, sheet.width - 3, y[0]) && drawn(&sheet, 0, y[0], x[0], y[3]));
    imp_picture_finish(&sheet);
}

/* A failed picture leaves its place empty and does not stop the others, even if the network fails.
 */
static void test_grid_goes_on(void **state) {
    scratch *s = *state;
    size_t x = 0, y = 0;
    ended e = program_run(s, GRID "-q --network builtin,none.safetensors,random-vgg19 "
                                  "--style-layers relu1_1 --content-layers relu1_1");
    assert_int_equal(e.status, 1);
    assert_non_null(strstr(e.err, "none.safetensors"));
    assert_non_null(strstr(e.err, "no picture with network none.safetensors\n"));
    ended_free(&e);
    run_silent(s, "impasto paint a.png b.jpg -n 2 --size 48 -q --network random-vgg19 "
                  "--style-layers relu1_1 --content-layers relu1_1 -o c.png");
    imp_picture sheet = read(s, "s.png"), p = read(s, "c.png");
    find(&sheet, &p, &x, &y);
    assert_true(x > 2 * p.width);
    imp_picture_finish(&sheet);
    imp_picture_finish(&p);
}

#define LARGE_GRID                                                                                 \
    "impasto grid a.png b.jpg --size 48 -n 3 --levels 1,2,3,4,5,6 "                                \
    "--seed 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 --json -o s.png"

static void assert_large_sheet(scratch *s) {
    imp_picture sheet = read(s, "s.png");
    assert_true(sheet.width > 20 * 48 && sheet.height > 6 * 40);
    imp_picture_finish(&sheet);
}

/* Ctrl-C keeps the complete pictures. */
static void test_grid_interrupted(void **state) {
    scratch *s = *state;
    running r = program_start(s, LARGE_GRID);
    program_await(&r, "variation");
    kill(r.pid, SIGINT);
    ended e = program_wait(&r);
    assert_complaint(&e, "grid", 130, "of 120 pictures; 's.png' holds them");
    assert_non_null(strstr(e.out, "\"event\":\"sheet\""));
    ended_free(&e);
    assert_large_sheet(s);
}

/* Killing the program keeps the sheet written so far. */
static void test_grid_killed(void **state) {
    scratch *s = *state;
    running r = program_start(s, LARGE_GRID);
    program_await(&r, "seed 2, levels 1");
    kill(r.pid, SIGKILL);
    ended e = program_wait(&r);
    ended_free(&e);
    assert_large_sheet(s);
}

static void test_grid_mistakes(void **state) {
    scratch *s = *state;
    const size_t files = scratch_count(s);
    assert_fails(s, GRID, 2, "nothing varies");
    assert_fails(s, GRID "--style-scale 1,x", 2, "invalid value 'x'");
    assert_fails(s, GRID "--style-scale 1,,2", 2, "invalid value ''");
    assert_fails(s, GRID "--preset default,gaytys", 2, "the nearest is 'gatys'");
    assert_fails(s, GRID "--seed 1,2 --levels 1,2 --color style,match", 2, "vary at most two");
    assert_fails(s, "impasto grid a.png b.jpg --seed 1,2", 2, "grid: missing output");
    assert_fails(s, "impasto grid a.png b.jpg --seed 1,2 -o -", 2, "give a file");
    assert_fails(s, "impasto grid a.png b.jpg --seed 1,2 -o s.gif", 2, ".gif");
    assert_fails(s, "impasto grid a.png b.jpg --seed 1,2 -o b.jpg", 2, "one of the input pictures");
    assert_fails(s, "impasto grid a.png missing.png --seed 1,2 -o s.png", 1, "missing.png");
    assert_fails(s, "impasto grid a.png --seed 1,2 -o s.png", 2, "needs two pictures");
    assert_int_equal(scratch_count(s), files);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_paint_sheet),       TEST(test_paint_sheet_of_a_panorama),
        TEST(test_names_and_formats), TEST(test_paint_sheet_mistakes),
        TEST(test_compare_measures),  TEST(test_compare_sheet),
        TEST(test_compare_many),      TEST(test_compare_mistakes),
        TEST(test_grid_of_two),       TEST(test_grid_goes_on),
        TEST(test_grid_interrupted),  TEST(test_grid_killed),
        TEST(test_grid_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
