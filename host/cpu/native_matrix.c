/* SPDX-License-Identifier: MIT
 *
 * Matrices of the cpu backend, C x C in rows, and the Wasserstein style term. Products use the
 * panels of convolution: the matrix is copied to a map, whose pixels are its rows.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

/* ---- products ---- */

/* Copies between a matrix and a map of C pixels of C channels, by blocks of channels. */
struct copy {
    const float *from;
    float *to;
    size_t c;
    float alpha, beta;
};

static void block_to_map(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct copy *job = context;
    const size_t first = block * IMP_BLOCK, lanes = imp_min(job->c - first, IMP_BLOCK);
    float *to = job->to + first * job->c;
    for (size_t r = 0; r < job->c; r++, to += IMP_BLOCK) {
        memcpy(to, job->from + r * job->c + first, lanes * sizeof *to);
        memset(to + lanes, 0, (IMP_BLOCK - lanes) * sizeof *to);
    }
}

static void block_from_map(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct copy *job = context;
    const size_t first = block * IMP_BLOCK, lanes = imp_min(job->c - first, IMP_BLOCK);
    const float *from = job->from + first * job->c;
    for (size_t r = 0; r < job->c; r++, from += IMP_BLOCK) {
        float *to = job->to + r * job->c + first;
        for (size_t l = 0; l < lanes; l++)
            to[l] = job->alpha * from[l];
        if (r >= first && r < first + lanes)
            to[r - first] += job->beta;
    }
}

imp_status imp_native_multiply(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                               float beta) {
    imp_native *n = imp_native_of(d);
    const size_t c = y.w, blocks = imp_native_blocks(c), floats = blocks * IMP_BLOCK * c;
    const imp_taps taps = imp_native_matrix_taps(imp_native_floats(b), c, c);
    assert(y.h == c && a.w == c && b.w == c);
    float *rows = imp_native_shared(n, 2 * floats + imp_native_packed(&taps));
    if (!rows)
        return IMP_ERR_MEMORY;
    float *result = rows + floats, *packed = result + floats;
    struct copy in = {.from = imp_native_floats(a), .to = rows, .c = c};
    struct copy out = {result, imp_native_floats(y), c, alpha, beta};
    imp_threads_run(n->threads, blocks, block_to_map, &in);
    imp_native_pack(n, packed, &taps);
    imp_native_product(n, &(imp_product){.x = rows,
                                         .weights = packed,
                                         .y = result,
                                         .x_block = c * IMP_BLOCK,
                                         .y_block = c * IMP_BLOCK,
                                         .inputs = c,
                                         .outputs = c,
                                         .pixels = c});
    imp_threads_run(n->threads, blocks, block_from_map, &out);
    return IMP_OK;
}

/* ---- moments ---- */

imp_status imp_native_covariance(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s,
                                 float scale, float factor, float shift) {
    (void)d;
    const size_t n = y.w;
    const float *sum = imp_native_floats(s);
    assert(y.h == n && g.w == n && s.w == n);
    for (size_t i = 0; i < n; i++) {
        float *out = imp_native_floats(y) + i * n;
        const float *in = imp_native_floats(g) + i * n, mean = scale * sum[i];
        for (size_t j = 0; j < n; j++)
            out[j] = factor * (scale * in[j] - mean * (scale * sum[j]));
        out[i] += shift;
    }
    return IMP_OK;
}

imp_status imp_native_transport(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                                imp_tensor cov, imp_tensor root, imp_tensor s, imp_tensor mean,
                                float trace, float scale, float weight) {
    (void)d;
    const size_t n = v.w;
    const float *sum = imp_native_floats(s), *row = imp_native_floats(dm);
    float *partial = imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS;
    assert(dm.w == n && cov.w == n && root.w == n && s.w == n && mean.w == n);
    double total = (double)trace;
    for (size_t i = 0; i < n; i++, row += n) {
        const double e = (double)scale * (double)sum[i] - (double)imp_native_floats(mean)[i];
        double product = 0;
        for (size_t j = 0; j < n; j++)
            product += (double)row[j] * (double)sum[j];
        imp_native_floats(v)[i] =
            (float)((double)scale * (2 * (double)weight / (double)n * e - product));
        total += e * e + (double)imp_native_floats(cov)[i * n + i] -
                 2 * (double)imp_native_floats(root)[i * n + i];
    }
    memset(partial, 0, IMP_PARTIALS * sizeof *partial);
    partial[0] = (float)((double)weight / (double)n * total);
    return IMP_OK;
}

/* e[i] = scale s[i] - mean[i] */
static double mean_error(imp_tensor s, imp_tensor mean, float scale, size_t i) {
    return (double)scale * (double)imp_native_floats(s)[i] - (double)imp_native_floats(mean)[i];
}

imp_status imp_native_means(imp_device *d, imp_tensor v, imp_slot loss, imp_slot rest,
                            imp_tensor dm, imp_tensor metric, imp_tensor s, imp_tensor mean,
                            float scale, float weight) {
    (void)d;
    const size_t n = v.w;
    const float *sum = imp_native_floats(s), *row = imp_native_floats(dm);
    const float *metric_row = metric.c ? imp_native_floats(metric) : NULL;
    float *partial = imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS;
    assert(dm.w == n && s.w == n && mean.w == n && (!metric.c || metric.w == n));
    double total = 0;
    for (size_t i = 0; i < n; i++, row += n) {
        const double e = mean_error(s, mean, scale, i);
        double weighed = metric_row ? 0 : e, product = 0;
        for (size_t j = 0; j < n; j++)
            product += (double)row[j] * (double)sum[j];
        for (size_t j = 0; metric_row && j < n; j++)
            weighed += (double)metric_row[i * n + j] * mean_error(s, mean, scale, j);
        imp_native_floats(v)[i] = (float)((double)scale * (2 * (double)weight * weighed - product));
        total += e * weighed;
    }
    memmove(partial, imp_native_floats(rest.scalars) + rest.i * IMP_PARTIALS,
            IMP_PARTIALS * sizeof *partial);
    partial[0] = (float)((double)partial[0] + (double)weight * total);
    return IMP_OK;
}

/* ---- f += v ---- */

struct shift {
    imp_tensor f;
    const float *v;
};

static void shift_block(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct shift *job = context;
    const size_t first = block * IMP_BLOCK, m = job->f.h * job->f.w;
    float lanes[IMP_BLOCK] = {0}, *f = imp_native_floats(job->f) + first * m;
    memcpy(lanes, job->v + first, imp_min(job->f.c - first, IMP_BLOCK) * sizeof *lanes);
    for (size_t p = 0; p < m; p++, f += IMP_BLOCK)
        for (size_t l = 0; l < IMP_BLOCK; l++)
            f[l] += lanes[l];
}

imp_status imp_native_shift(imp_device *d, imp_tensor f, imp_tensor v) {
    assert(f.layout == IMP_MAPS && v.w == f.c);
    struct shift job = {f, imp_native_floats(v)};
    imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(f.c), shift_block, &job);
    imp_native_seal(f); /* for a v that is not finite */
    return IMP_OK;
}
