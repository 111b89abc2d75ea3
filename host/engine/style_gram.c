/* SPDX-License-Identifier: MIT
 *
 * Style as the squared difference of Gram matrices (Gatys, Ecker and Bethge 2016), averaged over
 * the matrix or relative to the target's own size; README.md, Gram style loss.
 */
#include "engine/objective.h"

enum { D, SCRATCH, MATRICES };

/* The difference to a target of zero is the target: so the same operation gives its sum of squares
 * under the metric. */
static imp_status finish(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_loss_term *term = &o->terms[i];
    const size_t c = term->target.h;
    TRY(d->ops->fill(d, term->gram, 0));
    TRY(d->ops->style(d, imp_style_matrix(o, D, c), (imp_slot){o->scalars, i}, term->gram,
                      term->target, o->metrics[term->node], imp_style_matrix(o, SCRATCH, c), 1, 1));
    return imp_objective_scalar(o, i, &term->squares);
}

static float weigh(const imp_loss_term *term, imp_loss_form form) {
    return imp_objective_factor(form, (double)term->strength, term->squares,
                                (double)(term->target.h * term->target.w));
}

static imp_status gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const imp_tensor dm = imp_style_matrix(o, D, f.c);
    TRY(d->ops->gram(d, term->gram, (imp_tensor){0}, f, false));
    TRY(d->ops->style(d, dm, (imp_slot){o->scalars, i}, term->gram, term->target,
                      o->metrics[term->node], imp_style_matrix(o, SCRATCH, f.c), term->scale,
                      term->weight));
    return d->ops->style_grad(d, df, dm, f);
}

const imp_style_loss imp_style_gram = {.matrices = MATRICES,
                                       .place = imp_style_place_moments,
                                       .add = imp_style_add_moments,
                                       .finish = finish,
                                       .weigh = weigh,
                                       .gradient = gradient};
