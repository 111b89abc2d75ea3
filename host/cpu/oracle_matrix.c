/* SPDX-License-Identifier: MIT
 *
 * The oracle's matrices, and its Wasserstein style term.
 */
#include <assert.h>
#include <string.h>

#include "cpu/oracle.h"

imp_status imp_oracle_multiply(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                               float beta) {
    const size_t n = y.w;
    assert(y.h == n && a.h == n && a.w == n && b.h == n && b.w == n);
    double *row = imp_oracle_scratch(d, n * sizeof *row);
    if (!row)
        return IMP_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        memset(row, 0, n * sizeof *row);
        for (size_t k = 0; k < n; k++)
            imp_oracle_axpy(row, 1, imp_oracle_floats(a)[i * n + k], imp_oracle_floats(b) + k * n,
                            1, n);
        for (size_t j = 0; j < n; j++)
            imp_oracle_floats(y)[i * n + j] =
                (float)((double)alpha * row[j] + (i == j ? (double)beta : 0));
    }
    return IMP_OK;
}

imp_status imp_oracle_covariance(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s,
                                 float scale, float factor, float shift) {
    (void)d;
    const size_t n = y.w;
    const float *sum = imp_oracle_floats(s);
    assert(y.h == n && g.h == n && g.w == n && s.w == n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double means = (double)scale * sum[i] * ((double)scale * sum[j]);
            imp_oracle_floats(y)[i * n + j] =
                (float)((double)factor * ((double)scale * imp_oracle_floats(g)[i * n + j] - means) +
                        (i == j ? (double)shift : 0));
        }
    return IMP_OK;
}

imp_status imp_oracle_transport(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                                imp_tensor cov, imp_tensor root, imp_tensor s, imp_tensor mean,
                                float trace, float scale, float weight) {
    (void)d;
    const size_t n = v.w;
    const float *sum = imp_oracle_floats(s);
    assert(dm.w == n && cov.w == n && root.w == n && s.w == n && mean.w == n);
    double total = (double)trace;
    for (size_t i = 0; i < n; i++) {
        const double e = (double)scale * sum[i] - imp_oracle_floats(mean)[i];
        double value = 2.0 * weight * scale / (double)n * e;
        for (size_t j = 0; j < n; j++)
            value -= imp_oracle_floats(dm)[i * n + j] * ((double)scale * sum[j]);
        imp_oracle_floats(v)[i] = (float)value;
        total +=
            e * e + imp_oracle_floats(cov)[i * n + i] - 2.0 * imp_oracle_floats(root)[i * n + i];
    }
    imp_oracle_scalar(loss, weight / (double)n * total);
    return IMP_OK;
}

/* e[i] = scale s[i] - mean[i] */
static double mean_error(imp_tensor s, imp_tensor mean, float scale, size_t i) {
    return (double)scale * imp_oracle_floats(s)[i] - imp_oracle_floats(mean)[i];
}

imp_status imp_oracle_means(imp_device *d, imp_tensor v, imp_slot loss, imp_slot rest,
                            imp_tensor dm, imp_tensor metric, imp_tensor s, imp_tensor mean,
                            float scale, float weight) {
    (void)d;
    const size_t n = v.w;
    const float *sum = imp_oracle_floats(s);
    assert(dm.w == n && s.w == n && mean.w == n && (!metric.c || metric.w == n));
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        const double e = mean_error(s, mean, scale, i);
        double weighed = metric.c ? 0 : e, product = 0;
        for (size_t j = 0; j < n; j++) {
            product += (double)imp_oracle_floats(dm)[i * n + j] * ((double)scale * sum[j]);
            if (metric.c)
                weighed +=
                    (double)imp_oracle_floats(metric)[i * n + j] * mean_error(s, mean, scale, j);
        }
        imp_oracle_floats(v)[i] = (float)(2.0 * weight * scale * weighed - product);
        total += e * weighed;
    }
    imp_oracle_scalar(loss, imp_oracle_value(rest) + weight * total);
    return IMP_OK;
}

imp_status imp_oracle_shift(imp_device *d, imp_tensor f, imp_tensor v) {
    (void)d;
    const size_t m = f.h * f.w;
    assert(v.w == f.c);
    for (size_t k = 0; k < f.c * m; k++)
        imp_oracle_floats(f)[k] += imp_oracle_floats(v)[k / m];
    return IMP_OK;
}
