/* SPDX-License-Identifier: MIT
 *
 * The oracle's matching: maps on another grid, angles between columns, and the nearest of vectors.
 */
#include <assert.h>
#include <math.h>

#include "cpu/oracle.h"

/* The positions of a side of `from` whose mean is position p of a side of `to`. */
typedef struct range {
    size_t first, end;
} range;

static range range_of(size_t p, size_t from, size_t to) {
    return (range){p * from / to, ((p + 1) * from + to - 1) / to};
}

static size_t length(range r) {
    return r.end - r.first;
}

imp_status imp_oracle_regrid(imp_device *d, imp_tensor y, imp_tensor x) {
    (void)d;
    assert(y.c == x.c && y.layout == IMP_MAPS && x.layout == IMP_MAPS);
    float *out = imp_oracle_floats(y);
    for (size_t c = 0; c < y.c; c++)
        for (size_t p = 0; p < y.h; p++)
            for (size_t q = 0; q < y.w; q++) {
                const range rows = range_of(p, x.h, y.h), columns = range_of(q, x.w, y.w);
                double sum = 0;
                for (size_t i = rows.first; i < rows.end; i++)
                    for (size_t j = columns.first; j < columns.end; j++)
                        sum += imp_oracle_floats(x)[(c * x.h + i) * x.w + j];
                *out++ = (float)(sum / (double)(length(rows) * length(columns)));
            }
    return IMP_OK;
}

imp_status imp_oracle_regrid_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    assert(dy.c == dx.c && dy.layout == IMP_MAPS && dx.layout == IMP_MAPS);
    double *sum = imp_oracle_scratch(d, dx.h * dx.w * sizeof *sum);
    if (!sum)
        return IMP_ERR_MEMORY;
    for (size_t c = 0; c < dx.c; c++) {
        float *out = imp_oracle_floats(dx) + c * dx.h * dx.w;
        for (size_t k = 0; k < dx.h * dx.w; k++)
            sum[k] = out[k];
        for (size_t p = 0; p < dy.h; p++)
            for (size_t q = 0; q < dy.w; q++) {
                const range rows = range_of(p, dx.h, dy.h), columns = range_of(q, dx.w, dy.w);
                const double share = (double)imp_oracle_floats(dy)[(c * dy.h + p) * dy.w + q] /
                                     (double)(length(rows) * length(columns));
                for (size_t i = rows.first; i < rows.end; i++)
                    for (size_t j = columns.first; j < columns.end; j++)
                        sum[i * dx.w + j] += share;
            }
        for (size_t k = 0; k < dx.h * dx.w; k++)
            out[k] = (float)sum[k];
    }
    return IMP_OK;
}

imp_status imp_oracle_angle(imp_device *d, imp_tensor along, imp_tensor pull, imp_slot loss,
                            imp_tensor f, imp_tensor t, float weight, float epsilon) {
    (void)d;
    const size_t m = f.h * f.w;
    assert(imp_oracle_alike(f, t) && along.h * along.w == m && pull.h * pull.w == m);
    double sum = 0;
    for (size_t p = 0; p < m; p++) {
        double product = 0, squares = (double)epsilon;
        for (size_t c = 0; c < f.c; c++) {
            const double v = imp_oracle_floats(f)[c * m + p];
            product += v * imp_oracle_floats(t)[c * m + p];
            squares += v * v;
        }
        const double n = sqrt(squares);
        sum += 1 - product / n;
        imp_oracle_floats(along)[p] = (float)((double)weight * product / (squares * n));
        imp_oracle_floats(pull)[p] = (float)(-(double)weight / n);
    }
    imp_oracle_scalar(loss, (double)weight * sum);
    return IMP_OK;
}

imp_status imp_oracle_nearest(imp_device *d, imp_tensor best, imp_tensor index, imp_tensor scores,
                              size_t first) {
    (void)d;
    const size_t m = scores.h * scores.w;
    assert(best.h * best.w == m && index.h * index.w == m);
    for (size_t c = 0; c < scores.c; c++)
        for (size_t p = 0; p < m; p++) {
            const float score = imp_oracle_floats(scores)[c * m + p];
            if (!(score > imp_oracle_floats(best)[p]))
                continue;
            imp_oracle_floats(best)[p] = score;
            imp_oracle_floats(index)[p] = (float)(first + c);
        }
    return IMP_OK;
}
