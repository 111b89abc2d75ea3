/* SPDX-License-Identifier: MIT
 *
 * The pace at which a picture changes.
 */
#include "engine/convergence.h"

void imp_convergence_place(imp_convergence *k, const imp_objective *o, size_t *cursor) {
    const imp_tensor x = o->x[0];
    *k = (imp_convergence){0};
    if (o->settings->convergence > 0)
        k->then = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
}

imp_status imp_convergence_start(imp_convergence *k, imp_device *d, imp_tensor x) {
    k->since = 0;
    if (k->then.c == 0)
        return IMP_OK;
    k->then.memory = x.memory;
    return d->ops->combine(d, k->then, 1, x, 0, x);
}

/* The mean of |x - then|, in the variable's unit; x is `then` from now on. */
static imp_status change(imp_convergence *k, imp_optimizer_state *t, imp_tensor x, double *mean) {
    imp_device *const d = t->o->device;
    TRY(d->ops->combine(d, k->then, 1, x, -1, k->then));
    TRY(d->ops->norm1(d, imp_objective_slot(t->o, IMP_SCALAR_NORM), k->then));
    TRY(imp_optimizer_read(t));
    *mean = t->values[t->o->count + IMP_SCALAR_NORM] / (double)(x.c * x.h * x.w);
    return imp_convergence_start(k, d, x);
}

imp_status imp_convergence_check(imp_convergence *k, imp_optimizer_state *t, imp_tensor x,
                                 unsigned left, bool *settled, imp_error *err) {
    const imp_settings *s = t->o->settings;
    double mean;
    *settled = false;
    if (k->then.c == 0 || ++k->since < IMP_CONVERGENCE_SPAN)
        return IMP_OK;
    if (change(k, t, x, &mean) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    const double steps = mean * 255 / (double)s->range;
    *settled = left > 0 && steps * left / IMP_CONVERGENCE_SPAN < (double)s->convergence;
    return IMP_OK;
}
