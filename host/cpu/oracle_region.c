/* SPDX-License-Identifier: MIT
 *
 * The oracle's regions of a map and periodic borders of a picture.
 */
#include <assert.h>

#include "cpu/oracle.h"

imp_status imp_oracle_mask(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add) {
    (void)d;
    const size_t m = x.h * x.w;
    assert(imp_oracle_alike(y, x) && t.c == 1 && t.h == x.h && t.w == x.w);
    for (size_t k = 0; k < x.c * m; k++) {
        float *out = &imp_oracle_floats(y)[k];
        *out = (float)((add ? (double)*out : 0) +
                       (double)imp_oracle_floats(t)[k % m] * imp_oracle_floats(x)[k]);
    }
    return IMP_OK;
}

/* The position of a side of n that position p of the side continued to `wrapped` shows. */
static size_t source(size_t p, size_t n, size_t wrapped) {
    const size_t before = (wrapped - n) / 2;
    return (p + (n - before % n)) % n;
}

/* The first of the positions, n apart, that show i. */
static size_t first_copy(size_t i, size_t n, size_t wrapped) {
    return (i + (wrapped - n) / 2) % n;
}

imp_status imp_oracle_wrap(imp_device *d, imp_tensor y, imp_tensor x) {
    (void)d;
    assert(y.c == x.c && y.h >= x.h && y.w >= x.w);
    float *out = imp_oracle_floats(y);
    for (size_t c = 0; c < y.c; c++)
        for (size_t p = 0; p < y.h; p++)
            for (size_t q = 0; q < y.w; q++)
                *out++ = imp_oracle_floats(
                    x)[(c * x.h + source(p, x.h, y.h)) * x.w + source(q, x.w, y.w)];
    return IMP_OK;
}

imp_status imp_oracle_wrap_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    (void)d;
    assert(dy.c == dx.c && dy.h >= dx.h && dy.w >= dx.w);
    for (size_t c = 0; c < dx.c; c++)
        for (size_t i = 0; i < dx.h; i++)
            for (size_t j = 0; j < dx.w; j++) {
                double sum = 0;
                for (size_t p = first_copy(i, dx.h, dy.h); p < dy.h; p += dx.h)
                    for (size_t q = first_copy(j, dx.w, dy.w); q < dy.w; q += dx.w)
                        sum += imp_oracle_floats(dy)[(c * dy.h + p) * dy.w + q];
                imp_oracle_floats(dx)[(c * dx.h + i) * dx.w + j] = (float)sum;
            }
    return IMP_OK;
}
