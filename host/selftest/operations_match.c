/* SPDX-License-Identifier: MIT
 *
 * The self-test of matching: maps on another grid, angles, and the nearest of vectors.
 */
#include "selftest/operation.h"

/* ---- another grid: coarser than the map of the case, or finer ---- */

enum { FINER = 1, MOST = 4 }; /* MOST: rows or columns of a mean, and means that a row is in */

static imp_extent grid(const imp_case *c) {
    return c->variant & FINER ? (imp_extent){c->c, 2 * c->h + 1, 3 * c->w, c->layout}
                              : (imp_extent){c->c, c->h / 3 + 1, c->w / 2 + 1, c->layout};
}

static void regrid_describe(imp_operands *t) {
    imp_operand_set(t, 0, "y", IMP_OUTPUT, grid(&t->c));
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status regrid_call(const imp_launch *l) {
    return l->device->ops->regrid(l->device, l->tensor[0], l->tensor[1]);
}

/* The sum and its division. */
static double regrid_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(MOST * MOST, c->data) + 5;
}

const imp_operation imp_operation_regrid = {.group = IMP_GROUP_MATCH,
                                            .variants = 2,
                                            .variant_names = {"coarser", "finer"},
                                            .describe = regrid_describe,
                                            .call = regrid_call,
                                            .factor = regrid_factor};

static void regrid_grad_describe(imp_operands *t) {
    imp_operand_set(t, 0, "dx", IMP_BOTH, imp_extent_input(&t->c));
    imp_operand_set(t, 1, "dy", IMP_INPUT, grid(&t->c));
}

static imp_status regrid_grad_call(const imp_launch *l) {
    return l->device->ops->regrid_grad(l->device, l->tensor[0], l->tensor[1]);
}

/* Divisions, their sum, and what it is added to. */
static double regrid_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(MOST * MOST, c->data) + 6;
}

const imp_operation imp_operation_regrid_grad = {.group = IMP_GROUP_MATCH,
                                                 .variants = 2,
                                                 .variant_names = {"coarser", "finer"},
                                                 .describe = regrid_grad_describe,
                                                 .call = regrid_grad_call,
                                                 .factor = regrid_grad_factor};

/* ---- angles ---- */

enum { ALONG, PULL, LOSS, F, T };

static void angle_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c), plane = {1, in.h, in.w, IMP_PLANES};
    imp_operand_set(t, ALONG, "along", IMP_OUTPUT, plane);
    imp_operand_set(t, PULL, "pull", IMP_OUTPUT, plane);
    imp_operand_set(t, LOSS, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, F, "f", IMP_INPUT, in);
    imp_operand_set(t, T, "t", IMP_INPUT, in);
}

static imp_status angle_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->angle(l->device, t[ALONG], t[PULL], imp_slot_out(t[LOSS]), t[F], t[T],
                                 imp_test_weight, imp_test_scale);
}

/* n: half of what its square is off by, and the root. pull: n, division, weight. along: d, n three
 * times, two products, division, weight. loss: d / n, 1 - that, the sum, weight. */
static double angle_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    const double d = imp_bound_sum(c->c, c->data), n = imp_bound_like_signs(c->c + 1) / 2 + 6;
    if (i == LOSS)
        return d + n + 5 + 1 + imp_bound_like_signs(c->h * c->w) + 1;
    return i == PULL ? n + 6 : d + 3 * n + 13;
}

/* 1 - d / n */
static void angle_align(imp_operands *t) {
    imp_operand_negate(&t->operand[T]);
}

const imp_operation imp_operation_angle = {.group = IMP_GROUP_MATCH,
                                           .variants = 1,
                                           .describe = angle_describe,
                                           .call = angle_call,
                                           .factor = angle_factor,
                                           .align = angle_align};

/* ---- the nearest ---- */

static void nearest_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c), plane = {1, in.h, in.w, IMP_PLANES};
    imp_operand_set(t, 0, "best", IMP_BOTH, plane);
    imp_operand_set(t, 1, "index", IMP_BOTH, plane);
    imp_operand_set(t, 2, "scores", IMP_INPUT, in);
}

static imp_status nearest_call(const imp_launch *l) {
    const size_t first = 1000;
    return l->device->ops->nearest(l->device, l->tensor[0], l->tensor[1], l->tensor[2], first);
}

const imp_operation imp_operation_nearest = {.group = IMP_GROUP_MATCH,
                                             .variants = 1,
                                             .describe = nearest_describe,
                                             .call = nearest_call,
                                             .factor = imp_bound_exact};
