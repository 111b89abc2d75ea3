/* SPDX-License-Identifier: MIT
 *
 * Regions of a map and periodic borders of a picture on the cpu backend.
 */
#include <assert.h>

#include "cpu/native.h"

/* ---- y = [y +] t x ---- */

struct mask {
    imp_tensor y, x;
    const float *t;
    bool add;
};

static void mask_block(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct mask *job = context;
    const size_t m = job->x.h * job->x.w, first = block * IMP_BLOCK * m;
    float *y = imp_native_floats(job->y) + first;
    const float *x = imp_native_floats(job->x) + first;
    for (size_t p = 0; p < m; p++, y += IMP_BLOCK, x += IMP_BLOCK)
        for (size_t l = 0; l < IMP_BLOCK; l++)
            y[l] = (job->add ? y[l] : 0) + job->t[p] * x[l];
}

imp_status imp_native_mask(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add) {
    assert(imp_native_alike(y, x) && x.layout == IMP_MAPS && t.h == x.h && t.w == x.w);
    struct mask job = {y, x, imp_native_floats(t), add};
    imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(x.c), mask_block, &job);
    imp_native_seal(y); /* for weights that are not finite */
    return IMP_OK;
}

/* ---- periodic borders ---- */

/* One chunk of work is a row of the picture or of its continuation. */
struct wrap {
    imp_tensor small, large;
};

/* The first position of a continued side that shows position i of a side of n. */
static size_t shown(size_t i, size_t n, size_t wrapped) {
    return (i + (wrapped - n) / 2) % n;
}

static void wrap_row(void *context, size_t row, unsigned worker) {
    (void)worker;
    const struct wrap *job = context;
    const imp_tensor x = job->small, y = job->large;
    const size_t c = row / y.h, from = (row % y.h + x.h - shown(0, x.h, y.h)) % x.h;
    const float *in = imp_native_floats(x) + (c * x.h + from) * x.w;
    float *out = imp_native_floats(y) + row * y.w;
    for (size_t q = 0, j = (x.w - shown(0, x.w, y.w)) % x.w; q < y.w; q++, j = (j + 1) % x.w)
        out[q] = in[j];
}

static void wrap_grad_row(void *context, size_t row, unsigned worker) {
    (void)worker;
    const struct wrap *job = context;
    const imp_tensor dx = job->small, dy = job->large;
    const size_t c = row / dx.h;
    float *out = imp_native_floats(dx) + row * dx.w;
    for (size_t j = 0; j < dx.w; j++) {
        out[j] = 0;
        for (size_t p = shown(row % dx.h, dx.h, dy.h); p < dy.h; p += dx.h)
            for (size_t q = shown(j, dx.w, dy.w); q < dy.w; q += dx.w)
                out[j] += imp_native_floats(dy)[(c * dy.h + p) * dy.w + q];
    }
}

imp_status imp_native_wrap(imp_device *d, imp_tensor y, imp_tensor x) {
    assert(y.c == x.c && y.h >= x.h && y.w >= x.w && x.layout == IMP_PLANES);
    struct wrap job = {.small = x, .large = y};
    imp_threads_run(imp_native_of(d)->threads, y.c * y.h, wrap_row, &job);
    return IMP_OK;
}

imp_status imp_native_wrap_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    assert(dy.c == dx.c && dy.h >= dx.h && dy.w >= dx.w && dx.layout == IMP_PLANES);
    struct wrap job = {.small = dx, .large = dy};
    imp_threads_run(imp_native_of(d)->threads, dx.c * dx.h, wrap_grad_row, &job);
    return IMP_OK;
}
