/* SPDX-License-Identifier: MIT
 *
 * The self-test of what goes element by element: copies, vectors of the optimisers, their sums.
 */
#include <math.h>

#include "selftest/operation.h"

static size_t count_of(const imp_case *c) {
    return c->c * c->h * c->w;
}

/* ---- one vector ---- */

static void one_describe(imp_operands *t) {
    imp_operand_set(t, 0, "x", IMP_BOTH, imp_extent_input(&t->c));
}

/* Written and read: nothing is called. */
static imp_status copy_call(const imp_launch *l) {
    (void)l;
    return IMP_OK;
}

const imp_operation imp_operation_copy = {.group = IMP_GROUP_COPY,
                                          .variants = 1,
                                          .describe = one_describe,
                                          .call = copy_call,
                                          .factor = imp_bound_exact};

static void fill_describe(imp_operands *t) {
    imp_operand_set(t, 0, "x", IMP_OUTPUT, imp_extent_input(&t->c));
}

static imp_status fill_call(const imp_launch *l) {
    return l->device->ops->fill(l->device, l->tensor[0], -1.75f);
}

const imp_operation imp_operation_fill = {.group = IMP_GROUP_FILL,
                                          .variants = 1,
                                          .describe = fill_describe,
                                          .call = fill_call,
                                          .factor = imp_bound_exact};

static void clamp_adapt(imp_operand *o, size_t i) {
    (void)i;
    for (size_t k = 0; k < imp_operand_count(o); k += 7)
        o->values[k] = k % 3 == 0 ? NAN : k % 3 == 1 ? INFINITY : -INFINITY;
}

static imp_status clamp_call(const imp_launch *l) {
    return l->device->ops->clamp(l->device, l->tensor[0], -0.25f, 0.625f);
}

const imp_operation imp_operation_clamp = {.group = IMP_GROUP_VECTORS,
                                           .variants = 1,
                                           .describe = one_describe,
                                           .adapt = clamp_adapt,
                                           .call = clamp_call,
                                           .factor = imp_bound_exact};

/* ---- linear combinations ---- */

static void combine_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    const unsigned variant = t->c.variant;
    imp_operand_set(t, 0, "z", variant ? IMP_ABSENT : IMP_OUTPUT, in);
    imp_operand_set(t, 1, "x", variant == IMP_COMBINE_INTO_X ? IMP_BOTH : IMP_INPUT, in);
    imp_operand_set(t, 2, "y", variant == IMP_COMBINE_INTO_Y ? IMP_BOTH : IMP_INPUT, in);
}

static imp_status combine_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->combine(l->device, t[l->operands->c.variant], imp_test_a, t[1],
                                   imp_test_b, t[2]);
}

static double combine_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 3;
}

const imp_operation imp_operation_combine = {.group = IMP_GROUP_VECTORS,
                                             .variants = 3,
                                             .variant_names = {"apart", "into x", "into y"},
                                             .describe = combine_describe,
                                             .call = combine_call,
                                             .factor = combine_factor};

static void rescale_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    const bool in_place = t->c.variant == IMP_RESCALE_IN_PLACE;
    imp_operand_set(t, 0, "y", t->c.variant == 0 ? IMP_OUTPUT : IMP_BOTH, in);
    imp_operand_set(t, 1, "scalars", IMP_INPUT, imp_extent_scalars());
    imp_operand_set(t, 2, "x", in_place ? IMP_ABSENT : IMP_INPUT, in);
}

/* Powers are of what is not negative. */
static void rescale_adapt(imp_operand *o, size_t i) {
    for (size_t k = 0; i == 1 && k < imp_operand_count(o); k++)
        o->values[k] = fabsf(o->values[k]);
}

static imp_status rescale_call(const imp_launch *l) {
    static const float powers[] = {-0.5f, -1, 0.25f};
    const imp_tensor *t = l->tensor;
    const unsigned variant = l->operands->c.variant;
    return l->device->ops->rescale(
        l->device, t[0], imp_test_a, (imp_slot){t[1], IMP_SLOT_A}, imp_test_b, powers[variant],
        t[variant == IMP_RESCALE_IN_PLACE ? 0 : 2], variant == IMP_RESCALE_ADDS);
}

/* The value, an OpenCL power 32, two products, a sum. */
static double rescale_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return imp_bound_like_signs(IMP_PARTIALS) + 1 + 32 + 3;
}

const imp_operation imp_operation_rescale = {.group = IMP_GROUP_VECTORS,
                                             .variants = 3,
                                             .variant_names = {"apart", "added", "in place"},
                                             .describe = rescale_describe,
                                             .adapt = rescale_adapt,
                                             .call = rescale_call,
                                             .factor = rescale_factor};

/* ---- sums ---- */

static void dot_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "out", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 1, "x", IMP_INPUT, in);
    imp_operand_set(t, 2, "y", t->c.variant == IMP_DOT_WITH_ITSELF ? IMP_ABSENT : IMP_INPUT, in);
}

static imp_status dot_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->dot(l->device, imp_slot_out(t[0]), t[1],
                               t[l->operands->c.variant == IMP_DOT_WITH_ITSELF ? 1 : 2]);
}

static double dot_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return c->variant == IMP_DOT_WITH_ITSELF ? imp_bound_like_signs(count_of(c))
                                             : imp_bound_sum(count_of(c), c->data);
}

const imp_operation imp_operation_dot = {.group = IMP_GROUP_SUMS,
                                         .variants = 2,
                                         .variant_names = {"x y", "x x"},
                                         .describe = dot_describe,
                                         .call = dot_call,
                                         .factor = dot_factor};

static void norm1_describe(imp_operands *t) {
    imp_operand_set(t, 0, "out", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 1, "x", IMP_INPUT, imp_extent_input(&t->c));
}

static imp_status norm1_call(const imp_launch *l) {
    return l->device->ops->norm1(l->device, imp_slot_out(l->tensor[0]), l->tensor[1]);
}

static double norm1_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_like_signs(count_of(c));
}

const imp_operation imp_operation_norm1 = {.group = IMP_GROUP_SUMS,
                                           .variants = 1,
                                           .describe = norm1_describe,
                                           .call = norm1_call,
                                           .factor = norm1_factor};

/* ---- the history of L-BFGS ---- */

static void dots_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "out", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 1, "x", IMP_INPUT, in);
    imp_operand_set(t, 2, "y", IMP_INPUT, in);
    for (size_t i = 0; i < IMP_VECTORS; i++)
        imp_operand_set(t, 3 + i, "vectors", IMP_INPUT, in);
}

static imp_status dots_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->dots(l->device, imp_slot_out(t[0]), t + 3, IMP_VECTORS, t[1], t[2]);
}

static double dots_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(count_of(c), c->data);
}

const imp_operation imp_operation_dots = {.group = IMP_GROUP_HISTORY,
                                          .variants = 1,
                                          .describe = dots_describe,
                                          .call = dots_call,
                                          .factor = dots_factor};

static void mix_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "z", IMP_OUTPUT, in);
    imp_operand_set(t, 1, "x", IMP_INPUT, in);
    imp_operand_set(t, 2, "factors", IMP_INPUT, (imp_extent){1, 1, IMP_VECTORS, IMP_PLANES});
    for (size_t i = 0; i < IMP_VECTORS; i++)
        imp_operand_set(t, 3 + i, "vectors", IMP_INPUT, in);
}

/* A vector whose factor is 0 must not be read. */
static void mix_adapt(imp_operand *o, size_t i) {
    if (i == 2)
        o->values[1] = 0;
    for (size_t k = 0; i == 4 && k < imp_operand_count(o); k++)
        o->values[k] = NAN;
}

static imp_status mix_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->mix(l->device, t[0], 0.8f, t[1], t[2], t + 3, IMP_VECTORS);
}

static double mix_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(IMP_VECTORS + 1, c->data);
}

const imp_operation imp_operation_mix = {.group = IMP_GROUP_HISTORY,
                                         .variants = 1,
                                         .describe = mix_describe,
                                         .adapt = mix_adapt,
                                         .call = mix_call,
                                         .factor = mix_factor};

/* ---- Adam ---- */

static void adam_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "x", IMP_BOTH, in);
    imp_operand_set(t, 1, "g", IMP_INPUT, in);
    imp_operand_set(t, 2, "m", IMP_BOTH, in);
    imp_operand_set(t, 3, "v", IMP_BOTH, in);
}

/* v is a mean of squares. */
static void adam_adapt(imp_operand *o, size_t i) {
    for (size_t k = 0; i == 3 && k < imp_operand_count(o); k++)
        o->values[k] = fabsf(o->values[k]);
}

static imp_status adam_call(const imp_launch *l) {
    static const imp_adam adam[] = {
        {.step = 0.02f, .root = 1.5f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f},
        {.step = 0.03f, .root = 1, .beta1 = 0.99f, .beta2 = 0.999f, .epsilon = 0.1f}};
    const imp_tensor *t = l->tensor;
    return l->device->ops->adam(l->device, t[0], t[1], t[2], t[3], &adam[l->operands->c.variant]);
}

/* m 4, v 5; x: m 4, v's root 5/2 + 6 + 2, division 5, step 1, sum 1. */
static double adam_factor(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)k;
    return i == 2 ? 4 : i == 3 ? 5 : 22;
}

/* x - step */
static void adam_align(imp_operands *t) {
    imp_operand_negate(&t->operand[0]);
}

const imp_operation imp_operation_adam = {.group = IMP_GROUP_VECTORS,
                                          .variants = 2,
                                          .variant_names = {"pytorch", "keras"},
                                          .describe = adam_describe,
                                          .adapt = adam_adapt,
                                          .call = adam_call,
                                          .factor = adam_factor,
                                          .align = adam_align};
