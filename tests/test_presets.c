/* SPDX-License-Identifier: MIT
 *
 * What presets use of a session: scales, normalised gradients, the average of iterates, warm
 * start, grey pictures.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "engine/planes.h"
#include "engine/session.h"
#include "helpers.h"

#define OK(call) assert_int_equal(call, IMP_OK)

/* ---- Scales ---- */

static void assert_sizes(const imp_settings *settings, size_t width, size_t height,
                         const size_t *sizes, const unsigned *iterations, size_t count) {
    imp_network *network = NULL;
    OK(imp_network_open(&network, "builtin", NULL));
    imp_session *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->network = network;
    s->nodes = 3;
    s->settings = *settings;
    s->content = (imp_picture){.width = width, .height = height};
    s->styles[0].picture = (imp_picture){.width = 300, .height = 200};
    s->style_count = 1;
    imp_session_schedule(s);
    assert_int_equal(s->scale_count, count);
    unsigned total = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(s->scales[i].picture.width, sizes[i]);
        assert_int_equal(s->scales[i].iterations, iterations[i]);
        if (settings->style_natural)
            assert_true(s->scales[i].styles[0].width <= 300);
        else
            assert_int_equal(s->scales[i].styles[0].width, sizes[i]);
        total += iterations[i];
    }
    assert_int_equal(s->total, total);
    free(s);
    imp_network_close(network);
}

/* A larger print is painted like a smaller one, and then has more sizes of fewer steps. */
static void test_print(void **state) {
    (void)state;
    imp_settings print = *imp_preset_settings("print");
    const size_t sizes[] = {256, 512, 1024, 2048, 4096, 8192};
    const unsigned iterations[] = {150, 100, 33, 11, 3, 1};
    for (size_t last = 0; last < sizeof sizes / sizeof *sizes; last++) {
        print.size = sizes[last];
        assert_sizes(&print, 8000, 6000, sizes, iterations, last + 1);
    }
    print.size = 700;
    assert_sizes(&print, 8000, 6000, (const size_t[]){256, 512, 700}, iterations, 3);
    print.size = 100;
    assert_sizes(&print, 8000, 6000, (const size_t[]){100}, iterations, 1);
}

/* Steps that get fewer, of a number in all. */
static void test_falling_iterations(void **state) {
    (void)state;
    imp_settings s = *imp_preset_settings("default");
    s.scales = 4;
    s.size = 1024;
    s.iterations = 1111;
    s.iterations_step = 10;
    assert_sizes(&s, 2000, 1500, (const size_t[]){128, 256, 512, 1024},
                 (const unsigned[]){1000, 100, 10, 1}, 4);
    s.iterations = 40; /* 36, 3, 0 and 0 by their shares: at least one each */
    assert_sizes(&s, 2000, 1500, (const size_t[]){128, 256, 512, 1024},
                 (const unsigned[]){36, 3, 1, 1}, 4);
    s.iterations_step = 2;
    s.iterations = 32; /* 17, 8, 4, 2: what rounding leaves goes to the first */
    assert_sizes(&s, 2000, 1500, (const size_t[]){128, 256, 512, 1024},
                 (const unsigned[]){18, 8, 4, 2}, 4);
}

static void test_scales(void **state) {
    (void)state;
    imp_settings fine = *imp_preset_settings("fine"), other = *imp_preset_settings("default");
    assert_sizes(&fine, 2000, 1500, (const size_t[]){128, 181, 256, 362, 512},
                 (const unsigned[]){1000, 500, 500, 500, 500}, 5);
    assert_sizes(&other, 2000, 1500, (const size_t[]){128, 256, 512},
                 (const unsigned[]){74, 73, 73}, 3);
    other.size = 400;
    other.size_count = 3;
    memcpy(other.sizes, (const size_t[]){100, 200, 900}, 3 * sizeof *other.sizes);
    assert_sizes(&other, 2000, 1500, (const size_t[]){100, 200, 400},
                 (const unsigned[]){74, 73, 73}, 3);
    other.iterations = 2; /* no scale without an iteration: the largest ones stay */
    assert_sizes(&other, 2000, 1500, (const size_t[]){200, 400}, (const unsigned[]){1, 1}, 2);
    fine.size = 0;
    assert_sizes(&fine, 200, 100, (const size_t[]){141, 200}, (const unsigned[]){1000, 500}, 2);
}

/* The expected values are those of torch.nn.functional.interpolate in double precision. */
static void test_resampling_is_torchs(void **state) {
    (void)state;
    const float x[6] = {1, 4, 2, 0, -3, 5};
    static const double cubic[12] = {0.834089491, 3.65399509,   3.960940891,  1.533721924,
                                     0.5,         0.170410156,  1.581054688,  3.715332031,
                                     0.165910509, -3.313174778, -0.798831516, 5.896942139};
    static const double linear[12] = {1, 2.875, 3.25, 2, 0.5, 0.5, 1.625, 3.5, 0, -1.875, 0, 5};
    for (int k = 0; k < 2; k++) {
        float *got = imp_planes_resample(x, 1, 2, 3, 3, 4, k);
        assert_non_null(got);
        for (size_t i = 0; i < 12; i++)
            test_near(k ? cubic[i] : linear[i], (double)got[i], 1e-6, k ? "cubic" : "linear");
        free(got);
    }
}

/* ---- Sessions ---- */

typedef struct fixture {
    imp_device *device;
    imp_network *network;
    imp_picture content, style;
    imp_settings settings;
    imp_session *session;
} fixture;

/* The preset `fine` on the built-in network, small. */
static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f || imp_cpu_open(&f->device, NULL, NULL) ||
        imp_network_open(&f->network, "builtin", NULL))
        return -1;
    f->content = test_waves(40, 30, 0.3);
    f->style = test_waves(36, 44, 0.7);
    f->settings = *imp_preset_settings("fine");
    f->settings.terms[0] = (imp_term){IMP_TERM_CONTENT, "relu2_2", 1};
    f->settings.term_count = 3;
    f->settings.size = 40;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    free(f);
    return 0;
}

static void open_session(fixture *f) {
    imp_error e = {0};
    imp_session_close(f->session);
    imp_session_open(&f->session, f->device, f->network, &f->settings,
                     &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}}, &e);
    assert_string_equal(e.text, "");
}

static void step(fixture *f) {
    imp_error e = {0};
    bool done;
    imp_session_step(f->session, &done, &e);
    assert_string_equal(e.text, "");
}

static float *variable(const fixture *f) {
    return test_contents(f->device, f->session->objective.x[0]);
}

/* The picture is the average of all variables, including the start. */
static void test_average_is_the_picture(void **state) {
    fixture *f = *state;
    enum { N = 3 * 40 * 30 };
    double sum[N], weight = 0.25;
    f->settings.average = 0.75F;
    open_session(f);
    for (int round = 0; round < 5; round++) {
        float *x = variable(f);
        for (size_t k = 0; k < N; k++)
            sum[k] = (round ? 0.75 * sum[k] : 0) + 0.25 * (double)x[k];
        free(x);
        imp_picture p = {0};
        OK(imp_session_picture(f->session, &p, NULL));
        for (size_t k = 0; k < N; k++)
            test_near(fmin(fmax(sum[k] / weight, 0), 1),
                      (double)p.rgb[k % (40 * 30) * 3 + k / (40 * 30)], 1e-6, "average");
        imp_picture_finish(&p);
        weight = 0.75 * weight + 0.25;
        step(f);
    }
}

/* Adam's moments and steps go on at the next scale; the average starts again. */
static void test_warm_start(void **state) {
    fixture *f = *state;
    f->settings.size_count = 1;
    f->settings.sizes[0] = 24;
    f->settings.iterations = 4;
    f->settings.later_iterations = 2;
    open_session(f);
    for (int i = 0; i < 4; i++)
        step(f);
    const imp_session *s = f->session;
    assert_int_equal(s->objective.x[0].w, 24);
    assert_int_equal(s->total, 6);
    imp_warm_start state_kept = {0};
    OK(imp_warm_start_take(&state_kept, f->session, NULL));
    step(f);
    assert_int_equal(s->objective.x[0].w, 40);
    assert_int_equal(s->optimizer.steps, 5);
    /* m and x before the last step: m = (after - 0.1 g) / 0.9, x = `before`. */
    float *m = test_contents(f->device, s->optimizer.m),
          *g = test_contents(f->device, s->objective.dx[0]);
    float *before = test_contents(f->device, s->optimizer.before);
    float *wanted = imp_planes_resample(state_kept.m.data, 3, 18, 24, 30, 40, true);
    float *start = imp_planes_resample(state_kept.x.data, 3, 18, 24, 30, 40, true);
    float most = 0;
    for (size_t k = 0; k < 3 * 40 * 30; k++)
        most = fmaxf(most, fabsf(m[k]) + fabsf(g[k]));
    for (size_t k = 0; k < 3 * 40 * 30; k++) {
        test_near((double)wanted[k], ((double)m[k] - 0.1 * (double)g[k]) / 0.9, 1e-6 * (double)most,
                  "first moment");
        test_near(fmin(fmax((double)start[k], 0), 1), (double)before[k], 1e-6, "start");
    }
    float *const all[] = {m, g, before, wanted, start};
    for (size_t i = 0; i < 5; i++)
        free(all[i]);
    imp_warm_start_finish(&state_kept);
}

/* With a single term the gradient at its features is the weight times a gradient of L1 norm 1:
 * other factors of the loss do not matter. */
static void test_normalized_gradients(void **state) {
    fixture *f = *state;
    imp_array gradients[3] = {{{0}, NULL}};
    double losses[3], size = 0, off[3] = {0};
    f->settings.normalize_gradients = true;
    f->settings.tv_weight = 0;
    f->settings.init = IMP_INIT_STYLE;
    f->settings.term_count = 1;
    for (int i = 0; i < 3; i++) {
        imp_progress p;
        f->settings.content_form = i == 2 ? IMP_LOSS_RELATIVE : IMP_LOSS_MEAN;
        f->settings.content_weight = i == 1 ? 3 : 1;
        open_session(f);
        OK(imp_session_evaluate(f->session, NULL));
        OK(imp_session_gradient(f->session, &gradients[i], NULL));
        imp_session_progress(f->session, &p);
        losses[i] = p.loss;
    }
    test_near(3 * losses[0], losses[1], 1e-5 * losses[1], "a loss is what it is");
    assert_true(fabs(losses[2] / losses[0] - 1) > 0.1);
    for (size_t k = 0; k < 3 * 40 * 30; k++) {
        const double g = (double)gradients[0].data[k];
        size += fabs(g);
        off[1] += fabs(3 * g - (double)gradients[1].data[k]);
        off[2] += fabs(g - (double)gradients[2].data[k]);
    }
    assert_true(size > 0);
    test_near(0, off[1], 1e-5 * 3 * size, "a gradient times its weight");
    test_near(0, off[2], 1e-5 * size, "a gradient of another form");
    for (int i = 0; i < 3; i++)
        imp_array_finish(&gradients[i]);
}

/* The built-in network has every layer that these presets name, and each term works. */
static void test_presets_on_builtin(void **state) {
    static const char *const names[] = {"default", "gatys", "fine", "brush", "patch"};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        imp_loss losses[32];
        f->settings = *imp_preset_settings(names[i]);
        f->settings.size = 40;
        f->settings.scales = 1;
        f->settings.init = IMP_INIT_STYLE;
        open_session(f);
        OK(imp_session_evaluate(f->session, NULL));
        const size_t count = imp_session_losses(f->session, losses, 32);
        assert_true(count >= f->settings.term_count);
        for (size_t k = 0; k < count; k++)
            assert_true(losses[k].value > 0 && isfinite(losses[k].value));
    }
}

/* ---- Grey pictures ---- */

static void make_grey(imp_picture *p) {
    for (size_t i = 0; i < 3 * p->width * p->height; i++)
        p->rgb[i] = p->rgb[i / 3 * 3];
    p->rgb[0] += p->rgb[0] < 0.5F ? 2.0F / 255 : -2.0F / 255; /* off by the step of a scan */
}

/* Of grey content and style no pixel of the painting has a colour, from content and from noise. */
static void test_grey_stays_grey(void **state) {
    fixture *f = *state;
    f->settings = *imp_preset_settings("default");
    f->settings.size = 24;
    f->settings.iterations = 4;
    make_grey(&f->content);
    make_grey(&f->style);
    for (size_t k = 0; k < 2; k++) {
        imp_picture out = {0};
        f->settings.init = k ? IMP_INIT_NOISE : IMP_INIT_CONTENT;
        open_session(f);
        OK(imp_session_run(f->session, NULL, NULL, NULL));
        OK(imp_session_picture(f->session, &out, NULL));
        for (size_t i = 0; i < 3 * out.width * out.height; i++)
            assert_true(out.rgb[i] == out.rgb[i / 3 * 3]);
        imp_picture_finish(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_falling_iterations),
        cmocka_unit_test(test_resampling_is_torchs),
        cmocka_unit_test_setup_teardown(test_average_is_the_picture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_warm_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_presets_on_builtin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_normalized_gradients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_grey_stays_grey, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("presets", tests, NULL, NULL);
}
