/* SPDX-License-Identifier: MIT
 *
 * The innermost loops of the cpu backend. native_kernels*.c are compiled once for every instruction
 * set (IMP_ISA = base, avx2, avx512), and each gives one table; the device takes the best one that
 * the processor can run. Everything here works on plain addresses in one thread.
 *
 * A map of C channels stands in ceil(C/16) blocks of H*W pixels of 16 floats; the lanes beyond C
 * are zero. Block addresses are multiples of 64 bytes. "Floats" are the unit of every distance.
 */
#ifndef IMP_NATIVE_KERNELS_H
#define IMP_NATIVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/ops.h"

enum { IMP_BLOCK = 16 }; /* channels of a block */

/* Memory that is needed after this piece of work, to be fetched into the cache on the way. */
typedef struct imp_ahead {
    const void *at;
    size_t bytes;
} imp_ahead;

enum { IMP_AHEAD = 2 };

/* The inner product at the heart of convolution: for `pixels` neighbouring pixels and one group of
 * 16 (or, where kernels.group is 32, of 16 or 32) output channels o,
 *     y[pixel][o] = bias[o] + sum_{i < channels} sum_t x[taps[t] + 16 pixel][i] w[t,i][o]. */
typedef struct imp_panel {
    const float *x; /* channel block 0, where the taps count from */
    size_t x_block; /* from one channel block to the next */
    size_t channels;
    const ptrdiff_t *taps;
    size_t tap_count;
    const void *w;  /* [channel block][tap][channel of the block][group], without gaps: floats, */
    bool half;      /* or halves (IEEE 754's binary16), each widened as it is read */
    size_t group;   /* 16 or kernels.group */
    float *y;       /* pixels are 16 apart */
    size_t y_block; /* from the first 16 channels of the group to the second */
    size_t pixels;
    const float *bias; /* group; NULL: add to y */
    bool relu;
    imp_ahead ahead[IMP_AHEAD];
} imp_panel;

/* The elementwise operations and reductions, native_kernels_vector.c: n floats each; the terms of a
 * sum are added up in double beyond a thousand. Outputs may be inputs, else nothing overlaps. */
typedef struct imp_vector_kernels {
    void (*combine)(float *z, float a, const float *x, float b, const float *y, size_t n);
    void (*clamp)(float *x, float lo, float hi, size_t n); /* NaN becomes lo */
    /* to = x where positive > 0, else 0. */
    void (*mask)(float *to, const float *x, const float *positive, size_t n);
    double (*dot)(const float *x, const float *y, size_t n);
    double (*norm1)(const float *x, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n);
    void (*adam)(float *x, const float *g, float *m, float *v, const imp_adam *p, size_t n);
    /* df += factor * (f - p); gives sum (f - p)^2. */
    double (*content)(float *df, const float *f, const float *p, float factor, size_t n);
    /* Of neighbours a and b: gives sum |b - a|, or of squares. */
    double (*variation)(const float *a, const float *b, imp_tv_form form, size_t n);
    /* d += weight * the derivative of that by a. */
    void (*slope)(float *d, const float *a, const float *b, imp_tv_form form, float weight,
                  size_t n);
    /* y[c] = [y[c] +] sum_k m[c][k] x[k] + o[c] for n pixels of 3 planes, `plane` floats apart. */
    void (*affine)(float *y, const float *x, const imp_affine *a, bool add, size_t plane, size_t n);
    /* One output row of 2 x 2 pooling, in blocks, from rows x and x + row; and its gradient: both
     * input rows as far as there are windows. */
    void (*pool)(float *y, const float *x, size_t row, size_t pixels, imp_pooling kind);
    void (*pool_grad)(float *dx, const float *dy, const float *x, size_t row, size_t pixels,
                      imp_pooling kind);
} imp_vector_kernels;

/* Pooling remembered, native_kernels_indices.c: a row of windows. */
typedef struct imp_indices_kernels {
    /* From rows x and x + row of so many windows. */
    void (*pool)(float *indices, const float *x, size_t row, size_t windows, imp_pooling kind);
    /* To rows dx and dx + row, as far as there are windows: those from `first` on of a row of dy
     * and of its choice. */
    void (*unpool)(float *dx, const float *dy, const float *indices, size_t row, size_t first,
                   size_t windows, imp_pooling kind);
} imp_indices_kernels;

/* The transforms of native_winograd.c for a row of tiles, native_kernels_winograd.c. */
typedef struct imp_winograd_kernels {
    /* First by columns: space[i * row + l], i < 6, l < floats, from l of the rows d[0] to d[5];
     * where there is `positive`, only of what is above 0 in its rows. */
    void (*columns)(float *space, size_t row, const float *const d[6],
                    const float *const positive[6], size_t floats);
    /* The same of so many windows from `first` on of four rows of dy, spread as their choices say
     * (NULL: nowhere): of the pixels' second to seventh row. */
    void (*unpool_columns)(float *space, size_t row, const float *const dy[4],
                           const float *const indices[4], size_t first, size_t windows,
                           imp_pooling kind);
    /* Then by rows: v[p * v_step + 16 tile + i], point p of 36, from 6 rows of the space, of 4
     * pixels a tile and 2, of 16 channels. */
    void (*rows)(float *v, size_t v_step, const float *space, size_t row, size_t tiles);
    /* y: 4 rows, `row` apart, of 4 tiles pixels; m as v above; bias: 16. far: y is so large that
     * it leaves the caches before it is read. */
    void (*output)(float *y, size_t row, const float *m, size_t m_step, const float *bias,
                   bool relu, size_t tiles, bool far);
} imp_winograd_kernels;

/* The roof, native_kernels_measure.c. */
typedef struct imp_measure_kernels {
    /* x = a x + b, n times in every lane of many chains, from values that differ; their sum is
     * given so that no compiler leaves them out. */
    void (*multiply)(float *sum, float a, size_t n);
    size_t flop; /* of each time, a multiply-add counting as two */
} imp_measure_kernels;

typedef struct imp_kernels {
    const char *name;
    size_t group; /* output channels that a panel does at once: 16 or 32 */
    void (*panel)(const imp_panel *p);
    /* g[i * stride + j] += sum_p a[16 p + i] b[16 p + j], i < 16; j < 16, or j < group where
     * `whole`: its second 16 from b + b_block. As many pixels at `ahead` are fetched meanwhile. */
    void (*outer)(float *g, size_t stride, const float *a, const float *b, size_t b_block,
                  size_t pixels, const float *ahead, bool whole);
    /* sum[i] += sum_p f[16 p + i], i < 16. */
    void (*sum_pixels)(float *sum, const float *f, size_t pixels);
    const imp_vector_kernels *vector;
    const imp_winograd_kernels *winograd;
    const imp_measure_kernels *measure;
    const imp_indices_kernels *indices;
} imp_kernels;

extern const imp_kernels imp_kernels_base;
#ifdef __x86_64__
extern const imp_kernels imp_kernels_avx2, imp_kernels_avx512;
#endif

#endif
