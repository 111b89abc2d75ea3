/* SPDX-License-Identifier: MIT
 *
 * Drivers that fail, crash or hang at any call: the picture is painted on the next device, from the
 * last state, and one line tells of it. faulty_driver.c makes them fail. Also what is remembered of
 * such devices, and what heals.
 */
#include "program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "device/trust.h"

#define CACHED "IMPASTO_CACHE=$PWD/cache "
#define PAINT  "paint a.png b.jpg -q --size 32 --scales 1 --json -o c.png "

/* Skips the test where no driver can be made to fail. */
static void need_driver(void) {
    imp_device_info first;
    if (!*IMP_TEST_DRIVER) {
        print_message("the double cannot be loaded into a sanitized program: skipped\n");
        skip();
    }
    if (imp_device_list(&first, 1, false, NULL) < 2 || first.shares_host_memory) {
        print_message("no OpenCL device: skipped\n");
        skip();
    }
}

static bool is_full(void) {
    const char *scale = getenv("IMPASTO_TEST_SCALE");
    return scale && strcmp(scale, "full") == 0;
}

/* ---- What is remembered of devices ----------------------------------------------------------- */

/* Sets a number in the entries of all devices of a backend. */
static void set_number(scratch *s, const char *backend, const char *name, double value) {
    json_error_t why;
    const char *key;
    json_t *entry, *all = json_load_file(scratch_path(s, "cache/devices.json"), 0, &why);
    size_t count = 0;
    assert_non_null(all);
    json_object_foreach(all, key, entry) {
        if (strncmp(key, backend, strlen(backend)) == 0 && ++count)
            json_object_set_new(entry, name, json_real(value));
    }
    assert_true(count > 0);
    assert_int_equal(json_dump_file(all, scratch_path(s, "cache/devices.json"), 0), 0);
    json_decref(all);
}

/* A number of the first of them. */
static double get_number(scratch *s, const char *backend, const char *name) {
    const char *key;
    double value = NAN;
    json_t *entry, *all = json_load_file(scratch_path(s, "cache/devices.json"), 0, NULL);
    json_object_foreach(all, key, entry) {
        if (strncmp(key, backend, strlen(backend)) == 0)
            value = json_is_boolean(json_object_get(entry, name))
                        ? json_is_true(json_object_get(entry, name))
                        : json_number_value(json_object_get(entry, name));
    }
    json_decref(all);
    return value;
}

/* Gives the test a cache in which OpenCL devices have passed and are the fastest by far. */
static void know_driver(scratch *s) {
    need_driver();
    run_silent(s, CACHED "impasto devices >list");
    set_number(s, "opencl|", "seconds", 1e-6);
    run_silent(s, "cp cache/devices.json known");
}

/* ---- Any call -------------------------------------------------------------------------------- */

typedef struct outcome {
    bool reached; /* the call that was to fail */
    bool opencl;  /* the picture was painted on an OpenCL device */
    char line[512];
} outcome;

/* Paints with a fault. In any case there must be a picture, and at most one line. */
static outcome paint(scratch *s, const char *fault, const char *options) {
    outcome o = {.reached = false};
    char line[768];
    snprintf(line, sizeof line,
             CACHED "IMPASTO_PATIENCE=3 IMPASTO_TEST_DRIVER=%s IMPASTO_TEST_REACHED=reached "
                    "LD_PRELOAD=%s; export IMPASTO_CACHE IMPASTO_PATIENCE IMPASTO_TEST_DRIVER "
                    "IMPASTO_TEST_REACHED LD_PRELOAD; impasto " PAINT "%s",
             fault, IMP_TEST_DRIVER, options);
    ended e = program_run(s, line);
    const char *end = strchr(e.err, '\n');
    o.reached = scratch_has(s, "reached");
    o.opencl = !strstr(e.out, "\"device\":\"cpu\",\"precision\"");
    snprintf(o.line, sizeof o.line, "%.*s", (int)strcspn(e.err, "\n"), e.err);
    if (e.status != 0 || !scratch_has(s, "c.png") || (end && end[1]) ||
        !strstr(e.out, "\"ended\":\"complete\""))
        fail_msg("%s: status %d, output:\n%s\nmessages:\n%s", fault, e.status, e.out, e.err);
    ended_free(&e);
    remove(scratch_path(s, "c.png"));
    remove(scratch_path(s, "reached"));
    if (o.reached)
        print_message("%-24s %s\n", fault, o.line);
    return o;
}

/* At the first call, then at ever later ones until there are no more. silent: without a device, or
 * with less known of it, the program may go on without a message. */
static void paint_whenever(scratch *s, const char *kind, const char *how, bool silent) {
    char fault[64];
    outcome o = {.reached = true};
    for (unsigned n = 1; o.reached; n = is_full() ? n + n / 4 + 1 : 11 * n) {
        snprintf(fault, sizeof fault, "%s:%u:%s", kind, n, how);
        run_silent(s, "cp known cache/devices.json"); /* failures count */
        o = paint(s, fault, "-n 3");
        if (o.reached && !silent && !o.opencl && !*o.line)
            fail_msg("%s: another device without a message", fault);
        if (!o.reached && (n == 1 || !o.opencl || *o.line))
            fail_msg("%s: no call failed, but: %s", fault, o.line);
    }
}

static void test_any_call(void **state) {
    static const char *const kinds[] = {"discovery", "query",  "build",
                                        "transfer",  "launch", "finish"};
    scratch *s = *state;
    know_driver(s);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        paint_whenever(s, kinds[i], "error", i < 2);
        paint_whenever(s, kinds[i], "abort", false);
        for (size_t k = 0; is_full() && k < 3; k++)
            paint_whenever(s, kinds[i], (const char *[]){"memory", "crash", "exit"}[k],
                           i < 2 && k == 0);
    }
}

/* Once the picture is written, nothing is lost. */
static void test_closing(void **state) {
    scratch *s = *state;
    know_driver(s);
    const outcome o = paint(s, "close:1:abort", "-n 3");
    assert_true(o.reached);
    assert_string_equal(o.line, "");
}

static void test_goes_on(void **state) {
    static const char *const hows[] = {"error", "crash", "exit"};
    static const char *const optimizers[] = {"lbfgs --history 2", "adam"};
    scratch *s = *state;
    know_driver(s);
    for (size_t i = 0; i < 6; i++) {
        char fault[64], options[64];
        unsigned from = 0;
        snprintf(fault, sizeof fault, "finish:150:%s", hows[i % 3]);
        snprintf(options, sizeof options, "-n 60 --optimizer %s", optimizers[i / 3]);
        const outcome o = paint(s, fault, options);
        const char *where = strstr(o.line, "continuing on device cpu from iteration ");
        assert_true(o.reached);
        if (!where || sscanf(where, "%*[^0-9]%u", &from) != 1 || from < 1 || from > 59)
            fail_msg("%s: %s", fault, o.line);
    }
}

/* A driver that never returns. */
static void test_hangs(void **state) {
    scratch *s = *state;
    know_driver(s);
    const outcome o = paint(s, "build:1:hang", "-n 3");
    assert_true(o.reached && !o.opencl && strstr(o.line, "does not answer"));
    /* not tried at every start, but by --again */
    const outcome later = paint(s, "none:1:none", "-n 3");
    assert_true(!later.opencl && strstr(later.line, "several times"));
    run_silent(s, CACHED "impasto devices --again >list && grep -q passed list");
    assert_true(paint(s, "none:1:none", "-n 3 --device 0").opencl);
}

/* ---- Healing --------------------------------------------------------------------------------- */

/* An error in the self-test is not remembered at first; after three, for a day. */
static void test_errors_pass(void **state) {
    scratch *s = *state;
    need_driver();
    for (unsigned i = 1; i <= 3; i++) {
        const outcome o = paint(s, "launch:9:memory", "-n 1 --device 0");
        assert_true(o.reached && !o.opencl);
        assert_true(get_number(s, "opencl|", "failures") == i);
    }
    const outcome later = paint(s, "launch:9:memory", "-n 1 --device 0");
    assert_true(!later.reached && !later.opencl && strstr(later.line, "several times"));
    set_number(s, "opencl|", "failed", (double)time(NULL) - 90000);
    assert_true(paint(s, "none:1:none", "-n 1 --device 0").opencl);
    assert_true(get_number(s, "opencl|", "failures") == 0);
}

static void test_wrong_numbers_stay(void **state) {
    scratch *s = *state;
    need_driver();
    assert_false(paint(s, "transfer:20:wrong", "-n 1 --device 0").opencl);
    set_number(s, "opencl|", "failed", 0);
    assert_false(paint(s, "none:1:none", "-n 1 --device 0").opencl);
    run_silent(s, CACHED "impasto devices --again >list");
    assert_true(paint(s, "none:1:none", "-n 1 --device 0").opencl);
}

/* A rank from a busy moment: measured again a day later, of which the shorter time counts; and anew
 * if runs show something else. */
static void test_ranks(void **state) {
    scratch *s = *state;
    imp_device *d = NULL;
    run_silent(s, CACHED "impasto devices >list");
    const double seconds = get_number(s, "cpu|", "seconds");
    set_number(s, "cpu|", "seconds", 100);
    run_silent(s, CACHED "impasto devices >list");
    assert_true(get_number(s, "cpu|", "seconds") == 100);
    set_number(s, "cpu|", "ranked", (double)time(NULL) - 90000);
    run_silent(s, CACHED "impasto devices >list");
    const double again = get_number(s, "cpu|", "seconds");
    assert_true(again > 0 && again < 20 * seconds && get_number(s, "cpu|", "ranks") == 2);

    set_number(s, "cpu|", "seconds", 1e-9);
    set_number(s, "cpu|", "ranked", (double)time(NULL) - 90000);
    run_silent(s, CACHED "impasto devices >list");
    assert_true(get_number(s, "cpu|", "seconds") == 1e-9);

    setenv("IMPASTO_CACHE", scratch_path(s, "cache"), 1);
    assert_int_equal(imp_device_open(&d, "cpu", NULL, NULL), IMP_OK);
    assert_true(imp_device_describe(d)->seconds == 1e-9);
    imp_trust_observe(d, imp_measure_flop(), 2e-9);
    assert_false(get_number(s, "cpu|", "doubtful") != 0);
    imp_trust_observe(d, imp_measure_flop(), 1);
    assert_true(get_number(s, "cpu|", "doubtful") == 1);
    imp_device_close(d);
    unsetenv("IMPASTO_CACHE");
    run_silent(s, CACHED "impasto devices >list");
    assert_true(get_number(s, "cpu|", "seconds") > 1e-7 && get_number(s, "cpu|", "doubtful") == 0);
}

/* A run tells of the rank by itself. */
static void test_runs_are_compared(void **state) {
    scratch *s = *state;
    run_silent(s, CACHED "impasto devices >list");
    set_number(s, "cpu|", "seconds", 100);
    run_silent(s, CACHED "impasto paint a.png b.jpg -q --size 64 -n 30 --device cpu -o c.png");
    assert_true(get_number(s, "cpu|", "doubtful") == 1);
}

/* ---- The parent ------------------------------------------------------------------------------ */

/* A crash that is no driver's is not hidden; nor is an interrupt. */
static void test_other_ends(void **state) {
    scratch *s = *state;
    running r = program_start(s, "impasto paint a.png b.jpg --device cpu --size 64 -n 1000000 "
                                 "--json -o c.png");
    program_await(&r, "\"iteration\"");
    char line[64];
    snprintf(line, sizeof line, "pkill -SEGV -P %d", (int)r.pid);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): a fixed text of a test */
    ended e = program_wait(&r);
    assert_int_equal(e.status, -1); /* by a signal */
    ended_free(&e);
}

static int tear_down(void **state) {
    run_silent(*state, "rm -rf cache");
    return scratch_close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_any_call), TEST(test_closing),           TEST(test_goes_on),
        TEST(test_hangs),    TEST(test_errors_pass),       TEST(test_wrong_numbers_stay),
        TEST(test_ranks),    TEST(test_runs_are_compared), TEST(test_other_ends),
    };
    return cmocka_run_group_tests_name("drivers", tests, NULL, NULL);
}
