/* SPDX-License-Identifier: MIT
 *
 * Sessions: the loop of iterations, its economy, its recovery, sizes at the edge, threads.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "engine/session.h"
#include "helpers.h"
#include "opencl/opencl.h"

typedef struct fixture {
    imp_device *device;
    imp_network *network;
    imp_picture content, style, init;
    imp_settings settings;
    imp_session *session;
} fixture;

static int set_up_on(void **state,
                     imp_status (*open)(imp_device **, const imp_device_options *, imp_error *)) {
    fixture *f = calloc(1, sizeof *f);
    imp_error e = {0};
    if (!f || open(&f->device, NULL, &e) || imp_network_open(&f->network, "builtin", &e))
        return -1;
    f->content = test_waves(40, 30, 1);
    f->style = test_waves(36, 44, 2.5);
    f->settings = *imp_preset_find("default");
    f->settings.size = 40;
    f->settings.scales = 1;
    f->settings.iterations = 6;
    *state = f;
    return 0;
}

static int set_up_oracle(void **state) {
    return set_up_on(state, imp_oracle_open);
}

static int set_up_cpu(void **state) {
    return set_up_on(state, imp_cpu_open);
}

static imp_status open_first_opencl(imp_device **out, const imp_device_options *options,
                                    imp_error *err) {
    return imp_opencl_open(out, 0, options, err);
}

/* *state stays NULL where there is no OpenCL device. */
static int set_up_opencl(void **state) {
    *state = NULL;
    return imp_opencl_list(NULL, 0) ? set_up_on(state, open_first_opencl) : 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    if (!f)
        return 0;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    imp_picture_finish(&f->init);
    free(f);
    return 0;
}

static void open_session(fixture *f) {
    imp_error e = {0};
    imp_session_close(f->session);
    imp_session_open(
        &f->session, f->device, f->network, &f->settings,
        &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}, .init = &f->init}, &e);
    assert_string_equal(e.text, "");
}

static imp_progress step(fixture *f) {
    imp_error e = {0};
    bool done;
    imp_progress p;
    imp_session_step(f->session, &done, &e);
    assert_string_equal(e.text, "");
    imp_session_progress(f->session, &p);
    return p;
}

static void test_loss_falls(void **state) {
    fixture *f = *state;
    open_session(f);
    const imp_progress first = step(f);
    imp_progress last = first;
    for (unsigned i = 1; i < f->settings.iterations; i++)
        last = step(f);
    assert_true(last.loss < first.loss);
    assert_int_equal(last.iteration, f->settings.iterations);
    assert_int_equal(last.total, f->settings.iterations);
    imp_loss losses[64];
    const size_t n = imp_session_losses(f->session, losses, 64);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += losses[i].value;
    assert_int_equal(n, 2 + 4 * f->settings.levels + 1); /* content, style by level, variation */
    assert_true(fabs(sum - last.loss) <= 1e-9 * sum);
    imp_estimate estimate;
    imp_session_estimate(f->session, &estimate);
    assert_true(estimate.device_bytes > estimate.activation_bytes + estimate.optimizer_bytes);
    assert_true(estimate.seconds_per_iteration > 0);
}

/* Of a whole run: where it ended, and its picture. */
static imp_progress run_whole(fixture *f, float settle, imp_picture *picture) {
    imp_progress now;
    f->settings.settle = settle;
    open_session(f);
    assert_int_equal(imp_session_run(f->session, NULL, NULL, NULL), IMP_OK);
    imp_session_progress(f->session, &now);
    assert_int_equal(imp_session_picture(f->session, picture, NULL), IMP_OK);
    return now;
}

/* Of 8-bit colours, in dB. */
static double psnr(const imp_picture *a, const imp_picture *b) {
    const size_t n = 3 * a->width * a->height;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = round(255 * (double)a->rgb[i]) - round(255 * (double)b->rgb[i]);
        sum += d * d;
    }
    return 10 * log10(255 * 255 * (double)n / sum);
}

/* A run ends when what is left of it would not be seen: its picture is the whole run's. */
static void test_settles(void **state) {
    fixture *f = *state;
    const imp_optimizer optimizers[] = {IMP_LBFGS, IMP_ADAM};
    const float ours = f->settings.settle;
    for (size_t i = 0; i < 2; i++) {
        imp_picture whole, ended;
        f->settings.iterations = 400;
        f->settings.optimizer = optimizers[i];
        f->settings.learning_rate = i ? 0.005F : 1;
        const imp_progress all = run_whole(f, 0, &whole), some = run_whole(f, ours, &ended);
        print_message("%u of %u steps, %.1f dB\n", some.iteration, all.iteration,
                      psnr(&whole, &ended));
        assert_int_equal(all.iteration, 400);
        assert_int_equal(all.spared, 0);
        assert_int_equal(some.iteration + some.spared, 400);
        assert_int_equal(some.iteration, some.total);
        assert_int_equal(some.iteration % IMP_SETTLE_SPAN, 0);
        assert_true(some.spared > 0);
        assert_true(psnr(&whole, &ended) > 38);
        assert_int_equal(step(f).iteration, some.iteration);
        imp_picture_finish(&whole);
        imp_picture_finish(&ended);
    }
}

/* Only the last size ends early, however slow the ones before. */
static void test_settles_at_the_end(void **state) {
    fixture *f = *state;
    imp_picture picture;
    f->settings.sizes[0] = 24;
    f->settings.size_count = 1;
    f->settings.iterations = 60;
    const imp_progress end = run_whole(f, 255, &picture);
    assert_int_equal(end.iteration, 30 + IMP_SETTLE_SPAN);
    assert_int_equal(end.spared, 30 - IMP_SETTLE_SPAN);
    imp_picture_finish(&picture);
}

/* The unit of the loss means nothing to L-BFGS: weights smaller by a power of two, the same bits.
 */
static void test_unit_of_the_loss(void **state) {
    fixture *f = *state;
    imp_picture pictures[2];
    f->settings.optimizer = IMP_LBFGS;
    f->settings.iterations = 20;
    for (int i = 0; i < 2; i++) {
        run_whole(f, 0, &pictures[i]);
        f->settings.content_weight = ldexpf(f->settings.content_weight, -40);
        f->settings.style_weight = ldexpf(f->settings.style_weight, -40);
        f->settings.tv_weight = ldexpf(f->settings.tv_weight, -40);
    }
    const size_t size = 3 * pictures[0].width * pictures[0].height * sizeof(float);
    assert_memory_equal(pictures[0].rgb, pictures[1].rgb, size);
    imp_picture_finish(&pictures[0]);
    imp_picture_finish(&pictures[1]);
}

/* The picture moved round by so many rows and columns. */
static imp_picture rolled(const imp_picture *p, size_t rows, size_t columns) {
    imp_picture out = test_waves(p->width, p->height, 0);
    for (size_t y = 0; y < p->height; y++)
        for (size_t x = 0; x < p->width; x++)
            memcpy(out.rgb + 3 * ((y + rows) % p->height * p->width + (x + columns) % p->width),
                   p->rgb + 3 * (y * p->width + x), 3 * sizeof(float));
    return out;
}

static double style_at(fixture *f, const imp_picture *start) {
    f->init = *start;
    open_session(f);
    const double style = step(f).style;
    f->init = (imp_picture){0};
    return style;
}

/* Where edges meet, a picture and the same moved round are alike to the network, if it moves by
 * whole positions of all of its maps; where they do not, they differ. */
static void test_edges_meet(void **state) {
    fixture *f = *state;
    imp_picture_finish(&f->content);
    f->content = test_waves(40, 32, 1);
    f->settings.init = IMP_INIT_PICTURE;
    f->settings.levels = 2;
    imp_picture start = test_waves(40, 32, 0.7), down = rolled(&start, 8, 0),
                across = rolled(&start, 16, 24), beside = rolled(&start, 0, 16);
    const double apart = style_at(f, &start);
    assert_true(fabs(style_at(f, &across) - apart) > 1e-3 * apart);
    f->settings.seam = IMP_SEAM_BOTH;
    const double both = style_at(f, &start);
    assert_true(fabs(style_at(f, &across) - both) <= 1e-5 * both);
    f->settings.seam = IMP_SEAM_X;
    const double sideways = style_at(f, &start);
    assert_true(fabs(style_at(f, &beside) - sideways) <= 1e-5 * sideways);
    assert_true(fabs(style_at(f, &down) - sideways) > 1e-4 * sideways);
    imp_picture *const all[] = {&start, &down, &across, &beside};
    for (size_t i = 0; i < 4; i++)
        imp_picture_finish(all[i]);
}

static void test_done_changes_nothing(void **state) {
    fixture *f = *state;
    f->settings.iterations = 2;
    open_session(f);
    step(f);
    step(f);
    imp_picture before = {0}, after = {0};
    assert_int_equal(imp_session_picture(f->session, &before, NULL), IMP_OK);
    assert_int_equal(step(f).iteration, 2);
    assert_int_equal(imp_session_picture(f->session, &after, NULL), IMP_OK);
    assert_memory_equal(before.rgb, after.rgb, 3 * before.width * before.height * sizeof(float));
    imp_picture_finish(&before);
    imp_picture_finish(&after);
}

/* Neither allocates, builds nor copies: on OpenCL, too. */
static void test_loop_is_frugal(void **state) {
    fixture *f = *state;
    if (!f)
        skip();
    open_session(f);
    step(f);
    step(f); /* the second is the first with a pair, and so the first to use all there is */
    const imp_counters before = f->device->counters;
    step(f);
    step(f);
    const imp_counters *after = &f->device->counters;
    assert_int_equal(after->allocations, before.allocations);
    assert_int_equal(after->builds, before.builds);
    assert_int_equal(after->writes, before.writes + 2); /* one row of L-BFGS's factors */
    assert_int_equal(after->reads, before.reads + 2);   /* one record an iteration */
}

/* ---- Recovery: a device whose total variation turns to NaN at chosen evaluations ---- */

static struct {
    imp_ops ops;
    const imp_ops *real;
    int calls, first, last;
} broken;

static imp_status broken_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                            imp_tv_form form, float weight) {
    const imp_status status = broken.real->tv(d, dx, loss, x, form, weight);
    const int call = broken.calls++;
    if (status == IMP_OK && call >= broken.first && call <= broken.last)
        return broken.real->combine(d, dx, NAN, x, 0, x);
    return status;
}

static void breaks(fixture *f, int first, int last) {
    broken.ops = *f->device->ops;
    broken.real = f->device->ops;
    broken.ops.tv = broken_tv;
    broken.calls = 0;
    broken.first = first;
    broken.last = last;
    f->device->ops = &broken.ops;
}

static void test_steps_back(void **state) {
    fixture *f = *state;
    const imp_optimizer optimizers[] = {IMP_LBFGS, IMP_ADAM};
    for (int i = 0; i < 2; i++) {
        f->settings.optimizer = optimizers[i];
        f->settings.learning_rate = i ? 0.01F : 1;
        breaks(f, 3, 4);
        open_session(f);
        bool recovered[6];
        imp_progress p = {0};
        for (int k = 0; k < 6; k++) {
            p = step(f);
            recovered[k] = p.recovered;
            imp_picture now = {0};
            assert_int_equal(imp_session_picture(f->session, &now, NULL), IMP_OK);
            for (size_t v = 0; v < 3 * now.width * now.height; v++)
                assert_true(now.rgb[v] >= 0 && now.rgb[v] <= 1);
            imp_picture_finish(&now);
        }
        const bool wanted[6] = {false, false, false, true, true, false};
        assert_memory_equal(recovered, wanted, sizeof wanted);
        assert_true(isfinite(p.loss));
        f->device->ops = broken.real;
    }
}

static void test_gives_up(void **state) {
    fixture *f = *state;
    f->settings.iterations = 100;
    breaks(f, 2, 1000);
    open_session(f);
    imp_error e = {0};
    assert_int_equal(imp_session_run(f->session, NULL, NULL, &e), IMP_ERR_NUMBER);
    assert_non_null(strstr(e.text, "--learning-rate"));
    imp_picture now = {0};
    assert_int_equal(imp_session_picture(f->session, &now, NULL), IMP_OK); /* nothing is lost */
    imp_picture_finish(&now);
    f->device->ops = broken.real;
}

static void test_not_finite_at_start(void **state) {
    fixture *f = *state;
    breaks(f, 0, 1000);
    open_session(f);
    imp_error e = {0};
    assert_int_equal(imp_session_run(f->session, NULL, NULL, &e), IMP_ERR_NUMBER);
    assert_non_null(strstr(e.text, "starting picture"));
    f->device->ops = broken.real;
}

/* ---- The gradient of the whole ---- */

static double loss_at(fixture *f, const imp_picture *p, imp_array *gradient) {
    imp_error e = {0};
    const imp_picture kept = f->init;
    f->settings.init = IMP_INIT_PICTURE;
    f->init = *p;
    open_session(f);
    f->init = kept;
    assert_int_equal(imp_session_evaluate(f->session, &e), IMP_OK);
    if (gradient)
        assert_int_equal(imp_session_gradient(f->session, gradient, &e), IMP_OK);
    imp_progress progress;
    imp_session_progress(f->session, &progress);
    return progress.loss;
}

/* A step of h along the gradient changes the loss by h |g|^2, up to O(h^2) of the central
 * difference and the kinks of ReLU and maximum: a term, level or factor left out would be far off.
 */
static void test_gradient(void **state) {
    fixture *f = *state;
    imp_picture at = test_waves(40, 30, 1.7), side = test_waves(40, 30, 1.7);
    imp_array g = {0};
    loss_at(f, &at, &g);
    const size_t plane = 40 * 30;
    double gg = 0;
    float largest = 0;
    for (size_t i = 0; i < 3 * plane; i++) {
        gg += (double)g.data[i] * (double)g.data[i];
        largest = fmaxf(largest, fabsf(g.data[i]));
    }
    const float h = 1e-3F / largest;
    double loss[2];
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < 3 * plane; i++)
            side.rgb[i] = at.rgb[i] + (s ? h : -h) * g.data[i % 3 * plane + i / 3];
        loss[s] = loss_at(f, &side, NULL);
    }
    assert_true(fabs((loss[1] - loss[0]) / (2 * (double)h) / gg - 1) < 0.02);
    imp_array_finish(&g);
    imp_picture_finish(&at);
    imp_picture_finish(&side);
}

/* ---- Sizes ---- */

static void test_odd_sizes(void **state) {
    fixture *f = *state;
    const size_t sizes[][3] = {{1, 1, 1},   {1, 1, 8},   {1, 64, 64},
                               {50, 1, 20}, {33, 17, 0}, {40, 30, 8}};
    f->settings.iterations = 2;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        imp_picture_finish(&f->content);
        f->content = test_waves(sizes[i][0], sizes[i][1], 1);
        f->settings.size = sizes[i][2];
        open_session(f);
        step(f);
        const imp_progress p = step(f);
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
    fixture *f = *state;
    imp_picture_finish(&f->content);
    f->content = test_waves(256, 192, 1);
    f->settings.size = 256;
    f->settings.scales = 5; /* below 128 pixels none is painted */
    f->settings.iterations = 8;
    open_session(f);
    const size_t widths[] = {128, 128, 128, 128, 256, 256, 256, 256};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(step(f).width, widths[i]);
}

static void test_too_large(void **state) {
    fixture *f = *state;
    f->settings.size = 100000;
    f->device->info.memory_bytes = (uint64_t)1 << 30;
    imp_error e = {0};
    imp_session *s = NULL;
    assert_int_equal(
        imp_session_open(&s, f->device, f->network, &f->settings,
                         &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}}, &e),
        IMP_ERR_MEMORY);
    assert_null(s);
    const char *fits = strstr(e.text, "--size ");
    assert_non_null(fits);
    const long largest = strtol(fits + 7, NULL, 10);
    assert_true(largest > 100 && largest < 5000);
}

/* What the device counted while a session was open, and what had been told before. */
static void test_estimate_is_what_is_taken(void **state) {
    fixture *f = *state;
    static const size_t sizes[] = {64, 150, 257};
    for (size_t i = 0; i < 6; i++) {
        imp_forecast told = {0};
        imp_estimate estimate;
        bool done;
        f->settings.size = sizes[i / 2];
        f->settings.optimizer = i % 2 ? IMP_ADAM : IMP_LBFGS;
        assert_int_equal(
            imp_session_forecast(&told, f->device, f->network, &f->settings,
                                 &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}},
                                 NULL),
            IMP_OK);
        f->device->counters.peak = 0;
        open_session(f);
        assert_int_equal(imp_session_step(f->session, &done, NULL), IMP_OK);
        imp_session_estimate(f->session, &estimate);
        const double taken = (double)f->device->counters.peak;
        print_message("%zu: %.0f bytes taken, %zu told\n", f->settings.size, taken,
                      told.need.device_bytes);
        assert_int_equal(told.need.device_bytes, estimate.device_bytes);
        assert_true(fabs((double)estimate.device_bytes - taken) <= 0.1 * taken);
        assert_true(told.fits && told.largest >= f->settings.size);
        assert_true(told.need.seconds_per_iteration > 0);
        imp_session_close(f->session);
        f->session = NULL;
    }
}

/* With less and less memory, until there is no way: fewer features kept, and the same picture. */
static void test_made_again_is_the_same(void **state) {
    fixture *f = *state;
    imp_picture first = {0};
    unsigned ways = 0;
    f->settings.size = 150;
    f->settings.optimizer = IMP_ADAM;
    f->settings.learning_rate = 0.02f;
    for (bool fits = true; fits; ways += fits) {
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
        assert_int_equal(imp_session_picture(f->session, ways ? &now : &first, NULL), IMP_OK);
        if (ways)
            assert_memory_equal(first.rgb, now.rgb, 3 * now.width * now.height * sizeof(float));
        imp_picture_finish(&now);
        imp_session_estimate(f->session, &estimate);
        f->settings.memory = estimate.device_bytes + estimate.host_bytes - 1;
        imp_session_close(f->session);
        f->session = NULL;
    }
    print_message("%u ways\n", ways);
    assert_true(ways >= 2);
    imp_picture_finish(&first);
}

static void test_bad_settings(void **state) {
    fixture *f = *state;
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

/* ---- Threads ---- */

typedef struct worker {
    const imp_network *network;
    const fixture *f;
    imp_picture out;
    imp_error error;
} worker;

static void *paint(void *argument) {
    worker *w = argument;
    imp_device *d = NULL;
    imp_session *s = NULL;
    (void)(imp_cpu_open(&d, &(imp_device_options){.threads = 1}, &w->error) ||
           imp_session_open(
               &s, d, w->network, &w->f->settings,
               &(imp_sources){.content = &w->f->content, .styles = {{&w->f->style, 1}}},
               &w->error) ||
           imp_session_run(s, NULL, NULL, &w->error) || imp_session_picture(s, &w->out, &w->error));
    imp_session_close(s);
    imp_device_close(d);
    return NULL;
}

static void test_threads_share_a_network(void **state) {
    const fixture *f = *state;
    worker workers[2] = {{.network = f->network, .f = f}, {.network = f->network, .f = f}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, paint, &workers[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        assert_string_equal(workers[i].error.text, "");
    const size_t bytes = 3 * workers[0].out.width * workers[0].out.height * sizeof(float);
    assert_memory_equal(workers[0].out.rgb, workers[1].out.rgb, bytes);
    imp_picture_finish(&workers[0].out);
    imp_picture_finish(&workers[1].out);
}

#define ON_ORACLE(test) cmocka_unit_test_setup_teardown(test, set_up_oracle, tear_down)
#define ON_CPU(test)    cmocka_unit_test_setup_teardown(test, set_up_cpu, tear_down)
#define ON_OPENCL(test) cmocka_unit_test_setup_teardown(test, set_up_opencl, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ORACLE(test_loss_falls),
        ON_CPU(test_settles),
        ON_CPU(test_settles_at_the_end),
        ON_CPU(test_unit_of_the_loss),
        ON_CPU(test_edges_meet),
        ON_CPU(test_loss_falls),
        ON_CPU(test_done_changes_nothing),
        ON_CPU(test_loop_is_frugal),
        ON_OPENCL(test_loop_is_frugal),
        ON_CPU(test_steps_back),
        ON_CPU(test_gives_up),
        ON_CPU(test_not_finite_at_start),
        ON_ORACLE(test_gradient),
        ON_CPU(test_gradient),
        ON_CPU(test_odd_sizes),
        ON_CPU(test_scales_double),
        ON_CPU(test_too_large),
        ON_CPU(test_estimate_is_what_is_taken),
        ON_CPU(test_made_again_is_the_same),
        ON_CPU(test_bad_settings),
        ON_CPU(test_threads_share_a_network),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
