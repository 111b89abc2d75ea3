/* SPDX-License-Identifier: MIT
 *
 * The moving average of the variable: README.md, Average of iterates.
 */
#include "engine/average.h"

void imp_average_place(imp_average *a, const imp_objective *o, size_t *cursor) {
    const imp_tensor x = o->x[0];
    *a = (imp_average){0};
    if (o->settings->average > 0)
        a->sum = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
}

imp_status imp_average_start(imp_average *a, const imp_objective *o) {
    const float fresh = 1 - o->settings->average;
    if (a->sum.c == 0)
        return IMP_OK;
    a->sum.memory = o->x[0].memory;
    a->weight = (double)fresh;
    return o->device->ops->combine(o->device, a->sum, fresh, o->x[0], 0, o->x[0]);
}

imp_status imp_average_add(imp_average *a, const imp_objective *o) {
    const float decay = o->settings->average, fresh = 1 - decay;
    if (a->sum.c == 0)
        return IMP_OK;
    a->weight = (double)decay * a->weight + (double)fresh;
    return o->device->ops->combine(o->device, a->sum, decay, a->sum, fresh, o->x[0]);
}
