/* SPDX-License-Identifier: MIT
 *
 * Matching on the cpu backend: maps on another grid, angles between columns, and the nearest of
 * vectors. One chunk of work is a row of the result in one block of channels, or a row of
 * positions.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "cpu/native.h"

/* ---- another grid ---- */

struct regrid {
    imp_tensor fine,
        coarse; /* the map that is averaged, and the means; either may have more rows */
};

/* The positions of a side of `from` whose mean is position p of a side of `to`. Also, with the
 * sides swapped, the means that a position is in. */
typedef struct range {
    size_t first, end;
} range;

static range range_of(size_t p, size_t from, size_t to) {
    return (range){p * from / to, ((p + 1) * from + to - 1) / to};
}

static size_t length(range r) {
    return r.end - r.first;
}

static float *pixel(imp_tensor t, size_t block, size_t row, size_t column) {
    return imp_native_floats(t) + ((block * t.h + row) * t.w + column) * IMP_BLOCK;
}

static void regrid_row(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct regrid *job = context;
    const imp_tensor x = job->fine, y = job->coarse;
    const size_t block = chunk / y.h, p = chunk % y.h;
    const range rows = range_of(p, x.h, y.h);
    for (size_t q = 0; q < y.w; q++) {
        const range columns = range_of(q, x.w, y.w);
        float sum[IMP_BLOCK] = {0}, *out = pixel(y, block, p, q);
        for (size_t i = rows.first; i < rows.end; i++) {
            const float *in = pixel(x, block, i, columns.first);
            for (size_t j = 0; j < length(columns); j++, in += IMP_BLOCK)
                for (size_t l = 0; l < IMP_BLOCK; l++)
                    sum[l] += in[l];
        }
        for (size_t l = 0; l < IMP_BLOCK; l++)
            out[l] = sum[l] / (float)(length(rows) * length(columns));
    }
}

static void regrid_grad_row(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct regrid *job = context;
    const imp_tensor dx = job->fine, dy = job->coarse;
    const size_t block = chunk / dx.h, i = chunk % dx.h;
    const range rows = range_of(i, dy.h, dx.h);
    for (size_t j = 0; j < dx.w; j++) {
        const range columns = range_of(j, dy.w, dx.w);
        float sum[IMP_BLOCK] = {0}, *out = pixel(dx, block, i, j);
        for (size_t p = rows.first; p < rows.end; p++)
            for (size_t q = columns.first; q < columns.end; q++) {
                const float *in = pixel(dy, block, p, q);
                const size_t count =
                    length(range_of(p, dx.h, dy.h)) * length(range_of(q, dx.w, dy.w));
                for (size_t l = 0; l < IMP_BLOCK; l++)
                    sum[l] += in[l] / (float)count;
            }
        for (size_t l = 0; l < IMP_BLOCK; l++)
            out[l] += sum[l];
    }
}

imp_status imp_native_regrid(imp_device *d, imp_tensor y, imp_tensor x) {
    assert(y.c == x.c && y.layout == IMP_MAPS && x.layout == IMP_MAPS);
    struct regrid job = {.fine = x, .coarse = y};
    imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(y.c) * y.h, regrid_row, &job);
    return IMP_OK;
}

imp_status imp_native_regrid_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    assert(dy.c == dx.c && dy.layout == IMP_MAPS && dx.layout == IMP_MAPS);
    struct regrid job = {.fine = dx, .coarse = dy};
    imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(dx.c) * dx.h, regrid_grad_row,
                    &job);
    return IMP_OK;
}

/* ---- angles ---- */

struct angle {
    imp_tensor along, pull, f, t;
    float weight, epsilon;
    float *partial; /* of the loss, without the weight */
};

/* d and n^2 of one position. */
static void products(const struct angle *job, size_t p, float *product, float *squares) {
    const size_t m = job->f.h * job->f.w;
    float d[IMP_BLOCK] = {0}, n[IMP_BLOCK] = {0};
    for (size_t block = 0; block < imp_native_blocks(job->f.c); block++) {
        const float *f = imp_native_floats(job->f) + (block * m + p) * IMP_BLOCK;
        const float *t = imp_native_floats(job->t) + (block * m + p) * IMP_BLOCK;
        for (size_t l = 0; l < IMP_BLOCK; l++) {
            d[l] += f[l] * t[l];
            n[l] += f[l] * f[l];
        }
    }
    for (size_t step = IMP_BLOCK / 2; step > 0; step /= 2)
        for (size_t l = 0; l < step; l++) {
            d[l] += d[l + step];
            n[l] += n[l + step];
        }
    *product = d[0];
    *squares = n[0] + job->epsilon;
}

/* Every IMP_PARTIALS-th stretch of the positions. */
static void angle_part(void *context, size_t part, unsigned worker) {
    (void)worker;
    const struct angle *job = context;
    const size_t m = job->f.h * job->f.w;
    double sum = 0;
    for (size_t p = m * part / IMP_PARTIALS; p < m * (part + 1) / IMP_PARTIALS; p++) {
        float product, squares;
        products(job, p, &product, &squares);
        const float n = sqrtf(squares), cosine = product / n;
        sum += 1 - (double)cosine;
        imp_native_floats(job->along)[p] = job->weight * (cosine / squares);
        imp_native_floats(job->pull)[p] = -job->weight / n;
    }
    job->partial[part] = (float)((double)job->weight * sum);
}

imp_status imp_native_angle(imp_device *d, imp_tensor along, imp_tensor pull, imp_slot loss,
                            imp_tensor f, imp_tensor t, float weight, float epsilon) {
    assert(imp_native_alike(f, t) && f.layout == IMP_MAPS);
    assert(along.h * along.w == f.h * f.w && pull.h * pull.w == f.h * f.w);
    struct angle job = {along,
                        pull,
                        f,
                        t,
                        weight,
                        epsilon,
                        imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS};
    imp_threads_run(imp_native_of(d)->threads, IMP_PARTIALS, angle_part, &job);
    return IMP_OK;
}

/* ---- the nearest ---- */

struct nearest {
    imp_tensor best, index, scores;
    size_t first;
};

static void nearest_row(void *context, size_t row, unsigned worker) {
    (void)worker;
    const struct nearest *job = context;
    const imp_tensor s = job->scores;
    float *best = imp_native_floats(job->best) + row * s.w;
    float *index = imp_native_floats(job->index) + row * s.w;
    for (size_t c = 0; c < s.c; c += IMP_BLOCK) {
        const float *score = pixel(s, c / IMP_BLOCK, row, 0);
        const size_t lanes = imp_min(IMP_BLOCK, s.c - c);
        for (size_t q = 0; q < s.w; q++, score += IMP_BLOCK)
            for (size_t l = 0; l < lanes; l++)
                if (score[l] > best[q]) {
                    best[q] = score[l];
                    index[q] = (float)(job->first + c + l);
                }
    }
}

imp_status imp_native_nearest(imp_device *d, imp_tensor best, imp_tensor index, imp_tensor scores,
                              size_t first) {
    assert(scores.layout == IMP_MAPS && best.h == scores.h && best.w == scores.w);
    assert(index.h == scores.h && index.w == scores.w);
    struct nearest job = {best, index, scores, first};
    imp_threads_run(imp_native_of(d)->threads, scores.h, nearest_row, &job);
    return IMP_OK;
}
