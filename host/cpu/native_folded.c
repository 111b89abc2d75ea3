/* SPDX-License-Identifier: MIT
 *
 * Direct convolution to few outputs, such as the gradient of a picture's colours, which would fill
 * few lanes of a panel. So every tap of every output has its own lane. A row of inputs is
 * multiplied once for all lanes. The outputs then add up the lanes of their neighbours, from as
 * many finished rows as the filters are high; those rows form a ring.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

enum {
    SPACE_FLOATS =
        1 << 17, /* of an input row and the ring: half a megabyte, part of a second-level cache */
    WIDTH_MIN = 24,
    SHARE = 4, /* tiles for every thread, so that all finish at about the same time */
    TAPS_MAX = 2 * IMP_BLOCK
};

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
enum { FOUR = 4 };

struct folded {
    const imp_native *n;
    const imp_correlation *c;
    size_t height, width, across; /* output pixels of a tile; tiles side by side */
    size_t lanes;
};

/* One tile: its place and size in outputs, and its working space. */
struct tile {
    size_t row, column, rows, pixels;
    float *in, *ring; /* in: [channel block][pixel]; ring: [row][block of lanes][pixel] */
};

/* The floats of a row of inputs, and of a row of the ring. */
static size_t floats_in(const imp_correlation *c, size_t width) {
    return imp_native_blocks(c->x.c) * IMP_BLOCK * (width + c->taps.width - 1);
}

static size_t floats_out(const imp_correlation *c, size_t width) {
    return imp_taps_lanes(&c->taps) * (width + c->taps.width - 1);
}

static size_t floats_of(const imp_correlation *c, size_t width) {
    return floats_in(c, width) + c->taps.height * floats_out(c, width) + FOUR;
}

static struct folded folded_of(const imp_native *n, const imp_correlation *c) {
    size_t width = c->width;
    while (width > WIDTH_MIN && floats_of(c, width) > SPACE_FLOATS)
        width = imp_over(width, 2);
    struct folded job = {.n = n, .c = c, .width = width, .lanes = imp_taps_lanes(&c->taps)};
    if (c->height == 0 || c->width == 0)
        return job;
    job.across = imp_over(c->width, width);
    job.height = imp_over(c->height * job.across, SHARE * imp_threads_count(n->threads));
    job.height = imp_min(imp_max(job.height, 1), c->height);
    return job;
}

/* Multiplies row r of the tile's inputs into the ring. */
static void multiply_row(const struct folded *job, const struct tile *t, size_t r) {
    const imp_correlation *c = job->c;
    static const ptrdiff_t here = 0;
    const size_t pixels = t->pixels + c->taps.width - 1, group = job->n->kernels->group;
    const imp_patch patch = {.of = c,
                             .row = c->row + (ptrdiff_t)(t->row + r),
                             .column = c->column + (ptrdiff_t)t->column,
                             .rows = 1,
                             .columns = pixels,
                             .lane = pixels * IMP_BLOCK};
    for (size_t b = 0; b < imp_native_blocks(c->x.c); b++)
        imp_native_patch(job->n, t->in + b * patch.lane, &patch, b);
    float *out = t->ring + r % c->taps.height * job->lanes * pixels;
    for (size_t first = 0; first < job->lanes; first += group)
        job->n->kernels->panel(&(imp_panel){.x = t->in,
                                            .x_block = patch.lane,
                                            .channels = c->x.c,
                                            .taps = &here,
                                            .tap_count = 1,
                                            .w = (const float *)c->weights + first * c->taps.inputs,
                                            .group = imp_min(group, job->lanes - first),
                                            .y = out + first * pixels,
                                            .y_block = patch.lane,
                                            .pixels = pixels,
                                            .bias = imp_native_zeros});
}

/* Stores the outputs of a pixel, the first elements of `sum`, in y. */
static void place(const imp_correlation *c, four sum, size_t at) {
    float *y = imp_native_floats(c->y), pixel[IMP_BLOCK] = {0};
    for (size_t o = 0; o < c->taps.outputs; o++) {
        const float value = c->relu && sum[o] < 0 ? 0 : sum[o];
        if (c->y.layout == IMP_PLANES)
            y[o * c->y.h * c->y.w + at] = value;
        else
            pixel[o] = value;
    }
    if (c->y.layout == IMP_MAPS)
        memcpy(y + at * IMP_BLOCK, pixel, sizeof pixel);
}

/* Adds up row p of the tile's outputs from the ring. */
static void add_row(const struct folded *job, const struct tile *t, size_t p) {
    const imp_correlation *c = job->c;
    const size_t pixels = t->pixels + c->taps.width - 1, count = c->taps.height * c->taps.width;
    const size_t taps = imp_taps_of_block(&c->taps);
    const size_t at = (c->y_row + c->y_step * (t->row + p)) * c->y.w + c->y_column;
    const float *from[TAPS_MAX];
    for (size_t i = 0; i < count; i++)
        from[i] = t->ring + (p + i / c->taps.width) % c->taps.height * job->lanes * pixels +
                  (i / taps * pixels + i % c->taps.width) * IMP_BLOCK + i % taps * c->taps.outputs;
    for (size_t q = 0; q < t->pixels; q++) {
        four sum = *(const four *)c->bias;
        for (size_t i = 0; i < count; i++)
            sum += *(const four *)(from[i] + q * IMP_BLOCK);
        place(c, sum, at + c->y_step * (t->column + q));
    }
}

static void do_tile(void *context, size_t chunk, unsigned worker) {
    const struct folded *job = context;
    const imp_correlation *c = job->c;
    struct tile t = {.row = chunk / job->across * job->height,
                     .column = chunk % job->across * job->width,
                     .in = imp_native_space(job->n, worker)};
    t.rows = imp_min(job->height, c->height - t.row);
    t.pixels = imp_min(job->width, c->width - t.column);
    t.ring = t.in + floats_in(c, t.pixels);
    for (size_t r = 0; r + 1 < c->taps.height; r++)
        multiply_row(job, &t, r);
    for (size_t p = 0; p < t.rows; p++) {
        multiply_row(job, &t, p + c->taps.height - 1);
        add_row(job, &t, p);
    }
}

size_t imp_native_folded_space(const imp_native *n, const imp_correlation *c) {
    return floats_of(c, folded_of(n, c).width);
}

imp_status imp_native_folded(imp_native *n, const imp_correlation *c) {
    struct folded job = folded_of(n, c);
    assert(c->taps.fold && c->stride == 1);
    if (c->height == 0 || c->width == 0)
        return IMP_OK;
    TRY(imp_native_reserve(n, floats_of(c, job.width)));
    imp_threads_run(n->threads, job.across * imp_over(c->height, job.height), do_tile, &job);
    return IMP_OK;
}
