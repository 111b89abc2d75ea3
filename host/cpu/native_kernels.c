/* SPDX-License-Identifier: MIT
 *
 * The table of one instruction set, and its products: the panel, the inner loop of every
 * convolution, and the outer product, that of the Gram matrix. Both keep a tile of sums in
 * registers, as many as the instruction set has besides those for the factors.
 */
#include "cpu/native_simd.h"

/* A panel's tile is PIXELS x GROUP sums, an outer product's is ROWS x GROUP. */
enum {
    GROUP = LANES == 16 ? 32 : 16,
    VECTORS = GROUP / LANES,
    PIXELS = LANES == 16                     ? 12
             : REGISTERS == 32 || LANES == 8 ? 6
                                             : 3,
    ROWS = LANES == 16                     ? 8
           : REGISTERS == 32 || LANES == 8 ? 4
                                           : 2,
    STEPS = 8 /* positions in one iteration of the outer product's loop */
};

/* The offset of vector v of a group in a pixel whose blocks are y_block apart. */
INLINE size_t lane_of(size_t v, size_t y_block) {
    return v / PARTS * y_block + v % PARTS * LANES;
}

/* ---- panel ---- */

/* What a panel prefetches, in equal parts for every tile and channel block. */
struct fetch {
    const char *at[IMP_AHEAD];
    size_t lines[IMP_AHEAD]; /* of a part */
};

enum { LINE = 64 };

INLINE struct fetch fetch_of(const imp_panel *p, size_t tiles) {
    const size_t parts = tiles * ((p->channels + IMP_BLOCK - 1) / IMP_BLOCK);
    struct fetch fetch;
    for (size_t a = 0; a < IMP_AHEAD; a++) {
        fetch.at[a] = (const char *)p->ahead[a].at;
        fetch.lines[a] = (p->ahead[a].bytes / LINE + parts - 1) / parts;
    }
    return fetch;
}

INLINE void fetch_part(struct fetch *fetch) {
    for (size_t a = 0; a < IMP_AHEAD; a++)
        for (size_t line = 0; line < fetch->lines[a]; line++, fetch->at[a] += LINE)
            __builtin_prefetch(fetch->at[a], 0, 2);
}

/* sum[j * vectors + v] += the products of the panel for pixel at + j. */
INLINE void multiply(vec *sum, const imp_panel *p, struct fetch *fetch, size_t at,
                     const size_t pixels, const size_t vectors, const bool half) {
    const size_t lane = half ? sizeof(uint16_t) : sizeof(float);
    const float *block = p->x + at * IMP_BLOCK;
    const char *w = p->w;
    for (size_t left = p->channels, channels; left > 0; left -= channels, block += p->x_block) {
        channels = left < IMP_BLOCK ? left : IMP_BLOCK;
        fetch_part(fetch);
        for (size_t t = 0; t < p->tap_count; t++) {
            const float *x = block + p->taps[t];
            UNROLL_TWICE
            for (size_t k = 0; k < channels; k++, x++, w += vectors * LANES * lane) {
                vec factor[VECTORS];
                UNROLL
                    for (size_t v = 0; v < vectors; v++)
                        factor[v] = half ? load_half(w + v * LANES * lane)
                                         : load((const float *)(const void *)w + v * LANES);
                UNROLL
                    for (size_t n = 0; n < pixels * vectors; n++)
                        sum[n] += splat(x[n / vectors * IMP_BLOCK]) * factor[n % vectors];
            }
        }
    }
}

INLINE void tile(const imp_panel *p, struct fetch *fetch, size_t at, const size_t pixels,
                 const size_t vectors, const bool half) {
    vec sum[PIXELS * VECTORS];
    float *y = p->y + at * IMP_BLOCK;
    UNROLL
        for (size_t n = 0; n < pixels * vectors; n++) {
            sum[n] = splat(0);
            if (p->bias)
                sum[n] = load(p->bias + n % vectors * LANES);
            else /* y is prefetched while the products are made */
                __builtin_prefetch(y + n / vectors * IMP_BLOCK + lane_of(n % vectors, p->y_block));
        }
    multiply(sum, p, fetch, at, pixels, vectors, half);
    UNROLL
        for (size_t n = 0; n < pixels * vectors; n++) {
            float *to = y + n / vectors * IMP_BLOCK + lane_of(n % vectors, p->y_block);
            if (!p->bias)
                sum[n] += load(to);
            store(to, p->relu ? relu(sum[n]) : sum[n]);
        }
}

/* Makes the panel in tiles of nearly equal width, at most PIXELS. */
INLINE void tiles(const imp_panel *p, const size_t vectors, const bool half) {
    const size_t count = (p->pixels + PIXELS - 1) / PIXELS;
    struct fetch fetch = fetch_of(p, count);
    for (size_t i = 0, at = 0, pixels; i < count; i++, at += pixels) {
        pixels = (p->pixels - at + count - i - 1) / (count - i);
        switch (pixels) {
#define TILE(n)                                                                                    \
    case n:                                                                                        \
        if (n <= PIXELS)                                                                           \
            tile(p, &fetch, at, n <= PIXELS ? n : 0, vectors, half);                               \
        break;
            TILE(1)
            TILE(2)
            TILE(3)
            TILE(4)
            TILE(5)
            TILE(6)
            TILE(7)
            TILE(8)
            TILE(9)
            TILE(10)
            TILE(11)
            TILE(12)
            TILE(13)
            TILE(14)
#undef TILE
        }
    }
}

static void panel(const imp_panel *p) {
    if (p->group == GROUP && p->half)
        tiles(p, VECTORS, true);
    else if (p->group == GROUP)
        tiles(p, VECTORS, false);
    else if (p->half)
        tiles(p, PARTS, true);
    else
        tiles(p, PARTS, false);
}

/* ---- sums over positions ---- */

/* sum[i * vectors + v] += a[i] b[v] at one position. */
INLINE void outer_step(vec *sum, const float *a, const float *b, size_t b_block, const size_t rows,
                       const size_t vectors) {
    UNROLL
        for (size_t n = 0; n < rows * vectors; n++)
            sum[n] += splat(a[n / vectors]) * load(b + lane_of(n % vectors, b_block));
}

INLINE void outer_rows(float *g, size_t stride, const float *a, const float *b, size_t b_block,
                       size_t pixels, const float *ahead, const size_t rows, const size_t vectors) {
    vec sum[ROWS * VECTORS];
    UNROLL
        for (size_t n = 0; n < rows * vectors; n++)
            sum[n] = splat(0);
    size_t p = 0;
    for (; p + STEPS <= pixels; p += STEPS) {
        UNROLL
            for (size_t i = 0; i < STEPS * rows; i += IMP_BLOCK)
                __builtin_prefetch(ahead + p * rows + i, 0, 2);
        UNROLL
            for (size_t i = 0; i < STEPS; i++)
                outer_step(sum, a + (p + i) * IMP_BLOCK, b + (p + i) * IMP_BLOCK, b_block, rows,
                           vectors);
    }
    for (; p < pixels; p++)
        outer_step(sum, a + p * IMP_BLOCK, b + p * IMP_BLOCK, b_block, rows, vectors);
    UNROLL
        for (size_t n = 0; n < rows * vectors; n++) {
            float *out = g + n / vectors * stride + n % vectors * LANES;
            store(out, load(out) + sum[n]);
        }
}

INLINE void outer_blocks(float *g, size_t stride, const float *a, const float *b, size_t b_block,
                         size_t pixels, const float *ahead, const size_t vectors) {
    const size_t rows = ROWS * VECTORS / vectors;
    for (size_t i = 0; i < IMP_BLOCK; i += rows, ahead += rows * pixels)
        outer_rows(g + i * stride, stride, a + i, b, b_block, pixels, ahead, rows, vectors);
}

static void outer(float *g, size_t stride, const float *a, const float *b, size_t b_block,
                  size_t pixels, const float *ahead, bool whole) {
    if (whole)
        outer_blocks(g, stride, a, b, b_block, pixels, ahead, VECTORS);
    else
        outer_blocks(g, stride, a, b, b_block, pixels, ahead, PARTS);
}

static void sum_pixels(float *sum, const float *f, size_t pixels) {
    vec part[PARTS];
    UNROLL
        for (size_t v = 0; v < PARTS; v++)
            part[v] = splat(0);
    for (size_t p = 0; p < pixels; p++) {
        UNROLL
            for (size_t v = 0; v < PARTS; v++)
                part[v] += load(f + p * IMP_BLOCK + v * LANES);
    }
    UNROLL
        for (size_t v = 0; v < PARTS; v++)
            store(sum + v * LANES, load(sum + v * LANES) + part[v]);
}

/* ---- the table ---- */

#define STRING(text)        #text
#define STRING_OF(constant) STRING(constant)

const imp_kernels IMP_KERNEL(kernels) = {
    .name = STRING_OF(IMP_ISA),
    .group = GROUP,
    .panel = panel,
    .outer = outer,
    .sum_pixels = sum_pixels,
    .vector = &IMP_KERNEL(vector_kernels),
    .winograd = &IMP_KERNEL(winograd_kernels),
    .measure = &IMP_KERNEL(measure_kernels),
    .indices = &IMP_KERNEL(indices_kernels),
};
