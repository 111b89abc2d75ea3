/* SPDX-License-Identifier: MIT
 *
 * Convolution within the cpu backend. Either direction is a correlation: forward, of x with the
 * filters; backward, of dy with the filters rotated by 180 degrees and inputs and outputs
 * exchanged. A stride s makes s x s of them, one for each remainder of the output's position.
 */
#ifndef IMP_NATIVE_CONV_H
#define IMP_NATIVE_CONV_H

#include "cpu/native.h"

/* Filters seen through strides: w[o,i,a,b] = at[o * o_step + i * i_step + a * a_step + b * b_step].
 * Negative steps flip. */
typedef struct imp_taps {
    const float *at;
    size_t outputs, inputs, height, width;
    ptrdiff_t o_step, i_step, a_step, b_step;
    bool fold; /* every tap of every output has its own lane; the lanes are added up later */
} imp_taps;

/* The taps that fit into a block of lanes where they are folded: n. Tap t of output o has lane t %
 * n * outputs + o of block t / n. */
static inline size_t imp_taps_of_block(const imp_taps *t) {
    return IMP_BLOCK / imp_max(1, t->outputs);
}

/* Whether folding pays for these taps at this stride: few outputs and not too many taps. */
static inline bool imp_taps_fold(const imp_taps *t, size_t stride) {
    const size_t taps = t->height * t->width;
    return stride == 1 && t->outputs <= 4 && taps > 1 && taps <= 2 * imp_taps_of_block(t);
}

/* The lanes of all outputs, and the number of taps of a panel. */
static inline size_t imp_taps_lanes(const imp_taps *t) {
    return t->fold ? imp_over(t->height * t->width, imp_taps_of_block(t)) * IMP_BLOCK : t->outputs;
}

static inline size_t imp_taps_count(const imp_taps *t) {
    return t->fold ? 1 : t->height * t->width;
}

/* A pooling fused with a correlation. POOL: y receives the pooled outputs, half as high and wide,
 * and `indices` the pooling indices. UNPOOL: x is the gradient of the pooled map; it is unpooled
 * by `indices`, and that is correlated. */
typedef enum imp_fused { IMP_FUSED_NONE, IMP_FUSED_POOL, IMP_FUSED_UNPOOL } imp_fused;

/* y[o, y_row + y_step p, y_column + y_step q] = bias[o] + sum w[o,i,a,b]
 * x~[i, row + stride p + a, column + stride q + b] for p < height, q < width; x~ is x with padding
 * all around and 0 where `positive` is a tensor and not above 0. */
typedef struct imp_correlation {
    imp_tensor x, positive, y;
    imp_fused fused; /* not NONE: only with Winograd's algorithm and 1 x 1 filters */
    imp_tensor indices;
    imp_pooling pooling;
    imp_padding padding;
    ptrdiff_t row, column;
    size_t stride, height, width;
    size_t y_row, y_column, y_step;
    imp_taps taps;
    const void *weights; /* the taps, prepared for the algorithm: floats or, */
    bool half;           /* for Winograd's algorithm, halves */
    size_t tiles;        /* Winograd's algorithm: tiles of a strip, about */
    const float *bias;   /* outputs, zeros up to a multiple of 32 */
    bool relu;
} imp_correlation;

/* A piece of x~ in channel blocks. Column c of a row is in lane c % stride at place c / stride, so
 * that the pixels that neighbouring outputs need are neighbours. A lane has `lane` floats, a row
 * `stride` lanes. */
typedef struct imp_patch {
    const imp_correlation *of;
    ptrdiff_t row, column; /* in x */
    size_t rows, columns, lane;
} imp_patch;

/* The position of a side of n that padded position k shows, or -1: it is zero. */
ptrdiff_t imp_native_source(imp_padding padding, ptrdiff_t k, size_t n);

/* Fills channel block `block` of a patch. For planes the lanes beyond x.c are undefined. */
void imp_native_patch(const imp_native *n, float *to, const imp_patch *patch, size_t block);

/* Zeros, as the bias of a panel. */
extern const float imp_native_zeros[2 * IMP_BLOCK];

/* The floats of packed taps, and the packing for panels: [group][channel block][tap][channel]
 * [output]. The last group is half as wide if that is enough for the outputs. */
size_t imp_native_packed(const imp_taps *taps);
void imp_native_pack(imp_native *n, float *to, const imp_taps *taps);

/* The taps w[o,i] = m[i * outputs + o] of a matrix m. */
static inline imp_taps imp_native_matrix_taps(const float *m, size_t inputs, size_t outputs) {
    return (imp_taps){.at = m,
                      .outputs = outputs,
                      .inputs = inputs,
                      .height = 1,
                      .width = 1,
                      .o_step = 1,
                      .i_step = (ptrdiff_t)outputs};
}

/* native_direct.c: any correlation, with weights from imp_native_pack. native_folded.c: those with
 * folded taps. */
imp_status imp_native_direct(imp_native *n, const imp_correlation *c);
/* A thread's floats of working space. masked: c will get a tensor `positive`. */
size_t imp_native_direct_space(const imp_native *n, const imp_correlation *c, bool masked);
imp_status imp_native_folded(imp_native *n, const imp_correlation *c);
size_t imp_native_folded_space(const imp_native *n, const imp_correlation *c);

/* Of a correlation with IMP_FUSED_POOL: pools rows x and x + x_row of pixels of channel block
 * `block` into `windows` windows of row `row` of y and its indices, from window `first` on, a
 * multiple of IMP_INDICES. */
void imp_native_pool_row(const imp_native *n, const imp_correlation *c, size_t block, size_t row,
                         size_t first, size_t windows, const float *x, size_t x_row);

/* native_point.c: 1 x 1 filters on maps, every output made from the pixel at its own position; with
 * weights from imp_native_pack. space: a thread's floats; 0 unless a pooling is fused. */
bool imp_native_point_takes(const imp_correlation *c);
imp_status imp_native_point(imp_native *n, const imp_correlation *c);
size_t imp_native_point_space(const imp_native *n, const imp_correlation *c);

/* native_conv_choice.c: the algorithm for a job, which is imp_native_conv's or a part of
 * imp_native_conv_grad's (gradient). map: the shape of the convolution's output. */
typedef struct imp_conv_algorithm {
    const char *name;
    size_t tiles; /* of a strip of Winograd's algorithm; 0: direct */
} imp_conv_algorithm;
enum { IMP_NATIVE_TILES_FUSED = 48 }; /* where a pooling is fused and direct is chosen */
const imp_conv_algorithm *imp_native_algorithm_of(const imp_device *d, const imp_conv *conv,
                                                  imp_tensor map, bool gradient,
                                                  const imp_correlation *job);

/* native_conv.c: the correlation that conv (gradient: conv_grad, with dx and dy for y and x) makes
 * of these tensors, without separate borders; and the convolution of a filter. */
imp_correlation imp_native_job(imp_tensor y, imp_tensor x, const imp_filter *filter, bool gradient);
const imp_conv *imp_native_conv_of(const imp_filter *filter);

/* native_winograd.c: Winograd's F(4x4,3x3), with weights from imp_native_winograd_pack. half: the
 * transformed filters are rounded to the nearest half (ties to even), those beyond the largest half
 * to it. space: a thread's floats. */
extern const imp_winograd imp_native_f4x4;
enum { IMP_NATIVE_TILE = 4 }; /* rows and columns of a tile of outputs */
size_t imp_native_winograd_packed(const imp_taps *taps, bool half); /* bytes */
void imp_native_winograd_pack(imp_native *n, void *to, const imp_taps *taps, bool half);
imp_status imp_native_winograd_conv(imp_native *n, const imp_correlation *c);
size_t imp_native_winograd_space(const imp_native *n, const imp_correlation *c);

/* y[o,p] = [y[o,p] or bias[o] +] sum over i of w[o,i] x[i,p], with packed taps of 1 x 1. x and y
 * have `pixels` pixels, in blocks that are x_block and y_block floats apart. */
typedef struct imp_product {
    const float *x, *weights;
    float *y;
    size_t x_block, y_block, inputs, outputs, pixels;
    bool add;
    const float *bias; /* outputs, zeros up to a multiple of 32; NULL: none, or y where `add` */
    bool relu;
} imp_product;

void imp_native_product(imp_native *n, const imp_product *p);

#endif
