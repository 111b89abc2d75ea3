/* SPDX-License-Identifier: MIT
 *
 * Convolution of the cpu backend: filters, and either direction as correlations.
 * native_conv_choice.c chooses the algorithm.
 */
#include "cpu/native_conv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum direction { FORWARD, BACK, DIRECTIONS };

struct imp_filter {
    imp_conv conv;
    const float *weights;          /* O x I x K x K; borrowed */
    imp_memory spare;              /* holds bias and zeros; owned, like all below */
    float *bias, *zeros;           /* padded to whole groups */
    imp_memory direct[DIRECTIONS]; /* taps, packed on first use */
    imp_memory winograd[DIRECTIONS];
};

static size_t padded(size_t outputs) {
    return imp_over(outputs, 2 * IMP_BLOCK) * 2 * IMP_BLOCK;
}

static float *floats_of(const imp_memory *memory) {
    return (float *)(void *)memory->bytes;
}

imp_status imp_native_filter_open(imp_device *d, imp_filter **out, const imp_conv *conv,
                                  const float *weights, const float *bias) {
    imp_native *n = imp_native_of(d);
    imp_filter *filter = calloc(1, sizeof *filter);
    const size_t outputs = padded(conv->out), inputs = padded(conv->in);
    const size_t bytes = (outputs + inputs) * sizeof(float);
    imp_memory spare;
    if (!filter || !imp_native_take(n, &spare, bytes)) {
        free(filter);
        return imp_fail(&d->error, IMP_ERR_MEMORY, "device 'cpu': no memory for filters");
    }
    memset(spare.bytes, 0, bytes);
    *filter = (imp_filter){.conv = *conv, .weights = weights, .spare = spare};
    filter->bias = floats_of(&spare);
    filter->zeros = filter->bias + outputs;
    if (bias)
        memcpy(filter->bias, bias, conv->out * sizeof *bias);
    *out = filter;
    return IMP_OK;
}

void imp_native_filter_close(imp_device *d, imp_filter *filter) {
    imp_native *n = imp_native_of(d);
    if (!filter)
        return;
    for (int i = 0; i < DIRECTIONS; i++) {
        imp_native_drop(n, &filter->direct[i]);
        imp_native_drop(n, &filter->winograd[i]);
    }
    imp_native_drop(n, &filter->spare);
    free(filter);
}

/* ---- taps ---- */

/* The forward filters. */
static imp_taps taps_forward(const imp_filter *f) {
    const size_t k = f->conv.kernel, in = f->conv.in;
    imp_taps taps = {.at = f->weights,
                     .outputs = f->conv.out,
                     .inputs = in,
                     .height = k,
                     .width = k,
                     .o_step = (ptrdiff_t)(in * k * k),
                     .i_step = (ptrdiff_t)(k * k),
                     .a_step = (ptrdiff_t)k,
                     .b_step = 1};
    taps.fold = imp_taps_fold(&taps, f->conv.stride);
    return taps;
}

/* The filters for the gradient at padded positions with remainders (r, s) by the stride: every
 * stride-th tap from (r, s) on, in reverse order. */
static imp_taps taps_back(const imp_filter *f, size_t r, size_t s) {
    const size_t k = f->conv.kernel, stride = f->conv.stride, in = f->conv.in;
    const size_t height = imp_over(k - imp_min(r, k), stride);
    const size_t width = imp_over(k - imp_min(s, k), stride);
    imp_taps taps = {.at = f->weights,
                     .outputs = in,
                     .inputs = f->conv.out,
                     .height = height,
                     .width = width,
                     .o_step = (ptrdiff_t)(k * k),
                     .i_step = (ptrdiff_t)(in * k * k),
                     .a_step = -(ptrdiff_t)(stride * k),
                     .b_step = -(ptrdiff_t)stride};
    taps.fold = imp_taps_fold(&taps, 1);
    if (height > 0 && width > 0)
        taps.at += (r + stride * (height - 1)) * k + s + stride * (width - 1);
    return taps;
}

/* ---- prepared filters ---- */

static imp_status reserve(imp_native *n, imp_memory *to, size_t bytes) {
    if (imp_native_take(n, to, bytes))
        return IMP_OK;
    return imp_fail(&n->base.error, IMP_ERR_MEMORY,
                    "device 'cpu': no memory for %zu MiB of prepared filters: choose a smaller "
                    "network",
                    bytes >> 20);
}

/* The bytes of `count` packed sets of taps. */
static size_t packed(const imp_taps *taps, size_t count) {
    size_t floats = 0;
    for (size_t i = 0; i < count; i++)
        floats += imp_native_packed(&taps[i]);
    return floats * sizeof(float);
}

/* Packs the taps into *to, one set after another, on first use. */
static imp_status prepare_direct(imp_native *n, imp_memory *to, const imp_taps *taps,
                                 size_t count) {
    if (to->bytes)
        return IMP_OK;
    TRY(reserve(n, to, packed(taps, count)));
    float *next = floats_of(to);
    for (size_t i = 0; i < count; next += imp_native_packed(&taps[i++]))
        imp_native_pack(n, next, &taps[i]);
    return IMP_OK;
}

/* Runs the correlation by Winograd's algorithm; prepares its filters on first use. */
static imp_status run_winograd(imp_native *n, imp_memory *weights, imp_correlation job,
                               size_t tiles) {
    job.tiles = tiles;
    if (!weights->bytes) {
        TRY(reserve(n, weights, imp_native_winograd_packed(&job.taps, job.half)));
        imp_native_winograd_pack(n, weights->bytes, &job.taps, job.half);
    }
    job.weights = weights->bytes;
    return imp_native_winograd_conv(n, &job);
}

/* ---- forward ---- */

static imp_correlation forward(const imp_filter *filter, imp_tensor y, imp_tensor x) {
    const imp_conv *c = &filter->conv;
    return (imp_correlation){.x = x,
                             .y = y,
                             .padding = c->padding,
                             .row = -(ptrdiff_t)c->before,
                             .column = -(ptrdiff_t)c->before,
                             .stride = c->stride,
                             .height = y.h,
                             .width = y.w,
                             .y_step = 1,
                             .taps = taps_forward(filter),
                             .half = c->half,
                             .bias = filter->bias,
                             .relu = c->relu};
}

imp_status imp_native_conv(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    imp_native *n = imp_native_of(d);
    assert(x.c == filter->conv.in && y.c == filter->conv.out);
    assert(y.h == imp_conv_side(&filter->conv, x.h) && y.w == imp_conv_side(&filter->conv, x.w));
    imp_correlation job = forward(filter, y, x);
    const size_t tiles = imp_native_algorithm_of(d, &filter->conv, y, false, &job)->tiles;
    if (tiles > 0)
        return run_winograd(n, &filter->winograd[FORWARD], job, tiles);
    TRY(prepare_direct(n, &filter->direct[FORWARD], &job.taps, 1));
    job.weights = floats_of(&filter->direct[FORWARD]);
    return imp_native_direct(n, &job);
}

/* ---- back ---- */

enum { STRIDE_MAX = 2 };

/* A gradient: from dy, through the ReLU whose output is y. */
struct gradient {
    imp_native *n;
    imp_filter *filter;
    imp_tensor dy, y;
};

/* The correlation that makes dx, the gradient from padded position (row, column) on, at positions
 * with remainders (r, s) by the stride. */
static imp_correlation back(const imp_filter *filter, imp_tensor dx, imp_tensor dy, size_t row,
                            size_t column, size_t r, size_t s) {
    const size_t stride = filter->conv.stride;
    const imp_taps taps = taps_back(filter, r, s);
    const size_t top = (r + stride - row % stride) % stride;
    const size_t left = (s + stride - column % stride) % stride;
    return (imp_correlation){.x = dy,
                             .y = dx,
                             .padding = IMP_PAD_ZERO,
                             .row = (ptrdiff_t)((row + top) / stride) - (ptrdiff_t)taps.height + 1,
                             .column =
                                 (ptrdiff_t)((column + left) / stride) - (ptrdiff_t)taps.width + 1,
                             .stride = 1,
                             .height = imp_over(dx.h - imp_min(top, dx.h), stride),
                             .width = imp_over(dx.w - imp_min(left, dx.w), stride),
                             .y_row = top,
                             .y_column = left,
                             .y_step = stride,
                             .taps = taps,
                             .half = filter->conv.half,
                             .bias = filter->zeros};
}

/* dx = the gradient at padded positions from (row, column) on. */
static imp_status grad_region(const struct gradient *g, imp_tensor dx, size_t row, size_t column) {
    const size_t stride = g->filter->conv.stride;
    imp_correlation parts[STRIDE_MAX * STRIDE_MAX];
    imp_taps taps[STRIDE_MAX * STRIDE_MAX];
    assert(stride <= STRIDE_MAX);
    for (size_t i = 0; i < stride * stride; i++) {
        parts[i] = back(g->filter, dx, g->dy, row, column, i / stride, i % stride);
        parts[i].positive = g->y;
        taps[i] = parts[i].taps;
    }
    const size_t tiles =
        imp_native_algorithm_of(&g->n->base, &g->filter->conv, g->dy, true, &parts[0])->tiles;
    if (tiles > 0)
        return run_winograd(g->n, &g->filter->winograd[BACK], parts[0], tiles);
    TRY(prepare_direct(g->n, &g->filter->direct[BACK], taps, stride * stride));
    const float *weights = floats_of(&g->filter->direct[BACK]);
    for (size_t i = 0; i < stride * stride; weights += imp_native_packed(&taps[i++])) {
        parts[i].weights = weights;
        TRY(imp_native_direct(g->n, &parts[i]));
    }
    return IMP_OK;
}

/* A rectangle of the border's gradient, which begins at padded position (row, column). */
struct fold {
    const imp_conv *conv;
    imp_tensor dx, border;
    size_t row, column;
};

/* Adds a channel block or plane of the border to the positions that the border shows. */
static void fold_channels(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct fold *job = context;
    const imp_tensor *dx = &job->dx, *border = &job->border;
    const size_t width = dx->layout == IMP_MAPS ? IMP_BLOCK : 1;
    const ptrdiff_t before = (ptrdiff_t)job->conv->before;
    const float *from = imp_native_floats(*border) + chunk * border->h * border->w * width;
    float *to = imp_native_floats(*dx) + chunk * dx->h * dx->w * width;
    for (size_t p = 0; p < border->h; p++) {
        const ptrdiff_t y =
            imp_native_source(job->conv->padding, (ptrdiff_t)(job->row + p) - before, dx->h);
        for (size_t q = 0; q < border->w; q++, from += width) {
            const ptrdiff_t x =
                imp_native_source(job->conv->padding, (ptrdiff_t)(job->column + q) - before, dx->w);
            float *pixel = to + ((size_t)y * dx->w + (size_t)x) * width;
            for (size_t l = 0; l < width; l++)
                pixel[l] += from[l];
        }
    }
}

/* Adds the gradient of the h x w rectangle of the border at (row, column) to dx. */
static imp_status fold_border(const struct gradient *g, imp_tensor dx, size_t row, size_t column,
                              size_t h, size_t w) {
    imp_tensor border = {.c = dx.c, .h = h, .w = w, .layout = dx.layout};
    if (h == 0 || w == 0)
        return IMP_OK;
    if (!imp_native_shared(g->n, imp_native_count(border)))
        return IMP_ERR_MEMORY;
    border.memory = &g->n->shared;
    TRY(grad_region(g, border, row, column));
    struct fold job = {&g->filter->conv, dx, border, row, column};
    imp_threads_run(g->n->threads, dx.layout == IMP_MAPS ? imp_native_blocks(dx.c) : dx.c,
                    fold_channels, &job);
    return IMP_OK;
}

imp_status imp_native_conv_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                                imp_filter *filter) {
    const imp_conv *c = &filter->conv;
    const struct gradient g = {imp_native_of(d), filter, dy, c->relu ? y : (imp_tensor){0}};
    assert(dx.c == c->in && dy.c == c->out);
    assert(dy.h == imp_conv_side(c, dx.h) && dy.w == imp_conv_side(c, dx.w));
    assert(!c->relu || !y.memory || imp_native_alike(y, dy));
    TRY(grad_region(&g, dx, c->before, c->before));
    if (c->padding == IMP_PAD_ZERO)
        return IMP_OK;
    const size_t width = dx.w + c->before + c->after;
    TRY(fold_border(&g, dx, 0, 0, c->before, width));
    TRY(fold_border(&g, dx, c->before + dx.h, 0, c->after, width));
    TRY(fold_border(&g, dx, c->before, 0, dx.h, c->before));
    return fold_border(&g, dx, c->before, c->before + dx.w, dx.h, c->after);
}

imp_correlation imp_native_job(imp_tensor y, imp_tensor x, const imp_filter *filter,
                               bool gradient) {
    const size_t before = filter->conv.before;
    return gradient ? back(filter, y, x, before, before, 0, 0) : forward(filter, y, x);
}

const imp_conv *imp_native_conv_of(const imp_filter *filter) {
    return &filter->conv;
}

/* ---- fused with a pooling ---- */

void imp_native_pool_row(const imp_native *n, const imp_correlation *c, size_t block, size_t row,
                         size_t first, size_t windows, const float *x, size_t x_row) {
    const imp_tensor *y = &c->y, *indices = &c->indices;
    const size_t at = (block * y->h + row) * y->w + first;
    const size_t by = (block * indices->h + row) * indices->w + first / IMP_INDICES;
    n->kernels->vector->pool(imp_native_floats(*y) + at * IMP_BLOCK, x, x_row, windows, c->pooling);
    n->kernels->indices->pool(imp_native_floats(*indices) + by * IMP_BLOCK, x, x_row, windows,
                              c->pooling);
}

/* Runs a job for which imp_native_fuses_pool was true. map: the shape of the convolution's output.
 */
static imp_status run_fused(imp_native *n, imp_filter *filter, enum direction direction,
                            imp_correlation *job, imp_tensor map) {
    if (filter->conv.kernel == 1) {
        TRY(prepare_direct(n, &filter->direct[direction], &job->taps, 1));
        job->weights = floats_of(&filter->direct[direction]);
        return imp_native_point(n, job);
    }
    const size_t tiles =
        imp_native_algorithm_of(&n->base, &filter->conv, map, direction == BACK, job)->tiles;
    /* tiles is 0 if direct has been chosen since */
    return run_winograd(n, &filter->winograd[direction], *job,
                        tiles > 0 ? tiles : IMP_NATIVE_TILES_FUSED);
}

imp_status imp_native_conv_pool(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor x,
                                imp_filter *filter, imp_pooling kind) {
    imp_tensor map = y;
    map.h = imp_conv_side(&filter->conv, x.h), map.w = imp_conv_side(&filter->conv, x.w);
    imp_correlation job = forward(filter, map, x);
    assert(y.c == filter->conv.out && y.h == map.h / 2 && y.w == map.w / 2);
    assert(indices.c == y.c && indices.h == y.h && indices.w == imp_over(y.w, IMP_INDICES));
    job.y = y, job.indices = indices, job.pooling = kind, job.fused = IMP_FUSED_POOL;
    return run_fused(imp_native_of(d), filter, FORWARD, &job, map);
}

imp_status imp_native_conv_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy,
                                     imp_tensor indices, imp_filter *filter, imp_pooling kind) {
    const size_t before = filter->conv.before;
    imp_tensor map = dy;
    map.h = imp_conv_side(&filter->conv, dx.h), map.w = imp_conv_side(&filter->conv, dx.w);
    imp_correlation job = back(filter, dx, map, before, before, 0, 0);
    assert(dy.c == filter->conv.out && dy.h == map.h / 2 && dy.w == map.w / 2);
    assert(indices.c == dy.c && indices.h == dy.h && indices.w == imp_over(dy.w, IMP_INDICES));
    job.x = dy, job.indices = indices, job.pooling = kind, job.fused = IMP_FUSED_UNPOOL;
    return run_fused(imp_native_of(d), filter, BACK, &job, map);
}

/* ---- memory ---- */

/* The borders of reflect and replicate padding, which are made separately, are not counted. */
void imp_native_workspace(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                          bool backward, size_t *filters, size_t *work) {
    const imp_native *n = (const imp_native *)d;
    const size_t stride = filter->conv.stride;
    imp_taps taps[STRIDE_MAX * STRIDE_MAX];
    imp_correlation job = imp_native_job(y, x, filter, backward);
    size_t count = 1, space;
    taps[0] = job.taps;
    if (backward) {
        count = stride * stride;
        for (size_t i = 0; i < count; i++)
            taps[i] = taps_back(filter, i / stride, i % stride);
    }
    job.tiles = imp_native_algorithm_of(d, &filter->conv, backward ? x : y, backward, &job)->tiles;
    if (job.tiles > 0) {
        *filters = imp_native_winograd_packed(&job.taps, job.half);
        space = imp_native_winograd_space(n, &job);
    } else {
        *filters = packed(taps, count);
        space = imp_native_direct_space(n, &job, backward && filter->conv.relu);
    }
    if (imp_native_fuses_pool(d, y, x, filter, backward)) { /* with other strips */
        job.fused = backward ? IMP_FUSED_UNPOOL : IMP_FUSED_POOL;
        space = imp_max(space, job.tiles > 0 ? imp_native_winograd_space(n, &job)
                                             : imp_native_point_space(n, &job));
    }
    *work = imp_threads_count(n->threads) * space * sizeof(float);
}
