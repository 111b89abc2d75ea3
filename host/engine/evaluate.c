/* SPDX-License-Identifier: MIT
 *
 * Loss and gradient of an objective: README.md, An evaluation.
 */
#include "engine/objective.h"

/* Term i at features f, without its mask. */
static imp_status plain_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    return term->kind == IMP_TERM_STYLE
               ? o->style->gradient(o, i, df, f)
               : d->ops->content(d, df, (imp_slot){o->scalars, i}, f, term->target, term->weight);
}

/* A term with a mask: on T F, whose gradient times T is that of F. */
static imp_status masked_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_tensor t = o->terms[i].mask;
    imp_tensor masked = o->masked, dmasked = o->dmasked;
    masked.c = dmasked.c = f.c, masked.h = dmasked.h = f.h, masked.w = dmasked.w = f.w;
    TRY(d->ops->mask(d, masked, f, t, false));
    TRY(d->ops->fill(d, dmasked, 0));
    TRY(plain_gradient(o, i, dmasked, masked));
    return d->ops->mask(d, df, dmasked, t, true);
}

/* Term i at features f: its loss, and df += its gradient. */
static imp_status term_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    const imp_loss_term *term = &o->terms[i];
    return term->empty ? IMP_OK : (term->mask.c ? masked_gradient : plain_gradient)(o, i, df, f);
}

/* The same, with the term's gradient g divided by its L1 norm before it is multiplied by the term's
 * strength s. g already contains s: g s / (|g|_1 + 1e-8) = (g s) s / (|g s|_1 + 1e-8 s). */
static imp_status term_normalized(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const imp_slot norm = imp_objective_slot(o, IMP_SCALAR_NORM);
    TRY(d->ops->fill(d, term->gradient, 0));
    TRY(term_gradient(o, i, term->gradient, f));
    if (term->strength == 0)
        return IMP_OK;
    TRY(d->ops->norm1(d, norm, term->gradient));
    return d->ops->rescale(d, df, term->strength, norm, 1e-8F * term->strength, -1, term->gradient,
                           true);
}

/* Adds the gradients of level l's terms at a backward step's node to the step's dy. */
static imp_status step_gradient(imp_objective *o, unsigned l, const imp_step *step) {
    const imp_plan *plan = &o->plans[l];
    const imp_tensor df = imp_plan_tensor(plan, step->dy);
    if (step->node + 1 == o->nodes)
        TRY(o->device->ops->fill(o->device, df, 0));
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].level == l && o->terms[i].node == step->node)
            TRY((o->settings->normalize_gradients ? term_normalized : term_gradient)(
                o, i, df, imp_plan_tensor(plan, step->y)));
    return IMP_OK;
}

/* Adds the gradient of level l's terms to that of the level's picture. */
static imp_status level_gradient(imp_objective *o, unsigned l) {
    const imp_plan *plan = &o->plans[l];
    TRY(imp_plan_enter(plan, imp_objective_input(o, l)));
    for (size_t k = 0; k < plan->step_count; k++) {
        if (plan->steps[k].back)
            TRY(step_gradient(o, l, &plan->steps[k]));
        TRY(imp_plan_run(plan, &plan->steps[k]));
    }
    return imp_plan_leave(plan, imp_objective_dinput(o, l));
}

imp_status imp_objective_halve(imp_objective *o) {
    imp_device *const d = o->device;
    if (o->wrapped.c)
        TRY(d->ops->wrap(d, o->wrapped, o->x[0]));
    for (unsigned l = 1; l < o->pictures; l++)
        TRY(d->ops->halve(d, o->x[l], imp_objective_input(o, l - 1)));
    return IMP_OK;
}

imp_status imp_objective_evaluate(imp_objective *o) {
    imp_device *const d = o->device;
    const imp_settings *s = o->settings;
    TRY(imp_objective_halve(o));
    /* Coarsest first: the adjoint of halving takes its gradient to the next finer one, which adds
     * its own. */
    TRY(d->ops->fill(d, imp_objective_dinput(o, o->pictures - 1), 0));
    for (unsigned l = o->pictures; l-- > 0;) {
        if (l + 1 < o->pictures)
            TRY(d->ops->halve_grad(d, imp_objective_dinput(o, l), o->dx[l + 1]));
        if (o->nodes > 0 && l < o->levels)
            TRY(level_gradient(o, l));
        TRY(imp_edges_gradient(o, l));
    }
    const imp_tensor x = imp_objective_input(o, 0);
    const bool sums = s->tv_form != IMP_TV_NEIGHBOURS; /* which has means already */
    const float colours = s->tv_mean && sums ? (float)(3 * x.h * x.w) : 1;
    TRY(d->ops->tv(d, imp_objective_dinput(o, 0), imp_objective_slot(o, IMP_SCALAR_TV), x,
                   s->tv_form, o->tv_weight / colours));
    return o->wrapped.c ? d->ops->wrap_grad(d, o->dx[0], o->dwrapped) : IMP_OK;
}
