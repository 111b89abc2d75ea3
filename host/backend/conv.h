/* SPDX-License-Identifier: MIT
 *
 * A convolution as a plain description: what a network file states, what the engine plans and what
 * a backend computes. Letters as in backend/ops.h.
 */
#ifndef IMP_CONV_H
#define IMP_CONV_H

#include <stdbool.h>
#include <stddef.h>

typedef enum imp_padding { IMP_PAD_ZERO, IMP_PAD_REFLECT, IMP_PAD_REPLICATE } imp_padding;

/* Output side = (n + before + after - kernel) / stride + 1. Reflection does not repeat the border
 * (as torch's 'reflect') and needs before, after < n. kernel 1, 3, 7 or 9; stride 1 or 2. */
typedef struct imp_conv {
    size_t in, out, kernel, stride, before, after;
    imp_padding padding;
    bool relu;
    bool half; /* filters that are transformed (imp_winograd) may be kept in half precision */
} imp_conv;

static inline size_t imp_conv_side(const imp_conv *c, size_t n) {
    return (n + c->before + c->after - c->kernel) / c->stride + 1;
}

static inline bool imp_conv_alike(const imp_conv *a, const imp_conv *b) {
    return a->in == b->in && a->out == b->out && a->kernel == b->kernel && a->stride == b->stride &&
           a->before == b->before && a->after == b->after && a->padding == b->padding &&
           a->relu == b->relu && a->half == b->half;
}

#endif
