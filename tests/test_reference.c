/* SPDX-License-Identifier: MIT
 *
 * The oracle against what PyTorch computes in double precision (tests/vectors, written by
 * tools/reference-vectors). Both are double sums rounded once.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "engine/history.h"
#include "helpers.h"

static const double u = 0x1p-24;
static const char *const mode_names[] = {"zero", "reflect", "replicate"};

static int open_oracle(void **state) {
    return imp_oracle_open((imp_device **)state, NULL, NULL);
}

static int close_oracle(void **state) {
    imp_device *d = *state;
    d->ops->close(d);
    return 0;
}

#define OK(call) assert_int_equal(call, IMP_OK)

/* ---- Operations ---- */

/* Both sides are double sums rounded once, so they differ by at most two roundings. allowance: what
 * double precision itself loses where a sum cancels. */
static void expect_vector(imp_device *d, imp_tensor got, const vector *wanted, double allowance) {
    const size_t n = wanted->c * wanted->h * wanted->w;
    float *values = test_contents(d, got);
    assert_int_equal(got.c * got.h * got.w, n);
    for (size_t k = 0; k < n; k++) {
        char what[96];
        snprintf(what, sizeof what, "%s[%zu]", wanted->name, k);
        test_near(wanted->values[k], values[k], 2 * u * fabs(wanted->values[k]) + allowance, what);
    }
    free(values);
}

static imp_tensor load(imp_device *d, const vector *v) {
    return test_tensor(d, v->c, v->h, v->w, v->values);
}

static const double double_noise = 1e-13; /* of sums of some hundred terms below 1 */

static void check_conv_vectors(imp_device *d, const vectors *v, imp_conv c) {
    char name[32];
    snprintf(name, sizeof name, "%zu_%zu_%s", c.kernel, c.stride, mode_names[c.padding]);
    const imp_tensor x = load(d, vectors_find(v, "x%zu", c.kernel));
    const imp_tensor dy = load(d, vectors_find(v, "dy_%s", name));
    const imp_tensor y = test_tensor(d, dy.c, dy.h, dy.w, NULL);
    const imp_tensor dx = test_tensor(d, x.c, x.h, x.w, NULL);
    const float *weights = vectors_find(v, "w%zu", c.kernel)->values;
    const float *bias = vectors_find(v, "b%zu", c.kernel)->values;
    imp_filter *filter = NULL;
    c.relu = true;
    OK(d->ops->filter_open(d, &filter, &c, weights, bias));
    OK(d->ops->conv(d, y, x, filter));
    expect_vector(d, y, vectors_find(v, "y_%s", name), double_noise);
    OK(d->ops->conv_grad(d, dx, dy, y, filter));
    expect_vector(d, dx, vectors_find(v, "dx_%s", name), double_noise);
    d->ops->filter_close(d, filter);
    c.relu = false;
    OK(d->ops->filter_open(d, &filter, &c, weights, bias));
    OK(d->ops->conv_grad(d, dx, dy, (imp_tensor){0}, filter));
    expect_vector(d, dx, vectors_find(v, "linear_dx_%s", name), double_noise);
    d->ops->filter_close(d, filter);
    const imp_tensor all[] = {x, dy, y, dx};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(d, all[i]);
}

static void conv_equals_pytorch(void **state) {
    static const size_t kernels[] = {1, 3, 7, 9};
    vectors v = vectors_read("conv");
    for (size_t k = 0; k < 4; k++)
        for (size_t stride = 1; stride <= 2; stride++)
            for (int mode = IMP_PAD_ZERO; mode <= (k ? IMP_PAD_REPLICATE : IMP_PAD_ZERO); mode++)
                check_conv_vectors(*state, &v,
                                   (imp_conv){.in = 2,
                                              .out = 3,
                                              .kernel = kernels[k],
                                              .stride = stride,
                                              .before = kernels[k] / 2,
                                              .after = kernels[k] / 2,
                                              .padding = (imp_padding)mode});
    vectors_free(&v);
}

static void pooling_equals_pytorch(void **state) {
    imp_device *d = *state;
    vectors v = vectors_read("pool");
    const imp_tensor x = load(d, vectors_find(&v, "x")), dy = load(d, vectors_find(&v, "dy"));
    const imp_tensor y = test_tensor(d, dy.c, dy.h, dy.w, NULL);
    const imp_tensor dx = test_tensor(d, x.c, x.h, x.w, NULL);
    for (int kind = IMP_POOL_MAX; kind <= IMP_POOL_AVERAGE; kind++) {
        const char *name = kind == IMP_POOL_MAX ? "max" : "average";
        OK(d->ops->pool(d, y, x, (imp_pooling)kind));
        expect_vector(d, y, vectors_find(&v, "y_%s", name), 0);
        OK(d->ops->pool_grad(d, dx, dy, x, y, (imp_pooling)kind));
        expect_vector(d, dx, vectors_find(&v, "dx_%s", name), 0);
    }
    const imp_tensor all[] = {x, dy, y, dx};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(d, all[i]);
    vectors_free(&v);
}

static void expect_loss(imp_device *d, imp_slot slot, const vector *wanted, double allowance) {
    test_near(wanted->values[0], test_slot_value(d, slot),
              2 * u * fabs(wanted->values[0]) + allowance, wanted->name);
}

/* The Gram matrix and D are stored in single precision, so here, where |scale G| < 1.2, |E| < 3 and
 * the rows of the metric sum to less than 7 each, E' is off by r = 1.2 u, or 7 * 7 times that. Then
 * the loss, the sum of 25 products times the weight of 3, is off by 2 * 25 * 3 * |E| r, and D F,
 * with 4 * weight * scale = 3/4 and 5 channels below 1, by 5 * 3/4 * (1 + |E|) r at most. */
static void style_equals_pytorch(void **state) {
    imp_device *d = *state;
    vectors v = vectors_read("loss");
    const imp_tensor f = load(d, vectors_find(&v, "f")), none = {0};
    const imp_tensor target = load(d, vectors_find(&v, "target"));
    const imp_tensor metric = load(d, vectors_find(&v, "metric"));
    const imp_tensor g = test_tensor(d, 1, f.c, f.c, NULL), dm = test_tensor(d, 1, f.c, f.c, NULL);
    const imp_tensor s = test_tensor(d, 1, 1, f.c, NULL), df = test_tensor(d, f.c, f.h, f.w, NULL);
    const imp_tensor scratch = test_tensor(d, 1, f.c, f.c, NULL);
    const imp_slot loss = test_slot_open(d);
    OK(d->ops->gram(d, g, s, f, false));
    expect_vector(d, g, vectors_find(&v, "gram"), double_noise);
    expect_vector(d, s, vectors_find(&v, "sums"), double_noise);
    for (int with = 0; with < 2; with++) {
        const char *name = with ? "style_metric" : "style_plain";
        OK(d->ops->style(d, dm, loss, g, target, with ? metric : none, scratch, 0.0625f, 3));
        OK(d->ops->fill(d, df, 0));
        OK(d->ops->style_grad(d, df, dm, f));
        const double r = 1.2 * u * (with ? 7 * 7 : 1);
        expect_loss(d, loss, vectors_find(&v, "%s", name), 2 * 25 * 3 * 3 * r);
        expect_vector(d, df, vectors_find(&v, "%s_df", name), 15 * r);
    }
    const imp_tensor all[] = {f, target, metric, g, dm, s, df, scratch, loss.scalars};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        test_tensor_free(d, all[i]);
    vectors_free(&v);
}

static void content_and_tv_equal_pytorch(void **state) {
    imp_device *d = *state;
    vectors v = vectors_read("loss");
    const imp_tensor f = load(d, vectors_find(&v, "f")), p = load(d, vectors_find(&v, "p"));
    const imp_tensor df = test_tensor(d, f.c, f.h, f.w, NULL);
    const imp_slot loss = test_slot_open(d);
    OK(d->ops->content(d, df, loss, f, p, 3));
    expect_loss(d, loss, vectors_find(&v, "content"), double_noise);
    expect_vector(d, df, vectors_find(&v, "content_df"), double_noise);
    for (int form = IMP_TV_ABSOLUTE; form <= IMP_TV_SQUARED; form++) {
        const char *name = form == IMP_TV_ABSOLUTE ? "tv_absolute" : "tv_squared";
        OK(d->ops->fill(d, df, 0));
        OK(d->ops->tv(d, df, loss, f, (imp_tv_form)form, 3));
        expect_loss(d, loss, vectors_find(&v, "%s", name), double_noise);
        expect_vector(d, df, vectors_find(&v, "%s_df", name), double_noise);
    }
    const imp_tensor all[] = {f, p, df, loss.scalars};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(d, all[i]);
    vectors_free(&v);
}

/* ---- Optimisers ---- */

static imp_adam adam_at(const float *hyper, bool keras, int t) {
    const double lr = hyper[0], b1 = hyper[1], b2 = hyper[2];
    const double root = sqrt(1 - pow(b2, t));
    return (imp_adam){.step = (float)(keras ? lr * root / (1 - pow(b1, t)) : lr / (1 - pow(b1, t))),
                      .root = (float)(keras ? 1 : 1 / root),
                      .beta1 = hyper[1],
                      .beta2 = hyper[2],
                      .epsilon = hyper[3]};
}

/* The error of x after t steps: t roundings of x itself (|x| <= 1 + 5 lr); and of each of t updates
 * the roundings of step and root (2 u), of t stored m (u |m|, at most u times the largest gradient,
 * 1, for an update of m / sqrt(v)), and of t stored v (u/2 each). */
static void check_adam(imp_device *d, const vectors *v, const char *name, bool keras) {
    const vector *start = vectors_find(v, "x"), *g = vectors_find(v, "g");
    const vector *wanted = vectors_find(v, "%s_x", name);
    const float *hyper = vectors_find(v, "%s_hyper", name)->values;
    const imp_tensor x = load(d, start), m = test_tensor(d, 1, 1, g->w, NULL);
    const imp_tensor square = test_tensor(d, 1, 1, g->w, NULL);
    for (size_t t = 0; t < g->c; t++) {
        const imp_tensor gradient = test_tensor(d, 1, 1, g->w, g->values + t * g->w);
        const imp_adam p = adam_at(hyper, keras, (int)t + 1);
        OK(d->ops->adam(d, x, gradient, m, square, &p));
        float *now = test_contents(d, x), *root = test_contents(d, square);
        for (size_t k = 0; k < g->w; k++) {
            const double steps = (double)t + 1, size = 1 + steps * hyper[0];
            const double gain = p.step / (p.root * sqrt(root[k]) + p.epsilon);
            test_near(wanted->values[t * g->w + k], now[k],
                      steps * u * (size + (3 + steps / 2) * hyper[0] + steps * gain), name);
        }
        free(now);
        free(root);
        test_tensor_free(d, gradient);
    }
    const imp_tensor all[] = {x, m, square};
    for (size_t i = 0; i < 3; i++)
        test_tensor_free(d, all[i]);
}

static void adam_equals_pytorch_and_keras(void **state) {
    vectors v = vectors_read("adam");
    check_adam(*state, &v, "pytorch", false);
    check_adam(*state, &v, "keras", true);
    vectors_free(&v);
}

enum { PAIRS_MAX = 4 };

/* Replaces g by -H g as the optimiser computes it. pairs: the n pairs of the history, oldest first,
 * s and y in turn. */
static void make_direction(imp_device *d, imp_tensor g, const imp_tensor *pairs, size_t n) {
    imp_history h;
    float factors[2 * (PAIRS_MAX + 1)];
    double products[4 * PAIRS_MAX];
    const imp_tensor scalars = test_tensor(d, 4 * PAIRS_MAX, 1, IMP_PARTIALS, NULL);
    assert_int_equal(imp_history_init(&h, PAIRS_MAX, NULL), IMP_OK);
    for (size_t newest = 0; newest < n; newest++) {
        OK(d->ops->dots(d, (imp_slot){scalars, 0}, pairs, 2 * newest + 2, g,
                        pairs[2 * newest + 1]));
        for (size_t i = 0; i < 4 * (newest + 1); i++)
            products[i] = test_slot_value(d, (imp_slot){scalars, i});
        imp_history_take(&h, products);
    }
    const double own = imp_history_direction(&h, factors, products);
    float *const before = test_contents(d, g);
    double gg = 0, dd = 0;
    for (size_t k = 0; k < g.w; k++)
        gg += (double)before[k] * before[k];
    const double length = imp_history_length(&h, factors, own, products, gg);
    free(before);
    const imp_tensor by = test_tensor(d, 1, 1, 2 * n, factors);
    OK(d->ops->mix(d, g, (float)own, g, by, pairs, 2 * n));
    float *const made = test_contents(d, g);
    for (size_t k = 0; k < g.w; k++)
        dd += (double)made[k] * made[k];
    free(made);
    if (n == 1) /* imp_history_length needs one pair, whose step was along the gradient */
        test_near(sqrt(dd), length, 1e-5 * sqrt(dd), "length");
    test_tensor_free(d, by);
    test_tensor_free(d, scalars);
    imp_history_finish(&h);
}

/* Each of the 2 n corrections I - y s^T / y.s stretches its input, with the errors in it, by at
 * most 1 + |y| |s| / y.s, and adds the roundings of pair, quotient and result: 4 u. */
static double stretch(const float *s, const float *y, size_t n) {
    double ss = 0, yy = 0, ys = 0;
    for (size_t k = 0; k < n; k++) {
        ss += (double)s[k] * s[k];
        yy += (double)y[k] * y[k];
        ys += (double)s[k] * y[k];
    }
    return 1 + sqrt(ss * yy) / ys;
}

static void check_direction(imp_device *d, const vectors *v, size_t step) {
    const vector *g = vectors_find(v, "g%zu", step), *wanted = vectors_find(v, "d%zu", step);
    const vector *s = vectors_find(v, "s%zu", step), *y = vectors_find(v, "y%zu", step);
    const imp_tensor q = load(d, g);
    imp_tensor pairs[2 * PAIRS_MAX];
    double grown = 1, size = 0, difference = 0;
    for (size_t i = 0; i < s->c; i++) {
        pairs[2 * i] = test_tensor(d, 1, 1, s->w, s->values + i * s->w);
        pairs[2 * i + 1] = test_tensor(d, 1, 1, s->w, y->values + i * s->w);
        const double by = stretch(s->values + i * s->w, y->values + i * s->w, s->w);
        grown *= by * by;
    }
    make_direction(d, q, pairs, s->c);
    float *got = test_contents(d, q);
    for (size_t k = 0; k < s->w; k++) {
        size += (double)wanted->values[k] * wanted->values[k];
        difference += pow((double)got[k] - wanted->values[k], 2);
    }
    test_near(0, sqrt(difference / size), grown * 2 * (double)s->c * 4 * u, wanted->name);
    free(got);
    for (size_t i = 0; i < 2 * s->c; i++)
        test_tensor_free(d, pairs[i]);
    test_tensor_free(d, q);
}

static void direction_equals_pytorch(void **state) {
    vectors v = vectors_read("lbfgs");
    for (size_t step = 1; step < 7; step++)
        check_direction(*state, &v, step);
    vectors_free(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_equals_pytorch),
        cmocka_unit_test(pooling_equals_pytorch),
        cmocka_unit_test(style_equals_pytorch),
        cmocka_unit_test(content_and_tv_equal_pytorch),
        cmocka_unit_test(adam_equals_pytorch_and_keras),
        cmocka_unit_test(direction_equals_pytorch),
    };
    return cmocka_run_group_tests_name("reference", tests, open_oracle, close_oracle);
}
