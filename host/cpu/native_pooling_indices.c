/* SPDX-License-Identifier: MIT
 *
 * Pooling indices in the cpu backend: one row of windows of one channel block at a time.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native.h"

struct indices_job {
    const imp_indices_kernels *kernels;
    imp_tensor indices, x, dy; /* unpool: x is dx */
    imp_pooling kind;
    size_t h, w; /* windows */
};

static float *row_of(imp_tensor t, size_t block, size_t row) {
    return imp_native_floats(t) + (block * t.h + row) * t.w * IMP_BLOCK;
}

static void indices_row(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct indices_job *job = context;
    const size_t block = chunk / job->h, row = chunk % job->h;
    job->kernels->pool(row_of(job->indices, block, row), row_of(job->x, block, 2 * row),
                       job->x.w * IMP_BLOCK, job->w, job->kind);
}

/* Rows and columns of dx that are in no window become 0. */
static void unpool_row(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct indices_job *job = context;
    const size_t block = chunk / job->h, row = chunk % job->h, width = job->x.w * IMP_BLOCK;
    float *dx = row_of(job->x, block, 2 * row);
    job->kernels->unpool(dx, row_of(job->dy, block, row), row_of(job->indices, block, row), width,
                         0, job->w, job->kind);
    if (job->x.w % 2)
        for (size_t r = 0; r < 2; r++)
            memset(dx + (r + 1) * width - IMP_BLOCK, 0, IMP_BLOCK * sizeof *dx);
    if (job->x.h % 2 && row + 1 == job->h)
        memset(dx + 2 * width, 0, width * sizeof *dx);
}

imp_status imp_native_pool_indices(imp_device *d, imp_tensor indices, imp_tensor x,
                                   imp_pooling kind) {
    imp_native *n = imp_native_of(d);
    assert(x.layout == IMP_MAPS && indices.layout == IMP_MAPS && indices.c == x.c);
    assert(indices.h == x.h / 2 && indices.w == imp_over(x.w / 2, IMP_INDICES));
    struct indices_job job = {.kernels = n->kernels->indices,
                              .indices = indices,
                              .x = x,
                              .kind = kind,
                              .h = x.h / 2,
                              .w = x.w / 2};
    imp_threads_run(n->threads, imp_native_blocks(x.c) * job.h, indices_row, &job);
    return IMP_OK;
}

imp_status imp_native_unpool(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                             imp_pooling kind) {
    imp_native *n = imp_native_of(d);
    assert(dx.layout == IMP_MAPS && dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2);
    assert(indices.c == dx.c && indices.h == dy.h && indices.w == imp_over(dy.w, IMP_INDICES));
    struct indices_job job = {.kernels = n->kernels->indices,
                              .indices = indices,
                              .x = dx,
                              .dy = dy,
                              .kind = kind,
                              .h = dy.h,
                              .w = dy.w};
    if (dy.h == 0) /* no window at all */
        memset(imp_native_floats(dx), 0, imp_native_count(dx) * sizeof(float));
    imp_threads_run(n->threads, imp_native_blocks(dx.c) * job.h, unpool_row, &job);
    return IMP_OK;
}
