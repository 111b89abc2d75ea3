/* SPDX-License-Identifier: MIT
 *
 * The self-test of matrices, and of the vectors of a map's channels.
 */
#include "selftest/operation.h"

static void multiply_describe(imp_operands *t) {
    const imp_extent square = imp_extent_matrix(&t->c);
    imp_operand_set(t, 0, "y", IMP_OUTPUT, square);
    imp_operand_set(t, 1, "a", IMP_INPUT, square);
    imp_operand_set(t, 2, "b", IMP_INPUT, square);
}

static imp_status multiply_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->multiply(l->device, t[0], imp_test_scale, t[1], t[2], imp_test_weight);
}

/* The sum, times alpha, plus beta. */
static double multiply_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(c->c, c->data) + 2;
}

const imp_operation imp_operation_multiply = {.group = IMP_GROUP_MATRICES,
                                              .variants = 1,
                                              .describe = multiply_describe,
                                              .call = multiply_call,
                                              .factor = multiply_factor};

static void covariance_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, imp_extent_matrix(&t->c));
    imp_operand_set(t, 1, "g", IMP_INPUT, imp_extent_matrix(&t->c));
    imp_operand_set(t, 2, "s", IMP_INPUT, imp_extent_vector(&t->c));
}

/* The shift is negative because covariance_align makes g negative: so it adds up, too. */
static imp_status covariance_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->covariance(l->device, t[0], t[1], t[2], imp_test_scale, 3,
                                      -imp_test_weight);
}

/* Two means of 1, their product 1, the factor, two sums. */
static double covariance_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 6;
}

/* scale * g - means - shift */
static void covariance_align(imp_operands *t) {
    imp_operand_negate(&t->operand[1]);
}

const imp_operation imp_operation_covariance = {.group = IMP_GROUP_MATRICES,
                                                .variants = 1,
                                                .describe = covariance_describe,
                                                .call = covariance_call,
                                                .factor = covariance_factor,
                                                .align = covariance_align};

static void transport_describe(imp_operands *t) {
    const imp_extent square = imp_extent_matrix(&t->c), vector = imp_extent_vector(&t->c);
    imp_operand_set(t, 0, "v", IMP_OUTPUT, vector);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "dm", IMP_INPUT, square);
    imp_operand_set(t, 3, "cov", IMP_INPUT, square);
    imp_operand_set(t, 4, "root", IMP_INPUT, square);
    imp_operand_set(t, 5, "s", IMP_INPUT, vector);
    imp_operand_set(t, 6, "mean", IMP_INPUT, vector);
}

static imp_status transport_call(const imp_launch *l) {
    const float trace = 1.2f;
    const imp_tensor *t = l->tensor;
    return l->device->ops->transport(l->device, t[0], imp_slot_out(t[1]), t[2], t[3], t[4], t[5],
                                     t[6], trace, imp_test_scale, imp_test_weight);
}

/* e 2; v: e's four factors, the sum; loss: squares, 3 C terms, factors. */
static double transport_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    return i == 0 ? 2 + 5 + imp_bound_sum(c->c, c->data) : 5 + imp_bound_like_signs(3 * c->c) + 4;
}

/* mean, dm and root are subtracted. */
static void transport_align(imp_operands *t) {
    imp_operand_negate(&t->operand[2]);
    imp_operand_negate(&t->operand[4]);
    imp_operand_negate(&t->operand[6]);
}

const imp_operation imp_operation_transport = {.group = IMP_GROUP_MATRICES,
                                               .variants = 1,
                                               .describe = transport_describe,
                                               .call = transport_call,
                                               .factor = transport_factor,
                                               .align = transport_align};

enum { MEANS_HAS_METRIC = 1 };

static void means_describe(imp_operands *t) {
    const imp_extent square = imp_extent_matrix(&t->c), vector = imp_extent_vector(&t->c);
    const bool metric = t->c.variant & MEANS_HAS_METRIC;
    imp_operand_set(t, 0, "v", IMP_OUTPUT, vector);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "dm", IMP_INPUT, square);
    imp_operand_set(t, 3, "metric", metric ? IMP_INPUT : IMP_ABSENT, square);
    imp_operand_set(t, 4, "s", IMP_INPUT, vector);
    imp_operand_set(t, 5, "mean", IMP_INPUT, vector);
}

static imp_status means_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->means(l->device, t[0], imp_slot_out(t[1]), (imp_slot){t[1], IMP_SLOT_A},
                                 t[2], t[3], t[4], t[5], imp_test_scale, imp_test_weight);
}

/* e 2, e' the metric's sum; v: three factors, the sum over dm, the difference; loss: the product,
 * the sum, its factor, and what is added. */
static double means_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    const double sum = imp_bound_sum(c->c, c->data);
    const double e = 2 + (c->variant & MEANS_HAS_METRIC ? sum : 0);
    return i == 0 ? e + 4 + sum : 2 + e + 1 + imp_bound_like_signs(c->c) + 2;
}

/* mean and dm are subtracted. */
static void means_align(imp_operands *t) {
    imp_operand_negate(&t->operand[2]);
    imp_operand_negate(&t->operand[5]);
}

const imp_operation imp_operation_means = {.group = IMP_GROUP_MATRICES,
                                           .variants = 2,
                                           .variant_names = {"plain", "metric"},
                                           .describe = means_describe,
                                           .call = means_call,
                                           .factor = means_factor,
                                           .align = means_align};

static void shift_describe(imp_operands *t) {
    imp_operand_set(t, 0, "f", IMP_BOTH, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "v", IMP_INPUT, imp_extent_vector(&t->c));
}

static imp_status shift_call(const imp_launch *l) {
    return l->device->ops->shift(l->device, l->tensor[0], l->tensor[1]);
}

static double shift_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 1;
}

const imp_operation imp_operation_shift = {.group = IMP_GROUP_SHIFT,
                                           .variants = 1,
                                           .describe = shift_describe,
                                           .call = shift_call,
                                           .factor = shift_factor};
