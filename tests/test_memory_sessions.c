/* SPDX-License-Identifier: MIT
 *
 * Memory runs out in devices and sessions, at the first allocation, at the second, and so on: each
 * time one message and no leak. And after its first steps a session allocates nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "cpu/cpu.h"
#include "engine/settings.h"
#include "failing_malloc.h"
#include "selftest/cases.h"

typedef imp_status (*opener)(imp_device **out, const imp_device_options *options, imp_error *err);

/* What is set up before allocations fail. */
typedef struct fixture {
    imp_network *network;
    imp_picture content, style, masks[2]; /* of both */
    opener open;                          /* of the device under test */
} fixture;

static imp_picture ramp(size_t width, size_t height, float phase) {
    imp_picture p = {
        .width = width, .height = height, .rgb = malloc(3 * width * height * sizeof(float))};
    assert_non_null(p.rgb);
    for (size_t k = 0; k < 3 * width * height; k++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): asserted above */
        p.rgb[k] = (float)((k * 37 + (size_t)(phase * 100)) % 101) / 100;
    return p;
}

/* The upper half red, the lower half black. */
static imp_picture halves(size_t width, size_t height) {
    imp_picture p = {
        .width = width, .height = height, .rgb = calloc(3 * width * height, sizeof(float))};
    assert_non_null(p.rgb);
    for (size_t i = 0; i < width * height / 2; i++)
        p.rgb[3 * i] = 1; /* NOLINT(clang-analyzer-core.NullDereference): asserted above */
    return p;
}

static int set_up(void **state) {
    static fixture f;
    imp_error err = {0};
    if (imp_network_open(&f.network, "builtin", &err) != IMP_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    f.content = ramp(20, 14, 0.1f);
    f.style = ramp(13, 17, 0.7f);
    f.masks[0] = halves(20, 14);
    f.masks[1] = halves(13, 17);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    imp_network_close(f->network);
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    imp_picture_finish(&f->masks[0]);
    imp_picture_finish(&f->masks[1]);
    return 0;
}

/* ---- Tasks ---- */

static imp_status open_device(fixture *f, imp_error *err) {
    const imp_device_options options = {.profile = true, .threads = 2};
    imp_device *d = NULL;
    const imp_status status = f->open(&d, &options, err);
    imp_device_close(d);
    return status;
}

/* The first tiny case of each operation. */
static imp_status run_cases(fixture *f, imp_error *err) {
    imp_device *d = NULL;
    imp_status status = f->open(&d, NULL, err);
    bool done[IMP_OPS] = {false};
    for (size_t i = 0; i < imp_case_count() && status == IMP_OK; i++) {
        const imp_case c = imp_case_at(i);
        imp_result result;
        if (c.level != IMP_LEVEL_TINY || done[c.op])
            continue;
        done[c.op] = true;
        status = imp_case_run(&c, d, 1, 0, &result);
        if (status != IMP_OK)
            imp_fail(err, status, "no memory for the case");
        else if (result.outcome != IMP_PASSED)
            status = imp_fail(err, IMP_ERR_MEMORY, "%s", result.reason);
    }
    imp_device_close(d);
    return status;
}

static imp_status look_inside(imp_session *s, const imp_settings *set, imp_error *err) {
    imp_array features = {0}, gram = {0}, gradient = {0};
    imp_status status = imp_session_evaluate(s, err);
    if (status == IMP_OK)
        status = imp_session_features(s, set->terms[0].layer, &features, err);
    if (status == IMP_OK)
        status = imp_session_gram(s, set->terms[set->term_count - 1].layer, &gram, err);
    if (status == IMP_OK)
        status = imp_session_gradient(s, &gradient, err);
    imp_array_finish(&features);
    imp_array_finish(&gram);
    imp_array_finish(&gradient);
    return status;
}

/* With masks it also uses a reuse. */
static imp_status paint(fixture *f, imp_optimizer optimizer, bool masked, imp_error *err) {
    imp_settings set = *imp_preset_settings("default");
    set.term_count = 3; /* no deeper than conv2_1: this runs hundreds of times */
    set.size = 16;
    set.scales = 2;
    set.iterations = 3;
    set.optimizer = optimizer;
    set.history = 2;
    imp_device *d = NULL;
    imp_session *s = NULL;
    imp_picture out = {0};
    imp_sources from = {.content = &f->content,
                        .styles = {{&f->style, 1, masked ? &f->masks[1] : NULL}},
                        .mask = masked ? &f->masks[0] : NULL};
    imp_status status = f->open(&d, NULL, err);
    if (status == IMP_OK && masked)
        status = imp_reuse_open(&from.reuse, d, f->network, err);
    if (status == IMP_OK)
        status = imp_session_open(&s, d, f->network, &set, &from, err);
    if (status == IMP_OK)
        status = imp_session_run(s, NULL, NULL, err);
    if (status == IMP_OK)
        status = imp_session_picture(s, &out, err);
    if (status == IMP_OK)
        status = look_inside(s, &set, err);
    imp_picture_finish(&out);
    imp_session_close(s);
    imp_reuse_close(from.reuse);
    imp_device_close(d);
    return status;
}

static imp_status paint_lbfgs(fixture *f, imp_error *err) {
    return paint(f, IMP_LBFGS, false, err);
}

static imp_status paint_regions(fixture *f, imp_error *err) {
    return paint(f, IMP_ADAM, true, err);
}

/* ---- Tests ---- */

typedef imp_status (*task)(fixture *f, imp_error *err);

/* Runs a task with its allocation n failing; false: it has no allocation n. */
static bool fails_well(task run, fixture *f, long n, const char *name) {
    imp_error err = {0};
    const long before = live;
    left = n;
    const imp_status status = run(f, &err);
    const bool failed = left < 0;
    left = -1;
    ERR_clear_error(); /* libcrypto allocates for the errors that it keeps */
    if (live != before)
        fail_msg("%s: %ld blocks lost when allocation %ld fails", name, live - before, n);
    if (status != err.status || (status != IMP_OK) != (err.text[0] != '\0'))
        fail_msg("%s, allocation %ld: status %d, message %d '%s'", name, n, status, err.status,
                 err.text);
    if (status != IMP_OK && !(failed && status == IMP_ERR_MEMORY))
        fail_msg("%s, allocation %ld: status %d '%s'", name, n, status, err.text);
    return failed;
}

static void fail_everywhere(fixture *f, task run, const char *name) {
    static const opener openers[] = {imp_oracle_open, imp_cpu_open};
    static const char *const devices[] = {"oracle", "cpu"};
    if (!can_fail())
        skip();
    for (size_t i = 0; i < 2; i++) {
        imp_error err = {0};
        long n = 0;
        f->open = openers[i];
        ERR_clear_error();
        run(f, &err); /* libraries do their one-time allocations */
        assert_string_equal(err.text, "");
        while (fails_well(run, f, n, name))
            n++;
        print_message("%s on %s: %ld allocations\n", name, devices[i], n);
        assert_true(n > 0);
    }
}

static void opening_a_device(void **state) {
    fail_everywhere(*state, open_device, "opening");
}

static void running_cases(void **state) {
    fail_everywhere(*state, run_cases, "running cases");
}

static void painting_with_lbfgs(void **state) {
    fail_everywhere(*state, paint_lbfgs, "painting with L-BFGS");
}

static void painting_in_regions(void **state) {
    fail_everywhere(*state, paint_regions, "painting with Adam in regions");
}

/* Host memory; tests/test_session.c counts that of the device. */
static void steps_allocate_nothing(void **state) {
    static const opener openers[] = {imp_oracle_open, imp_cpu_open};
    fixture *f = *state;
    if (!can_fail())
        skip();
    for (size_t i = 0; i < 4; i++) {
        imp_settings set = *imp_preset_settings("default");
        set.size = 24;
        set.scales = 1;
        set.iterations = 9;
        set.optimizer = i / 2 ? IMP_ADAM : IMP_LBFGS;
        imp_device *d = NULL;
        imp_session *s = NULL;
        bool done = false;
        assert_int_equal(openers[i % 2](&d, NULL, NULL), IMP_OK);
        assert_int_equal(
            imp_session_open(&s, d, f->network, &set,
                             &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}},
                             NULL),
            IMP_OK);
        for (int step = 0; step < 3; step++) /* now every operation has run */
            assert_int_equal(imp_session_step(s, &done, NULL), IMP_OK);
        const long before = asked;
        for (int step = 0; step < 4; step++)
            imp_session_step(s, &done, NULL);
        assert_int_equal(asked - before, 0);
        assert_false(done);
        imp_session_close(s);
        imp_device_close(d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_a_device),       cmocka_unit_test(running_cases),
        cmocka_unit_test(painting_with_lbfgs),    cmocka_unit_test(painting_in_regions),
        cmocka_unit_test(steps_allocate_nothing),
    };
    return cmocka_run_group_tests_name("memory of sessions", tests, set_up, tear_down);
}
