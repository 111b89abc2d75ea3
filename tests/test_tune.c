/* SPDX-License-Identifier: MIT
 *
 * Tuning: the fastest way is taken, remembered and recalled, a wrong one never; and a checkpoint
 * says which ways a painting was made by.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "device/tune.h"
#include "engine/preferences.h"
#include "helpers.h"
#include "painting.h"
#include "scratch.h"

/* Long enough to be worth it: 1.2e9 operations, and short enough for a test. */
static const imp_layer layer = {
    .conv = {64, 64, 3, 1, 1, 1, IMP_PAD_ZERO, true}, .h = 128, .w = 128, .layout = IMP_MAPS};

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

static unsigned preferred(const imp_device *d, const imp_layer *l) {
    const imp_preference *p = imp_preference_of(d, &l->conv, l->h, l->w, l->back);
    return p ? p->way : 0;
}

static int open_cache(void **state) {
    const int status = scratch_open(state);
    return status ? status : setenv("IMPASTO_CACHE", ((scratch *)*state)->folder, 1);
}

static int close_cache(void **state) {
    unsetenv("IMPASTO_CACHE");
    return scratch_close(state);
}

/* ---- measured and remembered ---- */

static void test_the_fastest_is_taken(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_tuned t;
    double left = 1000;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_int_equal(t.count, 3);
    assert_true(left < 1000);
    for (size_t i = 0; i < t.count; i++) {
        assert_true(t.ways[i].seconds > 0);
        assert_true(t.best == t.own || t.ways[t.best].seconds <= t.ways[i].seconds);
    }
    assert_int_equal(preferred(d, &layer), t.best + 1);
    const imp_tensor map = {.c = 64, .h = 128, .w = 128, .layout = IMP_MAPS};
    assert_string_equal(d->ops->algorithm(d, map, map, filter, false).name, t.ways[t.best].name);
    assert_true(scratch_has(s, "ways.json"));
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

static void test_it_is_recalled(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_tuned t;
    double left = 1000;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    const unsigned way = preferred(d, &layer);
    d->preference_count = 0;
    left = 0;                  /* recalling takes none */
    imp_layer shorter = layer; /* as many positions, about */
    shorter.h = 120;
    imp_tune_layer(d, filter, &shorter, false, &left, &t);
    assert_int_equal(t.count, 0);
    assert_int_equal(preferred(d, &shorter), way);
    scratch_write(s, "ways.json", "{", 1); /* damaged: as though it were not there */
    d->preference_count = 0;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_int_equal(preferred(d, &layer), 0);
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

/* What a session has settled stays, though it was for lack of time; and a full table takes no more,
 * so that nothing is measured in vain. */
static void test_what_is_settled_stays(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_tuned t;
    double left = 0;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_int_equal(d->preference_count, 1);
    left = 1000;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_int_equal(t.count, 0);
    assert_int_equal(preferred(d, &layer), 0);
    while (imp_prefer(d, &(imp_preference){.h = d->preference_count, .w = 1}))
        assert_true(d->preference_count <= IMP_PREFERENCES_MOST);
    imp_layer other = layer;
    other.back = true;
    imp_tune_layer(d, filter, &other, false, &left, &t);
    assert_int_equal(t.count, 0);
    assert_true(left == 1000);
    assert_false(scratch_has(s, "ways.json"));
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

static void test_short_layers_are_left_alone(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_layer brief = layer;
    imp_tuned t;
    double left = 1000;
    brief.h = 16;
    imp_tune_layer(d, filter, &brief, true, &left, &t);
    assert_int_equal(t.count, 0);
    assert_int_equal(d->preference_count, 0);
    assert_false(scratch_has(s, "ways.json"));
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

/* ---- a way that is wrong, or fails ---- */

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
    (void)state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_ops wrong = *d->ops;
    imp_tuned t;
    double left = 1000;
    honest = d->ops;
    wrong.conv = conv_twice;
    d->ops = &wrong;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_string_equal(t.ways[t.best].name, "direct");
    for (size_t i = 1; i < t.count; i++)
        assert_true(t.ways[i].seconds == 0);
    assert_int_equal(preferred(d, &layer), 1);
    d->ops = honest;
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

static void test_a_failing_device_keeps_its_own(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    imp_filter *filter = open_filter(d);
    imp_ops failing = *d->ops;
    imp_tuned t;
    double left = 1000;
    honest = d->ops;
    failing.conv = conv_fails;
    d->ops = &failing;
    imp_tune_layer(d, filter, &layer, false, &left, &t);
    assert_int_equal(t.count, 0);
    assert_int_equal(preferred(d, &layer), 0);
    assert_int_equal(d->error.status, IMP_OK);
    assert_false(scratch_has(s, "ways.json"));
    d->ops = honest;
    d->ops->filter_close(d, filter);
    d->ops->close(d);
}

/* ---- a checkpoint ---- */

/* All convolutions directly, at the one size there is. */
static void prefer_direct(const painting *p) {
    size_t h = p->content.height, w = p->content.width;
    for (size_t n = 0; n < p->network->count; n++) {
        const imp_node *node = &p->network->nodes[n];
        h /= node->kind == IMP_NODE_POOL ? 2 : 1;
        w /= node->kind == IMP_NODE_POOL ? 2 : 1;
        for (int back = 0; back < 2 && node->kind == IMP_NODE_CONV; back++)
            imp_prefer(p->device, &(imp_preference){node->conv, h, w, back, 1});
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

static void check_resumed(scratch *s, bool directly) {
    imp_error err = {0};
    void *all[3]; /* whole, resumed, in the other ways */
    imp_picture got[3];
    for (size_t i = 0; i < 3; i++) {
        painting_on_cpu(&all[i]);
        if ((i == 0) == directly)
            prefer_direct(all[i]);
        painting_begin(all[i]);
        painting *const p = all[i];
        if (i == 0) {
            painting_step(p);
            painting_step(p);
            imp_session_save(p->session, scratch_path(s, "state"), "", &err);
        } else if (i == 1)
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
}

/* Those that the device preferred then, and only those. */
static void test_a_checkpoint_knows_the_ways(void **state) {
    check_resumed(*state, true);
    check_resumed(*state, false);
}

static void test_another_device_keeps_its_own(void **state) {
    scratch *s = *state;
    imp_device *d = open_cpu();
    bool changed;
    imp_prefer(d, &(imp_preference){layer.conv, 128, 128, true, 2});
    FILE *file = fopen(scratch_path(s, "ways"), "w+b");
    assert_true(imp_preferences_write(d, file));
    d->preferences[0].way = 1;
    rewind(file);
    assert_true(imp_preferences_read(d, 1, false, file, &changed));
    assert_false(changed);
    assert_int_equal(d->preferences[0].way, 1);
    rewind(file);
    assert_true(imp_preferences_read(d, 1, true, file, &changed));
    assert_true(changed);
    assert_int_equal(d->preferences[0].way, 2);
    assert_false(imp_preferences_read(d, 1, true, file, &changed)); /* it ends here */
    fclose(file);
    d->ops->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_fastest_is_taken, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_it_is_recalled, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_what_is_settled_stays, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_another_device_keeps_its_own, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_short_layers_are_left_alone, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_a_wrong_way_is_not_taken, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(test_a_failing_device_keeps_its_own, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(test_a_checkpoint_knows_the_ways, open_cache, close_cache),
    };
    return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}
