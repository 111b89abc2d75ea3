/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: a run that is stopped anywhere and resumed gives, byte by byte, the picture of a run
 * that was not stopped; and what cannot be resumed is refused in one line.
 */
#include "program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE "impasto paint -q a.png b.jpg --size 36 "

/* Each time limit stops a run after one iteration. Runs have two scales; or one, at which the run
 * converges at its 20th step. */
static void test_resumed_is_whole(void **state) {
    static const char fine[] = "-n 4 --scales 24,36 --preset fine --network builtin --style-layers "
                               "relu1_1 --content-layers relu1_2";
    static const char *const options[] = {"-n 4 --scales 24,36 --optimizer lbfgs --history 2",
                                          "-n 4 --scales 24,36 --optimizer adam --precision fp16",
                                          fine, "-n 4 --scales 24,36 --preset patch",
                                          "-n 25 --scales 1 --settle 255"};
    scratch *s = *state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char line[512];
        snprintf(line, sizeof line, LINE "%s -o whole.png", options[i]);
        run_silent(s, line);
        snprintf(line, sizeof line,
                 LINE "%s -o part.png --checkpoint ck "
                      "--time-limit 0.001",
                 options[i]);
        run_silent(s, line);
        assert_true(scratch_has(s, "ck"));
        run_silent(s, "impasto resume -q ck --time-limit 0.001");
        run_silent(s, "impasto resume -q ck --time-limit 0.001");
        run_silent(s, "cmp -s part.png whole.png && exit 1 || exit 0");
        run_silent(s, "impasto resume -q ck");
        run_silent(s, "cmp part.png whole.png");
        assert_false(scratch_has(s, "ck"));
    }
}

/* The same on an OpenCL device. */
static void test_resumed_on_opencl(void **state) {
    imp_device_info first;
    if (imp_device_list(&first, 1, false, NULL) < 2 || first.shares_host_memory) {
        print_message("no OpenCL device: skipped\n");
        skip();
    }
    static const char *const options[] = {"lbfgs --history 2", "adam"};
    scratch *s = *state;
    for (size_t i = 0; i < 2; i++) {
        char line[512];
        snprintf(line, sizeof line, LINE "-n 4 --scales 24,36 -d 0 --optimizer %s -o whole.png",
                 options[i]);
        run_silent(s, line);
        snprintf(line, sizeof line,
                 LINE "-n 4 --scales 24,36 -d 0 --optimizer %s -o part.png --checkpoint ck "
                      "--time-limit 0.001",
                 options[i]);
        run_silent(s, line);
        run_silent(s, "impasto resume -q ck --time-limit 0.001");
        run_silent(s, "cmp -s part.png whole.png && exit 1 || exit 0");
        run_silent(s, "impasto resume -q ck");
        run_silent(s, "cmp part.png whole.png");
    }
}

/* The same with several styles, masks and strength. A mask must not change in between. */
static void test_resumed_from_many(void **state) {
    static const char many[] = "impasto paint -q a.png -s b.jpg:2 -s c.png --mask m.png "
                               "--style-mask '#ff0000' --style-mask blue --strength 0.6 --size 36 "
                               "-n 3 -o ";
    scratch *s = *state;
    char line[512];
    write_waves(s, "c.png", 30, 30);
    write_halves(s, "m.png", 48, 40);
    snprintf(line, sizeof line, "%s whole.png", many);
    run_silent(s, line);
    snprintf(line, sizeof line, "%s part.png --checkpoint ck --time-limit 0.001", many);
    run_silent(s, line);
    run_silent(s, "cp m.png kept.png && cp ck again");
    write_halves(s, "m.png", 48, 20);
    assert_fails(s, "impasto resume ck", 1, "has changed since");
    run_silent(s, "mv kept.png m.png && impasto resume -q ck && cmp part.png whole.png");
    /* The record in a picture repeats the run. */
    run_silent(s, "impasto paint -q --like whole.png -o like.png && cmp like.png whole.png");
}

/* Killed as soon as there is a checkpoint, at whatever point of the run that is. */
static void test_killed(void **state) {
    const struct timespec moment = {.tv_nsec = 5000000};
    scratch *s = *state;
    run_silent(s, "impasto paint -q a.png b.jpg --size 48 -n 60 -o whole.png");
    running r = program_start(s, "IMPASTO_CACHE=$PWD/cache impasto paint -q a.png b.jpg --size 48 "
                                 "-n 60 -o part.png --checkpoint ck --checkpoint-every 0.001");
    for (int i = 0; i < 20000 && !scratch_has(s, "ck") && !scratch_has(s, "part.png"); i++)
        nanosleep(&moment, NULL);
    kill(r.pid, SIGKILL);
    ended e = program_wait(&r);
    ended_free(&e);
    if (scratch_has(s, "ck"))
        run_silent(s, "impasto resume -q ck");
    run_silent(s, "cmp part.png whole.png && rm -rf cache");
}

/* Without a name, resume takes the newest checkpoint in the cache folder. */
static void test_newest(void **state) {
    scratch *s = *state;
    run_silent(s, "IMPASTO_CACHE=$PWD/cache impasto paint -q a.png b.jpg --size 24 -n 3 "
                  "--checkpoint-every 0.001 --time-limit 0.001 -o c.png");
    run_silent(s, "ls cache/checkpoint-*");
    run_silent(s, "IMPASTO_CACHE=$PWD/cache impasto resume -q");
    assert_fails(s, "IMPASTO_CACHE=$PWD/cache impasto resume", 1, "found no unfinished painting");
    run_silent(s, "rm -r cache");
}

static void test_refused(void **state) {
    scratch *s = *state;
    size_t size;
    run_silent(s, "impasto paint -q a.png b.jpg --size 24 -n 3 --checkpoint ck --time-limit 0.001 "
                  "-o c.png");
    unsigned char *bytes = scratch_read(s, "ck", &size);
    scratch_write(s, "cut", bytes, size - 7);
    scratch_write(s, "short", bytes, 20);
    bytes[16] = '9'; /* the version comes after two words of 8 bytes */
    scratch_write(s, "older", bytes, size);
    free(bytes);
    assert_fails(s, "impasto resume missing", 1, "cannot read checkpoint 'missing'");
    assert_fails(s, "impasto resume a.png", 1, "it is damaged, or no checkpoint");
    assert_fails(s, "impasto resume short", 1, "it is damaged, or no checkpoint");
    assert_fails(s, "impasto resume cut", 1, "it is damaged");
    assert_fails(s, "impasto resume older", 1, "made by version 9");
    write_waves(s, "b.jpg", 20, 20);
    assert_fails(s, "impasto resume ck", 1, "has changed since");
    assert_fails(s,
                 "impasto paint -q a.png b.jpg --size 24 -n 3 -o c.png --checkpoint no/ck "
                 "--time-limit 0.001",
                 1, "cannot write 'no/ck': there is no folder");
}

/* Any bit that has changed is noticed, and the checkpoint before is offered. */
static void test_damage_is_noticed(void **state) {
    enum { FLIPS = 40 };
    scratch *s = *state;
    size_t size;
    run_silent(s, LINE "-n 4 --history 2 --checkpoint ck --time-limit 0.001 -o whole.png");
    unsigned char *bytes = scratch_read(s, "ck", &size);
    for (size_t i = 0; i < FLIPS; i++) {
        const size_t at = 40 + i * (size - 41) / (FLIPS - 1); /* after magic and version */
        bytes[at] ^= (unsigned char)(1U << (i % 8));
        scratch_write(s, "ck", bytes, size);
        ended e = program_run(s, "impasto resume -q ck");
        if (e.status != 1 || !strstr(e.err, "is damaged"))
            fail_msg("a bit of byte %zu: status %d, %s", at, e.status, e.err);
        ended_free(&e);
        bytes[at] ^= (unsigned char)(1U << (i % 8));
    }
    scratch_write(s, "ck", bytes, size);
    run_silent(s, "impasto resume -q ck --time-limit 0.001 && cp ck good");
    bytes[size / 2] ^= 1;
    scratch_write(s, "ck", bytes, size);
    free(bytes);
    assert_fails(s, "impasto resume -q ck", 1, "continue with the one before it, 'ck.before'");
    run_silent(s, "impasto resume -q ck.before");
    assert_false(scratch_has(s, "ck"));
    assert_false(scratch_has(s, "ck.before"));
    run_silent(s, LINE "-n 4 --history 2 -o again.png && cmp whole.png again.png");
}

static void test_older_form(void **state) {
    scratch *s = *state;
    scratch_write(s, "old", "imcpt4\n\0rest of it", 18);
    assert_fails(s, "impasto resume old", 1, "another version of the program");
}

/* Its paths are nobody else's business. */
static void test_is_private(void **state) {
    scratch *s = *state;
    run_silent(s, "umask 0; exec \"$impasto\" paint -q a.png b.jpg --size 24 -n 3 --checkpoint ck "
                  "--time-limit 0.001 -o c.png");
    run_silent(s, "test $(stat -c %a ck) = 600");
}

/* The same relative names in two folders are two paintings. */
static void test_two_folders(void **state) {
    scratch *s = *state;
    static const char paint[] = "IMPASTO_CACHE=$PWD/cache; export IMPASTO_CACHE; cd %s && "
                                "impasto paint -q a.png b.jpg --size 24 -n 3 %s -o c.png";
    char line[512];
    run_silent(s, "mkdir A B; cp a.png b.jpg A; cp a.png b.jpg B");
    snprintf(line, sizeof line, paint, "A", "--checkpoint-every 0.001 --time-limit 0.001");
    run_silent(s, line);
    snprintf(line, sizeof line, paint, "B", "--checkpoint-every 0.001");
    run_silent(s, line);
    run_silent(s, "ls cache/checkpoint-*");
    run_silent(s, "IMPASTO_CACHE=$PWD/cache impasto resume -q && cmp A/c.png B/c.png");
    run_silent(s, "rm -r A B cache");
}

/* Another painting to the same file leaves the checkpoint of the first. */
static void test_another_painting(void **state) {
    scratch *s = *state;
    static const char paint[] =
        "IMPASTO_CACHE=$PWD/cache impasto paint -q a.png b.jpg -n 3 --checkpoint-every 0.001 "
        "-o c.png --size %d %s";
    char line[512];
    snprintf(line, sizeof line, paint, 24, "--time-limit 0.001");
    run_silent(s, line);
    snprintf(line, sizeof line, paint, 28, "");
    run_silent(s, line);
    run_silent(s, "IMPASTO_CACHE=$PWD/cache impasto resume -q && rm -r cache");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_resumed_is_whole),
        TEST(test_resumed_on_opencl),
        TEST(test_resumed_from_many),
        TEST(test_killed),
        TEST(test_newest),
        TEST(test_refused),
        TEST(test_damage_is_noticed),
        TEST(test_older_form),
        TEST(test_is_private),
        TEST(test_two_folders),
        TEST(test_another_painting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
