/* SPDX-License-Identifier: MIT
 *
 * Batches: the pairs, that results equal those of single runs, and reports of failures.
 */
#include "program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BATCH "impasto batch --content 'c?.png' --style 's?.jpg' --size 24 -n 3 "

static int set_up(void **state) {
    if (scratch_open(state))
        return -1;
    write_waves(*state, "c1.png", 40, 30);
    write_waves(*state, "c2.png", 30, 40);
    write_waves(*state, "s1.jpg", 40, 48);
    write_waves(*state, "s2.jpg", 20, 48);
    return 0;
}

static void assert_run(scratch *s, const char *line, int status, const char *out, const char *err) {
    ended e = program_run(s, line);
    if (e.status != status || !strstr(e.out, out) || !strstr(e.err, err))
        fail_msg("%s: status %d (wanted %d with '%s' and '%s'), output: %s%s", line, e.status,
                 status, out, err, e.out, e.err);
    ended_free(&e);
}

/* A batch writes the same bytes as single runs. */
static void test_all_pairs(void **state) {
    scratch *s = *state;
    assert_run(s, BATCH "-o '{style}-{content}.png'", 0, "4 pictures: 4 painted", "");
    assert_run(s, "impasto paint -q c2.png s1.jpg --size 24 -n 3 -o alone.png", 0, "", "");
    assert_run(s, "cmp alone.png s1-c2.png", 0, "", "");
    assert_true(scratch_has(s, "s1-c1.png") && scratch_has(s, "s2-c1.png") &&
                scratch_has(s, "s2-c2.png"));
}

static void test_what_is_there_stays(void **state) {
    scratch *s = *state;
    scratch_write(s, "c1_s2.png", "mine", 4);
    assert_run(s, BATCH "-q", 0, "", "");
    assert_run(s, "cat c1_s2.png", 0, "mine", "");
    assert_run(s, BATCH "--json", 0, "\"skipped\":4", "");
    assert_run(s, BATCH "--force", 0, "4 painted", "");
    assert_run(s, "grep -q mine c1_s2.png", 1, "", "");
}

static void test_pairs_in_order(void **state) {
    scratch *s = *state;
    assert_run(s, BATCH "--zip -o '{content}.png.jpg'", 0, "2 painted", "");
    write_waves(s, "c3.png", 8, 8);
    assert_run(s, BATCH "--zip", 2, "", "--zip: 3 contents and 2 styles");
}

/* Each picture uses the masks of its own names; a missing mask fails only its own picture. */
static void test_masks(void **state) {
    scratch *s = *state;
    write_halves(s, "m_c1.png", 40, 30);
    write_halves(s, "m_c2.png", 30, 40);
    write_halves(s, "m_s1.png", 40, 48);
    assert_run(s, BATCH "--mask 'm_{content}.png' --style-mask 'm_{style}.png'", 1,
               "4 pictures: 2 painted, 0 existed, 2 failed",
               "'c2_s2.png': cannot read picture 'm_s2.png'");
    assert_run(s,
               "impasto paint -q c2.png s1.jpg --mask m_c2.png --style-mask m_s1.png --size 24 "
               "-n 3 -o alone.png && cmp alone.png c2_s1.png",
               0, "", "");
    assert_run(s, BATCH "--mask 'm_{content}.png'", 2, "", "--mask and --style-mask belong");
    assert_run(s, BATCH "--mask a --style-mask red --style-mask blue", 2, "", "given 2 times");
    assert_run(s, BATCH "--mask 'm_{content}.png' --style-mask red -o 'm_{content}.png' --zip", 2,
               "", "'m_c1.png': is one of the input pictures");
}

/* A bad file fails only its own pictures. */
static void test_goes_on(void **state) {
    scratch *s = *state;
    scratch_write(s, "c0.png", "no picture", 10);
    assert_run(s, BATCH, 1, "6 pictures: 4 painted, 0 existed, 2 failed",
               "'c0_s2.png': picture 'c0.png'");
    assert_run(s, BATCH "--json --force", 1, "\"out\":\"c0_s1.png\",\"result\":\"failed\"",
               "c0.png");
    assert_false(scratch_has(s, "c0_s1.png"));
}

static void test_mistakes(void **state) {
    scratch *s = *state;
    assert_run(s, "impasto batch --content 'c*'", 2, "", "needs --content PATTERN and --style");
    assert_run(s, "impasto batch --content 'x*' --style 's*'", 1, "", "'x*': matches no file");
    assert_run(s, BATCH "-o '{content}.jpg'", 2, "", "would be written twice");
    assert_run(s, BATCH "-o 'c1.png/{content}{style}.png'", 1, "", "cannot make its folder");
    assert_run(s, BATCH "-o '{content}{style}.gif'", 2, "", ".gif");
    assert_run(s, BATCH "--device croacle", 1, "4 left", "the nearest is 'oracle'");
    assert_run(s, "impasto batch --content 'c*' --style s1.jpg -o '{content}.png' --force", 2, "",
               "'c1.png': is one of the input pictures");
    assert_int_equal(scratch_count(s), 4);
}

static void test_all_devices(void **state) {
    scratch *s = *state;
    assert_run(s, BATCH "--device all", 0, "4 painted", "");
}

/* Ctrl-C reaches the whole process group. Incomplete pictures are not kept, so that the same
 * command paints them later. */
static void test_interrupted(void **state) {
    scratch *s = *state;
    if (!program_exists("timeout")) {
        print_message("no timeout here\n");
        skip();
    }
    assert_run(s,
               "timeout -s INT 3 \"$impasto\" batch --content c1.png --style 's*.jpg' --size 32 "
               "-n 9999999; test $? = 124 -o $? = 130",
               0, "0 painted", "interrupted");
    assert_int_equal(scratch_count(s), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_all_pairs),      TEST(test_what_is_there_stays),
        TEST(test_pairs_in_order), TEST(test_masks),
        TEST(test_goes_on),        TEST(test_mistakes),
        TEST(test_all_devices),    TEST(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
