/* SPDX-License-Identifier: MIT
 *
 * The oracle is right: shown by the adjoint identity, and by finite differences of numbers that
 * single precision holds exactly. It rounds a double sum once, when it stores it, so a result may
 * be off by u = 2^-24 times the sizes of the stored values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/cpu.h"
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

static size_t count(imp_tensor t) {
    return t.c * t.h * t.w;
}

static double inner(imp_device *d, imp_tensor a, imp_tensor b, bool absolute) {
    float *x = test_contents(d, a), *y = test_contents(d, b);
    double sum = 0;
    for (size_t k = 0; k < count(a); k++)
        sum += absolute ? fabs((double)x[k] * y[k]) : (double)x[k] * y[k];
    free(x);
    free(y);
    return sum;
}

/* ---- adjoints ---- */

/* <conv x, y> = <x, conv_grad y> without bias and ReLU. */
static void check_adjoint(imp_device *d, const imp_conv *c, size_t h, size_t w, uint64_t *seed) {
    const size_t filters = c->out * c->in * c->kernel * c->kernel;
    float *weights = malloc(filters * sizeof *weights);
    imp_filter *filter = NULL;
    char what[128];
    assert_non_null(weights);
    test_random(weights, filters, 20, seed);
    OK(d->ops->filter_open(d, &filter, c, weights, NULL));
    const imp_tensor x = test_random_tensor(d, c->in, h, w, 20, seed);
    const imp_tensor y =
        test_random_tensor(d, c->out, imp_conv_side(c, h), imp_conv_side(c, w), 20, seed);
    const imp_tensor ax = test_tensor(d, y.c, y.h, y.w, NULL),
                     aty = test_tensor(d, x.c, h, w, NULL);
    OK(d->ops->conv(d, ax, x, filter));
    OK(d->ops->conv_grad(d, aty, y, (imp_tensor){0}, filter));
    snprintf(what, sizeof what, "conv %zux%zu s%zu p%zu,%zu %s %zux%zu", c->kernel, c->kernel,
             c->stride, c->before, c->after, mode_names[c->padding], h, w);
    test_near(inner(d, ax, y, false), inner(d, x, aty, false),
              u * (inner(d, ax, y, true) + inner(d, x, aty, true)), what);
    d->ops->filter_close(d, filter);
    const imp_tensor all[] = {x, y, ax, aty};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(d, all[i]);
    free(weights);
}

static void conv_and_its_gradient_are_adjoint(void **state) {
    static const size_t kernels[] = {1, 3, 7, 9}, sides[][2] = {{9, 11}, {10, 9}, {16, 21}, {5, 5}};
    static const size_t margins[][2] = {{0, 0}, {1, 1}, {0, 1}, {3, 3}, {4, 4}, {2, 4}};
    uint64_t seed = 11;
    size_t n = 0;
    for (size_t k = 0; k < 4; k++)
        for (size_t stride = 1; stride <= 2; stride++)
            for (int mode = IMP_PAD_ZERO; mode <= IMP_PAD_REPLICATE; mode++)
                for (size_t m = 0; m < 6; m++)
                    for (size_t s = 0; s < 4; s++) {
                        const size_t h = sides[s][0], w = sides[s][1];
                        const imp_conv c = {.in = 3,
                                            .out = 4,
                                            .kernel = kernels[k],
                                            .stride = stride,
                                            .before = margins[m][0],
                                            .after = margins[m][1],
                                            .padding = (imp_padding)mode};
                        if (h + c.before + c.after < c.kernel || c.after >= h)
                            continue;
                        check_adjoint(*state, &c, h, w, &seed);
                        n++;
                    }
    print_message("%zu convolutions\n", n);
}

static void affine_and_its_gradient_are_adjoint(void **state) {
    imp_device *d = *state;
    uint64_t seed = 5;
    imp_affine a = {{{0}}, {0}};
    test_random(&a.m[0][0], 9, 20, &seed);
    const imp_tensor x = test_random_tensor(d, 3, 7, 9, 20, &seed),
                     y = test_random_tensor(d, 3, 7, 9, 20, &seed);
    const imp_tensor ax = test_tensor(d, 3, 7, 9, NULL), aty = test_tensor(d, 3, 7, 9, NULL);
    OK(d->ops->affine(d, ax, x, &a));
    OK(d->ops->affine_grad(d, aty, y, &a));
    test_near(inner(d, ax, y, false), inner(d, x, aty, false),
              u * (inner(d, ax, y, true) + inner(d, x, aty, true)), "affine");
    const imp_tensor all[] = {x, y, ax, aty};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(d, all[i]);
}

static void wrap_and_its_gradient_are_adjoint(void **state) {
    static const size_t wrapped[][2] = {{7, 9}, {7, 20}, {8, 9}, {31, 24}};
    imp_device *d = *state;
    uint64_t seed = 6;
    for (size_t i = 0; i < 4; i++) {
        const imp_tensor x = test_random_tensor(d, 3, 7, 9, 20, &seed),
                         y = test_random_tensor(d, 3, wrapped[i][0], wrapped[i][1], 20, &seed);
        const imp_tensor ax = test_tensor(d, y.c, y.h, y.w, NULL),
                         aty = test_tensor(d, 3, 7, 9, NULL);
        OK(d->ops->wrap(d, ax, x));
        OK(d->ops->wrap_grad(d, aty, y));
        test_near(inner(d, ax, y, false), inner(d, x, aty, false),
                  u * (inner(d, ax, y, true) + inner(d, x, aty, true)), "wrap");
        const imp_tensor all[] = {x, y, ax, aty};
        for (size_t k = 0; k < 4; k++)
            test_tensor_free(d, all[k]);
    }
}

static void halve_and_its_gradient_are_adjoint(void **state) {
    static const size_t sides[][2] = {{2, 2}, {7, 10}, {8, 3}, {31, 24}};
    imp_device *d = *state;
    uint64_t seed = 7;
    for (size_t i = 0; i < 4; i++) {
        const size_t h = sides[i][0], w = sides[i][1];
        const imp_tensor x = test_random_tensor(d, 3, h, w, 20, &seed),
                         y = test_random_tensor(d, 3, h / 2, w / 2, 20, &seed);
        const imp_tensor ax = test_tensor(d, 3, h / 2, w / 2, NULL),
                         aty = test_tensor(d, 3, h, w, NULL);
        OK(d->ops->halve(d, ax, x));
        OK(d->ops->halve_grad(d, aty, y));
        test_near(inner(d, ax, y, false), inner(d, x, aty, false),
                  u * (inner(d, ax, y, true) + inner(d, x, aty, true)), "halve");
        const imp_tensor all[] = {x, y, ax, aty};
        for (size_t k = 0; k < 4; k++)
            test_tensor_free(d, all[k]);
    }
}

/* Onto grids that are coarser, finer, or one by each side. */
static void regrid_and_its_gradient_are_adjoint(void **state) {
    static const size_t grids[][2] = {{7, 9}, {3, 2}, {1, 1}, {15, 10}, {2, 31}, {21, 4}};
    imp_device *d = *state;
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        imp_tensor x = test_random_tensor(d, 3, 7, 9, 20, &seed),
                   y = test_random_tensor(d, 3, grids[i][0], grids[i][1], 20, &seed);
        imp_tensor ax = test_tensor(d, y.c, y.h, y.w, NULL), aty = test_tensor(d, 3, 7, 9, NULL);
        x.layout = y.layout = ax.layout = aty.layout = IMP_MAPS;
        OK(d->ops->regrid(d, ax, x));
        OK(d->ops->regrid_grad(d, aty, y));
        test_near(inner(d, ax, y, false), inner(d, x, aty, false),
                  u * (inner(d, ax, y, true) + inner(d, x, aty, true)), "regrid");
        const imp_tensor all[] = {x, y, ax, aty};
        for (size_t k = 0; k < 4; k++)
            test_tensor_free(d, all[k]);
    }
}

/* ---- finite differences ---- */

/* A function of f (C x H x W) with its gradient. */
typedef struct problem {
    imp_device *d;
    imp_tensor f, df;
    imp_tensor p, g, dm, target, metric; /* where the function has them */
    imp_slot loss;
    imp_tv_form form;
    imp_pooling pooling;
} problem;

typedef double (*function)(problem *p, bool gradient);

static double content_loss(problem *p, bool gradient) {
    imp_tensor df = gradient ? p->df : test_tensor(p->d, p->f.c, p->f.h, p->f.w, NULL);
    OK(p->d->ops->content(p->d, df, p->loss, p->f, p->p, 0.75f));
    if (!gradient)
        test_tensor_free(p->d, df);
    return test_slot_value(p->d, p->loss);
}

static double tv_loss(problem *p, bool gradient) {
    imp_tensor df = gradient ? p->df : test_tensor(p->d, p->f.c, p->f.h, p->f.w, NULL);
    OK(p->d->ops->tv(p->d, df, p->loss, p->f, p->form, 0.75f));
    if (!gradient)
        test_tensor_free(p->d, df);
    return test_slot_value(p->d, p->loss);
}

static double edges_loss(problem *p, bool gradient) {
    const imp_tensor none = {0}, e = test_tensor(p->d, 1, p->f.h, p->f.w, NULL);
    OK(p->d->ops->edges(p->d, gradient ? p->df : none, p->loss, e, p->f, p->target, 0.75f));
    test_tensor_free(p->d, e);
    return test_slot_value(p->d, p->loss);
}

static double style_loss(problem *p, bool gradient) {
    imp_device *d = p->d;
    OK(d->ops->gram(d, p->g, (imp_tensor){0}, p->f, false));
    imp_tensor scratch = test_tensor(d, 1, p->f.c, p->f.c, NULL);
    OK(d->ops->style(d, p->dm, p->loss, p->g, p->target, p->metric, scratch, 0.0625f, 0.5f));
    test_tensor_free(d, scratch);
    if (gradient)
        OK(d->ops->style_grad(d, p->df, p->dm, p->f));
    return test_slot_value(d, p->loss);
}

/* <pool f, p>: some function of f. */
static double pool_loss(problem *p, bool gradient) {
    imp_device *d = p->d;
    imp_tensor y = test_tensor(d, p->p.c, p->p.h, p->p.w, NULL);
    OK(d->ops->pool(d, y, p->f, p->pooling));
    if (gradient)
        OK(d->ops->pool_grad(d, p->df, p->p, p->f, y, p->pooling));
    const double value = inner(d, y, p->p, false);
    test_tensor_free(d, y);
    return value;
}

/* (L(f + h v) - L(f - h v)) / 2h. */
static double slope(problem *p, function f, imp_tensor v, float h) {
    const imp_ops *ops = p->d->ops;
    OK(ops->combine(p->d, p->f, 1, p->f, h, v));
    const double above = f(p, false);
    OK(ops->combine(p->d, p->f, 1, p->f, -2 * h, v));
    const double below = f(p, false);
    OK(ops->combine(p->d, p->f, 1, p->f, h, v));
    return (above - below) / (2.0 * h);
}

/* The slope along v by differences, extrapolated to be exact for polynomials of degree four. All
 * values are multiples of small powers of two, so losses are exact except for the rounding of the
 * scalars (u^2, twice). */
static void check_slope(problem *p, function f, imp_tensor v, float h, double bound,
                        const char *what) {
    const double wide = slope(p, f, v, h), narrow = slope(p, f, v, h / 2);
    const double noise = 8 * u * u * fabs(f(p, true)) / h;
    test_near((4 * narrow - wide) / 3, inner(p->d, p->df, v, false), bound + noise, what);
}

static void content_has_its_slope(void **state) {
    uint64_t seed = 3;
    problem p = {.d = *state, .loss = test_slot_open(*state)};
    p.f = test_random_tensor(p.d, 4, 6, 5, 6, &seed);
    p.p = test_random_tensor(p.d, 4, 6, 5, 6, &seed);
    p.df = test_tensor(p.d, 4, 6, 5, NULL);
    const imp_tensor v = test_random_tensor(p.d, 4, 6, 5, 4, &seed);
    check_slope(&p, content_loss, v, 0x1p-4f, u * inner(p.d, p.df, v, true), "content");
    const imp_tensor all[] = {p.f, p.p, p.df, v, p.loss.scalars};
    for (size_t i = 0; i < 5; i++)
        test_tensor_free(p.d, all[i]);
}

/* Some differences are 0: there the derivative of the absolute value is 0, as symmetric differences
 * also give. Steps are smaller than half of any other difference. */
static void total_variation_has_its_slope(void **state) {
    uint64_t seed = 4;
    static const char *const names[] = {"tv absolute", "tv squared", "tv of neighbours"};
    for (int form = 0; form < 3; form++) {
        problem p = {.d = *state, .loss = test_slot_open(*state), .form = (imp_tv_form)form};
        p.f = test_random_tensor(p.d, 3, 7, 6, 3, &seed);
        p.df = test_tensor(p.d, 3, 7, 6, NULL);
        const imp_tensor v = test_random_tensor(p.d, 3, 7, 6, 4, &seed);
        tv_loss(&p, true);
        const double stored = u * inner(p.d, p.df, v, true);
        OK(p.d->ops->fill(p.d, p.df, 0));
        check_slope(&p, tv_loss, v, 0x1p-5f, stored, names[form]);
        const imp_tensor all[] = {p.f, p.df, v, p.loss.scalars};
        for (size_t i = 0; i < 4; i++)
            test_tensor_free(p.d, all[i]);
    }
}

/* The target: the edges of another picture. A picture of even colour has none. */
static void edges_have_their_slope(void **state) {
    uint64_t seed = 5;
    problem p = {.d = *state, .loss = test_slot_open(*state)};
    p.f = test_tensor(p.d, 3, 7, 6, NULL);
    p.df = test_tensor(p.d, 3, 7, 6, NULL);
    const imp_tensor v = test_random_tensor(p.d, 3, 7, 6, 4, &seed),
                     other = test_random_tensor(p.d, 3, 7, 6, 6, &seed),
                     target = test_tensor(p.d, 1, 7, 6, NULL);
    OK(p.d->ops->fill(p.d, p.f, 0.25f));
    test_near(0, edges_loss(&p, false), 0, "edges of nothing");
    OK(p.d->ops->edges(p.d, (imp_tensor){0}, p.loss, target, other, (imp_tensor){0}, 0.75f));
    const double size = test_slot_value(p.d, p.loss);
    p.target = target;
    test_near(size, edges_loss(&p, false), 0, "edges missing");
    OK(p.d->ops->combine(p.d, p.f, 1, other, 1, v)); /* and some that are wrong */
    edges_loss(&p, true);
    const double stored = u * inner(p.d, p.df, v, true);
    OK(p.d->ops->fill(p.d, p.df, 0));
    check_slope(&p, edges_loss, v, 0x1p-5f, stored, "edges");
    const imp_tensor all[] = {p.f, p.df, v, other, target, p.loss.scalars};
    for (size_t i = 0; i < 6; i++)
        test_tensor_free(p.d, all[i]);
}

static imp_tensor random_symmetric(imp_device *d, size_t n, uint64_t *seed) {
    imp_tensor t = test_random_tensor(d, 1, n, n, 4, seed);
    float *m = test_contents(d, t);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            m[j * n + i] = m[i * n + j];
    OK(d->ops->write(d, t, m));
    free(m);
    return t;
}

/* D is rounded, then D F: by u |D| |F| each. */
static double style_rounding(problem *p, imp_tensor v) {
    imp_device *d = p->d;
    float *dm = test_contents(d, p->dm), *f = test_contents(d, p->f), *along = test_contents(d, v);
    const size_t n = p->f.c, m = p->f.h * p->f.w;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < m; k++)
                sum += fabs((double)dm[i * n + j] * f[j * m + k] * along[i * m + k]);
    free(dm);
    free(f);
    free(along);
    return 2 * u * sum;
}

static void style_has_its_slope(void **state) {
    uint64_t seed = 6;
    for (int metric = 0; metric < 2; metric++) {
        problem p = {.d = *state, .loss = test_slot_open(*state)};
        p.f = test_random_tensor(p.d, 5, 4, 3, 4, &seed);
        p.df = test_tensor(p.d, 5, 4, 3, NULL);
        p.g = test_tensor(p.d, 1, 5, 5, NULL);
        p.dm = test_tensor(p.d, 1, 5, 5, NULL);
        p.target = random_symmetric(p.d, 5, &seed);
        const imp_tensor weighing = random_symmetric(p.d, 5, &seed);
        p.metric = metric ? weighing : (imp_tensor){0};
        const imp_tensor v = test_random_tensor(p.d, 5, 4, 3, 2, &seed);
        style_loss(&p, false);
        check_slope(&p, style_loss, v, 0x1p-3f, style_rounding(&p, v),
                    metric ? "style with metric" : "style");
        const imp_tensor all[] = {p.f, p.df, p.g, p.dm, p.target, weighing, v, p.loss.scalars};
        for (size_t i = 0; i < 8; i++)
            test_tensor_free(p.d, all[i]);
    }
}

/* No ties: f holds a permutation of multiples of 1/64, and the steps stay below half of that. */
static void pooling_has_its_slope(void **state) {
    uint64_t seed = 8;
    static const char *const names[] = {"max pooling", "average pooling", "twice the average"};
    for (int kind = IMP_POOL_MAX; kind <= IMP_POOL_TWICE; kind++) {
        float values[3 * 7 * 6];
        for (size_t k = 0; k < 126; k++)
            values[k] = (float)(k * 37 % 127) / 64;
        problem p = {.d = *state, .pooling = (imp_pooling)kind};
        p.f = test_tensor(p.d, 3, 7, 6, values);
        p.p = test_random_tensor(p.d, 3, 3, 3, 6, &seed);
        p.df = test_tensor(p.d, 3, 7, 6, NULL);
        const imp_tensor v = test_random_tensor(p.d, 3, 7, 6, 4, &seed);
        check_slope(&p, pool_loss, v, 0x1p-8f, u * inner(p.d, p.df, v, true), names[kind]);
        const imp_tensor all[] = {p.f, p.p, p.df, v};
        for (size_t i = 0; i < 4; i++)
            test_tensor_free(p.d, all[i]);
    }
}

/* The root is not a polynomial, and pooling rounds what it stores. So the extrapolation is off by
 * less than what it corrects, plus u over the step. In one window all is 0; there the gradient must
 * be 0. */
static void pooling_by_squares_has_its_slope(void **state) {
    uint64_t seed = 9;
    const float h = 0x1p-5f;
    problem p = {.d = *state, .pooling = IMP_POOL_L2};
    float values[3 * 7 * 6];
    for (size_t k = 0; k < 126; k++)
        values[k] = k < 12 && k % 6 < 2 ? 0 : 1 + (float)(k * 37 % 127) / 64;
    p.f = test_tensor(p.d, 3, 7, 6, values);
    p.p = test_random_tensor(p.d, 3, 3, 3, 6, &seed);
    p.df = test_tensor(p.d, 3, 7, 6, NULL);
    const imp_tensor v = test_random_tensor(p.d, 3, 7, 6, 4, &seed);
    float *along = test_contents(p.d, v);
    along[0] = along[1] = along[6] = along[7] = 0; /* there it has no slope */
    OK(p.d->ops->write(p.d, v, along));
    free(along);
    const double wide = slope(&p, pool_loss, v, h), narrow = slope(&p, pool_loss, v, h / 2);
    pool_loss(&p, true);
    test_near((4 * narrow - wide) / 3, inner(p.d, p.df, v, false),
              fabs(narrow - wide) / 4 + u * inner(p.d, p.df, v, true) + 16 * u * 27 * 6 * 6 / h,
              "pooling by squares");
    float *gradient = test_contents(p.d, p.df);
    test_near(0, fabs((double)gradient[0]) + fabs((double)gradient[7]), 0, "where all is zero");
    free(gradient);
    const imp_tensor all[] = {p.f, p.p, p.df, v};
    for (size_t i = 0; i < 4; i++)
        test_tensor_free(p.d, all[i]);
}

/* ---- a Wasserstein term between a root and its derivative ---- */

/* With fixed root R: loss = weight / C (sum (mu - mean)^2 + trace + tr cov), whose gradient is
 * 2 weight / (C M) (F - mu 1^T) + 2 weight / (C M) (mu - mean) 1^T. Everything is a small binary
 * fraction, M and C powers of two, so only the stores round. */
static double transport_loss(problem *p, bool gradient) {
    imp_device *d = p->d;
    const float scale = 1.0F / (float)(p->f.h * p->f.w), weight = 0.5f;
    const size_t c = p->f.c;
    imp_tensor s = test_tensor(d, 1, 1, c, NULL), v = test_tensor(d, 1, 1, c, NULL);
    imp_tensor cov = test_tensor(d, 1, c, c, NULL);
    OK(d->ops->gram(d, p->g, s, p->f, false));
    OK(d->ops->covariance(d, cov, p->g, s, scale, 1, 0.25f));
    OK(d->ops->fill(d, p->metric, 0)); /* dm = 2 weight scale / C I */
    OK(d->ops->multiply(d, p->dm, 1, p->metric, p->metric, 2 * weight * scale / (float)c));
    OK(d->ops->transport(d, v, p->loss, p->dm, cov, p->metric, s, p->target, 3, scale, weight));
    if (gradient) {
        OK(d->ops->style_grad(d, p->df, p->dm, p->f));
        OK(d->ops->shift(d, p->df, v));
    }
    const imp_tensor all[] = {s, v, cov};
    for (size_t i = 0; i < 3; i++)
        test_tensor_free(d, all[i]);
    return test_slot_value(d, p->loss);
}

static void transport_has_its_slope(void **state) {
    uint64_t seed = 10;
    problem p = {.d = *state, .loss = test_slot_open(*state)};
    p.f = test_random_tensor(p.d, 4, 4, 2, 4, &seed);
    p.df = test_tensor(p.d, 4, 4, 2, NULL);
    p.g = test_tensor(p.d, 1, 4, 4, NULL);
    p.dm = test_tensor(p.d, 1, 4, 4, NULL);
    p.metric = test_tensor(p.d, 1, 4, 4, NULL);
    p.target = test_random_tensor(p.d, 1, 1, 4, 4, &seed);
    const imp_tensor v = test_random_tensor(p.d, 4, 4, 2, 2, &seed);
    transport_loss(&p, false);
    check_slope(&p, transport_loss, v, 0x1p-3f, 2 * u * inner(p.d, p.df, v, true) + 8 * u,
                "transport");
    const imp_tensor all[] = {p.f, p.df, p.g, p.dm, p.metric, p.target, v, p.loss.scalars};
    for (size_t i = 0; i < 8; i++)
        test_tensor_free(p.d, all[i]);
}

/* ---- the rest, by definition ---- */

static void matrices_do_what_they_say(void **state) {
    imp_device *d = *state;
    const float a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, sums[2] = {2, -4};
    const float product[4] = {12, 11, 21.5f, 27.5f}, wanted[4] = {2, 3, 3.5f, 0.5f};
    const imp_tensor x = test_tensor(d, 1, 2, 2, a), z = test_tensor(d, 1, 2, 2, b);
    const imp_tensor y = test_tensor(d, 1, 2, 2, NULL), s = test_tensor(d, 1, 1, 2, sums);
    const imp_slot slot = test_slot_open(d);
    OK(d->ops->multiply(d, y, 0.5f, x, z, 2.5f)); /* half of {19, 22, 43, 50} */
    float *got = test_contents(d, y);
    assert_memory_equal(got, product, sizeof product);
    free(got);
    OK(d->ops->covariance(d, y, x, s, 0.5f, 1, 2.5f)); /* {0.5, 1, 1.5, 2} - {1, -2, -2, 4} */
    got = test_contents(d, y);
    assert_memory_equal(got, wanted, sizeof wanted);
    free(got);
    OK(d->ops->dot(d, slot, x, x));                         /* 30 */
    OK(d->ops->rescale(d, y, 3, slot, 6, -0.5f, x, false)); /* x / 2 */
    OK(d->ops->rescale(d, y, 1, slot, 34, 0.5f, y, true));  /* and 8 times that */
    OK(d->ops->dot(d, slot, y, x));
    test_near(4.5 * 30, test_slot_value(d, slot), 0, "rescale");
    const imp_tensor all[] = {x, z, y, s, slot.scalars};
    for (size_t i = 0; i < 5; i++)
        test_tensor_free(d, all[i]);
}

static void small_operations_do_what_they_say(void **state) {
    imp_device *d = *state;
    const float values[6] = {-2, NAN, 0.5f, INFINITY, -INFINITY, 1};
    const float clamped[6] = {-1, -1, 0.5f, 0.75f, -1, 0.75f};
    const imp_tensor x = test_tensor(d, 1, 2, 3, values);
    const imp_tensor y = test_tensor(d, 1, 2, 3, NULL);
    const imp_slot slot = test_slot_open(d);
    OK(d->ops->clamp(d, x, -1, 0.75f));
    float *got = test_contents(d, x);
    assert_memory_equal(got, clamped, sizeof clamped);
    free(got);
    OK(d->ops->norm1(d, slot, x));
    test_near(5, test_slot_value(d, slot), 0, "norm1");
    OK(d->ops->dot(d, slot, x, x));
    test_near(3 + 0.25 + 2 * 0.5625, test_slot_value(d, slot), 0, "dot");
    OK(d->ops->fill(d, y, 2));
    OK(d->ops->combine(d, y, 3, y, 0.5f, x)); /* 6 + x / 2 */
    const float factors[2] = {0, 0.75f};
    const imp_tensor by = test_tensor(d, 1, 1, 2, factors), both[2] = {y, x};
    OK(d->ops->mix(d, y, 1, y, by, both, 2)); /* 6 + 5 x / 4 */
    OK(d->ops->dot(d, slot, x, y));
    test_near(6 * (-1.0 - 1 + 0.5 + 0.75 - 1 + 0.75) + 1.25 * 4.375, test_slot_value(d, slot), 0,
              "mix");
    test_tensor_free(d, by);
    const imp_tensor all[] = {x, y, slot.scalars};
    for (size_t i = 0; i < 3; i++)
        test_tensor_free(d, all[i]);
}

/* By hand: means of a row on a grid of two and of six, squares of columns (3, 4) and (0, 0), and
 * which of equal scores is taken. */
static void matching_does_what_it_says(void **state) {
    static const float row[3] = {2, 4, 9}, two[2] = {3, 6.5f}, six[6] = {2, 2, 4, 4, 9, 9};
    static const float f[4] = {3, 0, 4, 0}, t[4] = {0.6f, 1, 0.8f, 0};     /* C 2, W 2 */
    static const float scores[6] = {1, 5, 7, 5, 7, 4}, before[2] = {0, 6}; /* C 3, W 2 */
    imp_device *d = *state;
    imp_tensor x = test_tensor(d, 1, 1, 3, row), y = test_tensor(d, 1, 1, 6, NULL);
    x.layout = y.layout = IMP_MAPS;
    for (size_t n = 2; n <= 6; n += 4) {
        y.w = n;
        OK(d->ops->regrid(d, y, x));
        float *got = test_contents(d, y);
        assert_memory_equal(got, n == 2 ? two : six, n * sizeof *got);
        free(got);
    }
    const imp_tensor columns = test_tensor(d, 2, 1, 2, f), targets = test_tensor(d, 2, 1, 2, t);
    const imp_tensor along = test_tensor(d, 1, 1, 2, NULL), pull = test_tensor(d, 1, 1, 2, NULL);
    const imp_slot slot = test_slot_open(d);
    OK(d->ops->angle(d, along, pull, slot, columns, targets, 10, 0x1p-20f));
    float *a = test_contents(d, along), *b = test_contents(d, pull);
    test_near(10, test_slot_value(d, slot), 1e-5,
              "loss: the first is parallel, the second nothing");
    test_near(10 * 5 / 125.0, (double)a[0], 1e-6, "along");
    test_near(-10 / 5.0, (double)b[0], 1e-6, "pull");
    assert_true(a[1] == 0 && b[1] == -10240);
    free(a), free(b);
    imp_tensor s = test_tensor(d, 3, 1, 2, scores);
    const imp_tensor best = test_tensor(d, 1, 1, 2, before), index = test_tensor(d, 1, 1, 2, NULL);
    s.layout = IMP_MAPS;
    OK(d->ops->nearest(d, best, index, s, 100));
    a = test_contents(d, best), b = test_contents(d, index);
    assert_true(a[0] == 7 && b[0] == 101 && a[1] == 6 && b[1] == 0);
    free(a), free(b);
    const imp_tensor all[] = {x, y, columns, targets, along, pull, slot.scalars, s, best, index};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        test_tensor_free(d, all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_and_its_gradient_are_adjoint),
        cmocka_unit_test(affine_and_its_gradient_are_adjoint),
        cmocka_unit_test(wrap_and_its_gradient_are_adjoint),
        cmocka_unit_test(halve_and_its_gradient_are_adjoint),
        cmocka_unit_test(regrid_and_its_gradient_are_adjoint),
        cmocka_unit_test(content_has_its_slope),
        cmocka_unit_test(total_variation_has_its_slope),
        cmocka_unit_test(edges_have_their_slope),
        cmocka_unit_test(style_has_its_slope),
        cmocka_unit_test(pooling_has_its_slope),
        cmocka_unit_test(pooling_by_squares_has_its_slope),
        cmocka_unit_test(transport_has_its_slope),
        cmocka_unit_test(matrices_do_what_they_say),
        cmocka_unit_test(small_operations_do_what_they_say),
        cmocka_unit_test(matching_does_what_it_says),
    };
    return cmocka_run_group_tests_name("oracle", tests, open_oracle, close_oracle);
}
