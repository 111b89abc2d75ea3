/* SPDX-License-Identifier: MIT
 *
 * Warm start: the next scale goes on with the picture shown and Adam's first moment, both resampled
 * bicubically, the second moment, bilinearly and never below 0, and the number of steps.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/planes.h"
#include "engine/session.h"

imp_status imp_warm_start_take(imp_warm_start *c, imp_session *s, imp_error *err) {
    *c = (imp_warm_start){.steps = s->optimizer.steps};
    TRY(imp_session_shown(s, &c->x, err));
    if (s->optimizer.m.c == 0)
        return IMP_OK;
    TRY(imp_session_read(s, s->optimizer.m, &c->m, err));
    return imp_session_read(s, s->optimizer.v, &c->v, err);
}

/* Resamples to t's size, clamps to low..high, and writes. */
static imp_status write_resampled(imp_session *s, imp_tensor t, const imp_array *from, bool cubic,
                                  float low, float high, imp_error *err) {
    float *to =
        imp_planes_resample(from->data, t.c, from->shape[1], from->shape[2], t.h, t.w, cubic);
    if (!to)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    for (size_t k = 0; k < t.c * t.h * t.w; k++)
        to[k] = fminf(fmaxf(to[k], low), high);
    const imp_status status = s->device->ops->write(s->device, t, to);
    free(to);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

imp_status imp_warm_start_apply(const imp_warm_start *c, imp_session *s, imp_error *err) {
    imp_optimizer_state *t = &s->optimizer;
    const imp_tensor x = s->objective.x[0];
    const imp_settings *set = &s->settings;
    TRY(write_resampled(s, x, &c->x, true, set->clamp ? 0 : -INFINITY,
                        set->clamp ? set->range : INFINITY, err));
    if (c->m.data) {
        TRY(write_resampled(s, t->m, &c->m, true, -INFINITY, INFINITY, err));
        TRY(write_resampled(s, t->v, &c->v, false, 0, INFINITY, err));
        t->steps = c->steps;
    }
    if (s->device->ops->combine(s->device, t->before, 1, x, 0, x) != IMP_OK ||
        imp_session_restart_tracking(s) != IMP_OK)
        return imp_fail_device(err, s->device);
    return IMP_OK;
}

void imp_warm_start_finish(imp_warm_start *c) {
    imp_array_finish(&c->x);
    imp_array_finish(&c->m);
    imp_array_finish(&c->v);
}
