/* SPDX-License-Identifier: MIT
 *
 * The self-test of convolution and pooling.
 */
#include <math.h>

#include "selftest/operation.h"

/* ---- convolution ---- */

static imp_extent conv_out(const imp_case *c) {
    return (imp_extent){c->conv.out, imp_conv_side(&c->conv, c->h), imp_conv_side(&c->conv, c->w),
                        c->out_layout};
}

/* Filters of constant data are signed random ones. */
static imp_data filter_data(const imp_case *c) {
    return c->data == IMP_CONSTANT ? IMP_SIGNED : c->data;
}

static void conv_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, conv_out(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status conv_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->conv(l->device, t[0], t[1], l->filter);
}

static double conv_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(c->conv.in * c->conv.kernel * c->conv.kernel + 1, filter_data(c));
}

const imp_operation imp_operation_conv = {.group = IMP_GROUP_CONV,
                                          .variants = 1,
                                          .describe = conv_describe,
                                          .call = conv_call,
                                          .factor = conv_factor};

static void conv_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, conv_out(&t->c));
    imp_operand_set(t, 2, "y", t->c.conv.relu ? IMP_INPUT : IMP_ABSENT, conv_out(&t->c));
}

/* y is what a ReLU leaves. */
static void conv_grad_adapt(imp_operand *o, size_t i) {
    for (size_t k = 0; i == 2 && k < imp_operand_count(o); k++)
        o->values[k] = o->values[k] > 0 ? o->values[k] : 0;
}

static imp_status conv_grad_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->conv_grad(l->device, t[0], t[1], t[2], l->filter);
}

/* A corner that padding is folded onto has four times the terms. */
static double conv_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(c->conv.out * c->conv.kernel * c->conv.kernel * 4, filter_data(c));
}

const imp_operation imp_operation_conv_grad = {.group = IMP_GROUP_CONV,
                                               .variants = 1,
                                               .describe = conv_grad_describe,
                                               .adapt = conv_grad_adapt,
                                               .call = conv_grad_call,
                                               .factor = conv_grad_factor};

/* ---- pooling: variants are imp_pooling ---- */

static imp_extent pooled(const imp_case *c) {
    return (imp_extent){c->c, c->h / 2, c->w / 2, c->layout};
}

static void pool_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, pooled(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status pool_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->pool(l->device, t[0], t[1], (imp_pooling)l->operands->c.variant);
}

static double pool_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    if (c->variant == IMP_POOL_L2) /* half of squares and sums 4, root 6, scale 2 */
        return 2 + 6 + 2;
    return c->variant == IMP_POOL_MAX ? 0 : 4;
}

const imp_operation imp_operation_pool = {.group = IMP_GROUP_POOLS,
                                          .variants = 4,
                                          .variant_names = {"max", "average", "twice", "l2"},
                                          .describe = pool_describe,
                                          .call = pool_call,
                                          .factor = pool_factor};

/* y is the oracle's pooling of x: operands.c. */
static void pool_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, pooled(&t->c));
    imp_operand_set(t, 2, "x", IMP_INPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 3, "y", IMP_INPUT, pooled(&t->c));
}

static imp_status pool_grad_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->pool_grad(l->device, t[0], t[1], t[2], t[3],
                                     (imp_pooling)l->operands->c.variant);
}

/* A quarter is exact. L2: half of the root's error 2 + 6, scale 2, product 2, division 5. */
static double pool_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return c->variant == IMP_POOL_L2 ? 8 + 2 + 2 + 5 : 0;
}

const imp_operation imp_operation_pool_grad = {.group = IMP_GROUP_POOLS,
                                               .variants = 4,
                                               .variant_names = {"max", "average", "twice", "l2"},
                                               .describe = pool_grad_describe,
                                               .call = pool_grad_call,
                                               .factor = pool_grad_factor};

static imp_extent indices_of(const imp_case *c) {
    return (imp_extent){c->c, c->h / 2, (c->w / 2 + IMP_INDICES - 1) / IMP_INDICES, c->layout};
}

static void pool_indices_describe(imp_operands *t) {
    imp_operand_set(t, 0, "indices", IMP_OUTPUT, indices_of(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status pool_indices_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->pool_indices(l->device, t[0], t[1], (imp_pooling)l->operands->c.variant);
}

const imp_operation imp_operation_pool_indices = {.group = IMP_GROUP_INDICES,
                                                  .variants = 2,
                                                  .variant_names = {"max", "average"},
                                                  .describe = pool_indices_describe,
                                                  .call = pool_indices_call,
                                                  .factor = imp_bound_exact};

static void unpool_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, pooled(&t->c));
    imp_operand_set(t, 2, "indices", IMP_INPUT, indices_of(&t->c));
}

/* Indices: any bits of six windows. */
static void unpool_adapt(imp_operand *o, size_t i) {
    for (size_t k = 0; i == 2 && k < imp_operand_count(o); k++)
        o->values[k] = (float)((uint32_t)(k * 2654435761U) >> 8);
}

static imp_status unpool_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->unpool(l->device, t[0], t[1], t[2], (imp_pooling)l->operands->c.variant);
}

const imp_operation imp_operation_unpool = {.group = IMP_GROUP_INDICES,
                                            .variants = 2,
                                            .variant_names = {"max", "average"},
                                            .describe = unpool_describe,
                                            .adapt = unpool_adapt,
                                            .call = unpool_call,
                                            .factor = imp_bound_exact};
