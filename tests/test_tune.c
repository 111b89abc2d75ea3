/* SPDX-License-Identifier: MIT
 *
 * Tuning: the fastest algorithm is taken, remembered and recalled; a wrong one never is. A
 * checkpoint keeps the algorithms that a painting was made with.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "device/tune.h"
#include "engine/algorithms.h"
#include "helpers.h"
#include "painting.h"
#include "scratch.h"

/* 1.2e9 operations: enough to be tuned, and short enough for a test. */
static const imp_layer layer = {.conv = {64, 64, 3, 1, 1, 1, IMP_PAD_ZERO, true, false},
                                .h = 128,
                                .w = 128,
                                .layout = IMP_MAPS};

static imp_device *open_cpu(void) {
    imp_device *d = NULL;
    imp_error err = {0};
    if (imp_cpu_open(&d, NULL, &err) != IMP_OK)
        fail_msg("%s", err.text);
    return d;
}

static imp_filter *open_filter(imp_device *d) {
    static float weights[64 * 64 * 9];
    imp_filter *filter = NULL;
    assert_int_equal(d->ops->filter_open(d, &filter, &layer.conv, weights, NULL), IMP_OK);
    return filter;
}

/* CMocka's state: a device with a filter of that layer, and a cache folder. */
typedef struct tuner {
    scratch *folder;
    imp_device *device;
    imp_filter *filter;
    imp_tuned tuned; /* what the last one gave */
    double left;
} tuner;

static unsigned chosen_algorithm(const imp_device *d, const imp_layer *l) {
    const imp_algorithm_choice *p = imp_algorithm_choice_of(d, &l->conv, l->h, l->w, l->back);
    return p ? p->algorithm : 0;
}

static int open_tuner(void **state) {
    static tuner t;
    void *folder;
    if (scratch_open(&folder))
        return -1;
    setenv("IMPASTO_CACHE", ((scratch *)folder)->folder, 1);
    t = (tuner){.folder = folder, .device = open_cpu(), .left = 1000};
    t.filter = open_filter(t.device);
    *state = &t;
    return 0;
}

static int close_tuner(void **state) {
    tuner *t = *state;
    void *folder = t->folder;
    t->device->ops->filter_close(t->device, t->filter);
    t->device->ops->close(t->device);
    unsetenv("IMPASTO_CACHE");
    return scratch_close(&folder);
}

static void tune(tuner *t, const imp_layer *l, bool recompute) {
    imp_tune_layer(t->device, t->filter, l, recompute, &t->left, &t->tuned);
}

/* ---- measured and remembered ---- */

static void test_the_fastest_is_taken(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    tune(t, &layer, false);
    assert_int_equal(t->tuned.count, 3);
    assert_true(t->left < 1000);
    for (size_t i = 0; i < t->tuned.count; i++) {
        assert_true(t->tuned.algorithms[i].seconds > 0);
        assert_true(t->tuned.best == t->tuned.own ||
                    t->tuned.algorithms[t->tuned.best].seconds <= t->tuned.algorithms[i].seconds);
    }
    assert_int_equal(chosen_algorithm(d, &layer), t->tuned.best + 1);
    const imp_tensor map = {.c = 64, .h = 128, .w = 128, .layout = IMP_MAPS};
    assert_string_equal(d->ops->algorithm(d, map, map, t->filter, false).name,
                        t->tuned.algorithms[t->tuned.best].name);
    assert_true(scratch_has(t->folder, "algorithms.json"));
}

static void test_it_is_recalled(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    tune(t, &layer, false);
    const unsigned algorithm = chosen_algorithm(d, &layer);
    d->algorithm_choice_count = 0;
    t->left = 0;               /* recalling takes none */
    imp_layer shorter = layer; /* as many positions, about */
    shorter.h = 120;
    tune(t, &shorter, false);
    assert_int_equal(t->tuned.count, 0);
    assert_int_equal(chosen_algorithm(d, &shorter), algorithm);
    scratch_write(t->folder, "algorithms.json", "{", 1); /* a damaged file counts as missing */
    d->algorithm_choice_count = 0;
    tune(t, &layer, false);
    assert_int_equal(chosen_algorithm(d, &layer), 0);
}

/* A choice made in a session stays, even if it was made for lack of time. If the table of choices
 * is full, nothing is measured. */
static void test_what_is_settled_stays(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    t->left = 0;
    tune(t, &layer, false);
    assert_int_equal(d->algorithm_choice_count, 1);
    t->left = 1000;
    tune(t, &layer, false);
    assert_int_equal(t->tuned.count, 0);
    assert_int_equal(chosen_algorithm(d, &layer), 0);
    while (imp_choose_algorithm(d, &(imp_algorithm_choice){.h = d->algorithm_choice_count, .w = 1}))
        assert_true(d->algorithm_choice_count <= IMP_ALGORITHM_CHOICES_MAX);
    imp_layer other = layer;
    other.back = true;
    tune(t, &other, false);
    assert_int_equal(t->tuned.count, 0);
    assert_true(t->left == 1000);
    assert_false(scratch_has(t->folder, "algorithms.json"));
}

static void test_short_layers_are_left_alone(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    imp_layer brief = layer;
    brief.h = 16;
    tune(t, &brief, true);
    assert_int_equal(t->tuned.count, 0);
    assert_int_equal(d->algorithm_choice_count, 0);
    assert_false(scratch_has(t->folder, "algorithms.json"));
}

/* ---- an algorithm that is wrong or fails ---- */

static const imp_ops *honest;

static imp_status conv_twice(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    TRY(honest->conv(d, y, x, filter));
    return honest->winograd(d, y, x, filter, false) ? honest->combine(d, y, 2, y, 0, y) : IMP_OK;
}

static imp_status conv_fails(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    (void)y, (void)x, (void)filter;
    return imp_fail(&d->error, IMP_ERR_DEVICE, "it has gone");
}

static void test_a_wrong_way_is_not_taken(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    imp_ops wrong = *d->ops;
    honest = d->ops;
    wrong.conv = conv_twice;
    d->ops = &wrong;
    tune(t, &layer, false);
    assert_string_equal(t->tuned.algorithms[t->tuned.best].name, "direct");
    for (size_t i = 1; i < t->tuned.count; i++)
        assert_true(t->tuned.algorithms[i].seconds == 0);
    assert_int_equal(chosen_algorithm(d, &layer), 1);
    d->ops = honest;
}

static void test_a_failing_device_keeps_its_own(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    imp_ops failing = *d->ops;
    honest = d->ops;
    failing.conv = conv_fails;
    d->ops = &failing;
    tune(t, &layer, false);
    assert_int_equal(t->tuned.count, 0);
    assert_int_equal(chosen_algorithm(d, &layer), 0);
    assert_int_equal(d->error.status, IMP_OK);
    assert_false(scratch_has(t->folder, "algorithms.json"));
    d->ops = honest;
}

/* ---- a checkpoint ---- */

/* All convolutions by the direct algorithm, at the only size. */
static void choose_direct(const painting *p) {
    size_t h = p->content.height, w = p->content.width;
    for (size_t n = 0; n < p->network->count; n++) {
        const imp_node *node = &p->network->nodes[n];
        h /= node->kind == IMP_NODE_POOL ? 2 : 1;
        w /= node->kind == IMP_NODE_POOL ? 2 : 1;
        for (int back = 0; back < 2 && node->kind == IMP_NODE_CONV; back++)
            imp_choose_algorithm(p->device, &(imp_algorithm_choice){node->conv, h, w, back, 1});
    }
}

static imp_picture end(painting *p) {
    imp_picture result = {0};
    imp_error err = {0};
    if (imp_session_run(p->session, NULL, NULL, &err) != IMP_OK ||
        imp_session_picture(p->session, &result, &err) != IMP_OK)
        fail_msg("%s", err.text);
    return result;
}

/* By a checkpoint, or by a state that is kept in a file, which held a longer one before. */
static void check_resumed(scratch *s, bool directly, bool kept) {
    imp_error err = {0};
    FILE *file = tmpfile();
    assert_non_null(file);
    for (int i = 0; i < 1 << 20; i++)
        fputc(i, file);
    void *all[3]; /* whole, resumed, in the other ways */
    imp_picture got[3];
    for (size_t i = 0; i < 3; i++) {
        painting_on_cpu(&all[i]);
        painting *const p = all[i];
        p->settings.levels = 1;
        if ((i == 0) == directly)
            choose_direct(p);
        painting_begin(p);
        if (i == 0) {
            painting_step(p);
            painting_step(p);
            if (kept)
                imp_session_keep(p->session, file, &err);
            else
                imp_session_save(p->session, scratch_path(s, "state"), "", &err);
        } else if (i == 1 && kept)
            imp_session_return(p->session, file, &err);
        else if (i == 1)
            imp_session_restore(p->session, scratch_path(s, "state"), &err);
        assert_string_equal(err.text, "");
        got[i] = end(p);
    }
    const size_t bytes = 3 * got[0].width * got[0].height * sizeof *got[0].rgb;
    assert_memory_equal(got[0].rgb, got[1].rgb, bytes);
    assert_memory_not_equal(got[0].rgb, got[2].rgb, bytes); /* they differ, in the last bits */
    for (size_t i = 0; i < 3; i++) {
        imp_picture_finish(&got[i]);
        painting_close(&all[i]);
    }
    fclose(file);
}

/* The choices that the device had then, and only those. */
static void test_a_checkpoint_knows_the_ways(void **state) {
    check_resumed(((tuner *)*state)->folder, true, false);
    check_resumed(((tuner *)*state)->folder, false, false);
    check_resumed(((tuner *)*state)->folder, true, true);
}

/* It does not resume with filters of another precision either. */
static void test_a_checkpoint_knows_the_precision(void **state) {
    const char *path = scratch_path(((tuner *)*state)->folder, "state");
    imp_error err = {0};
    void *both[2];
    for (size_t i = 0; i < 2; i++) {
        painting_on_cpu(&both[i]);
        painting *const p = both[i];
        p->device->options.precision = i == 0 ? IMP_FP32 : IMP_FP16;
        painting_begin(p);
        if (i == 0)
            imp_session_save(p->session, path, "", &err);
        assert_string_equal(err.text, "");
        if (i == 1)
            assert_int_equal(imp_session_restore(p->session, path, &err), IMP_ERR_ARGUMENT);
        painting_close(&both[i]);
    }
    assert_non_null(strstr(err.text, "another precision"));
}

static void test_another_device_keeps_its_own(void **state) {
    tuner *t = *state;
    imp_device *const d = t->device;
    bool changed;
    imp_choose_algorithm(d, &(imp_algorithm_choice){layer.conv, 128, 128, true, 2});
    FILE *file = fopen(scratch_path(t->folder, "ways"), "w+b");
    assert_true(imp_algorithms_write(d, file));
    d->algorithm_choices[0].algorithm = 1;
    rewind(file);
    assert_true(imp_algorithms_read(d, 1, false, file, &changed));
    assert_false(changed);
    assert_int_equal(d->algorithm_choices[0].algorithm, 1);
    rewind(file);
    assert_true(imp_algorithms_read(d, 1, true, file, &changed));
    assert_true(changed);
    assert_int_equal(d->algorithm_choices[0].algorithm, 2);
    assert_false(imp_algorithms_read(d, 1, true, file, &changed)); /* it ends here */
    fclose(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tuner, close_tuner)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_the_fastest_is_taken),
        TEST(test_it_is_recalled),
        TEST(test_what_is_settled_stays),
        TEST(test_another_device_keeps_its_own),
        TEST(test_short_layers_are_left_alone),
        TEST(test_a_wrong_way_is_not_taken),
        TEST(test_a_failing_device_keeps_its_own),
        TEST(test_a_checkpoint_knows_the_ways),
        TEST(test_a_checkpoint_knows_the_precision),
    };
    return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}
