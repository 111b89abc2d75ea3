/* SPDX-License-Identifier: MIT
 *
 * Sessions: extreme sizes, memory, and invalid settings.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers.h"
#include "painting.h"

static void test_odd_sizes(void **state) {
    painting *f = *state;
    const size_t sizes[][3] = {{1, 1, 1},   {1, 1, 8},   {1, 64, 64},
                               {50, 1, 20}, {33, 17, 0}, {40, 30, 8}};
    f->settings.iterations = 2;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        imp_picture_finish(&f->content);
        f->content = test_waves(sizes[i][0], sizes[i][1], 1);
        f->settings.size = sizes[i][2];
        painting_begin(f);
        painting_step(f);
        const imp_progress p = painting_step(f);
        assert_true(isfinite(p.loss));
        imp_picture out = {0};
        assert_int_equal(imp_session_picture(f->session, &out, NULL), IMP_OK);
        const size_t longer = out.width > out.height ? out.width : out.height;
        const size_t own =
            f->content.width > f->content.height ? f->content.width : f->content.height;
        assert_int_equal(longer, sizes[i][2] ? sizes[i][2] : own);
        imp_picture_finish(&out);
    }
}

static void test_scales_double(void **state) {
    painting *f = *state;
    imp_picture_finish(&f->content);
    f->content = test_waves(256, 192, 1);
    f->settings.size = 256;
    f->settings.scales = 5; /* none is smaller than 128 pixels */
    f->settings.iterations = 8;
    painting_begin(f);
    const size_t widths[] = {128, 128, 128, 128, 256, 256, 256, 256};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(painting_step(f).width, widths[i]);
}

/* Whether a square of this side fits, by the forecast. */
static imp_forecast forecast(const painting *f, size_t size) {
    imp_forecast told = {0};
    imp_settings settings = f->settings;
    settings.size = size;
    assert_int_equal(imp_session_forecast(
                         &told, f->device, f->network, &settings,
                         &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}}, NULL),
                     IMP_OK);
    return told;
}

/* What does not fit is refused with the largest size that does. */
static void test_too_large(void **state) {
    painting *f = *state;
    f->settings.size = 100000;
    f->device->info.memory_bytes = (uint64_t)1 << 30;
    imp_error e = {0};
    imp_session *s = NULL;
    assert_int_equal(
        imp_session_open(&s, f->device, f->network, &f->settings,
                         &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}}, &e),
        IMP_ERR_MEMORY);
    assert_null(s);
    const imp_forecast told = forecast(f, f->settings.size);
    assert_false(told.fits);
    char says[64];
    snprintf(says, sizeof says, "the largest size that fits is %zu", told.largest);
    assert_non_null(strstr(e.text, says));
    assert_true(forecast(f, told.largest).fits);
    assert_false(forecast(f, told.largest + told.largest / 50).fits);
}

/* Forecast and estimate are equal, and close to what the device counts while the session is open.
 */
static void test_forecast_is_right(void **state) {
    painting *f = *state;
    static const size_t sizes[] = {64, 150, 257};
    for (size_t i = 0; i < 6; i++) {
        imp_forecast forecast = {0};
        imp_estimate estimate;
        bool done;
        f->settings.size = sizes[i / 2];
        f->settings.optimizer = i % 2 ? IMP_ADAM : IMP_LBFGS;
        assert_int_equal(
            imp_session_forecast(&forecast, f->device, f->network, &f->settings,
                                 &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}},
                                 NULL),
            IMP_OK);
        f->device->counters.peak = 0;
        painting_begin(f);
        assert_int_equal(imp_session_step(f->session, &done, NULL), IMP_OK);
        imp_session_estimate(f->session, &estimate);
        const double taken = (double)f->device->counters.peak;
        print_message("%zu: %.0f bytes taken, %zu forecast\n", f->settings.size, taken,
                      forecast.need.device_bytes);
        assert_int_equal(forecast.need.device_bytes, estimate.device_bytes);
        assert_true(fabs((double)estimate.device_bytes - taken) <= 0.1 * taken);
        assert_true(forecast.fits && forecast.largest >= f->settings.size);
        assert_true(forecast.need.seconds_per_iteration > 0);
        imp_session_close(f->session);
        f->session = NULL;
    }
}

/* With less and less memory more features are recomputed and the picture is the same, until it does
 * not fit. */
static void test_recomputing_changes_nothing(void **state) {
    painting *f = *state;
    imp_picture first = {0};
    unsigned runs = 0;
    f->settings.size = 150;
    f->settings.optimizer = IMP_ADAM;
    f->settings.learning_rate = 0.02f;
    for (bool fits = true; fits; runs += fits) {
        imp_picture now = {0};
        imp_estimate estimate;
        imp_error e = {0};
        bool done;
        fits = imp_session_open(&f->session, f->device, f->network, &f->settings,
                                &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}},
                                &e) == IMP_OK;
        if (!fits) {
            assert_int_equal(e.status, IMP_ERR_MEMORY);
            break;
        }
        for (int step = 0; step < 3; step++)
            assert_int_equal(imp_session_step(f->session, &done, NULL), IMP_OK);
        assert_int_equal(imp_session_picture(f->session, runs ? &now : &first, NULL), IMP_OK);
        if (runs)
            assert_memory_equal(first.rgb, now.rgb, 3 * now.width * now.height * sizeof(float));
        imp_picture_finish(&now);
        imp_session_estimate(f->session, &estimate);
        f->settings.memory = estimate.device_bytes + estimate.host_bytes - 1;
        imp_session_close(f->session);
        f->session = NULL;
    }
    print_message("%u memory sizes\n", runs);
    assert_true(runs >= 2);
    imp_picture_finish(&first);
}

static void test_bad_settings(void **state) {
    painting *f = *state;
    imp_settings bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = f->settings;
    bad[0].levels = 0;
    bad[1].history = 0;
    bad[2].style_weight = NAN;
    bad[3].scales = 1000;
    bad[4].terms[0].weight = -1;
    strcpy(bad[5].terms[0].layer, "relu9_1");
    for (int i = 0; i < 6; i++) {
        imp_error e = {0};
        imp_session *s = NULL;
        assert_int_equal(
            imp_session_open(&s, f->device, f->network, &bad[i],
                             &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}},
                             &e),
            IMP_ERR_ARGUMENT);
        assert_null(s);
        assert_true(strlen(e.text) > 10);
    }
}

#define ON_CPU(test) cmocka_unit_test_setup_teardown(test, painting_on_cpu, painting_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_CPU(test_odd_sizes),
        ON_CPU(test_scales_double),
        ON_CPU(test_too_large),
        ON_CPU(test_forecast_is_right),
        ON_CPU(test_recomputing_changes_nothing),
        ON_CPU(test_bad_settings),
    };
    return cmocka_run_group_tests_name("sizes", tests, NULL, NULL);
}
