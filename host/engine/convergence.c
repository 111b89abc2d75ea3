/* SPDX-License-Identifier: MIT
 *
 * Convergence by the pace at which the picture changes: README.md, Convergence.
 */
#include "engine/convergence.h"

void imp_convergence_place(imp_convergence *k, const imp_objective *o, size_t *cursor) {
    const imp_tensor x = o->x[0];
    *k = (imp_convergence){0};
    if (o->settings->convergence > 0)
        k->reference = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
}

imp_status imp_convergence_start(imp_convergence *k, imp_device *d, imp_tensor x) {
    k->steps = 0;
    if (k->reference.c == 0)
        return IMP_OK;
    k->reference.memory = x.memory;
    return d->ops->combine(d, k->reference, 1, x, 0, x);
}

/* The mean of |x - reference| in the variable's unit; x becomes the reference. */
static imp_status measure_change(imp_convergence *k, imp_optimizer_state *t, imp_tensor x,
                                 double *mean) {
    imp_device *const d = t->o->device;
    TRY(d->ops->combine(d, k->reference, 1, x, -1, k->reference));
    TRY(d->ops->norm1(d, imp_objective_slot(t->o, IMP_SCALAR_NORM), k->reference));
    TRY(imp_optimizer_read(t));
    *mean = t->values[t->o->count + IMP_SCALAR_NORM] / (double)(x.c * x.h * x.w);
    return imp_convergence_start(k, d, x);
}

imp_status imp_convergence_check(imp_convergence *k, imp_optimizer_state *t, imp_tensor x,
                                 unsigned left, bool *converged, imp_error *err) {
    const imp_settings *s = t->o->settings;
    double mean;
    *converged = false;
    if (k->reference.c == 0 || ++k->steps < IMP_CONVERGENCE_SPAN)
        return IMP_OK;
    if (measure_change(k, t, x, &mean) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    const double change = mean * 255 / (double)s->range;
    *converged = left > 0 && change * left / IMP_CONVERGENCE_SPAN < (double)s->convergence;
    return IMP_OK;
}
