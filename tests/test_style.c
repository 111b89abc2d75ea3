/* SPDX-License-Identifier: MIT
 *
 * The style losses of means and covariances: values and gradients against their definitions in
 * double precision (engine/README.md).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"
#include "helpers.h"

#define OK(call) assert_int_equal(call, IMP_OK)

/* ---- The definitions ---- */

enum { C = 5, H = 6, W = 7, M = H * W, CONVERGED = 40 };

static void product(double *y, const double *a, const double *b) {
    for (size_t i = 0; i < C; i++)
        for (size_t j = 0; j < C; j++) {
            y[i * C + j] = 0;
            for (size_t k = 0; k < C; k++)
                y[i * C + j] += a[i * C + k] * b[k * C + j];
        }
}

/* The root of a, by enough Newton-Schulz steps to converge. */
static void root(double *out, const double *a) {
    double y[C * C], z[C * C] = {0}, t[C * C], next[C * C], n = 0;
    for (size_t k = 0; k < C * C; k++)
        n += a[k] * a[k];
    n = sqrt(n);
    for (size_t k = 0; k < C * C; k++)
        y[k] = a[k] / n, z[k] = k % (C + 1) == 0;
    for (int step = 0; step < CONVERGED; step++) {
        product(t, z, y);
        for (size_t k = 0; k < C * C; k++)
            t[k] = ((k % (C + 1) == 0 ? 3 : 0) - t[k]) / 2;
        product(next, y, t);
        memcpy(y, next, sizeof y);
        product(next, t, z);
        memcpy(z, next, sizeof z);
    }
    for (size_t k = 0; k < C * C; k++)
        out[k] = y[k] * sqrt(n);
}

static void moments(double *mean, double *covariance, const double *f, double shift) {
    for (size_t i = 0; i < C; i++) {
        mean[i] = 0;
        for (size_t p = 0; p < M; p++)
            mean[i] += f[i * M + p] / M;
    }
    for (size_t i = 0; i < C; i++)
        for (size_t j = 0; j < C; j++) {
            double sum = 0;
            for (size_t p = 0; p < M; p++)
                sum += f[i * M + p] * f[j * M + p];
            covariance[i * C + j] = sum / M - mean[i] * mean[j] + (i == j ? shift : 0);
        }
}

typedef double (*definition)(const double *f, const double *target);

static double wasserstein(const double *f, const double *target) {
    double mean[2][C], covariance[2][C * C], half[C * C], a[C * C], b[C * C], sum = 0;
    moments(mean[0], covariance[0], f, 1e-4);
    moments(mean[1], covariance[1], target, 1e-4);
    root(half, covariance[1]);
    product(a, half, covariance[0]);
    product(b, a, half);
    root(a, b);
    for (size_t i = 0; i < C; i++) {
        const double e = mean[0][i] - mean[1][i];
        sum += e * e + covariance[0][i * (C + 1)] + covariance[1][i * (C + 1)] - 2 * a[i * (C + 1)];
    }
    return sum / C;
}

/* The metric of the network in these tests: symmetric, positive. */
static double metric_at(size_t i, size_t j) {
    return i == j ? 2 : 0.25 / (double)(1 + i + j);
}

/* tr (E R E R), or e R e for a vector. */
static double square_of_matrix(const double *e, bool metric) {
    double r[C * C], a[C * C], b[C * C], trace = 0;
    for (size_t k = 0; k < C * C; k++)
        r[k] = metric ? metric_at(k / C, k % C) : k % (C + 1) == 0;
    product(a, e, r);
    product(b, a, a);
    for (size_t i = 0; i < C; i++)
        trace += b[i * (C + 1)];
    return trace;
}

static double square_of_vector(const double *e, bool metric) {
    double sum = 0;
    for (size_t i = 0; i < C; i++)
        for (size_t j = 0; j < C; j++)
            sum += e[i] * e[j] * (metric ? metric_at(i, j) : i == j);
    return sum;
}

static double relative_moments(const double *f, const double *target, bool metric) {
    double mean[2][C], covariance[2][C * C];
    moments(mean[0], covariance[0], f, 0);
    moments(mean[1], covariance[1], target, 0);
    const double means = square_of_vector(mean[1], metric);
    const double covariances = square_of_matrix(covariance[1], metric);
    for (size_t i = 0; i < C; i++)
        mean[0][i] -= mean[1][i];
    for (size_t k = 0; k < C * C; k++)
        covariance[0][k] -= covariance[1][k];
    return square_of_matrix(covariance[0], metric) / covariances / 2 +
           square_of_vector(mean[0], metric) / means / 2;
}

static double covariances(const double *f, const double *target) {
    return relative_moments(f, target, false);
}

static double covariances_by_metric(const double *f, const double *target) {
    return relative_moments(f, target, true);
}

/* ---- The engine ---- */

/* An objective that is one style term of weight 1. */
typedef struct single {
    imp_settings settings;
    imp_objective o;
    imp_loss_term term;
    imp_memory *memory;
    imp_tensor f, df, metric;
} single;

static void single_open(single *t, imp_device *d, imp_loss_form form, bool metric) {
    size_t cursor = 0;
    *t = (single){.settings = *imp_preset_settings("fine")};
    t->o = (imp_objective){.device = d,
                           .settings = &t->settings,
                           .style = imp_style_loss_of(form),
                           .terms = &t->term,
                           .metrics = &t->metric,
                           .count = 1};
    t->term = (imp_loss_term){.kind = IMP_TERM_STYLE, .positions = M, .strength = 1};
    t->o.style->place(&t->o, &t->term, C, &cursor);
    imp_style_place_workspace(&t->o, C, &cursor);
    t->o.scalars = imp_place(d, &cursor, IMP_PLANES, 1 + IMP_SCALAR_EXTRA, 1, IMP_PARTIALS);
    t->f = imp_place(d, &cursor, IMP_MAPS, C, H, W);
    t->df = imp_place(d, &cursor, IMP_MAPS, C, H, W);
    t->metric = metric ? imp_place(d, &cursor, IMP_PLANES, 1, C, C) : (imp_tensor){0};
    OK(d->ops->alloc(d, &t->memory, cursor));
    OK(imp_objective_bind(&t->o, t->memory));
    t->f.memory = t->df.memory = t->memory;
    if (!metric)
        return;
    float values[C * C];
    for (size_t k = 0; k < C * C; k++)
        values[k] = (float)metric_at(k / C, k % C);
    t->metric.memory = t->memory;
    OK(d->ops->write(d, t->metric, values));
}

/* Loss and gradient of features f against those of the style. */
static double single_at(single *t, const float *f, const float *style, float *gradient) {
    imp_device *const d = t->o.device;
    OK(d->ops->write(d, t->f, style));
    OK(t->o.style->add(&t->o, 0, &(imp_style_features){t->f, M, 1, true, NULL}));
    OK(t->o.style->finish(&t->o, 0));
    imp_objective_style_weigh(&t->o);
    OK(d->ops->write(d, t->f, f));
    OK(d->ops->fill(d, t->df, 0));
    OK(t->o.style->gradient(&t->o, 0, t->df, t->f));
    OK(d->ops->read(d, gradient, t->df));
    return test_slot_value(d, (imp_slot){t->o.scalars, 0});
}

/* Loss and gradient are those of the definition; the gradient by finite differences along a random
 * direction. */
static void follows(definition wanted_at, imp_loss_form form, bool metric) {
    imp_device *d = test_device_open();
    uint64_t seed = 12;
    float f[C * M], style[C * M], along[C * M], gradient[C * M];
    double here[C * M], there[C * M], target[C * M];
    single t;
    assert_non_null(d);
    single_open(&t, d, form, metric);
    for (int round = 0; round < 3; round++) {
        test_random(f, C * M, 20, &seed);
        test_random(style, C * M, 20, &seed);
        test_random(along, C * M, 20, &seed);
        for (size_t k = 0; k < C * M; k++) {
            style[k] = 0.5F * style[k] + 0.3F * (float)(k / M);
            here[k] = (double)f[k] + 1e-4 * (double)along[k];
            there[k] = (double)f[k] - 1e-4 * (double)along[k];
            target[k] = (double)style[k];
        }
        const double loss = single_at(&t, f, style, gradient);
        const double before = wanted_at(there, target), after = wanted_at(here, target);
        double got = 0, size = 0;
        for (size_t k = 0; k < C * M; k++) {
            got += (double)gradient[k] * (double)along[k];
            size += fabs((double)gradient[k] * (double)along[k]);
        }
        test_near((before + after) / 2, loss, 1e-4 * before, "loss");
        test_near((after - before) / 2e-4, got, 1e-3 * size, "slope");
    }
    d->ops->release(d, t.memory);
    d->ops->close(d);
}

/* Where covariances are well-conditioned. */
static void test_wasserstein(void **state) {
    (void)state;
    follows(wasserstein, IMP_LOSS_WASSERSTEIN, false);
}

static void test_covariance(void **state) {
    (void)state;
    follows(covariances, IMP_LOSS_COVARIANCE, false);
    follows(covariances_by_metric, IMP_LOSS_COVARIANCE, true);
}

/* Features that are constant have no covariance; on either side the loss is finite. */
static void flat_features_are_finite(imp_loss_form form) {
    imp_device *d = test_device_open();
    uint64_t seed = 13;
    float flat[C * M], rough[C * M], gradient[C * M];
    single t;
    assert_non_null(d);
    single_open(&t, d, form, false);
    test_random(rough, C * M, 20, &seed);
    for (size_t k = 0; k < C * M; k++)
        flat[k] = 0.5F + (float)(k / M);
    const float *const cases[][2] = {{flat, flat}, {flat, rough}, {rough, flat}};
    for (size_t i = 0; i < 3; i++) {
        const double loss = single_at(&t, cases[i][0], cases[i][1], gradient);
        assert_true(isfinite(loss) && loss > -1e-6);
        if (i == 0)
            test_near(0, loss, 1e-6, "the distance of a picture to itself");
        for (size_t k = 0; k < C * M; k++)
            assert_true(isfinite(gradient[k]));
    }
    d->ops->release(d, t.memory);
    d->ops->close(d);
}

static void test_flat_features(void **state) {
    (void)state;
    flat_features_are_finite(IMP_LOSS_WASSERSTEIN);
    flat_features_are_finite(IMP_LOSS_COVARIANCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wasserstein),
        cmocka_unit_test(test_covariance),
        cmocka_unit_test(test_flat_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
