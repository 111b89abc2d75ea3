/* SPDX-License-Identifier: MIT
 *
 * Absolute twins and factors. Each factor counts the roundings of its formula, one u each: products
 * and sums 1, an OpenCL square root 6, a division 5 (3 and 2.5 units in the last place); a long sum
 * counts as bounds.h says.
 */
#include "selftest/bounds.h"

#include <math.h>

/* ---- absolute twins ---- */

static void absolute(float *values, size_t n) {
    for (size_t k = 0; k < n; k++)
        values[k] = fabsf(values[k]);
}

static void negate(imp_operand *o) {
    for (size_t k = 0; k < imp_operand_count(o); k++)
        o->values[k] = -o->values[k];
}

/* Neighbours of opposite signs: then all differences add up, at every position. */
static void alternate(imp_operand *o) {
    for (size_t k = 0; k < imp_operand_count(o); k++)
        if ((k % o->w + k / o->w % o->h) % 2)
            o->values[k] = -o->values[k];
}

/* Eight neighbours cannot all be of the opposite sign; but where all are as large as the largest,
 * the four that are make up for 4/5 of what all together could. */
static void raise_to_largest(imp_operand *o) {
    float most = 0;
    for (size_t k = 0; k < imp_operand_count(o); k++)
        most = fmaxf(most, o->values[k]);
    for (size_t k = 0; k < imp_operand_count(o); k++)
        o->values[k] = most;
}

void imp_operands_absolute(imp_operands *t) {
    imp_operand *o = t->operand;
    const imp_conv *c = &t->c.conv;
    if (t->c.op == IMP_OP_CONTENT) /* |f - p| is what the formula goes on with, and it is exact */
        for (size_t k = 0; k < imp_operand_count(&o[2]); k++) {
            o[2].values[k] -= o[3].values[k];
            o[3].values[k] = 0;
        }
    for (size_t i = 0; i < IMP_OPERANDS; i++)
        absolute(o[i].values, imp_operand_count(&o[i]));
    if (t->weights)
        absolute(t->weights, c->out * c->in * c->kernel * c->kernel);
    if (t->bias)
        absolute(t->bias, c->out);
    absolute(&t->affine.m[0][0], 9);
    absolute(t->affine.o, 3);
    switch (t->c.op) {
    case IMP_OP_STYLE: /* scale * g - target */
        negate(&o[3]);
        break;
    case IMP_OP_TV:
        if (t->c.variant == IMP_TV_NEIGHBOURS)
            raise_to_largest(&o[2]);
        alternate(&o[0]);
        alternate(&o[2]);
        break;
    case IMP_OP_COVARIANCE: /* scale * g - means - shift */
        negate(&o[1]);
        break;
    case IMP_OP_TRANSPORT: /* mean, dm and root are subtracted */
        negate(&o[2]);
        negate(&o[4]);
        negate(&o[6]);
        break;
    case IMP_OP_ADAM: /* x - step */
        negate(&o[0]);
        break;
    default:
        break;
    }
}

/* ---- factors ---- */

/* Of a sum of n terms of one sign; few terms cannot be off by more than one rounding each. */
static double like_signs(size_t n) {
    return fmax(8, 4 * sqrt((double)n));
}

static double sum_of(size_t n, imp_data data) {
    return data == IMP_NONNEGATIVE || data == IMP_CONSTANT ? like_signs(n) : 8;
}

/* Filters of constant data are signed random ones. */
static double conv_factor(const imp_case *c) {
    const imp_data data = c->data == IMP_CONSTANT ? IMP_SIGNED : c->data;
    const size_t window = c->conv.kernel * c->conv.kernel;
    if (c->op == IMP_OP_CONV)
        return sum_of(c->conv.in * window + 1, data);
    return sum_of(c->conv.out * window * 4, data); /* a folded corner: four times the terms */
}

static double loss_factor(const imp_case *c, size_t i, size_t k) {
    const size_t count = c->c * c->h * c->w, channels = c->c;
    const double metric = c->variant & IMP_STYLE_HAS_METRIC ? 2 * sum_of(channels, c->data) : 0;
    switch (c->op) {
    case IMP_OP_GRAM:
        return i == 0 && k / channels == k % channels ? like_signs(c->h * c->w + 1)
                                                      : sum_of(c->h * c->w + 1, c->data);
    case IMP_OP_STYLE: /* E 2, the metric's two products, 4 * weight * scale * 3 */
        return i == 0 ? 2 + metric + 3 : 2 + (2 + metric) + 2 + like_signs(channels * channels);
    case IMP_OP_STYLE_GRAD:
        return sum_of(channels + 1, c->data);
    case IMP_OP_CONTENT:
        return i == 0 ? 4 : 4 + like_signs(count);
    default: /* IMP_OP_TV: four differences, times the weight, added one by one; or eight, and 5/4
              */
        if (c->variant == IMP_TV_NEIGHBOURS)
            return i == 0 ? 1.25 * 14 : 8 + like_signs(8 * count);
        return i == 0 ? 12 : 4 + like_signs(2 * count);
    }
}

static double vector_factor(const imp_case *c, size_t i) {
    const size_t count = c->c * c->h * c->w;
    switch (c->op) {
    case IMP_OP_AFFINE:
    case IMP_OP_AFFINE_GRAD:
        return 6; /* three products, three sums */
    case IMP_OP_COMBINE:
        return 3;
    case IMP_OP_DOT:
        return c->variant == IMP_DOT_WITH_ITSELF ? like_signs(count) : sum_of(count, c->data);
    case IMP_OP_NORM1:
        return like_signs(count);
    case IMP_OP_DOTS:
        return sum_of(count, c->data);
    case IMP_OP_MIX:
        return sum_of(IMP_VECTORS + 1, c->data);
    case IMP_OP_ADAM: /* m 4, v 5; x: m 4, v's root 5/2 + 6 + 2, division 5, step 1, sum 1 */
        return i == 2 ? 4 : i == 3 ? 5 : 22;
    default:
        return 0; /* copies, fills and clamps round nothing */
    }
}

static double matrix_factor(const imp_case *c, size_t i) {
    switch (c->op) {
    case IMP_OP_MULTIPLY: /* times alpha, plus beta */
        return sum_of(c->c, c->data) + 2;
    case IMP_OP_COVARIANCE: /* two means of 1, their product 1, two sums */
        return 5;
    case IMP_OP_TRANSPORT: /* e 2; v: e's four factors, the sum; loss: squares, 3 C terms, factors
                            */
        return i == 0 ? 2 + 5 + sum_of(c->c, c->data) : 5 + like_signs(3 * c->c) + 4;
    case IMP_OP_SHIFT:
        return 1;
    default: /* IMP_OP_RESCALE: the value, an OpenCL power 32, two products, a sum */
        return like_signs(IMP_PARTIALS) + 1 + 32 + 3;
    }
}

double imp_bound_factor(const imp_case *c, size_t i, size_t k) {
    switch (c->op) {
    case IMP_OP_CONV:
    case IMP_OP_CONV_GRAD:
        return conv_factor(c);
    case IMP_OP_POOL:
        if (c->variant == IMP_POOL_L2) /* half of squares and sums 4, root 6, scale 2 */
            return 2 + 6 + 2;
        return c->variant == IMP_POOL_MAX ? 0 : 4;
    case IMP_OP_POOL_GRAD: /* a quarter is exact; L2: the root 2 + 6, scale 2, product 2, division
                            */
        return c->variant == IMP_POOL_L2 ? 8 + 2 + 2 + 5 : 0;
    case IMP_OP_POOL_INDICES:
    case IMP_OP_UNPOOL:
        return 0;
    case IMP_OP_GRAM:
    case IMP_OP_STYLE:
    case IMP_OP_STYLE_GRAD:
    case IMP_OP_CONTENT:
    case IMP_OP_TV:
        return loss_factor(c, i, k);
    case IMP_OP_MULTIPLY:
    case IMP_OP_COVARIANCE:
    case IMP_OP_TRANSPORT:
    case IMP_OP_SHIFT:
    case IMP_OP_RESCALE:
        return matrix_factor(c, i);
    case IMP_OP_MASK: /* product, sum, and the oracle's own rounding */
        return 3;
    case IMP_OP_WRAP:
        return 0;
    case IMP_OP_WRAP_GRAD: /* up to five rows and three columns */
        return sum_of(15, c->data);
    default:
        return vector_factor(c, i);
    }
}
