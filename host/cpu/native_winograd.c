/* SPDX-License-Identifier: MIT
 *
 * 3 x 3 convolution, stride 1, by Winograd's F(4x4,3x3) (Lavin and Gray 2016): for a tile of 4 x 4
 * outputs, 36 products for each pair of channels instead of 144. With filters g and the 6 x 6
 * inputs d, y = A^T [ (G g G^T) . (B^T d B) ] A. The sum over input channels is taken inside the
 * brackets, as 36 products of matrices.
 *
 * The matrices (imp_native_f4x4) belong to the polynomial points 0, a, -a, 2a, -2a and infinity.
 * Here a = sqrt(1/2); with the usual a = 1 the rounding error is five times as large, and the
 * transforms cost the same.
 *
 * The output is cut into strips of tiles. One thread takes a strip through all three steps, so its
 * transformed inputs and products stay in the caches and no step waits for another thread.
 */
#include <assert.h>
#include <math.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/pages.h"
#include "cpu/native_conv.h"

enum {
    SIDE = IMP_WINOGRAD_SIDE,
    OUT = IMP_NATIVE_TILE,
    POINTS = SIDE * SIDE,
    TILES_HIGH = 3,  /* of a strip, at least if it can be: strips share rows of inputs */
    TILES_WIDE = 32, /* of a strip, at most */
    TILES_INDICES = IMP_INDICES * 2 / OUT, /* side by side, whose indices share an element */
    TRANSFORM = 2 /* the cost of transforming a strip's inputs, in groups of channels */
};

#define A 0.70710678118654752440 /* sqrt(1/2) */
const imp_winograd imp_native_f4x4 = {.out = OUT,
                                      .at = {{1, 1, 1, 1, 1, 0},
                                             {0, A, -A, 2 * A, -2 * A, 0},
                                             {0, 0.5, 0.5, 2, 2, 0},
                                             {0, A / 2, -A / 2, 4 * A, -4 * A, 1}},
                                      .g = {{1, 0, 0},
                                            {-2. / 3, -2 * A / 3, -1. / 3},
                                            {-2. / 3, 2 * A / 3, -1. / 3},
                                            {1. / 6, A / 3, 1. / 3},
                                            {1. / 6, -A / 3, 1. / 3},
                                            {0, 0, 1}},
                                      .bt = {{1, 0, -2.5, 0, 1, 0},
                                             {0, -2 * A, -2, A, 1, 0},
                                             {0, 2 * A, -2, -A, 1, 0},
                                             {0, -A, -0.5, 2 * A, 1, 0},
                                             {0, A, -0.5, -2 * A, 1, 0},
                                             {0, 1, 0, -2.5, 0, 1}}};
#undef A

static size_t tiles_of(size_t n) {
    return imp_over(n, OUT);
}

/* ---- filters ---- */

/* The number of filters of one point: [group][input][output]. */
static size_t point_filters(const imp_taps *t) {
    return imp_native_blocks(t->outputs) * IMP_BLOCK * t->inputs;
}

static size_t filter_bytes(bool half) {
    return half ? sizeof(uint16_t) : sizeof(float);
}

size_t imp_native_winograd_packed(const imp_taps *taps, bool half) {
    return POINTS * point_filters(taps) * filter_bytes(half);
}

/* u[p] = (G g G^T)[p], in double; g: taps' filter from input i to output o. */
static void transform_filter(float u[POINTS], const imp_taps *taps, size_t o, size_t i) {
    const double(*g)[3] = imp_native_f4x4.g;
    const float *w = taps->at + (ptrdiff_t)o * taps->o_step + (ptrdiff_t)i * taps->i_step;
    double half[SIDE][3];
    for (size_t r = 0; r < SIDE; r++)
        for (ptrdiff_t b = 0; b < 3; b++)
            half[r][b] = g[r][0] * (double)w[b * taps->b_step] +
                         g[r][1] * (double)w[taps->a_step + b * taps->b_step] +
                         g[r][2] * (double)w[2 * taps->a_step + b * taps->b_step];
    for (size_t r = 0; r < SIDE; r++)
        for (size_t s = 0; s < SIDE; s++)
            u[r * SIDE + s] =
                (float)(half[r][0] * g[s][0] + half[r][1] * g[s][1] + half[r][2] * g[s][2]);
}

/* Rounds to a half. Below 2^-14 halves are multiples of 2^-24. Above, the exponent is a float's
 * less 112, and the fraction its upper 10 bits; rounding may carry into the exponent. */
static uint16_t half_of(float value) {
    const float size = fminf(fabsf(value), 65504);
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    uint32_t bits;
    if (size < 0x1p-14f)
        return sign | (uint16_t)lrintf(size * 0x1p24f);
    memcpy(&bits, &size, sizeof bits);
    bits += 0xfff + (bits >> 13 & 1);
    return sign | (uint16_t)((bits >> 13) - (112 << 10));
}

struct packing {
    void *to;
    const imp_taps *taps;
    size_t group;
    bool half;
};

static void pack_group(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct packing *job = context;
    const imp_taps *t = job->taps;
    const size_t first = chunk * job->group, step = point_filters(t);
    const size_t width = imp_min(job->group, imp_native_blocks(t->outputs) * IMP_BLOCK - first);
    size_t at = first * t->inputs;
    for (size_t i = 0; i < t->inputs; i++)
        for (size_t o = first; o < first + width; o++, at++) {
            float u[POINTS] = {0};
            if (o < t->outputs)
                transform_filter(u, t, o, i);
            for (size_t p = 0; p < POINTS; p++)
                if (job->half)
                    ((uint16_t *)job->to)[at + p * step] = half_of(u[p]);
                else
                    ((float *)job->to)[at + p * step] = u[p];
        }
}

void imp_native_winograd_pack(imp_native *n, void *to, const imp_taps *taps, bool half) {
    struct packing job = {to, taps, n->kernels->group, half};
    imp_threads_run(n->threads, imp_over(taps->outputs, job.group), pack_group, &job);
}

/* ---- strips ---- */

struct winograd {
    const imp_native *n;
    const imp_correlation *c;
    size_t high, wide;     /* tiles of a strip */
    size_t strips, across; /* in all; side by side */
    size_t groups, parts;  /* of channels; chunks that the groups are divided into */
    size_t v, m, space;    /* floats of the three parts of the working space */
};

/* One strip: its place and size in tiles, its output channels in blocks. The distances v_step and
 * m_step between points are no multiples of a cache's period. */
struct strip {
    size_t row, column, high, wide, tiles, first_block, blocks;
    size_t v_step, m_step;
    float *v, *m, *space;
};

/* Zeros, as many as a row of a strip reads. */
alignas(IMP_ALIGNMENT) static const float nothing[(TILES_WIDE * OUT + SIDE - OUT) * IMP_BLOCK];

static size_t step_of(size_t blocks, size_t tiles) {
    return (blocks * tiles + 1) * IMP_BLOCK;
}

/* The pixels of x that a row of tiles reads. */
static size_t reach(size_t tiles) {
    return tiles * OUT + SIDE - OUT;
}

/* Fills the pixels of the space outside of first..last-1: with zeros, or, where padding repeats x,
 * with the pixel that it repeats. left: the position in x where the space begins. */
static void pad_columns(const struct winograd *job, const struct strip *s, ptrdiff_t left,
                        size_t first, size_t last) {
    const size_t pixels = reach(s->wide), row = pixels * IMP_BLOCK;
    for (size_t q = 0; q < pixels; q++) {
        if (q >= first && q < last)
            continue;
        const ptrdiff_t at = left + (ptrdiff_t)q;
        const ptrdiff_t from = imp_native_source(job->c->padding, at, job->c->x.w) - left;
        const bool there = from >= (ptrdiff_t)first && from < (ptrdiff_t)last;
        for (size_t i = 0; i < SIDE; i++) {
            float *to = s->space + i * row;
            memcpy(to + q * IMP_BLOCK, there ? to + from * IMP_BLOCK : nothing,
                   IMP_BLOCK * sizeof *to);
        }
    }
}

/* transform_columns for the gradient of a pooled map, which is unpooled. The space begins one pixel
 * further left, with a window. */
static void unpool_columns(const struct winograd *job, const struct strip *s, size_t b, size_t r) {
    const imp_tensor *dy = &job->c->x, *indices = &job->c->indices;
    const ptrdiff_t top = (ptrdiff_t)(2 * (s->row + r)) - 1, left = (ptrdiff_t)(2 * s->column) - 1;
    const size_t windows = reach(s->wide) / 2 + 1, row = 2 * windows * IMP_BLOCK;
    const size_t first = left < 0, last = imp_min(windows, (size_t)((ptrdiff_t)dy->w - left));
    const float *from[SIDE / 2 + 1], *by[SIDE / 2 + 1];
    for (ptrdiff_t i = 0; i <= SIDE / 2; i++) {
        const bool there = top + i >= 0 && top + i < (ptrdiff_t)dy->h;
        const size_t line = b * dy->h + (there ? (size_t)(top + i) : 0);
        from[i] = imp_native_floats(*dy) + line * dy->w * IMP_BLOCK;
        by[i] = there ? imp_native_floats(*indices) + line * indices->w * IMP_BLOCK : NULL;
    }
    job->n->kernels->winograd->unpool_columns(s->space + 2 * first * IMP_BLOCK, row, from, by,
                                              (size_t)(left + (ptrdiff_t)first), last - first,
                                              job->c->pooling);
    for (size_t i = 0; i < SIDE; i++) {
        float *to = s->space + i * row;
        memset(to, 0, 2 * first * IMP_BLOCK * sizeof *to);
        memset(to + 2 * last * IMP_BLOCK, 0, 2 * (windows - last) * IMP_BLOCK * sizeof *to);
    }
}

/* Fills the space with the inputs of row r of the strip's tiles in channel block b, transformed by
 * columns. */
static void transform_columns(const struct winograd *job, const struct strip *s, size_t b,
                              size_t r) {
    const imp_correlation *c = job->c;
    const imp_tensor *x = &c->x;
    const ptrdiff_t top = c->row + (ptrdiff_t)((s->row + r) * OUT), w = (ptrdiff_t)x->w;
    const ptrdiff_t left = c->column + (ptrdiff_t)(s->column * OUT);
    const size_t pixels = reach(s->wide), first = left < 0 ? imp_min(pixels, (size_t)-left) : 0;
    const size_t last = imp_max(first, left < w ? imp_min(pixels, (size_t)(w - left)) : 0);
    const float *d[SIDE], *positive[SIDE];
    for (size_t i = 0; i < SIDE; i++) {
        const ptrdiff_t y = imp_native_source(c->padding, top + (ptrdiff_t)i, x->h);
        const size_t at = ((b * x->h + (size_t)y) * x->w + (size_t)left + first) * IMP_BLOCK;
        d[i] = y < 0 ? nothing : imp_native_floats(*x) + at;
        positive[i] = y < 0 || !c->positive.memory ? nothing : imp_native_floats(c->positive) + at;
    }
    if (first < last)
        job->n->kernels->winograd->columns(s->space + first * IMP_BLOCK, pixels * IMP_BLOCK, d,
                                           c->positive.memory ? positive : NULL,
                                           (last - first) * IMP_BLOCK);
    pad_columns(job, s, left, first, last);
}

/* v[point][channel block][tile]: the transformed inputs. */
static void transform_inputs(const struct winograd *job, const struct strip *s) {
    const bool unpool = job->c->fused == IMP_FUSED_UNPOOL;
    const size_t more = unpool; /* pixels on each side of the space */
    for (size_t b = 0; b < imp_native_blocks(job->c->x.c); b++)
        for (size_t r = 0; r < s->high; r++) {
            (unpool ? unpool_columns : transform_columns)(job, s, b, r);
            job->n->kernels->winograd->rows(s->v + (b * s->tiles + r * s->wide) * IMP_BLOCK,
                                            s->v_step, s->space + more * IMP_BLOCK,
                                            (reach(s->wide) + 2 * more) * IMP_BLOCK, s->wide);
        }
}

/* m[point][channel block of the part][tile]: the sums over input channels. Meanwhile it prefetches
 * the filters of the next group and a share of the next point's inputs. */
static void multiply(const struct winograd *job, const struct strip *s) {
    const imp_correlation *c = job->c;
    static const ptrdiff_t here = 0;
    const size_t group = job->n->kernels->group / IMP_BLOCK, tiles = s->tiles * IMP_BLOCK;
    const size_t share = s->v_step / imp_over(s->blocks, group) / IMP_BLOCK * IMP_BLOCK;
    imp_panel panel = {.x_block = tiles,
                       .channels = c->x.c,
                       .half = c->half,
                       .taps = &here,
                       .tap_count = 1,
                       .y_block = tiles,
                       .pixels = s->tiles,
                       .bias = imp_native_zeros};
    for (size_t p = 0; p < POINTS; p++) {
        panel.x = s->v + p * s->v_step;
        for (size_t b = 0; b < s->blocks; b += group) {
            panel.group = imp_min(group, s->blocks - b) * IMP_BLOCK;
            const size_t filters = panel.group * c->taps.inputs * filter_bytes(c->half);
            const char *w =
                (const char *)c->weights +
                filter_bytes(c->half) * (p * point_filters(&c->taps) +
                                         (s->first_block + b) * IMP_BLOCK * c->taps.inputs);
            panel.w = w;
            panel.y = s->m + p * s->m_step + b * tiles;
            panel.ahead[0] = (imp_ahead){w + filters, filters};
            panel.ahead[1] =
                (imp_ahead){panel.x + s->v_step + b / group * share, share * sizeof(float)};
            if (p + 1 == POINTS)
                panel.ahead[0] = panel.ahead[1] = (imp_ahead){0};
            job->n->kernels->panel(&panel);
        }
    }
}

/* Writes one row of tiles of one channel block to y; through the space where tiles extend beyond y.
 */
static void transform_row(const struct winograd *job, const struct strip *s, size_t b, size_t r) {
    const imp_correlation *c = job->c;
    const size_t p = (s->row + r) * OUT, q = s->column * OUT;
    const size_t rows = imp_min(OUT, c->height - p);
    const size_t pixels = imp_min(s->wide * OUT, c->width - q);
    const bool whole = rows == OUT && pixels == s->wide * OUT;
    float *y =
        imp_native_floats(c->y) +
        (((s->first_block + b) * c->y.h + c->y_row + p) * c->y.w + c->y_column + q) * IMP_BLOCK;
    const size_t y_row = c->y.w * IMP_BLOCK, row = whole ? y_row : s->wide * OUT * IMP_BLOCK;
    job->n->kernels->winograd->output(whole ? y : s->space, row,
                                      s->m + (b * s->tiles + r * s->wide) * IMP_BLOCK, s->m_step,
                                      c->bias + (s->first_block + b) * IMP_BLOCK, c->relu, s->wide,
                                      whole && imp_native_count(c->y) * sizeof *y >= IMP_FAR);
    for (size_t i = 0; !whole && i < rows; i++)
        memcpy(y + i * y_row, s->space + i * row, pixels * IMP_BLOCK * sizeof *y);
}

/* Pools the same row into y and its pooling indices. */
static void pool_row(const struct winograd *job, const struct strip *s, size_t b, size_t r) {
    const imp_correlation *c = job->c;
    const size_t p = (s->row + r) * OUT, q = s->column * OUT / 2, row = s->wide * OUT * IMP_BLOCK;
    const size_t block = s->first_block + b, windows = imp_min(s->wide * OUT / 2, c->y.w - q);
    job->n->kernels->winograd->output(s->space, row,
                                      s->m + (b * s->tiles + r * s->wide) * IMP_BLOCK, s->m_step,
                                      c->bias + block * IMP_BLOCK, c->relu, s->wide, false);
    for (size_t i = 0; i < OUT && p + i + 2 <= c->height; i += 2)
        imp_native_pool_row(job->n, c, block, (p + i) / 2, q, windows, s->space + i * row, row);
}

static void do_strip(void *context, size_t chunk, unsigned worker) {
    const struct winograd *job = context;
    const imp_correlation *c = job->c;
    const size_t part = chunk % job->parts, number = chunk / job->parts;
    const size_t group = job->n->kernels->group / IMP_BLOCK;
    struct strip s = {.row = number / job->across * job->high,
                      .column = number % job->across * job->wide,
                      .first_block = part * job->groups / job->parts * group,
                      .v = imp_native_space(job->n, worker)};
    s.high = imp_min(job->high, tiles_of(c->height) - s.row);
    s.wide = imp_min(job->wide, tiles_of(c->width) - s.column);
    s.tiles = s.high * s.wide;
    s.blocks =
        imp_min((part + 1) * job->groups / job->parts * group, imp_native_blocks(c->taps.outputs)) -
        s.first_block;
    s.v_step = step_of(imp_native_blocks(c->x.c), s.tiles);
    s.m_step = step_of(s.blocks, s.tiles);
    s.m = s.v + job->v;
    s.space = s.m + job->m;
    transform_inputs(job, &s);
    multiply(job, &s);
    for (size_t b = 0; b < s.blocks; b++)
        for (size_t r = 0; r < s.high; r++)
            (c->fused == IMP_FUSED_POOL ? pool_row : transform_row)(job, &s, b, r);
}

/* The best number of parts to divide a strip's groups of channels into; each part transforms the
 * inputs again. */
static size_t parts_of(size_t strips, size_t groups, size_t threads) {
    size_t best = 1, least = SIZE_MAX;
    for (size_t parts = 1; parts <= groups; parts++) {
        const size_t cost =
            imp_over(strips * parts, threads) * (TRANSFORM + imp_over(groups, parts));
        if (cost < least) {
            least = cost;
            best = parts;
        }
    }
    return best;
}

/* Divides the work into strips and parts, and computes the working space of a thread. */
static struct winograd winograd_of(const imp_native *n, const imp_correlation *c) {
    const size_t rows = tiles_of(c->height), columns = tiles_of(c->width);
    struct winograd job = {.n = n, .c = c};
    job.across = imp_over(columns, imp_min(TILES_WIDE, c->tiles / TILES_HIGH));
    job.wide = imp_over(columns, job.across);
    if (c->fused == IMP_FUSED_POOL) { /* an element of the indices belongs to one strip */
        job.wide = imp_max(job.wide / TILES_INDICES, 1) * TILES_INDICES;
        job.across = imp_over(columns, job.wide);
    }
    job.high = imp_min(rows, imp_max(1, c->tiles / job.wide));
    assert(job.high > 0);
    job.high = imp_over(rows, imp_over(rows, job.high)); /* strips of nearly equal height */
    job.strips = job.across * imp_over(rows, job.high);
    job.groups = imp_over(c->taps.outputs, n->kernels->group);
    job.parts = parts_of(job.strips, job.groups, imp_threads_count(n->threads));
    const size_t blocks = imp_over(job.groups, job.parts) * n->kernels->group / IMP_BLOCK;
    job.v = POINTS * step_of(imp_native_blocks(c->x.c), job.high * job.wide);
    job.m = POINTS * step_of(blocks, job.high * job.wide);
    job.space = SIDE * (reach(job.wide) + 2) * IMP_BLOCK;
    return job;
}

size_t imp_native_winograd_space(const imp_native *n, const imp_correlation *c) {
    const struct winograd job = winograd_of(n, c);
    return job.v + job.m + job.space;
}

imp_status imp_native_winograd_conv(imp_native *n, const imp_correlation *c) {
    struct winograd job = winograd_of(n, c);
    TRY(imp_native_reserve(n, imp_native_winograd_space(n, c)));
    imp_threads_run(n->threads, job.strips * job.parts, do_strip, &job);
    return IMP_OK;
}
