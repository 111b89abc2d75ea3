/* SPDX-License-Identifier: MIT
 *
 * Films: what ffprobe finds in them, how their frames are spaced, and what happens when a run stops
 * early or the disk is full. Skipped without FFmpeg's libraries or programs.
 */
#include "program.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SMALL "--size 32 -n 4 "

static int set_up(void **state) {
    if (scratch_open(state))
        return -1;
    write_waves(*state, "a.png", 48, 41);
    write_waves(*state, "b.jpg", 40, 48);
    return 0;
}

static void need_films(scratch *s) {
    imp_error err = {0};
    if (imp_film_check_output(scratch_path(s, "x.mp4"), &err) == IMP_ERR_UNSUPPORTED ||
        imp_film_check_output(scratch_path(s, "x.webm"), &err) == IMP_ERR_UNSUPPORTED ||
        !program_exists("ffprobe") || !program_exists("ffmpeg")) {
        print_message("no films here\n");
        skip();
    }
}

/* Runs the command line; returns its output, which the caller frees. */
static char *output_of(scratch *s, const char *line) {
    ended e = program_run(s, line);
    assert_silent(&e, line);
    free(e.err);
    return e.out;
}

/* What ffprobe reports: WIDTH,HEIGHT,FORMAT,FRAMES and the file's duration. */
static void assert_film(scratch *s, const char *name, const char *stream, double seconds) {
    char line[512], wanted[64];
    snprintf(line, sizeof line,
             "ffprobe -v error -count_frames -show_entries "
             "stream=width,height,pix_fmt,nb_read_frames:format=duration -of csv=p=0 %s",
             name);
    char *out = output_of(s, line);
    snprintf(wanted, sizeof wanted, "%s\n%.6f\n", stream, seconds);
    assert_string_equal(out, wanted);
    free(out);
}

static void fill(imp_picture *p, double grey) {
    for (size_t i = 0; i < 3 * p->width * p->height; i++)
        p->rgb[i] = (float)grey;
}

/* ---- The library ----------------------------------------------------------------------------- */

/* A film in 200 steps of a grey, which is the function `grey` of the share done. */
static void make_film(scratch *s, const char *name, double (*grey)(double done)) {
    enum { STEPS = 200 };
    const imp_film_options options = {.seconds = 4, .size = 33};
    imp_error err = {0};
    imp_film *film = NULL;
    float rgb[3 * 8 * 6];
    imp_picture p = {.width = 8, .height = 6, .rgb = rgb};
    assert_int_equal(imp_film_open(&film, scratch_path(s, name), 16, 12, &options, &err), IMP_OK);
    fill(&p, grey(0));
    assert_int_equal(imp_film_add(film, &p, 0, &err), IMP_OK);
    for (int i = 1; i <= STEPS; i++) {
        const double done = (double)i / STEPS;
        if (!imp_film_due(film, done))
            continue;
        fill(&p, grey(done));
        assert_int_equal(imp_film_add(film, &p, done, &err), IMP_OK);
    }
    assert_int_equal(imp_film_close(film, true, &err), IMP_OK);
}

static double evenly(double done) {
    return done;
}

/* Three quarters of the change in the first quarter of the steps, an eighth in the first step. */
static double early(double done) {
    return log(1 + 200 * done) / log(201);
}

/* Checks that frame i, one RGB pixel, is that grey within a quarter. */
static void assert_grey(const unsigned char *raw, size_t i, double grey) {
    if (fabs(raw[3 * i + 1] / 255.0 - grey) > 0.25)
        fail_msg("frame %zu: %.2f instead of %.2f", i, raw[3 * i + 1] / 255.0, grey);
}

/* The film's brightness goes evenly from black to white, whatever the steps did. The tolerance of a
 * quarter is needed because the end is not known in advance; spaced by steps, the film would be
 * half its length too early. */
static void test_spaced_by_change(void **state) {
    scratch *s = *state;
    double (*const ways[])(double) = {evenly, early};
    need_films(s);
    for (size_t way = 0; way < 2; way++) {
        size_t size;
        make_film(s, "x.mp4", ways[way]);
        assert_film(s, "x.mp4", "34,24,yuv420p,100", 4);
        run_silent(s, "ffmpeg -v error -y -i x.mp4 -vf format=rgb24,scale=1:1 -f rawvideo x.raw");
        unsigned char *raw = scratch_read(s, "x.raw", &size);
        assert_int_equal(size, 3 * 100);
        assert_grey(raw, 9, 0);
        for (size_t frame = 20; frame <= 70; frame += 10)
            assert_grey(raw, frame, ((double)frame - 9) / 70);
        assert_grey(raw, 99, 1);
        free(raw);
    }
}

static void test_every_kind(void **state) {
    scratch *s = *state;
    need_films(s);
    make_film(s, "x.webm", early);
    assert_film(s, "x.webm", "34,24,yuv420p,100", 4);
    make_film(s, "x.gif", early);
    assert_film(s, "x.gif", "33,25,bgra,40", 4);
}

/* A film that is not kept, or could not be opened, leaves no file. */
static void test_nothing_left(void **state) {
    scratch *s = *state;
    imp_error err = {0};
    imp_film *film = NULL;
    need_films(s);
    const size_t files = scratch_count(s);
    assert_int_equal(imp_film_open(&film, scratch_path(s, "x.mp4"), 16, 12, NULL, &err), IMP_OK);
    assert_int_equal(imp_film_close(film, false, &err), IMP_OK);
    assert_int_equal(scratch_count(s), files);
    assert_error(&err, imp_film_open(&film, "x.avi", 16, 12, NULL, &err), IMP_ERR_ARGUMENT, "x.avi",
                 ".mp4, .webm or .gif");
    assert_error(&err, imp_film_open(&film, "no/x.mp4", 16, 12, NULL, &err), IMP_ERR_IO, "no/",
                 "create it first");
    assert_error(&err, imp_film_open(&film, "x.mp4", 0, 12, NULL, &err), IMP_ERR_ARGUMENT, "x.mp4",
                 "sides above 0");
    assert_int_equal(scratch_count(s), files);
}

/* ---- The program ----------------------------------------------------------------------------- */

static void test_paint_makes_a_film(void **state) {
    scratch *s = *state;
    need_films(s);
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "-o c.png --film c.mp4 --film-seconds 2");
    assert_film(s, "c.mp4", "32,28,yuv420p,50", 2);
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "-o c.png --film c.gif --film-size 20");
    assert_film(s, "c.gif", "20,17,bgra,100", 10);
}

static void test_numbered_pictures(void **state) {
    scratch *s = *state;
    need_films(s);
    run_silent(s, "impasto paint -q a.png b.jpg " SMALL "--save-every 2 -o c.png");
    assert_int_equal(access(scratch_path(s, "c-000002.png"), F_OK), 0);
    assert_int_equal(access(scratch_path(s, "c-000004.png"), F_OK), 0);
    run_silent(s, "impasto film -q a.png c-*.png -o c.webm --film-seconds 3");
    assert_film(s, "c.webm", "32,28,yuv420p,75", 3);
    ended e = program_run(s, "impasto film a.png missing.png -o d.mp4");
    assert_complaint(&e, "a frame that is missing", 1, "missing.png");
    ended_free(&e);
    assert_int_not_equal(access(scratch_path(s, "d.mp4"), F_OK), 0);
}

static void test_interrupted_film_plays(void **state) {
    scratch *s = *state;
    need_films(s);
    running r = program_start(s, "impasto paint a.png b.jpg --size 64 -n 1000000 --json -o c.png "
                                 "--film c.mp4");
    program_await(&r, "\"n\":9,");
    kill(r.pid, SIGINT);
    ended e = program_wait(&r);
    assert_complaint(&e, "one interrupt", 130, "holds the picture so far");
    ended_free(&e);
    run_silent(s, "ffmpeg -v error -i c.mp4 -f null -");
}

/* The disk fills up during the film: one line of error, no film, but the picture is written. */
static void test_full_disk(void **state) {
    scratch *s = *state;
    need_films(s);
    ended e = program_run(s, "mkdir -p small && exec unshare -rm sh -c 'mount -t tmpfs -o size=64k "
                             "none small && \"$impasto\" paint -q a.png b.jpg --size 200 -n 6 "
                             "--init noise -o c.png --film small/c.gif; code=$?; ls -A small; "
                             "exit $code'");
    if (strstr(e.err, "unshare")) {
        ended_free(&e);
        rmdir(scratch_path(s, "small"));
        print_message("no file system can be mounted here\n");
        skip();
    }
    assert_complaint(&e, "a film on a full disk", 1, "small/c.gif': No space left");
    assert_string_equal(e.out, "");
    ended_free(&e);
    assert_int_equal(access(scratch_path(s, "c.png"), F_OK), 0);
    rmdir(scratch_path(s, "small"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_spaced_by_change),  TEST(test_every_kind),
        TEST(test_nothing_left),      TEST(test_paint_makes_a_film),
        TEST(test_numbered_pictures), TEST(test_interrupted_film_plays),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
