/* SPDX-License-Identifier: MIT
 *
 * The oracle's halving of a picture and its adjoint.
 */
#include <assert.h>
#include <string.h>

#include "cpu/oracle.h"

static const double taps[4] = {0.125, 0.375, 0.375, 0.125};

/* The position that tap k of output p reads, in a side of n. */
static size_t tap_at(size_t p, size_t k, size_t n) {
    const size_t at = 2 * p + k; /* one too far to the right */
    return at == 0 ? 0 : at - 1 < n ? at - 1 : n - 1;
}

imp_status imp_oracle_halve(imp_device *d, imp_tensor y, imp_tensor x) {
    (void)d;
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2);
    float *out = imp_oracle_floats(y);
    for (size_t c = 0; c < y.c; c++)
        for (size_t p = 0; p < y.h; p++)
            for (size_t q = 0; q < y.w; q++) {
                double sum = 0;
                for (size_t k = 0; k < 16; k++)
                    sum += taps[k / 4] * taps[k % 4] *
                           (double)imp_oracle_floats(
                               x)[(c * x.h + tap_at(p, k / 4, x.h)) * x.w + tap_at(q, k % 4, x.w)];
                *out++ = (float)sum;
            }
    return IMP_OK;
}

imp_status imp_oracle_halve_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2);
    const size_t m = dx.h * dx.w;
    double *sum = imp_oracle_scratch(d, m * sizeof *sum);
    if (!sum)
        return IMP_ERR_MEMORY;
    for (size_t c = 0; c < dx.c; c++) {
        memset(sum, 0, m * sizeof *sum);
        for (size_t p = 0; p < dy.h; p++)
            for (size_t q = 0; q < dy.w; q++)
                for (size_t k = 0; k < 16; k++)
                    sum[tap_at(p, k / 4, dx.h) * dx.w + tap_at(q, k % 4, dx.w)] +=
                        taps[k / 4] * taps[k % 4] *
                        (double)imp_oracle_floats(dy)[(c * dy.h + p) * dy.w + q];
        for (size_t i = 0; i < m; i++)
            imp_oracle_floats(dx)[c * m + i] = (float)sum[i];
    }
    return IMP_OK;
}
