/* SPDX-License-Identifier: MIT
 *
 * Pooling of the cpu backend. The kernels take rows of 16-channel pixels. In planes, 16
 * neighbouring windows are treated like the channels of one pixel.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native.h"

struct pooling {
    const imp_vector_kernels *kernels;
    imp_tensor out, dy, x; /* forward: out is y, dy is no tensor; back: out is dx */
    imp_pooling kind;
    size_t h, w; /* windows */
};

/* The pair of rows of chunk `row`: those of window row % h in block (or plane) row / h, in a tensor
 * of `height` rows of w pixels of `width` floats. */
static float *rows_of(imp_tensor t, size_t chunk, size_t windows, size_t rows, size_t width) {
    return imp_native_floats(t) + (chunk / windows * t.h + chunk % windows * rows) * t.w * width;
}

/* ---- maps ---- */

static void pool_blocks(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct pooling *job = context;
    job->kernels->pool(rows_of(job->out, chunk, job->h, 1, IMP_BLOCK),
                       rows_of(job->x, chunk, job->h, 2, IMP_BLOCK), job->x.w * IMP_BLOCK, job->w,
                       job->kind);
}

/* Zeroes the columns and rows that are in no window. */
static void clear_rest(const struct pooling *job, float *dx, size_t chunk, size_t width) {
    const size_t row = job->x.w * width, used = 2 * job->w * width;
    for (size_t r = 0; r < 2; r++)
        memset(dx + r * row + used, 0, (row - used) * sizeof *dx);
    if (job->x.h % 2 && chunk % job->h == job->h - 1)
        memset(dx + 2 * row, 0, row * sizeof *dx);
}

static void unpool_blocks(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct pooling *job = context;
    float *dx = rows_of(job->out, chunk, job->h, 2, IMP_BLOCK);
    job->kernels->pool_grad(dx, rows_of(job->dy, chunk, job->h, 1, IMP_BLOCK),
                            rows_of(job->x, chunk, job->h, 2, IMP_BLOCK), job->x.w * IMP_BLOCK,
                            job->w, job->kind);
    clear_rest(job, dx, chunk, IMP_BLOCK);
}

/* ---- planes ---- */

enum { WINDOW = 4 * IMP_BLOCK }; /* 2 x 2 pixels of 16 lanes */

/* Lane l of the pixels takes window l < n of two rows of a plane. */
static void gather(float pixels[WINDOW], const float *x, size_t row, size_t n) {
    memset(pixels, 0, WINDOW * sizeof *pixels);
    for (size_t k = 0; k < 4; k++)
        for (size_t l = 0; l < n; l++)
            pixels[k * IMP_BLOCK + l] = x[k / 2 * row + 2 * l + k % 2];
}

static void pool_plane(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct pooling *job = context;
    const float *x = rows_of(job->x, chunk, job->h, 2, 1);
    float *y = rows_of(job->out, chunk, job->h, 1, 1);
    for (size_t q = 0; q < job->w; q += IMP_BLOCK) {
        _Alignas(IMP_ALIGNMENT) float in[WINDOW], out[IMP_BLOCK];
        const size_t n = imp_min(job->w - q, IMP_BLOCK);
        gather(in, x + 2 * q, job->x.w, n);
        job->kernels->pool(out, in, WINDOW / 2, 1, job->kind);
        memcpy(y + q, out, n * sizeof *y);
    }
}

static void unpool_plane(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct pooling *job = context;
    const float *x = rows_of(job->x, chunk, job->h, 2, 1);
    const float *dy = rows_of(job->dy, chunk, job->h, 1, 1);
    float *dx = rows_of(job->out, chunk, job->h, 2, 1);
    for (size_t q = 0; q < job->w; q += IMP_BLOCK) {
        _Alignas(IMP_ALIGNMENT) float in[WINDOW], out[WINDOW], gradient[IMP_BLOCK] = {0};
        const size_t n = imp_min(job->w - q, IMP_BLOCK);
        gather(in, x + 2 * q, job->x.w, n);
        memcpy(gradient, dy + q, n * sizeof *dy);
        job->kernels->pool_grad(out, gradient, in, WINDOW / 2, 1, job->kind);
        for (size_t k = 0; k < 4; k++)
            for (size_t l = 0; l < n; l++)
                dx[k / 2 * job->x.w + 2 * (q + l) + k % 2] = out[k * IMP_BLOCK + l];
    }
    clear_rest(job, dx, chunk, 1);
}

/* ---- slots ---- */

/* Work for every row of windows in every block or plane. */
static void run(imp_native *n, struct pooling *job, imp_work blocks, imp_work plane) {
    const bool maps = job->x.layout == IMP_MAPS;
    job->kernels = n->kernels->vector;
    imp_threads_run(n->threads, (maps ? imp_native_blocks(job->x.c) : job->x.c) * job->h,
                    maps ? blocks : plane, job);
}

imp_status imp_native_pool(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind) {
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2 && y.layout == x.layout);
    struct pooling job = {.out = y, .x = x, .kind = kind, .h = y.h, .w = y.w};
    run(imp_native_of(d), &job, pool_blocks, pool_plane);
    return IMP_OK;
}

imp_status imp_native_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x,
                                imp_tensor y, imp_pooling kind) {
    (void)y;
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2);
    assert(imp_native_alike(dx, x) && dy.layout == dx.layout);
    struct pooling job = {.out = dx, .dy = dy, .x = x, .kind = kind, .h = dy.h, .w = dy.w};
    if (dy.h == 0) /* no window at all */
        memset(imp_native_floats(dx), 0, imp_native_count(dx) * sizeof(float));
    run(imp_native_of(d), &job, unpool_blocks, unpool_plane);
    return IMP_OK;
}
