/* SPDX-License-Identifier: MIT
 *
 * Direct convolution of the cpu backend, for any kernel, stride, padding and layout. The output is
 * cut into tiles. For each tile, its piece of the padded input is copied to working space that
 * stays in the cache; from there panels make one row of one group of channels at a time. So borders
 * cost nothing in the inner loop. native_folded.c takes over for few outputs, native_point.c for 1
 * x 1 filters.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

enum {
    PATCH_FLOATS = 1 << 17, /* of a tile's input: half a megabyte, part of a second-level cache */
    PIECE_FLOATS = 1 << 15, /* of a product's input */
    TILE_WIDTH_MIN = 24,
    SHARE = 4, /* chunks for every thread, so that all finish at about the same time */
    TAPS_MAX = 81
};

const float imp_native_zeros[2 * IMP_BLOCK] __attribute__((aligned(IMP_ALIGNMENT))) = {0};

/* ---- packing ---- */

size_t imp_native_packed(const imp_taps *t) {
    return imp_native_blocks(imp_taps_lanes(t)) * IMP_BLOCK * t->inputs * imp_taps_count(t);
}

struct packing {
    float *to;
    const imp_taps *taps;
    size_t group;
};

static const float *tap_of(const imp_taps *t, size_t o, size_t tap, size_t i) {
    const size_t columns = imp_max(1, t->width);
    return t->at + (ptrdiff_t)o * t->o_step + (ptrdiff_t)i * t->i_step +
           (ptrdiff_t)(tap / columns) * t->a_step + (ptrdiff_t)(tap % columns) * t->b_step;
}

/* Packs lanes first .. first + width - 1 of one tap and input. */
static float *pack_tap(float *to, const imp_taps *t, size_t first, size_t width, size_t tap,
                       size_t i) {
    const float *from = tap_of(t, 0, tap, i);
    const size_t end = imp_min(first + width, t->outputs);
    if (t->o_step == 1)
        memcpy(to, from + first, (end - first) * sizeof *to);
    else
        for (size_t o = first; o < end; o++)
            to[o - first] = from[(ptrdiff_t)o * t->o_step];
    memset(to + end - first, 0, (first + width - end) * sizeof *to);
    return to + width;
}

/* The same for all taps of one input, where taps are folded. */
static float *pack_folded(float *to, const imp_taps *t, size_t first, size_t width, size_t i) {
    const size_t taps = imp_taps_of_block(t);
    memset(to, 0, width * sizeof *to);
    for (size_t l = first; l < first + width; l++) {
        const size_t place = l % IMP_BLOCK / t->outputs, tap = l / IMP_BLOCK * taps + place;
        if (place < taps && tap < t->height * t->width)
            to[l - first] = *tap_of(t, l % IMP_BLOCK % t->outputs, tap, i);
    }
    return to + width;
}

static void pack_group(void *context, size_t g, unsigned worker) {
    (void)worker;
    const struct packing *job = context;
    const imp_taps *t = job->taps;
    const size_t first = g * job->group, lanes = imp_native_blocks(imp_taps_lanes(t)) * IMP_BLOCK;
    const size_t width = imp_min(job->group, lanes - first), count = imp_taps_count(t);
    float *to = job->to + first * t->inputs * count;
    for (size_t block = 0; block < t->inputs; block += IMP_BLOCK)
        for (size_t tap = 0; tap < count; tap++)
            for (size_t i = block; i < imp_min(block + IMP_BLOCK, t->inputs); i++)
                to = t->fold ? pack_folded(to, t, first, width, i)
                             : pack_tap(to, t, first, width, tap, i);
}

void imp_native_pack(imp_native *n, float *to, const imp_taps *taps) {
    struct packing job = {to, taps, n->kernels->group};
    imp_threads_run(n->threads, imp_over(imp_taps_lanes(taps), job.group), pack_group, &job);
}

/* ---- patches ---- */

ptrdiff_t imp_native_source(imp_padding padding, ptrdiff_t k, size_t n) {
    const ptrdiff_t last = (ptrdiff_t)n - 1;
    if (k >= 0 && k <= last)
        return k;
    if (padding == IMP_PAD_REPLICATE)
        return k < 0 ? 0 : last;
    const ptrdiff_t reflected = k < 0 ? -k : 2 * last - k;
    return padding == IMP_PAD_REFLECT && reflected >= 0 && reflected <= last ? reflected : -1;
}

/* Copies neighbouring pixels of a channel block from position p on; where `positive` is not above
 * 0, zeros. */
static void copy_pixels(const imp_native *n, float *to, const imp_correlation *c, size_t block,
                        size_t p, size_t pixels) {
    const size_t m = c->x.h * c->x.w, first = block * IMP_BLOCK;
    const bool maps = c->x.layout == IMP_MAPS, all = !c->positive.memory;
    const size_t at = first * m + (maps ? p * IMP_BLOCK : p);
    const float *x = imp_native_floats(c->x) + at;
    const float *positive = all ? x : imp_native_floats(c->positive) + at;
    if (maps && all)
        memcpy(to, x, pixels * IMP_BLOCK * sizeof *to);
    else if (maps)
        n->kernels->vector->mask(to, x, positive, pixels * IMP_BLOCK);
    else
        for (size_t l = 0; l < imp_min(c->x.c - first, IMP_BLOCK); l++)
            for (size_t i = 0; i < pixels; i++)
                to[i * IMP_BLOCK + l] = all || positive[l * m + i] > 0 ? x[l * m + i] : 0;
}

void imp_native_patch(const imp_native *n, float *to, const imp_patch *patch, size_t block) {
    const imp_correlation *c = patch->of;
    for (size_t r = 0; r < patch->rows; r++, to += c->stride * patch->lane) {
        const ptrdiff_t y = imp_native_source(c->padding, patch->row + (ptrdiff_t)r, c->x.h);
        for (size_t q = 0, run; q < patch->columns; q += run) {
            const ptrdiff_t column = patch->column + (ptrdiff_t)q;
            const ptrdiff_t x = imp_native_source(c->padding, column, c->x.w);
            float *pixel = to + q % c->stride * patch->lane + q / c->stride * IMP_BLOCK;
            run = 1;
            if (c->stride == 1 && x >= 0 && x == column) /* up to the end of the row */
                run = imp_min(patch->columns - q, c->x.w - (size_t)x);
            if (x >= 0 && y >= 0)
                copy_pixels(n, pixel, c, block, (size_t)y * c->x.w + (size_t)x, run);
            else
                memset(pixel, 0, run * IMP_BLOCK * sizeof *pixel);
        }
    }
}

/* ---- tiles ---- */

struct direct {
    const imp_native *n;
    const imp_correlation *c;
    size_t tile_height, tile_width, across; /* output pixels of a tile; tiles side by side */
    size_t groups, parts; /* of channels; chunks that the groups are divided into */
    size_t lane, block;   /* floats, of a patch */
    ptrdiff_t taps[TAPS_MAX];
};

static size_t patch_floats(const imp_correlation *c, size_t height, size_t width) {
    const size_t rows = (height - 1) * c->stride + c->taps.height;
    const size_t lane = width - 1 + imp_over(c->taps.width, c->stride);
    return rows * c->stride * lane * IMP_BLOCK;
}

/* Chooses tiles whose patches fit PATCH_FLOATS, as high as that allows, and small enough that every
 * thread gets work. */
static void cut(struct direct *job) {
    const imp_correlation *c = job->c;
    const size_t blocks = imp_native_blocks(c->x.c), threads = imp_threads_count(job->n->threads);
    size_t width = c->width, height = 1;
    while (width > TILE_WIDTH_MIN && blocks * patch_floats(c, 1, width) > PATCH_FLOATS)
        width = imp_over(width, 2);
    job->across = imp_over(c->width, width);
    const size_t highest = imp_over(c->height * job->across, SHARE * threads);
    while (height < imp_min(highest, c->height) &&
           blocks * patch_floats(c, height + 1, width) <= PATCH_FLOATS)
        height++;
    job->tile_height = height;
    job->tile_width = width;
    job->lane = (width - 1 + imp_over(c->taps.width, c->stride)) * IMP_BLOCK;
    job->block = patch_floats(c, height, width);
    job->groups = imp_over(c->taps.outputs, job->n->kernels->group);
    const size_t tiles = job->across * imp_over(c->height, height);
    job->parts = imp_min(job->groups, imp_over(SHARE * threads, tiles));
    for (size_t a = 0; a < c->taps.height; a++)
        for (size_t b = 0; b < c->taps.width; b++)
            job->taps[a * c->taps.width + b] =
                (ptrdiff_t)((a * c->stride + b % c->stride) * job->lane +
                            b / c->stride * IMP_BLOCK);
}

/* Copies a finished row of a group's channels, from `first` on, to its place in y, for the layouts
 * that panels cannot write. */
static void place_row(const imp_correlation *c, const float *row, size_t first, size_t outputs,
                      size_t p, size_t q, size_t pixels) {
    const size_t m = c->y.h * c->y.w;
    const size_t at = (c->y_row + c->y_step * p) * c->y.w + c->y_column + c->y_step * q;
    float *y = imp_native_floats(c->y) + first * m;
    for (size_t l = 0; l < outputs; l += IMP_BLOCK, row += pixels * IMP_BLOCK)
        for (size_t i = 0; i < pixels; i++) {
            const size_t to = at + i * c->y_step;
            if (c->y.layout == IMP_MAPS)
                memcpy(y + l * m + to * IMP_BLOCK, row + i * IMP_BLOCK, IMP_BLOCK * sizeof *y);
            else
                for (size_t k = l; k < imp_min(l + IMP_BLOCK, c->y.c - first); k++)
                    y[k * m + to] = row[i * IMP_BLOCK + k - l];
        }
}

/* Makes rows p .. p + rows - 1 of a tile for one group of channels. */
static void do_group(const struct direct *job, const float *patch, float *row, size_t group,
                     size_t p, size_t q, size_t rows, size_t pixels) {
    const imp_correlation *c = job->c;
    const size_t first = group * job->n->kernels->group, m = c->y.h * c->y.w;
    const size_t lanes = imp_native_blocks(c->taps.outputs) * IMP_BLOCK;
    assert(lanes > 0);
    const bool there = c->y.layout == IMP_MAPS && c->y_step == 1;
    imp_panel panel = {.x_block = job->block,
                       .channels = c->x.c,
                       .taps = job->taps,
                       .tap_count = imp_taps_count(&c->taps),
                       .w = (const float *)c->weights + first * imp_native_packed(&c->taps) / lanes,
                       .group = imp_min(job->n->kernels->group, lanes - first),
                       .y = row,
                       .y_block = (there ? m : pixels) * IMP_BLOCK,
                       .pixels = pixels,
                       .bias = c->bias + first,
                       .relu = c->relu};
    for (size_t r = 0; r < rows; r++) {
        panel.x = patch + r * c->stride * c->stride * job->lane;
        if (there)
            panel.y = imp_native_floats(c->y) + first * m +
                      ((c->y_row + p + r) * c->y.w + c->y_column + q) * IMP_BLOCK;
        job->n->kernels->panel(&panel);
        if (!there)
            place_row(c, row, first, panel.group, p + r, q, pixels);
    }
}

static void do_tile(void *context, size_t chunk, unsigned worker) {
    const struct direct *job = context;
    const imp_correlation *c = job->c;
    const size_t part = chunk % job->parts, tile = chunk / job->parts;
    const size_t p = tile / job->across * job->tile_height;
    const size_t q = tile % job->across * job->tile_width;
    const size_t rows = imp_min(job->tile_height, c->height - p);
    const size_t pixels = imp_min(job->tile_width, c->width - q);
    const imp_patch patch = {.of = c,
                             .row = c->row + (ptrdiff_t)(c->stride * p),
                             .column = c->column + (ptrdiff_t)(c->stride * q),
                             .rows = (rows - 1) * c->stride + c->taps.height,
                             .columns = (pixels - 1) * c->stride + c->taps.width,
                             .lane = job->lane};
    const size_t blocks = imp_native_blocks(c->x.c);
    float *space = imp_native_space(job->n, worker), *row = space + blocks * job->block;
    for (size_t i = 0; i < blocks; i++)
        imp_native_patch(job->n, space + i * job->block, &patch, i);
    for (size_t g = part * job->groups / job->parts; g < (part + 1) * job->groups / job->parts; g++)
        do_group(job, space, row, g, p, q, rows, pixels);
}

static struct direct direct_of(const imp_native *n, const imp_correlation *c) {
    struct direct job = {.n = n, .c = c};
    assert(c->taps.height * c->taps.width <= TAPS_MAX);
    if (c->height > 0 && c->width > 0)
        cut(&job);
    return job;
}

static size_t space_of(const struct direct *job) {
    return imp_native_blocks(job->c->x.c) * job->block + job->n->kernels->group * job->tile_width;
}

size_t imp_native_direct_space(const imp_native *n, const imp_correlation *c, bool masked) {
    if (c->taps.fold)
        return imp_native_folded_space(n, c);
    if (imp_native_point_takes(c) && !masked)
        return 0;
    const struct direct job = direct_of(n, c);
    return space_of(&job);
}

imp_status imp_native_direct(imp_native *n, const imp_correlation *c) {
    if (c->taps.fold)
        return imp_native_folded(n, c);
    if (c->height == 0 || c->width == 0)
        return IMP_OK;
    if (imp_native_point_takes(c))
        return imp_native_point(n, c);
    struct direct job = direct_of(n, c);
    TRY(imp_native_reserve(n, space_of(&job)));
    imp_threads_run(n->threads, job.across * imp_over(c->height, job.tile_height) * job.parts,
                    do_tile, &job);
    return IMP_OK;
}

/* ---- products ---- */

struct strips {
    imp_native *n;
    const imp_product *p;
    size_t pixels, piece; /* of a strip; pixels that stay in a cache while all weights are read */
};

/* Makes all outputs of pixels at .. at + count - 1; meanwhile the `next` pixels after them are
 * prefetched. */
static void do_piece(const struct strips *job, size_t at, size_t count, size_t next) {
    const imp_product *p = job->p;
    static const ptrdiff_t here = 0;
    const size_t group = job->n->kernels->group, inputs = imp_native_blocks(p->inputs);
    const size_t outputs = imp_native_blocks(p->outputs) * IMP_BLOCK;
    const float *x = p->x + at * IMP_BLOCK, *then = x + count * IMP_BLOCK;
    for (size_t first = 0, fetched = 0; first < outputs; first += group) {
        imp_panel panel = {.x = x,
                           .x_block = p->x_block,
                           .channels = p->inputs,
                           .taps = &here,
                           .tap_count = 1,
                           .w = p->weights + first * p->inputs,
                           .group = imp_min(group, outputs - first),
                           .y = p->y + first / IMP_BLOCK * p->y_block + at * IMP_BLOCK,
                           .y_block = p->y_block,
                           .pixels = count,
                           .bias = p->bias  ? p->bias + first
                                   : p->add ? NULL
                                            : imp_native_zeros,
                           .relu = p->relu};
        const size_t due = imp_min((first + group) * inputs / outputs, inputs);
        for (size_t a = 0; a < IMP_AHEAD && fetched < due; a++, fetched++)
            panel.ahead[a] =
                (imp_ahead){then + fetched * p->x_block, next * IMP_BLOCK * sizeof(float)};
        job->n->kernels->panel(&panel);
    }
}

static void do_strip(void *context, size_t strip, unsigned worker) {
    (void)worker;
    const struct strips *job = context;
    const size_t first = strip * job->pixels, end = imp_min(first + job->pixels, job->p->pixels);
    for (size_t at = first, count; at < end; at += count) {
        count = imp_min(job->piece, end - at);
        do_piece(job, at, count, imp_min(job->piece, end - at - count));
    }
}

void imp_native_product(imp_native *n, const imp_product *p) {
    const size_t threads = imp_threads_count(n->threads);
    const size_t fitting = PIECE_FLOATS / imp_max(p->inputs, IMP_BLOCK);
    const size_t shared = imp_over(p->pixels, SHARE * threads);
    struct strips job = {n, p, imp_max(TILE_WIDTH_MIN, shared), imp_max(TILE_WIDTH_MIN, fitting)};
    imp_threads_run(n->threads, imp_over(p->pixels, job.pixels), do_strip, &job);
}
