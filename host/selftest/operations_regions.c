/* SPDX-License-Identifier: MIT
 *
 * The self-test of regions, borders and the network's entry.
 */
#include "selftest/operation.h"

/* ---- regions ---- */

static void mask_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "y", t->c.variant & IMP_MASK_ADDS ? IMP_BOTH : IMP_OUTPUT, in);
    imp_operand_set(t, 1, "x", IMP_INPUT, in);
    imp_operand_set(t, 2, "t", IMP_INPUT, (imp_extent){1, in.h, in.w, IMP_PLANES});
}

static imp_status mask_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->mask(l->device, t[0], t[1], t[2],
                                l->operands->c.variant & IMP_MASK_ADDS);
}

/* Product, sum, and the oracle's own rounding. */
static double mask_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 3;
}

const imp_operation imp_operation_mask = {.group = IMP_GROUP_MASK,
                                          .variants = 2,
                                          .variant_names = {"alone", "added"},
                                          .describe = mask_describe,
                                          .call = mask_call,
                                          .factor = mask_factor};

/* ---- borders ---- */

/* Margins beyond a whole side, unless only columns are continued. */
static imp_extent wrapped(const imp_case *c) {
    const size_t h = c->variant == IMP_WRAP_COLUMNS ? c->h : 3 * c->h + c->h / 2 + 1;
    return (imp_extent){c->c, h, c->w + c->w / 3 + 1, c->layout};
}

static void wrap_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, wrapped(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status wrap_call(const imp_launch *l) {
    return l->device->ops->wrap(l->device, l->tensor[0], l->tensor[1]);
}

const imp_operation imp_operation_wrap = {.group = IMP_GROUP_WRAPS,
                                          .variants = 2,
                                          .variant_names = {"both ways", "sideways"},
                                          .describe = wrap_describe,
                                          .call = wrap_call,
                                          .factor = imp_bound_exact};

static void wrap_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, wrapped(&t->c));
}

static imp_status wrap_grad_call(const imp_launch *l) {
    return l->device->ops->wrap_grad(l->device, l->tensor[0], l->tensor[1]);
}

/* Up to five rows and three columns. */
static double wrap_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(15, c->data);
}

const imp_operation imp_operation_wrap_grad = {.group = IMP_GROUP_WRAPS,
                                               .variants = 2,
                                               .variant_names = {"both ways", "sideways"},
                                               .describe = wrap_grad_describe,
                                               .call = wrap_grad_call,
                                               .factor = wrap_grad_factor};

/* ---- halving ---- */

static imp_extent halved(const imp_case *c) {
    return (imp_extent){c->c, c->h / 2, c->w / 2, c->layout};
}

static void halve_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, halved(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status halve_call(const imp_launch *l) {
    return l->device->ops->halve(l->device, l->tensor[0], l->tensor[1]);
}

/* In each direction: two sums, two products, their sum. */
static double halve_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 2 * 3;
}

const imp_operation imp_operation_halve = {.group = IMP_GROUP_HALVES,
                                           .variants = 1,
                                           .describe = halve_describe,
                                           .call = halve_call,
                                           .factor = halve_factor};

static void halve_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, halved(&t->c));
}

static imp_status halve_grad_call(const imp_launch *l) {
    return l->device->ops->halve_grad(l->device, l->tensor[0], l->tensor[1]);
}

/* In each direction: two products and their sum. */
static double halve_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 2 * 2;
}

const imp_operation imp_operation_halve_grad = {.group = IMP_GROUP_HALVES,
                                                .variants = 1,
                                                .describe = halve_grad_describe,
                                                .call = halve_grad_call,
                                                .factor = halve_grad_factor};

/* ---- entry ---- */

/* Three products, three sums. */
static double affine_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 6;
}

static void affine_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status affine_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->affine(l->device, t[0], t[1], &l->operands->affine);
}

const imp_operation imp_operation_affine = {.group = IMP_GROUP_AFFINES,
                                            .variants = 1,
                                            .describe = affine_describe,
                                            .call = affine_call,
                                            .factor = affine_factor};

static void affine_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_BOTH, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status affine_grad_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->affine_grad(l->device, t[0], t[1], &l->operands->affine);
}

const imp_operation imp_operation_affine_grad = {.group = IMP_GROUP_AFFINES,
                                                 .variants = 1,
                                                 .describe = affine_grad_describe,
                                                 .call = affine_grad_call,
                                                 .factor = affine_factor};
