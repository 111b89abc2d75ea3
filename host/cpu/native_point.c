/* SPDX-License-Identifier: MIT
 *
 * 1 x 1 convolution of the cpu backend on maps: a product of matrices, without a copy, in which the
 * whole map is one row. Fused with a pooling, or with an unpooling in the gradient, it makes a few
 * windows at a time, whose pixels stay in the cache.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

/* Floats of a thread's pixels, where a pooling is fused. */
enum { PIXELS = 6 << 10 };

bool imp_native_point_takes(const imp_correlation *c) {
    const bool maps = c->x.layout == IMP_MAPS && c->y.layout == IMP_MAPS && !c->positive.memory;
    return maps && c->taps.height == 1 && c->taps.width == 1 && c->stride == 1 && c->y_step == 1 &&
           c->row == 0 && c->column == 0 && c->height == c->x.h && c->width == c->x.w &&
           c->height == c->y.h && c->width == c->y.w;
}

/* ---- fused with a pooling ---- */

struct point {
    const imp_native *n;
    const imp_correlation *c;
    size_t windows, across; /* in a stretch; stretches in a row */
};

/* Blocks of channels whose pixels are kept. */
static size_t kept_blocks(const imp_native *n, const imp_correlation *c) {
    return c->fused == IMP_FUSED_UNPOOL ? imp_native_blocks(c->taps.inputs)
                                        : n->kernels->group / IMP_BLOCK;
}

/* The windows of a stretch: whole elements of the indices. */
static size_t windows_of(const imp_native *n, const imp_correlation *c) {
    const size_t fit = PIXELS / (4 * kept_blocks(n, c) * IMP_BLOCK);
    return imp_max(fit / IMP_INDICES, 1) * IMP_INDICES;
}

/* The panel for the group of outputs from `first` on. */
static imp_panel panel_of(const struct point *job, size_t first) {
    static const ptrdiff_t here = 0;
    const imp_correlation *c = job->c;
    const size_t outputs = imp_native_blocks(c->taps.outputs) * IMP_BLOCK;
    return (imp_panel){.channels = c->taps.inputs,
                       .taps = &here,
                       .tap_count = 1,
                       .w = (const float *)c->weights + first * c->taps.inputs,
                       .group = imp_min(job->n->kernels->group, outputs - first),
                       .bias = c->bias + first,
                       .relu = c->relu};
}

/* Makes two rows of pixels for each group of outputs, and pools them. */
static void pool_stretch(void *context, size_t chunk, unsigned worker) {
    const struct point *job = context;
    const imp_correlation *c = job->c;
    const size_t row = chunk / job->across, first = chunk % job->across * job->windows;
    const size_t windows = imp_min(job->windows, c->y.w - first), line = 2 * windows * IMP_BLOCK;
    const size_t outputs = imp_native_blocks(c->taps.outputs) * IMP_BLOCK;
    float *space = imp_native_space(job->n, worker);
    for (size_t o = 0; o < outputs; o += job->n->kernels->group) {
        imp_panel panel = panel_of(job, o);
        panel.x_block = c->x.h * c->x.w * IMP_BLOCK;
        panel.y_block = 2 * line;
        panel.pixels = 2 * windows;
        for (size_t r = 0; r < 2; r++) {
            panel.x = imp_native_floats(c->x) + ((2 * row + r) * c->x.w + 2 * first) * IMP_BLOCK;
            panel.y = space + r * line;
            job->n->kernels->panel(&panel);
        }
        for (size_t b = 0; b < panel.group / IMP_BLOCK; b++)
            imp_native_pool_row(job->n, c, o / IMP_BLOCK + b, row, first, windows,
                                space + b * 2 * line, line);
    }
}

/* Unpools the windows from `first` on, for all inputs, to two rows of `pixels` pixels; the last
 * pixel may be in no window. */
static void unpool(const struct point *job, float *space, size_t row, size_t first, size_t pixels) {
    const imp_tensor *dy = &job->c->x, *indices = &job->c->indices;
    const size_t line = pixels * IMP_BLOCK, windows = pixels / 2;
    for (size_t b = 0; b < imp_native_blocks(dy->c); b++, space += 2 * line) {
        const float *from = imp_native_floats(*dy) + (b * dy->h + row) * dy->w * IMP_BLOCK;
        const float *by =
            imp_native_floats(*indices) + (b * indices->h + row) * indices->w * IMP_BLOCK;
        job->n->kernels->indices->unpool(space, from, by, line, first, windows, job->c->pooling);
        for (size_t r = 1; r <= 2 && pixels % 2; r++)
            memset(space + r * line - IMP_BLOCK, 0, IMP_BLOCK * sizeof *space);
    }
}

/* Unpools two rows of pixels of all inputs, then makes all outputs there. A single last row is in
 * no window. */
static void unpool_stretch(void *context, size_t chunk, unsigned worker) {
    const struct point *job = context;
    const imp_correlation *c = job->c;
    const size_t row = chunk / job->across, first = chunk % job->across * job->windows;
    const size_t rows = imp_min(2, c->height - 2 * row);
    const size_t pixels = imp_min(2 * job->windows, c->width - 2 * first);
    const size_t outputs = imp_native_blocks(c->taps.outputs) * IMP_BLOCK;
    const size_t plane = c->y.h * c->y.w;
    float *space = imp_native_space(job->n, worker);
    if (rows == 2)
        unpool(job, space, row, first, pixels);
    else
        memset(space, 0, 2 * imp_native_blocks(c->x.c) * pixels * IMP_BLOCK * sizeof *space);
    for (size_t o = 0; o < outputs; o += job->n->kernels->group) {
        imp_panel panel = panel_of(job, o);
        panel.x_block = 2 * pixels * IMP_BLOCK;
        panel.y_block = plane * IMP_BLOCK;
        panel.pixels = pixels;
        for (size_t r = 0; r < rows; r++) {
            panel.x = space + r * pixels * IMP_BLOCK;
            panel.y = imp_native_floats(c->y) + o * plane +
                      ((2 * row + r) * c->y.w + 2 * first) * IMP_BLOCK;
            job->n->kernels->panel(&panel);
        }
    }
}

static void run_windows(imp_native *n, const imp_correlation *c) {
    struct point job = {.n = n, .c = c, .windows = windows_of(n, c)};
    const bool pool = c->fused == IMP_FUSED_POOL;
    const size_t rows = pool ? c->y.h : imp_over(c->height, 2);
    job.across = imp_over(pool ? c->y.w : imp_over(c->width, 2), job.windows);
    imp_threads_run(n->threads, rows * job.across, pool ? pool_stretch : unpool_stretch, &job);
}

/* ---- the correlation ---- */

size_t imp_native_point_space(const imp_native *n, const imp_correlation *c) {
    return 4 * kept_blocks(n, c) * windows_of(n, c) * IMP_BLOCK;
}

imp_status imp_native_point(imp_native *n, const imp_correlation *c) {
    const size_t pixels = c->height * c->width;
    if (c->fused != IMP_FUSED_NONE) {
        TRY(imp_native_reserve(n, imp_native_point_space(n, c)));
        run_windows(n, c);
        return IMP_OK;
    }
    imp_native_product(n, &(imp_product){.x = imp_native_floats(c->x),
                                         .weights = c->weights,
                                         .y = imp_native_floats(c->y),
                                         .x_block = pixels * IMP_BLOCK,
                                         .y_block = pixels * IMP_BLOCK,
                                         .inputs = c->x.c,
                                         .outputs = c->taps.outputs,
                                         .pixels = pixels,
                                         .bias = c->bias,
                                         .relu = c->relu});
    return IMP_OK;
}
