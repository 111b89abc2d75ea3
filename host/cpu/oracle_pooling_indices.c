/* SPDX-License-Identifier: MIT
 *
 * The oracle's pooling indices: which positions of a window pass a gradient on.
 */
#include <assert.h>
#include <string.h>

#include "cpu/oracle.h"

/* The bits of the window whose first position is corner, in rows of w. */
static unsigned bits_of(const float *corner, size_t w, imp_pooling kind) {
    const float x[4] = {corner[0], corner[1], corner[w], corner[w + 1]};
    size_t best = 0;
    unsigned positive = 0;
    for (size_t j = 0; j < 4; j++) {
        best = x[j] > x[best] ? j : best;
        positive |= (unsigned)(x[j] > 0) << j;
    }
    return kind == IMP_POOL_MAX ? positive & 1U << best : positive;
}

imp_status imp_oracle_pool_indices(imp_device *d, imp_tensor indices, imp_tensor x,
                                   imp_pooling kind) {
    (void)d;
    const size_t windows = x.w / 2;
    assert(kind == IMP_POOL_MAX || kind == IMP_POOL_AVERAGE);
    assert(indices.c == x.c && indices.h == x.h / 2);
    assert(indices.w == (windows + IMP_INDICES - 1) / IMP_INDICES);
    float *out = imp_oracle_floats(indices);
    for (size_t c = 0; c < indices.c; c++)
        for (size_t p = 0; p < indices.h; p++)
            for (size_t first = 0; first < windows; first += IMP_INDICES) {
                unsigned bits = 0;
                for (size_t q = first; q < windows && q < first + IMP_INDICES; q++)
                    bits |=
                        bits_of(imp_oracle_floats(x) + (c * x.h + 2 * p) * x.w + 2 * q, x.w, kind)
                        << 4 * (q - first);
                *out++ = (float)bits;
            }
    return IMP_OK;
}

imp_status imp_oracle_unpool(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                             imp_pooling kind) {
    (void)d;
    assert(kind == IMP_POOL_MAX || kind == IMP_POOL_AVERAGE);
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2 && indices.h == dy.h);
    const float *in = imp_oracle_floats(dy), share = kind == IMP_POOL_MAX ? 1 : 0.25F;
    memset(imp_oracle_floats(dx), 0, imp_oracle_count(dx) * sizeof(float));
    for (size_t c = 0; c < dy.c; c++)
        for (size_t p = 0; p < dy.h; p++)
            for (size_t q = 0; q < dy.w; q++, in++) {
                const float *chosen =
                    imp_oracle_floats(indices) + (c * indices.h + p) * indices.w + q / IMP_INDICES;
                const unsigned bits = (unsigned)*chosen >> 4 * (q % IMP_INDICES);
                for (size_t j = 0; j < 4; j++)
                    if (bits >> j & 1)
                        imp_oracle_floats(dx)[(c * dx.h + 2 * p + j / 2) * dx.w + 2 * q + j % 2] =
                            share * *in;
            }
    return IMP_OK;
}
