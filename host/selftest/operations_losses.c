/* SPDX-License-Identifier: MIT
 *
 * The self-test of the losses.
 */
#include <math.h>

#include "selftest/operation.h"

/* ---- style ---- */

static void gram_describe(imp_operands *t) {
    const imp_role sum = t->c.variant & IMP_GRAM_ADDS ? IMP_BOTH : IMP_OUTPUT;
    imp_operand_set(t, 0, "g", sum, imp_extent_matrix(&t->c));
    imp_operand_set(t, 1, "s", t->c.variant & IMP_GRAM_SUMS ? sum : IMP_ABSENT,
                    imp_extent_vector(&t->c));
    imp_operand_set(t, 2, "f", IMP_INPUT, imp_extent_input(&t->c));
}

static void gram_adapt(imp_operand *o, size_t i) {
    if (i == 0)
        imp_operand_mirror(o);
}

static imp_status gram_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->gram(l->device, t[0], t[1], t[2],
                                l->operands->c.variant & IMP_GRAM_ADDS);
}

/* The diagonal of g is a sum of squares. */
static double gram_factor(const imp_case *c, size_t i, size_t k) {
    const size_t terms = c->h * c->w + 1;
    return i == 0 && k / c->c == k % c->c ? imp_bound_like_signs(terms)
                                          : imp_bound_sum(terms, c->data);
}

const imp_operation imp_operation_gram = {
    .group = IMP_GROUP_GRAM,
    .variants = 4,
    .variant_names = {"alone", "added", "with sums", "added, with sums"},
    .describe = gram_describe,
    .adapt = gram_adapt,
    .call = gram_call,
    .factor = gram_factor};

static void style_describe(imp_operands *t) {
    const imp_extent square = imp_extent_matrix(&t->c);
    const bool metric = t->c.variant & IMP_STYLE_HAS_METRIC;
    imp_operand_set(t, 0, "dm", IMP_OUTPUT, square);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "g", IMP_INPUT, square);
    imp_operand_set(t, 3, "target", IMP_INPUT, square);
    imp_operand_set(t, 4, "metric", metric ? IMP_INPUT : IMP_ABSENT, square);
    imp_operand_set(t, 5, "scratch", IMP_CLOBBERED, square);
}

static void style_adapt(imp_operand *o, size_t i) {
    if (i != 1)
        imp_operand_mirror(o);
}

static imp_status style_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->style(l->device, t[0], imp_slot_out(t[1]), t[2], t[3], t[4], t[5],
                                 imp_test_scale, imp_test_weight);
}

/* E 2, the metric's two products, 4 * weight * scale * 3. */
static double style_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    const double metric = c->variant & IMP_STYLE_HAS_METRIC ? 2 * imp_bound_sum(c->c, c->data) : 0;
    return i == 0 ? 2 + metric + 3 : 2 + (2 + metric) + 2 + imp_bound_like_signs(c->c * c->c);
}

/* scale * g - target */
static void style_align(imp_operands *t) {
    imp_operand_negate(&t->operand[3]);
}

const imp_operation imp_operation_style = {.group = IMP_GROUP_STYLE,
                                           .variants = 2,
                                           .variant_names = {"plain", "metric"},
                                           .describe = style_describe,
                                           .adapt = style_adapt,
                                           .call = style_call,
                                           .factor = style_factor,
                                           .align = style_align};

static void style_grad_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    const size_t out = t->c.variant & IMP_STYLE_GRAD_VECTORS ? in.c / 2 + 19 : in.c;
    imp_operand_set(t, 0, "df", IMP_BOTH, (imp_extent){out, in.h, in.w, in.layout});
    imp_operand_set(t, 1, "dm", IMP_INPUT, (imp_extent){1, in.c, out, IMP_PLANES});
    imp_operand_set(t, 2, "f", IMP_INPUT, in);
}

static void style_grad_adapt(imp_operand *o, size_t i) {
    if (i == 1 && o->h == o->w)
        imp_operand_mirror(o);
}

static imp_status style_grad_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->style_grad(l->device, t[0], t[1], t[2]);
}

static double style_grad_factor(const imp_case *c, size_t i, size_t k) {
    (void)i, (void)k;
    return imp_bound_sum(c->c + 1, c->data);
}

const imp_operation imp_operation_style_grad = {.group = IMP_GROUP_STYLE_GRAD,
                                                .variants = 2,
                                                .variant_names = {"matrix", "vectors"},
                                                .describe = style_grad_describe,
                                                .adapt = style_grad_adapt,
                                                .call = style_grad_call,
                                                .factor = style_grad_factor};

/* ---- content ---- */

static void content_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "df", IMP_BOTH, in);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "f", IMP_INPUT, in);
    imp_operand_set(t, 3, "p", IMP_INPUT, in);
}

static imp_status content_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->content(l->device, t[0], imp_slot_out(t[1]), t[2], t[3],
                                   imp_test_weight);
}

static double content_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    return i == 0 ? 4 : 4 + imp_bound_like_signs(c->c * c->h * c->w);
}

/* f - p is exact, and the formula goes on with |f - p|. */
static void content_prepare(imp_operands *t) {
    imp_operand *f = &t->operand[2], *p = &t->operand[3];
    for (size_t k = 0; k < imp_operand_count(f); k++) {
        f->values[k] -= p->values[k];
        p->values[k] = 0;
    }
}

const imp_operation imp_operation_content = {.group = IMP_GROUP_CONTENT,
                                             .variants = 1,
                                             .describe = content_describe,
                                             .call = content_call,
                                             .factor = content_factor,
                                             .prepare = content_prepare};

/* ---- total variation: variants are imp_tv_form ---- */

static void tv_describe(imp_operands *t) {
    const imp_extent in = imp_extent_input(&t->c);
    imp_operand_set(t, 0, "dx", IMP_BOTH, in);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "x", IMP_INPUT, in);
}

static imp_status tv_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->tv(l->device, t[0], imp_slot_out(t[1]), t[2],
                              (imp_tv_form)l->operands->c.variant, imp_test_weight);
}

/* Four differences, times the weight, added one by one; or eight, and the 5/4 of tv_align. */
static double tv_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    const size_t count = c->c * c->h * c->w;
    if (c->variant == IMP_TV_NEIGHBOURS)
        return i == 0 ? 1.25 * 14 : 8 + imp_bound_like_signs(8 * count);
    return i == 0 ? 12 : 4 + imp_bound_like_signs(2 * count);
}

/* Neighbours of opposite signs: all differences add up, at every position. */
static void alternate(imp_operand *o) {
    for (size_t k = 0; k < imp_operand_count(o); k++)
        if ((k % o->w + k / o->w % o->h) % 2)
            o->values[k] = -o->values[k];
}

static void raise_to_largest(imp_operand *o) {
    float most = 0;
    for (size_t k = 0; k < imp_operand_count(o); k++)
        most = fmaxf(most, o->values[k]);
    for (size_t k = 0; k < imp_operand_count(o); k++)
        o->values[k] = most;
}

/* Eight neighbours cannot all be of the opposite sign. If all values equal the largest, the four
 * that are make up for 4/5 of what all eight could add. */
static void tv_align(imp_operands *t) {
    if (t->c.variant == IMP_TV_NEIGHBOURS)
        raise_to_largest(&t->operand[2]);
    alternate(&t->operand[0]);
    alternate(&t->operand[2]);
}

const imp_operation imp_operation_tv = {.group = IMP_GROUP_TV,
                                        .variants = 3,
                                        .variant_names = {"absolute", "squared", "neighbours"},
                                        .describe = tv_describe,
                                        .call = tv_call,
                                        .factor = tv_factor,
                                        .align = tv_align};

/* ---- edges: variants are what a term of the loss calls, and what its target is made by ---- */

enum { EDGES_TERM, EDGES_TARGET };

static void edges_describe(imp_operands *t) {
    const bool term = t->c.variant == EDGES_TERM;
    const imp_extent in = imp_extent_input(&t->c), plane = {1, in.h, in.w, in.layout};
    imp_operand_set(t, 0, "dx", term ? IMP_BOTH : IMP_ABSENT, in);
    imp_operand_set(t, 1, "loss", IMP_SCALARS, imp_extent_scalars());
    imp_operand_set(t, 2, "e", IMP_OUTPUT, plane);
    imp_operand_set(t, 3, "x", IMP_INPUT, in);
    imp_operand_set(t, 4, "target", term ? IMP_INPUT : IMP_ABSENT, plane);
}

/* A picture of constant colour would have no edges. */
static void edges_adapt(imp_operand *o, size_t i) {
    if (i == 3)
        alternate(o);
}

static imp_status edges_call(const imp_launch *l) {
    const imp_tensor *t = l->tensor;
    return l->device->ops->edges(l->device, t[0], imp_slot_out(t[1]), t[2], t[3], t[4],
                                 imp_test_weight);
}

/* e: four differences of three channels, summed up, and the target 8; 2 weight L e 8, and added. */
static double edges_factor(const imp_case *c, size_t i, size_t k) {
    (void)k;
    return i == 0 ? 8 + 8 : i == 2 ? 8 : 2 * 8 + 2 + imp_bound_like_signs(c->h * c->w);
}

/* Neighbours of opposite signs, as for total variation, and a target of the opposite sign of L y.
 */
static void edges_align(imp_operands *t) {
    alternate(&t->operand[0]);
    alternate(&t->operand[3]);
    if (t->c.variant == EDGES_TERM) {
        alternate(&t->operand[4]);
        imp_operand_negate(&t->operand[4]);
    }
}

const imp_operation imp_operation_edges = {.group = IMP_GROUP_AFFINES,
                                           .variants = 2,
                                           .variant_names = {"term", "target"},
                                           .describe = edges_describe,
                                           .adapt = edges_adapt,
                                           .call = edges_call,
                                           .factor = edges_factor,
                                           .align = edges_align};
