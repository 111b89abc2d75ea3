/* SPDX-License-Identifier: MIT
 *
 * The innermost loops of the cpu backend. native_kernels*.c are compiled once for each instruction
 * set (IMP_ISA = base, avx2, avx512), and each compilation gives one table; the device takes the
 * best one that the processor can run. All functions work on plain addresses in one thread.
 *
 * A map of C channels is ceil(C/16) blocks of H*W pixels of 16 floats; the lanes beyond C are zero.
 * Block addresses are multiples of 64 bytes. All distances are in floats.
 */
#ifndef IMP_NATIVE_KERNELS_H
#define IMP_NATIVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/ops.h"

enum { IMP_BLOCK = 16 }; /* channels of a block */

/* Memory that is needed next, which a function prefetches meanwhile. */
typedef struct imp_ahead {
    const void *at;
    size_t bytes;
} imp_ahead;

enum { IMP_AHEAD = 2 };

/* The inner product of convolution: for `pixels` neighbouring pixels and one group of 16 (or, where
 * kernels.group is 32, of 16 or 32) output channels o, y[pixel][o] = bias[o] + the sum over i <
 * channels and t of x[taps[t] + 16 pixel][i] w[t,i][o]. */
typedef struct imp_panel {
    const float *x; /* channel block 0; taps are offsets from here */
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

/* The elementwise operations and reductions of n floats, native_kernels_vector.c. A sum is taken in
 * blocks of about a thousand terms, which are added up in double. Outputs may be inputs; otherwise
 * nothing overlaps. */
typedef struct imp_vector_kernels {
    void (*combine)(float *z, float a, const float *x, float b, const float *y, size_t n);
    void (*clamp)(float *x, float lo, float hi, size_t n); /* NaN becomes lo */
    /* to = x where positive > 0, else 0. */
    void (*mask)(float *to, const float *x, const float *positive, size_t n);
    double (*dot)(const float *x, const float *y, size_t n);
    double (*norm1)(const float *x, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n);
    void (*adam)(float *x, const float *g, float *m, float *v, const imp_adam *p, size_t n);
    /* df += factor * (f - p); returns the sum of (f - p)^2. */
    double (*content)(float *df, const float *f, const float *p, float factor, size_t n);
    /* For neighbours a and b: the sum of |b - a|, or of its squares. */
    double (*variation)(const float *a, const float *b, imp_tv_form form, size_t n);
    /* d += weight * the derivative of variation by a. */
    void (*slope)(float *d, const float *a, const float *b, imp_tv_form form, float weight,
                  size_t n);
    /* y[c] = [y[c] +] the sum over k of m[c][k] x[k] + o[c], for n pixels of 3 planes, `plane`
     * floats apart. */
    void (*affine)(float *y, const float *x, const imp_affine *a, bool add, size_t plane, size_t n);
    /* One output row of 2 x 2 pooling, in blocks, from rows x and x + row; and its gradient, for
     * both input rows as far as they are in windows. */
    void (*pool)(float *y, const float *x, size_t row, size_t pixels, imp_pooling kind);
    void (*pool_grad)(float *dx, const float *dy, const float *x, size_t row, size_t pixels,
                      imp_pooling kind);
} imp_vector_kernels;

/* A row of pooling indices, native_kernels_indices.c. */
typedef struct imp_indices_kernels {
    /* indices = those of `windows` windows in rows x and x + row. */
    void (*pool)(float *indices, const float *x, size_t row, size_t windows, imp_pooling kind);
    /* Unpools the windows from `first` on of a row of dy, by its indices, to rows dx and dx + row,
     * as far as they are in windows. */
    void (*unpool)(float *dx, const float *dy, const float *indices, size_t row, size_t first,
                   size_t windows, imp_pooling kind);
} imp_indices_kernels;

/* The transforms of native_winograd.c for a row of tiles, native_kernels_winograd.c. */
typedef struct imp_winograd_kernels {
    /* First by columns: space[i * row + l], for i < 6 and l < floats, from element l of the rows
     * d[0] to d[5]; if there is `positive`, only from elements for which it is above 0. */
    void (*columns)(float *space, size_t row, const float *const d[6],
                    const float *const positive[6], size_t floats);
    /* The same for `windows` windows from `first` on of four rows of dy, unpooled by their indices
     * (NULL: zeros), from the second to the seventh row of the unpooled pixels. */
    void (*unpool_columns)(float *space, size_t row, const float *const dy[4],
                           const float *const indices[4], size_t first, size_t windows,
                           imp_pooling kind);
    /* Then by rows: v[p * v_step + 16 tile + i], for point p of 36, from 6 rows of the space; a row
     * has 4 tiles + 2 pixels of 16 channels. */
    void (*rows)(float *v, size_t v_step, const float *space, size_t row, size_t tiles);
    /* y: 4 rows of 4 tiles pixels, `row` apart; m as v above; bias: 16 floats. far: y is too large
     * to stay in a cache until it is read. */
    void (*output)(float *y, size_t row, const float *m, size_t m_step, const float *bias,
                   bool relu, size_t tiles, bool far);
} imp_winograd_kernels;

/* The peak of multiply-adds, native_kernels_measure.c. */
typedef struct imp_measure_kernels {
    /* x = a x + b, n times in every lane of many chains, from different start values. The sum is an
     * output so that no compiler removes the chains. */
    void (*multiply)(float *sum, float a, size_t n);
    size_t flop; /* of each of the n times; a multiply-add counts as two */
} imp_measure_kernels;

typedef struct imp_kernels {
    const char *name;
    size_t group; /* output channels of a panel, at most: 16 or 32 */
    void (*panel)(const imp_panel *p);
    /* g[i * stride + j] += the sum over p of a[16 p + i] b[16 p + j], for i < 16 and j < 16, or j <
     * group if `whole`: then the second 16 are at b + b_block. Meanwhile as many pixels at `ahead`
     * are prefetched. */
    void (*outer)(float *g, size_t stride, const float *a, const float *b, size_t b_block,
                  size_t pixels, const float *ahead, bool whole);
    /* sum[i] += the sum over p of f[16 p + i], for i < 16. */
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
