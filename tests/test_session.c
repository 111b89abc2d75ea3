/* SPDX-License-Identifier: MIT
 *
 * Sessions: the loop of iterations, what it costs, convergence, recovery, gradients, threads.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "helpers.h"
#include "painting.h"

static void test_loss_falls(void **state) {
    painting *f = *state;
    painting_begin(f);
    const imp_progress first = painting_step(f);
    imp_progress last = first;
    for (unsigned i = 1; i < f->settings.iterations; i++)
        last = painting_step(f);
    assert_true(last.loss < first.loss);
    assert_int_equal(last.iteration, f->settings.iterations);
    assert_int_equal(last.total, f->settings.iterations);
    imp_loss losses[64];
    const size_t n = imp_session_losses(f->session, losses, 64);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += losses[i].value;
    assert_int_equal(n, 2 + 5 * f->settings.levels + 1); /* content, style by level, variation */
    assert_true(fabs(sum - last.loss) <= 1e-9 * sum);
    imp_estimate estimate;
    imp_session_estimate(f->session, &estimate);
    assert_true(estimate.device_bytes > estimate.activation_bytes + estimate.optimizer_bytes);
    assert_true(estimate.seconds_per_iteration > 0);
}

/* The second step of L-BFGS knows the curvature over a tiny first step only, which may be wrong.
 * Its length is limited, so that it never throws the picture away. */
static void test_second_step(void **state) {
    painting *f = *state;
    f->settings.optimizer = IMP_LBFGS;
    f->settings.iterations = 4;
    f->settings.style_scale = 2;
    for (unsigned size = 12; size <= 40; size += 4) { /* without the limit it does at 16 */
        f->settings.size = size;
        painting_begin(f);
        const double first = painting_step(f).loss;
        for (unsigned i = 1; i < 4; i++) {
            const double loss = painting_step(f).loss;
            if (!(loss < 3 * first))
                fail_msg("size %u: the loss goes from %g to %g", size, first, loss);
        }
    }
}

static size_t fused_steps(const painting *f) {
    const imp_plan *plan = &f->session->objective.plans[0];
    size_t count = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        count += plan->steps[i].fused;
    return count;
}

/* The picture after three steps, and the features of a layer that is fused with its pooling. */
static void paint_three(painting *f, imp_picture *picture, imp_array *features) {
    imp_error e = {0};
    painting_begin(f);
    for (int i = 0; i < 3; i++)
        painting_step(f);
    assert_int_equal(imp_session_features(f->session, "relu1_2", features, &e), IMP_OK);
    assert_int_equal(imp_session_picture(f->session, picture, &e), IMP_OK);
}

/* Fused convolutions and poolings give the same bits as separate ones, and features that an
 * iteration never stores can be read. */
static void test_fused(void **state) {
    painting *f = *state;
    imp_picture pictures[2];
    imp_array features[2];
    if (!f)
        skip();
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): skip() does not return */
    const imp_ops *const ops = f->device->ops;
    imp_ops separate = *ops;
    separate.fuses_pool = NULL;
    f->settings = *imp_preset_settings("gatys");
    f->settings.size = 44;
    paint_three(f, &pictures[0], &features[0]);
    const size_t fused = fused_steps(f);
    f->device->ops = &separate;
    paint_three(f, &pictures[1], &features[1]);
    assert_int_equal(fused_steps(f), 0);
    f->device->ops = ops;
    const size_t pixels = pictures[0].width * pictures[0].height;
    const size_t *shape = features[0].shape;
    assert_memory_equal(pictures[0].rgb, pictures[1].rgb, 3 * pixels * sizeof *pictures[0].rgb);
    assert_memory_equal(features[0].data, features[1].data,
                        shape[0] * shape[1] * shape[2] * sizeof(float));
    for (int i = 0; i < 2; i++) {
        imp_picture_finish(&pictures[i]);
        imp_array_finish(&features[i]);
    }
    if (fused == 0 && strcmp(f->device->info.backend, "cpu") != 0)
        skip();
    assert_int_equal(fused, 6); /* relu1_2, 2_2 and 3_4, forward and backward; 4_4 is too small */
}

/* Runs to the end; gives the last progress and the picture. */
static imp_progress run_whole(painting *f, float convergence, imp_picture *picture) {
    imp_progress now;
    f->settings.convergence = convergence;
    painting_begin(f);
    assert_int_equal(imp_session_run(f->session, NULL, NULL, NULL), IMP_OK);
    imp_session_progress(f->session, &now);
    assert_int_equal(imp_session_picture(f->session, picture, NULL), IMP_OK);
    return now;
}

/* The mean difference of colours, in units of 1/255. */
static double mean_difference(const imp_picture *a, const imp_picture *b) {
    const size_t n = 3 * a->width * a->height;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += 255 * fabs((double)a->rgb[i] - (double)b->rgb[i]);
    return sum / (double)n;
}

/* The mean difference between a run of 400 steps and one that may stop at convergence; *early
 * counts those that stop. */
static double skipped_change(painting *f, float convergence, unsigned *early) {
    imp_picture whole, ended;
    f->settings.iterations = 400;
    const imp_progress all = run_whole(f, 0, &whole), some = run_whole(f, convergence, &ended);
    const double left = mean_difference(&whole, &ended);
    print_message("%u of %u steps, %.2f of 255\n", some.iteration, all.iteration, left);
    assert_int_equal(all.iteration, 400);
    assert_int_equal(all.skipped, 0);
    assert_int_equal(some.iteration + some.skipped, 400);
    assert_int_equal(some.iteration, some.total);
    assert_int_equal(some.iteration % IMP_CONVERGENCE_SPAN, 0);
    assert_int_equal(painting_step(f).iteration, some.iteration);
    *early += some.skipped > 0;
    imp_picture_finish(&whole);
    imp_picture_finish(&ended);
    return left;
}

/* A run that stops at convergence gives the picture of the whole run, up to the setting. L-BFGS
 * scatters, so the median of three runs that differ by rounding counts; at least one stops early.
 */
static void test_convergence(void **state) {
    painting *f = *state;
    const float convergence = 3 * f->settings.convergence, weight = f->settings.content_weight;
    double left[3];
    unsigned early = 0;
    for (size_t k = 0; k < 3; k++) {
        f->settings.content_weight = weight * (1 + (float)k * 0x1p-20F);
        left[k] = skipped_change(f, convergence, &early);
    }
    const double low = fmin(left[0], left[1]), high = fmax(left[0], left[1]);
    assert_true(fmax(low, fmin(high, left[2])) < (double)convergence);
    assert_true(early > 0);
    f->settings.optimizer = IMP_ADAM;
    f->settings.learning_rate = 0.005F;
    early = 0;
    assert_true(skipped_change(f, convergence, &early) < (double)convergence);
    assert_true(early > 0);
}

/* Only the last scale can stop early, however slow the ones before are. */
static void test_convergence_at_the_last_scale(void **state) {
    painting *f = *state;
    imp_picture picture;
    f->settings.sizes[0] = 24;
    f->settings.size_count = 1;
    f->settings.iterations = 60;
    const imp_progress end = run_whole(f, 255, &picture);
    assert_int_equal(end.iteration, 30 + IMP_CONVERGENCE_SPAN);
    assert_int_equal(end.skipped, 30 - IMP_CONVERGENCE_SPAN);
    imp_picture_finish(&picture);
}

/* L-BFGS does not depend on the unit of the loss: with all weights smaller by a power of two the
 * bits are the same. */
static void test_unit_of_the_loss(void **state) {
    painting *f = *state;
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

/* The picture shifted cyclically. */
static imp_picture rolled(const imp_picture *p, size_t rows, size_t columns) {
    imp_picture out = test_waves(p->width, p->height, 0);
    for (size_t y = 0; y < p->height; y++)
        for (size_t x = 0; x < p->width; x++)
            memcpy(out.rgb + 3 * ((y + rows) % p->height * p->width + (x + columns) % p->width),
                   p->rgb + 3 * (y * p->width + x), 3 * sizeof(float));
    return out;
}

static double style_at(painting *f, const imp_picture *start) {
    f->init = *start;
    painting_begin(f);
    const double style = painting_step(f).style;
    f->init = (imp_picture){0};
    return style;
}

/* A tileable picture shifted cyclically has the same style loss, if it moves by whole positions of
 * all maps; one that is not tileable in that direction has another. */
static void test_tileable(void **state) {
    painting *f = *state;
    imp_picture_finish(&f->content);
    f->content = test_waves(96, 64, 1);
    f->settings.size = 96;
    f->settings.init = IMP_INIT_PICTURE;
    f->settings.levels = 2;
    imp_picture start = test_waves(96, 64, 0.7), down = rolled(&start, 32, 0),
                across = rolled(&start, 32, 64), beside = rolled(&start, 0, 32);
    const double plain = style_at(f, &start);
    assert_true(fabs(style_at(f, &across) - plain) > 1e-3 * plain);
    f->settings.tileable = IMP_TILEABLE_BOTH;
    const double both = style_at(f, &start);
    assert_true(fabs(style_at(f, &across) - both) <= 1e-5 * both);
    f->settings.tileable = IMP_TILEABLE_X;
    const double sideways = style_at(f, &start);
    assert_true(fabs(style_at(f, &beside) - sideways) <= 1e-5 * sideways);
    assert_true(fabs(style_at(f, &down) - sideways) > 1e-4 * sideways);
    imp_picture *const all[] = {&start, &down, &across, &beside};
    for (size_t i = 0; i < 4; i++)
        imp_picture_finish(all[i]);
}

static void test_done_changes_nothing(void **state) {
    painting *f = *state;
    f->settings.iterations = 2;
    painting_begin(f);
    painting_step(f);
    painting_step(f);
    imp_picture before = {0}, after = {0};
    assert_int_equal(imp_session_picture(f->session, &before, NULL), IMP_OK);
    assert_int_equal(painting_step(f).iteration, 2);
    assert_int_equal(imp_session_picture(f->session, &after, NULL), IMP_OK);
    assert_memory_equal(before.rgb, after.rgb, 3 * before.width * before.height * sizeof(float));
    imp_picture_finish(&before);
    imp_picture_finish(&after);
}

/* A step allocates nothing, builds no program, and copies only what it must. */
static void test_step_costs(void **state) {
    painting *f = *state;
    if (!f)
        skip();
    painting_begin(f);
    painting_step(f);
    painting_step(f); /* the first step with a pair, and so the first to use every operation */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): skip() does not return */
    const imp_counters before = f->device->counters;
    painting_step(f);
    painting_step(f);
    const imp_counters *after = &f->device->counters;
    assert_int_equal(after->allocations, before.allocations);
    assert_int_equal(after->builds, before.builds);
    assert_int_equal(after->writes, before.writes + 2); /* L-BFGS's factors, once an iteration */
    assert_int_equal(after->reads, before.reads + 2);   /* the scalars, once an iteration */
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

static void breaks(painting *f, int first, int last) {
    broken.ops = *f->device->ops;
    broken.real = f->device->ops;
    broken.ops.tv = broken_tv;
    broken.calls = 0;
    broken.first = first;
    broken.last = last;
    f->device->ops = &broken.ops;
}

static void test_steps_back(void **state) {
    painting *f = *state;
    const imp_optimizer optimizers[] = {IMP_LBFGS, IMP_ADAM};
    for (int i = 0; i < 2; i++) {
        f->settings.optimizer = optimizers[i];
        f->settings.learning_rate = i ? 0.01F : 1;
        breaks(f, 3, 4);
        painting_begin(f);
        bool recovered[6];
        imp_progress p = {0};
        for (int k = 0; k < 6; k++) {
            p = painting_step(f);
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
    painting *f = *state;
    f->settings.iterations = 100;
    breaks(f, 2, 1000);
    painting_begin(f);
    imp_error e = {0};
    assert_int_equal(imp_session_run(f->session, NULL, NULL, &e), IMP_ERR_NUMBER);
    assert_non_null(strstr(e.text, "smaller learning-rate"));
    imp_picture now = {0};
    assert_int_equal(imp_session_picture(f->session, &now, NULL), IMP_OK); /* nothing is lost */
    imp_picture_finish(&now);
    f->device->ops = broken.real;
}

static void test_not_finite_at_start(void **state) {
    painting *f = *state;
    breaks(f, 0, 1000);
    painting_begin(f);
    imp_error e = {0};
    assert_int_equal(imp_session_run(f->session, NULL, NULL, &e), IMP_ERR_NUMBER);
    assert_non_null(strstr(e.text, "starting picture"));
    f->device->ops = broken.real;
}

/* ---- The gradient of the objective ---- */

static double loss_at(painting *f, const imp_picture *p, imp_array *gradient) {
    imp_error e = {0};
    const imp_picture kept = f->init;
    f->settings.init = IMP_INIT_PICTURE;
    f->init = *p;
    painting_begin(f);
    f->init = kept;
    assert_int_equal(imp_session_evaluate(f->session, &e), IMP_OK);
    if (gradient)
        assert_int_equal(imp_session_gradient(f->session, gradient, &e), IMP_OK);
    imp_progress progress;
    imp_session_progress(f->session, &progress);
    return progress.loss;
}

/* A step of h along the gradient changes the loss by h |g|^2, up to O(h^2) of the central
 * difference and the corners of ReLU and maximum. A missing term, level or factor would be far off.
 */
static void test_gradient(void **state) {
    painting *f = *state;
    imp_picture at = test_waves(96, 72, 1.7), side = test_waves(96, 72, 1.7);
    imp_array g = {0};
    f->settings.size = 96; /* so that the deepest map has covariances */
    loss_at(f, &at, &g);
    const size_t plane = 96 * 72;
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

/* ---- Threads ---- */

typedef struct worker {
    const imp_network *network;
    const painting *f;
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
    const painting *f = *state;
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

#define ON_ORACLE(test) cmocka_unit_test_setup_teardown(test, painting_on_oracle, painting_close)
#define ON_CPU(test)    cmocka_unit_test_setup_teardown(test, painting_on_cpu, painting_close)
#define ON_OPENCL(test) cmocka_unit_test_setup_teardown(test, painting_on_opencl, painting_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ORACLE(test_loss_falls),
        ON_CPU(test_second_step),
        ON_CPU(test_fused),
        ON_OPENCL(test_fused),
        ON_CPU(test_convergence),
        ON_CPU(test_convergence_at_the_last_scale),
        ON_CPU(test_unit_of_the_loss),
        ON_CPU(test_tileable),
        ON_CPU(test_loss_falls),
        ON_CPU(test_done_changes_nothing),
        ON_CPU(test_step_costs),
        ON_OPENCL(test_step_costs),
        ON_CPU(test_steps_back),
        ON_CPU(test_gives_up),
        ON_CPU(test_not_finite_at_start),
        ON_ORACLE(test_gradient),
        ON_CPU(test_gradient),
        ON_CPU(test_threads_share_a_network),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
