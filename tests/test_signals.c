/* SPDX-License-Identifier: MIT
 *
 * Signals: a run that is asked to end keeps the picture, the film and the state; and standard
 * streams that are closed.
 */
#include "program.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG "--size 64 -n 1000000 --convergence 0 --json "

static void assert_picture(scratch *s, const char *name) {
    imp_picture p = {0};
    imp_error err = {0};
    imp_picture_read(&p, scratch_path(s, name), NULL, &err);
    assert_string_equal(err.text, "");
    imp_picture_finish(&p);
}

/* A whole film has the index, which is written last. */
static void assert_film(scratch *s, const char *name) {
    size_t size;
    unsigned char *bytes = scratch_read(s, name, &size);
    bool found = false;
    for (size_t i = 0; i + 4 < size && !found; i++)
        found = !memcmp(bytes + i, "moov", 4);
    free(bytes);
    assert_true(found);
}

static void test_picture_film_and_state_are_kept(void **state) {
    static const struct {
        int number, status;
    } signals[] = {{SIGTERM, 143}, {SIGHUP, 129}, {SIGINT, 130}};
    scratch *s = *state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        running r = program_start(s, "impasto paint a.png b.jpg " LONG
                                     "-o c.png --film c.mp4 --checkpoint ck");
        program_await(&r, "\"n\":3,");
        kill(r.pid, signals[i].number);
        ended e = program_wait(&r);
        assert_int_equal(e.status, signals[i].status);
        assert_non_null(strstr(e.err, "'c.png' holds the picture so far"));
        ended_free(&e);
        assert_picture(s, "c.png");
        assert_film(s, "c.mp4");
        run_silent(s, "impasto resume -q ck --time-limit 0.001");
        assert_int_equal(scratch_count(s), 6); /* a, b, c, film, two checkpoints: nothing else */
        run_silent(s, "rm c.png c.mp4 ck*");
    }
}

/* A closed terminal sends two of them; only a second Ctrl-C ends the program at once. */
static void test_a_second_signal(void **state) {
    scratch *s = *state;
    running r = program_start(s, "impasto paint a.png b.jpg " LONG "-o c.png");
    program_await(&r, "\"n\":3,");
    kill(r.pid, SIGHUP);
    kill(r.pid, SIGTERM);
    kill(r.pid, SIGHUP);
    ended e = program_wait(&r);
    assert_true(e.status == 129 || e.status == 143);
    ended_free(&e);
    assert_picture(s, "c.png");
}

static void test_nohup(void **state) {
    scratch *s = *state;
    running r =
        program_start(s, "trap '' HUP; impasto paint a.png b.jpg " LONG "--time-limit 1 -o c.png");
    program_await(&r, "\"n\":3,");
    kill(r.pid, SIGHUP);
    ended e = program_wait(&r);
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.out, "time-limit"));
    ended_free(&e);
}

/* Before there is anything to keep. */
static void test_at_the_start(void **state) {
    scratch *s = *state;
    for (long ms = 0; ms < 100; ms += 10) {
        const struct timespec pause = {.tv_nsec = ms * 1000000};
        running r = program_start(s, "impasto paint a.png b.jpg " LONG "-o c.png --film c.mp4");
        nanosleep(&pause, NULL);
        kill(r.pid, SIGTERM);
        ended e = program_wait(&r);
        if (e.status != 143 && e.status != -1) /* -1: before the program could catch it */
            fail_msg("status %d after %ld ms", e.status, ms);
        ended_free(&e);
        run_silent(s, "rm -f c.png c.mp4");
        assert_int_equal(scratch_count(s), 2);
    }
}

static void test_nobody_reads(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "{ ( impasto paint a.png b.jpg " LONG
                             "-o c.png --film c.mp4 --checkpoint ck ); echo $? >status; } | "
                             "head -3 >/dev/null; grep -q 141 status");
    assert_int_equal(e.status, 0);
    ended_free(&e);
    assert_picture(s, "c.png");
    assert_film(s, "c.mp4");
    run_silent(s, "impasto resume -q ck --time-limit 0.001");
}

/* The checkpoint is the first file that may not grow further; the picture still fits. */
static void test_a_file_may_not_grow(void **state) {
    scratch *s = *state;
    ended e = program_run(s, "ulimit -f 40; impasto paint a.png b.jpg " LONG
                             "-o c.png --checkpoint ck --checkpoint-every 0.001");
    assert_int_equal(e.status, 153);
    ended_free(&e);
    assert_picture(s, "c.png");
    assert_false(scratch_has(s, "ck"));
    e = program_run(s, "ulimit -f 1; impasto paint a.png b.jpg --size 64 -n 2 -q -o d.png");
    assert_complaint(&e, "no picture", 153, "d.png");
    ended_free(&e);
    assert_false(scratch_has(s, "d.png"));
}

/* ---- Batches --------------------------------------------------------------------------------- */

#define BATCH "impasto batch --content '[cd].png' --style b.jpg " LONG

static void test_batch_parent_alone(void **state) {
    scratch *s = *state;
    static const int signals[][2] = {{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}};
    run_silent(s, "cp a.png c.png && cp a.png d.png");
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const struct timespec pause = {.tv_nsec = 800000000};
        running r = program_start(s, BATCH);
        nanosleep(&pause, NULL);
        kill(r.pid, signals[i][0]);
        ended e = program_wait(&r);
        assert_complaint(&e, "batch", signals[i][1], "run the same command again");
        assert_non_null(strstr(e.out, "\"left\":2"));
        ended_free(&e);
        assert_int_equal(scratch_count(s), 4);
    }
}

/* The worker of a batch that the system kills is told, and the rest goes on. */
static void test_batch_worker_killed(void **state) {
    scratch *s = *state;
    if (!program_exists("pgrep")) {
        print_message("no pgrep here\n");
        skip();
    }
    char line[256];
    run_silent(s, "cp a.png c.png && cp a.png d.png");
    const struct timespec pause = {.tv_nsec = 800000000};
    running r = program_start(s, BATCH "--time-limit 2");
    nanosleep(&pause, NULL);
    snprintf(line, sizeof line, "kill -9 $(pgrep -P %ld)", (long)r.pid);
    run_silent(s, line);
    ended e = program_wait(&r);
    assert_int_equal(e.status, 1);
    assert_non_null(strstr(e.err, "'c_b.png': the process on device cpu was ended by signal 9"));
    assert_non_null(strstr(e.out, "\"painted\":1,\"skipped\":0,\"failed\":1,\"left\":0"));
    ended_free(&e);
    assert_picture(s, "d_b.png");
}

/* ---- Closed streams -------------------------------------------------------------------------- */

/* The film must not take the place of standard output. */
static void test_closed_streams(void **state) {
    scratch *s = *state;
    static const char *const closed[] = {">&-", "2>&-", "<&-", "<&- >&- 2>&-"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "impasto paint a.png b.jpg --size 64 -n 3 --json -o c.png --film c.mp4 %s",
                 closed[i]);
        ended e = program_run(s, line);
        assert_int_equal(e.status, strstr(closed[i], " >&-") || closed[i][0] == '>' ? 1 : 0);
        ended_free(&e);
        assert_picture(s, "c.png");
        assert_film(s, "c.mp4");
        size_t size;
        unsigned char *bytes = scratch_read(s, "c.mp4", &size);
        for (size_t k = 0; k + 8 < size; k++)
            assert_true(memcmp(bytes + k, "\"event\":", 8) != 0);
        free(bytes);
        run_silent(s, "rm c.png c.mp4");
    }
}

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_picture_film_and_state_are_kept, program_set_up,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_a_second_signal, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_nohup, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_at_the_start, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_nobody_reads, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_a_file_may_not_grow, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_batch_parent_alone, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_batch_worker_killed, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_closed_streams, program_set_up, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
