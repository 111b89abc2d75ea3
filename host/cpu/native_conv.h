/* SPDX-License-Identifier: MIT
 *
 * Convolution of the cpu backend from the inside. Both directions are correlations: forward one of
 * x with the filters, back one of dy with the filters rotated by 180 degrees and inputs and outputs
 * exchanged; a stride s makes s x s of them, one for every remainder of the output's position.
 */
#ifndef IMP_NATIVE_CONV_H
#define IMP_NATIVE_CONV_H

#include "cpu/native.h"

/* Filters seen through strides: w[o,i,a,b] = at[o * o_step + i * i_step + a * a_step + b * b_step].
 * Negative steps rotate. */
typedef struct imp_taps {
    const float *at;
    size_t outputs, inputs, height, width;
    ptrdiff_t o_step, i_step, a_step, b_step;
    bool fold; /* every tap of every output takes a lane of its own: these are added up later */
} imp_taps;

/* The taps that a block of lanes has room for where they are folded: tap t of output o stands in
 * lane t % these * outputs + o of block t / these. */
static inline size_t imp_taps_of_block(const imp_taps *t) {
    return IMP_BLOCK / imp_max(1, t->outputs);
}

/* Whether that pays for these taps at this stride: there are few outputs and not too many taps. */
static inline bool imp_taps_fold(const imp_taps *t, size_t stride) {
    const size_t taps = t->height * t->width;
    return stride == 1 && t->outputs <= 4 && taps > 1 && taps <= 2 * imp_taps_of_block(t);
}

/* The lanes of all outputs, and the taps that a panel sees. */
static inline size_t imp_taps_lanes(const imp_taps *t) {
    return t->fold ? imp_over(t->height * t->width, imp_taps_of_block(t)) * IMP_BLOCK : t->outputs;
}

static inline size_t imp_taps_count(const imp_taps *t) {
    return t->fold ? 1 : t->height * t->width;
}

/* A pooling made in the same go. POOLED: of the outputs only its y and choice are kept, y's sides
 * are half of height and width. SPREAD: x is its dy, and what is correlated is that, spread as the
 * choice says. */
typedef enum imp_joint { IMP_ALONE, IMP_POOLED, IMP_SPREAD } imp_joint;

/* y[o, y_row + y_step p, y_column + y_step q] = bias[o] + sum w[o,i,a,b]
 * x~[i, row + stride p + a, column + stride q + b] for p < height, q < width; x~ is x with padding
 * all around and 0 where `positive` is a tensor and not above 0. */
typedef struct imp_correlation {
    imp_tensor x, positive, y;
    imp_joint joint; /* other than IMP_ALONE by Winograd's algorithm and with 1 x 1 filters only */
    imp_tensor indices;
    imp_pooling pooling;
    imp_padding padding;
    ptrdiff_t row, column;
    size_t stride, height, width;
    size_t y_row, y_column, y_step;
    imp_taps taps;
    const void *weights; /* the taps, prepared for the algorithm: floats, */
    bool half;           /* or, of Winograd's algorithm, halves */
    size_t tiles;        /* Winograd's algorithm: of a strip, about */
    const float *bias;   /* outputs, zeros up to a multiple of 32 */
    bool relu;
} imp_correlation;

/* A piece of x~ with one channel block after another, `block` floats apart. Column c of a row
 * stands in lane c % stride at place c / stride, so that the pixels which neighbouring outputs need
 * are neighbours; lanes are `lane` floats long, rows `stride` lanes. */
typedef struct imp_patch {
    const imp_correlation *of;
    ptrdiff_t row, column; /* in x */
    size_t rows, columns, lane;
} imp_patch;

/* Where position k of a padded side of n comes from, or -1: it is zero. */
ptrdiff_t imp_native_source(imp_padding padding, ptrdiff_t k, size_t n);

/* Fills in channel block `block` of a patch; lanes beyond x.c are undefined for planes. */
void imp_native_patch(const imp_native *n, float *to, const imp_patch *patch, size_t block);

/* A bias of a panel. */
extern const float imp_native_zeros[2 * IMP_BLOCK];

/* The floats that packed taps take, and the packing for panels: [group][channel block][tap]
 * [channel][output], the last group half as wide where outputs ask for no more. */
size_t imp_native_packed(const imp_taps *taps);
void imp_native_pack(imp_native *n, float *to, const imp_taps *taps);

/* The taps that the C x C matrix w^T makes, for products w[o,i] = m[i * c + o]. */
static inline imp_taps imp_native_matrix_taps(const float *m, size_t c) {
    return (imp_taps){.at = m,
                      .outputs = c,
                      .inputs = c,
                      .height = 1,
                      .width = 1,
                      .o_step = 1,
                      .i_step = (ptrdiff_t)c};
}

/* Any correlation, with weights from imp_native_pack; and those whose taps are folded. */
imp_status imp_native_direct(imp_native *n, const imp_correlation *c);
/* A thread's floats; masked: with a tensor `positive`, where c has none yet. */
size_t imp_native_direct_space(const imp_native *n, const imp_correlation *c, bool masked);
imp_status imp_native_folded(imp_native *n, const imp_correlation *c);
size_t imp_native_folded_space(const imp_native *n, const imp_correlation *c);

/* Where a correlation is POOLED: so many windows of channel block `block` of a row of its y and
 * choice, from `first` on, where an element of the choice begins; from rows x and x + x_row of
 * pixels. */
void imp_native_pool_row(const imp_native *n, const imp_correlation *c, size_t block, size_t row,
                         size_t first, size_t windows, const float *x, size_t x_row);

/* Filters of 1 x 1 on maps, of which every output is made of the pixel in its own place; with
 * weights from imp_native_pack. Its space is needed beside a pooling only. */
bool imp_native_point_takes(const imp_correlation *c);
imp_status imp_native_point(imp_native *n, const imp_correlation *c);
size_t imp_native_point_space(const imp_native *n, const imp_correlation *c);

/* By Winograd's F(4x4,3x3), with weights from imp_native_winograd_pack, where it can: 3 x 3, stride
 * 1, maps of enough channels. It pays where there are enough positions. half: of the transformed
 * filters the nearest half (of the two, the even one), and of what is beyond them the last. */
extern const imp_winograd imp_native_f4x4;
bool imp_native_winograd_takes(const imp_correlation *c);
bool imp_native_winograd_pays(const imp_correlation *c);
size_t imp_native_winograd_packed(const imp_taps *taps, bool half); /* bytes */
void imp_native_winograd_pack(imp_native *n, void *to, const imp_taps *taps, bool half);
imp_status imp_native_winograd_conv(imp_native *n, const imp_correlation *c);
size_t imp_native_winograd_space(const imp_native *n, const imp_correlation *c);

/* y[o,p] = [y[o,p] or bias[o] +] sum_i w[o,i] x[i,p]: taps of 1 x 1, packed; x and y at `pixels`
 * places in blocks that are x_block and y_block floats apart. */
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
