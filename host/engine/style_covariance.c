/* SPDX-License-Identifier: MIT
 *
 * Style as the relative squared differences of covariances and of means; README.md, Covariance
 * style loss:
 *
 *     L = weight / 2 * (|S - S_t|^2 / |S_t|^2 + |m - m_t|^2 / |m_t|^2)
 *
 * where |S_t|^2 is at least a thousandth of |m_t|^4, so that a flat style does not weigh
 * infinitely. The term's target is S_t, its mean m_t; of several styles, the averages of theirs.
 */
#include <math.h>

#include "engine/objective.h"

enum { D, SCRATCH, COVARIANCE, MATRICES };

static const double least = 1e-3; /* |S_t|^2 in |m_t|^4 */

/* The factor in front of the difference of means. */
static float mean_weight(const imp_loss_term *term) {
    return imp_objective_factor(IMP_LOSS_RELATIVE, (double)term->strength, term->mean_squares,
                                (double)term->target.w) /
           2;
}

static imp_status add(imp_objective *o, size_t i, const imp_style_features *features) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const imp_tensor covariance = imp_style_matrix(o, COVARIANCE, features->f.c);
    const float scale = 1 / features->positions;
    TRY(d->ops->gram(d, term->gram, term->sum, features->f, false));
    TRY(d->ops->covariance(d, covariance, term->gram, term->sum, scale, 1, 0));
    TRY(imp_style_add_up(d, term->target, features->weight, covariance, !features->first));
    return imp_style_add_up(d, term->mean, features->weight * scale, term->sum, !features->first);
}

/* The differences to targets of zero are the targets: so the same operations give their sums of
 * squares under the metric. */
static imp_status finish(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_loss_term *term = &o->terms[i];
    const size_t c = term->target.w;
    const imp_tensor zero = term->gram, metric = o->metrics[term->node];
    const imp_slot slot = {o->scalars, i}, none = imp_objective_slot(o, IMP_SCALAR_NORM);
    TRY(d->ops->fill(d, zero, 0));
    TRY(d->ops->fill(d, term->sum, 0));
    TRY(d->ops->style(d, imp_style_matrix(o, D, c), slot, zero, term->target, metric,
                      imp_style_matrix(o, SCRATCH, c), 1, 1));
    TRY(imp_objective_scalar(o, i, &term->squares));
    TRY(d->ops->dot(d, none, zero, zero));
    TRY(d->ops->means(d, imp_style_vector(o, c), slot, none, zero, metric, term->sum, term->mean, 1,
                      1));
    TRY(imp_objective_scalar(o, i, &term->mean_squares));
    term->squares = fmax(term->squares, least * term->mean_squares * term->mean_squares);
    return IMP_OK;
}

static float weigh(const imp_loss_term *term, imp_loss_form form) {
    (void)form;
    return imp_objective_factor(IMP_LOSS_RELATIVE, (double)term->strength, term->squares,
                                (double)(term->target.h * term->target.w));
}

static imp_status gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const float scale = 1 / term->positions;
    const imp_tensor dm = imp_style_matrix(o, D, f.c), v = imp_style_vector(o, f.c);
    const imp_tensor centred = imp_style_matrix(o, COVARIANCE, f.c);
    const imp_tensor metric = o->metrics[term->node];
    const imp_slot rest = imp_objective_slot(o, IMP_SCALAR_NORM);
    TRY(d->ops->gram(d, term->gram, term->sum, f, false));
    TRY(d->ops->covariance(d, centred, term->gram, term->sum, scale, term->positions, 0));
    TRY(d->ops->style(d, dm, rest, centred, term->target, metric, imp_style_matrix(o, SCRATCH, f.c),
                      scale, term->weight / 2));
    TRY(d->ops->means(d, v, (imp_slot){o->scalars, i}, rest, dm, metric, term->sum, term->mean,
                      scale, mean_weight(term)));
    TRY(d->ops->style_grad(d, df, dm, f));
    return d->ops->shift(d, df, v);
}

const imp_style_loss imp_style_covariance = {.matrices = MATRICES,
                                             .vector = true,
                                             .sums = true,
                                             .binary_mask = true,
                                             .place = imp_style_place_moments,
                                             .add = add,
                                             .finish = finish,
                                             .weigh = weigh,
                                             .gradient = gradient};
