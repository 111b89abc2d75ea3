/* SPDX-License-Identifier: MIT
 *
 * The oracle's losses and their gradients: style in its three steps, content, total variation.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "cpu/oracle.h"

/* ---- style ---- */

imp_status imp_oracle_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f,
                           bool accumulate) {
    (void)d;
    const size_t channels = f.c, m = f.h * f.w;
    assert(g.h == channels && g.w == channels);
    const float *x = imp_oracle_floats(f);
    float *out = imp_oracle_floats(g);
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j <= i; j++) {
            const double sum = imp_oracle_sum(x + i * m, x + j * m, m);
            const size_t at = i * channels + j;
            out[at] = (float)(accumulate ? out[at] + sum : sum);
            out[j * channels + i] = out[at];
        }
    for (size_t i = 0; s.memory && i < channels; i++) {
        double sum = accumulate ? imp_oracle_floats(s)[i] : 0;
        for (size_t p = 0; p < m; p++)
            sum += x[i * m + p];
        imp_oracle_floats(s)[i] = (float)sum;
    }
    return IMP_OK;
}

/* y = x m, or m x if m is on the left: all n x n, m symmetric. */
static void times_metric(double *y, const double *x, const float *m, bool left, size_t n) {
    memset(y, 0, n * n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            if (!left)
                imp_oracle_axpy(y + i * n, 1, x[i * n + k], m + k * n, 1, n);
            else
                for (size_t j = 0; j < n; j++)
                    y[i * n + j] += m[i * n + k] * x[k * n + j];
        }
}

imp_status imp_oracle_style(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                            imp_tensor target, imp_tensor metric, imp_tensor scratch, float scale,
                            float weight) {
    (void)scratch;
    const size_t n = g.w, count = n * n;
    assert(g.h == n && target.w == n && dm.w == n && (!metric.memory || metric.w == n));
    double *e = imp_oracle_scratch(d, 3 * count * sizeof *e), *weighed = e;
    if (!e)
        return IMP_ERR_MEMORY;
    for (size_t k = 0; k < count; k++)
        e[k] = (double)scale * imp_oracle_floats(g)[k] - imp_oracle_floats(target)[k];
    if (metric.memory) {
        weighed = e + 2 * count;
        times_metric(e + count, e, imp_oracle_floats(metric), true, n);
        times_metric(weighed, e + count, imp_oracle_floats(metric), false, n);
    }
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += e[k] * weighed[k];
        imp_oracle_floats(dm)[k] = (float)(4.0 * weight * scale * weighed[k]);
    }
    imp_oracle_scalar(loss, weight * sum);
    return IMP_OK;
}

imp_status imp_oracle_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f) {
    (void)d;
    enum { STRIP = 256 }; /* positions that are done together */
    const size_t m = f.h * f.w;
    assert(df.h * df.w == m && dm.h == f.c && dm.w == df.c);
    for (size_t start = 0; start < m; start += STRIP) {
        const size_t n = m - start < STRIP ? m - start : STRIP;
        for (size_t i = 0; i < df.c; i++) {
            float *out = imp_oracle_floats(df) + i * m + start;
            double sum[STRIP];
            for (size_t p = 0; p < n; p++)
                sum[p] = out[p];
            for (size_t j = 0; j < f.c; j++)
                imp_oracle_axpy(sum, 1, imp_oracle_floats(dm)[j * df.c + i],
                                imp_oracle_floats(f) + j * m + start, 1, n);
            for (size_t p = 0; p < n; p++)
                out[p] = (float)sum[p];
        }
    }
    return IMP_OK;
}

/* ---- content ---- */

imp_status imp_oracle_content(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f,
                              imp_tensor p, float weight) {
    (void)d;
    assert(imp_oracle_alike(df, f) && imp_oracle_alike(p, f));
    float *gradient = imp_oracle_floats(df);
    double sum = 0;
    for (size_t k = 0; k < imp_oracle_count(f); k++) {
        const double difference = (double)imp_oracle_floats(f)[k] - imp_oracle_floats(p)[k];
        sum += difference * difference;
        gradient[k] = (float)(gradient[k] + 2.0 * weight * difference);
    }
    imp_oracle_scalar(loss, weight * sum);
    return IMP_OK;
}

/* ---- total variation ---- */

/* The loss of one difference between neighbours. */
static double variation(double difference, imp_tv_form form) {
    return form == IMP_TV_ABSOLUTE ? fabs(difference) : difference * difference;
}

static double slope(double difference, imp_tv_form form) {
    if (form == IMP_TV_SQUARED)
        return 2 * difference;
    return (difference > 0) - (difference < 0);
}

/* Adds the gradient of plane x, with the weight, to dx; returns its loss without the weight. */
static double tv_plane(float *dx, const float *x, size_t height, size_t width, imp_tv_form form,
                       double weight) {
    double sum = 0;
    for (size_t p = 0; p < height; p++)
        for (size_t q = 0; q < width; q++) {
            const size_t k = p * width + q;
            const double here = x[k];
            double s = 0;
            if (q + 1 < width) {
                sum += variation(x[k + 1] - here, form);
                s -= slope(x[k + 1] - here, form);
            }
            if (p + 1 < height) {
                sum += variation(x[k + width] - here, form);
                s -= slope(x[k + width] - here, form);
            }
            if (q > 0)
                s += slope(here - x[k - 1], form);
            if (p > 0)
                s += slope(here - x[k - width], form);
            dx[k] = (float)(dx[k] + weight * s);
        }
    return sum;
}

/* The position of a side of n that is at i of the padded side: its first is at 1. */
static size_t padded(size_t i, size_t n) {
    return i == 0 ? 0 : i > n ? n - 1 : i - 1;
}

/* The same for IMP_TV_NEIGHBOURS, which sums over the padded plane: one row and column more on each
 * side. gradient: scratch of the plane. */
static double neighbours_plane(float *dx, const float *x, size_t height, size_t width,
                               size_t planes, double weight, double *gradient) {
    static const struct {
        size_t p0, q0, p1, q1;
    } pairs[4] = {{1, 1, 1, 2}, {1, 1, 2, 1}, {0, 0, 1, 1}, {0, 1, 1, 0}};
    double sum = 0;
    memset(gradient, 0, height * width * sizeof *gradient);
    for (size_t k = 0; k < 4; k++) {
        const size_t more = k < 2 ? 0 : 1; /* diagonals begin one place before the plane */
        const double share = (k < 2 ? 1.0 / 3 : 1.0 / 12) /
                             ((double)planes * (double)(height + more) * (double)(width + more));
        for (size_t p = 0; p < height + more; p++)
            for (size_t q = 0; q < width + more; q++) {
                const size_t from =
                    padded(p + pairs[k].p0, height) * width + padded(q + pairs[k].q0, width);
                const size_t to =
                    padded(p + pairs[k].p1, height) * width + padded(q + pairs[k].q1, width);
                const double difference = (double)x[to] - x[from];
                sum += share * difference * difference;
                gradient[to] += 2 * share * difference;
                gradient[from] -= 2 * share * difference;
            }
    }
    for (size_t k = 0; k < height * width; k++)
        dx[k] = (float)(dx[k] + weight * gradient[k]);
    return sum;
}

imp_status imp_oracle_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                         imp_tv_form form, float weight) {
    assert(imp_oracle_alike(dx, x));
    const size_t plane = x.h * x.w;
    double sum = 0, *gradient = imp_oracle_scratch(d, plane * sizeof *gradient);
    if (!gradient)
        return IMP_ERR_MEMORY;
    for (size_t c = 0; c < x.c; c++) {
        float *to = imp_oracle_floats(dx) + c * plane;
        const float *from = imp_oracle_floats(x) + c * plane;
        sum += form == IMP_TV_NEIGHBOURS
                   ? neighbours_plane(to, from, x.h, x.w, x.c, weight, gradient)
                   : tv_plane(to, from, x.h, x.w, form, weight);
    }
    imp_oracle_scalar(loss, weight * sum);
    return IMP_OK;
}

/* The Laplacian of a plane at position k. */
static double laplacian(const double *plane, size_t k, size_t height, size_t width) {
    const size_t p = k / width, q = k % width;
    return (p > 0 ? plane[k] - plane[k - width] : 0) +
           (p + 1 < height ? plane[k] - plane[k + width] : 0) +
           (q > 0 ? plane[k] - plane[k - 1] : 0) + (q + 1 < width ? plane[k] - plane[k + 1] : 0);
}

imp_status imp_oracle_edges(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor e, imp_tensor x,
                            imp_tensor target, float weight) {
    const size_t n = x.h * x.w;
    assert(x.c == 3 && e.c == 1 && e.h == x.h && e.w == x.w);
    const float *const in = imp_oracle_floats(x);
    float *const out = imp_oracle_floats(e);
    double sum = 0, *plane = imp_oracle_scratch(d, n * sizeof *plane);
    if (!plane)
        return IMP_ERR_MEMORY;
    for (size_t k = 0; k < n; k++)
        plane[k] = (double)in[k] + (double)in[n + k] + (double)in[2 * n + k];
    for (size_t k = 0; k < n; k++)
        out[k] = (float)(laplacian(plane, k, x.h, x.w) -
                         (target.memory ? (double)imp_oracle_floats(target)[k] : 0));
    for (size_t k = 0; k < n; k++) {
        plane[k] = (double)out[k];
        sum += plane[k] * plane[k];
    }
    imp_oracle_scalar(loss, (double)weight * sum);
    if (!dx.memory)
        return IMP_OK;
    assert(imp_oracle_alike(dx, x));
    float *const slope = imp_oracle_floats(dx);
    for (size_t k = 0; k < 3 * n; k++)
        slope[k] =
            (float)((double)slope[k] + 2 * (double)weight * laplacian(plane, k % n, x.h, x.w));
    return IMP_OK;
}
