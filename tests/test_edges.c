/* SPDX-License-Identifier: MIT
 *
 * The setting keep_edges: its gradient, its weight whatever the preset, and what it does to a
 * painting.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers.h"
#include "painting.h"
#include "scratch.h"

#define OK(call) assert_int_equal(call, IMP_OK)

/* ---- What is measured ---- */

/* The sum of the edges' losses in the session's list, and how many there are. */
static double edges_listed(imp_session *s, size_t *count) {
    imp_loss all[64];
    const size_t n = imp_session_losses(s, all, 64);
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].kind == IMP_TERM_EDGES) {
            sum += all[i].value;
            (*count)++;
            assert_int_equal(all[i].level, *count);
        }
    return sum;
}

/* The grey of a picture in squares of `side` pixels, at square p, q. */
static double square(const imp_picture *a, size_t side, size_t p, size_t q) {
    double sum = 0;
    for (size_t k = 0; k < side * side; k++)
        for (size_t c = 0; c < 3; c++)
            sum += (double)a->rgb[3 * ((p * side + k / side) * a->width + q * side + k % side) + c];
    return sum / (double)(side * side);
}

/* The squared difference of the edges of two pictures of one size, at that pooling, over those of
 * the second. */
static double edges_lost(const imp_picture *a, const imp_picture *b, size_t side) {
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const size_t h = a->height / side, w = a->width / side;
    double lost = 0, all = 0;
    for (size_t i = 0; i < h * w; i++) {
        double of[2] = {0};
        for (size_t k = 0; k < 4; k++) {
            const size_t p = i / w + (size_t)steps[k][0], q = i % w + (size_t)steps[k][1];
            if (p >= h || q >= w)
                continue;
            of[0] += square(a, side, i / w, i % w) - square(a, side, p, q);
            of[1] += square(b, side, i / w, i % w) - square(b, side, p, q);
        }
        lost += (of[0] - of[1]) * (of[0] - of[1]);
        all += of[1] * of[1];
    }
    return lost / all;
}

/* ---- Tests ---- */

static double loss_of(painting *f) {
    imp_progress now;
    OK(imp_session_evaluate(f->session, NULL));
    imp_session_progress(f->session, &now);
    return now.edges;
}

/* The gradient, without other terms, is the slope of the loss. */
static void gradient_is_the_slope(void **state) {
    painting *f = *state;
    f->settings.keep_edges = 2;
    f->settings.init = IMP_INIT_NOISE;
    f->settings.noise = 0.2F;
    painting_begin(f);
    imp_objective *o = &f->session->objective;
    imp_device *d = f->device;
    for (size_t i = 0; i < o->count; i++)
        o->terms[i].empty = true;
    o->tv_weight = 0;
    loss_of(f);
    const imp_tensor x = o->x[0];
    const size_t n = x.c * x.h * x.w;
    float *at = malloc(n * sizeof *at), *v = malloc(n * sizeof *v), *g = malloc(n * sizeof *g);
    double along = 0, loss[2];
    OK(d->ops->read(d, at, x));
    OK(d->ops->read(d, g, o->dx[0]));
    for (size_t i = 0; i < n; i++) {
        v[i] = (float)((i * 37 + i / 5 * 11) % 13) / 12 - 0.5F;
        along += (double)v[i] * g[i];
    }
    for (int side = 0; side < 2; side++) { /* the loss is quadratic: differences are exact */
        float *moved = malloc(n * sizeof *moved);
        for (size_t i = 0; i < n; i++)
            moved[i] = at[i] + (side ? 0.125F : -0.125F) * v[i];
        OK(d->ops->write(d, x, moved));
        loss[side] = loss_of(f);
        free(moved);
    }
    assert_true(fabs(along) > 0);
    test_near((loss[1] - loss[0]) / 0.25, along, 1e-3 * fabs(along) + 1e-5 * loss[0], "edges");
    free(at);
    free(v);
    free(g);
}

/* A picture without edges loses the same share of the style's loss in every preset and unit. */
static void weight_is_the_same_everywhere(void **state) {
    painting *f = *state;
    double share = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t count;
        f->settings.keep_edges = 1;
        f->settings.style_weight = i == 1 ? 7 : 1000;
        f->settings.range = i == 2 ? 255 : 1;
        f->settings.levels = i == 1 ? 1 : 3;
        painting_begin(f);
        const imp_objective *o = &f->session->objective;
        double style = 0;
        for (size_t k = 0; k < o->count; k++)
            if (o->terms[k].kind == IMP_TERM_STYLE)
                style += (double)o->terms[k].weight * o->terms[k].squares;
        OK(f->device->ops->fill(f->device, o->x[0], 0));
        OK(imp_session_evaluate(f->session, NULL));
        const double lost = edges_listed(f->session, &count);
        assert_int_equal(count, IMP_EDGE_SIZES);
        imp_progress now;
        imp_session_progress(f->session, &now);
        test_near(now.loss, imp_optimizer_loss(&f->session->optimizer), 1e-9 * now.loss,
                  "the whole loss");
        assert_true(now.edges == lost);
        if (i == 0)
            share = lost / style;
        assert_true(share > 0);
        test_near(share * style, lost, 1e-4 * lost, "a blank picture");
    }
}

/* Without the setting there is no term, no tensor and no cost. */
static void off_means_nothing(void **state) {
    painting *f = *state;
    size_t count;
    painting_begin(f);
    painting_step(f);
    assert_true(edges_listed(f->session, &count) == 0);
    assert_int_equal(count, 0);
    assert_int_equal(f->session->objective.pictures, f->settings.levels);
    const size_t without = f->session->need.arena;
    f->settings.keep_edges = 1;
    painting_begin(f);
    assert_true(f->session->need.arena > without);
}

static void paint(painting *f, float keep, imp_picture *out) {
    f->settings.keep_edges = keep;
    painting_begin(f);
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, out, NULL));
}

static void edges_are_kept(void **state) {
    painting *f = *state;
    imp_picture plain = {0}, kept = {0}, content = {0};
    f->settings.iterations = 30;
    paint(f, 0, &plain);
    paint(f, 3, &kept);
    OK(imp_picture_resize(&content, &f->content, kept.width, kept.height, NULL));
    for (size_t side = 2; side <= 8; side *= 2)
        assert_true(edges_lost(&kept, &content, side) < 0.6 * edges_lost(&plain, &content, side));
    imp_picture_finish(&plain);
    imp_picture_finish(&kept);
    imp_picture_finish(&content);
}

/* A resumed painting has the same bits. */
static void resumes_alike(void **state) {
    painting *f = *state;
    void *folder = NULL;
    imp_picture whole = {0}, resumed = {0};
    assert_int_equal(scratch_open(&folder), 0);
    const char *path = scratch_path(folder, "checkpoint");
    f->settings.keep_edges = 1;
    f->settings.iterations = 8;
    painting_begin(f);
    for (int i = 0; i < 5; i++)
        painting_step(f);
    OK(imp_session_save(f->session, path, "", NULL));
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, &whole, NULL));
    painting_begin(f);
    OK(imp_session_restore(f->session, path, NULL));
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, &resumed, NULL));
    assert_memory_equal(whole.rgb, resumed.rgb, 3 * whole.width * whole.height * sizeof *whole.rgb);
    imp_picture_finish(&whole);
    imp_picture_finish(&resumed);
    scratch_close(&folder);
}

/* Sizes of which few halvings are left, or none, and edges that meet. */
static void any_size(void **state) {
    painting *f = *state;
    static const size_t sizes[] = {1, 2, 3, 7, 16};
    f->settings.keep_edges = 1;
    f->settings.iterations = 2;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int tileable = 0; tileable < 2; tileable++) {
            f->settings.size = sizes[i];
            f->settings.tileable = tileable ? IMP_TILEABLE_BOTH : IMP_TILEABLE_NONE;
            painting_begin(f);
            assert_true(isfinite(painting_step(f).loss));
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, painting_on_cpu, painting_close)
#define ON_OPENCL(name)                                                                            \
    { #name " on OpenCL", name, painting_on_opencl, painting_close, NULL }

static void edges_are_kept_on_opencl(void **state) {
    if (*state)
        edges_are_kept(state);
    else
        skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(gradient_is_the_slope),
        TEST(weight_is_the_same_everywhere),
        TEST(off_means_nothing),
        TEST(edges_are_kept),
        TEST(resumes_alike),
        TEST(any_size),
        ON_OPENCL(edges_are_kept_on_opencl),
    };
    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
