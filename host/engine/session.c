/* SPDX-License-Identifier: MIT
 *
 * Sessions: opening and closing, the loop of iterations.
 */
#include "engine/session.h"

#include <math.h>
#include <stdlib.h>

#include "backend/profile.h"
#include "base/clock.h"

/* ---- Opening and closing ---- */

/* The filters of earlier sessions where they fit, else the session's own. */
static imp_status open_filters(imp_session *s, imp_error *err) {
    if (s->reuse)
        TRY(imp_reuse_filters(s->reuse, &s->filters, &s->settings, s->nodes, err));
    if (s->filters)
        return IMP_OK;
    const imp_status status =
        imp_filters_open(&s->own_filters, s->device, s->network, &s->settings, s->nodes, err);
    s->filters = s->own_filters;
    return status;
}

/* Local style losses compare single places, which have no share of a region. */
static imp_status check_masks(const imp_sources *from, imp_loss_form form, imp_error *err) {
    const bool held = from->protect && from->protect_strength > 0;
    if (!imp_style_loss_of(form)->match || (!from->mask && !held))
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "mask of %s: setting 'style-form' nearest takes no masks; choose another one, "
                    "or leave the masks out",
                    from->mask ? "the content" : "what is protected");
}

imp_status imp_session_prepare(imp_session *s, const imp_sources *from, imp_error *err) {
    TRY(imp_sources_check(from, s->settings.init, err));
    TRY(check_masks(from, s->settings.style_form, err));
    s->reuse = from->reuse;
    TRY(imp_objective_depth(&s->nodes, &s->settings, s->network, err));
    TRY(imp_sources_measure(s, from, err));
    imp_session_schedule(s);
    return open_filters(s, err);
}

static imp_status open_session(imp_session *s, const imp_sources *from, imp_error *err) {
    TRY(imp_session_prepare(s, from, err));
    TRY(imp_session_check_fit(s, err));
    imp_session_tune(s);
    TRY(imp_session_check_fit(s, err)); /* again: each algorithm has its own workspace */
    TRY(imp_sources_keep(s, from, err));
    return imp_session_enter(s, 0, NULL, err);
}

imp_status imp_session_new(imp_session **out, imp_device *device, const imp_network *network,
                           const imp_settings *settings, imp_error *err) {
    imp_settings taken;
    *out = NULL;
    if (!device || !network)
        return imp_fail(err, IMP_ERR_ARGUMENT, "session: %s is NULL; open one first",
                        device ? "the network" : "the device");
    TRY(imp_settings_take(&taken, settings, err));
    imp_session *s = calloc(1, sizeof *s);
    if (!s)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    s->device = device;
    s->network = network;
    s->settings = taken;
    s->opened = imp_now();
    device->sessions++;
    *out = s;
    return IMP_OK;
}

imp_status imp_session_open(imp_session **out, imp_device *device, const imp_network *network,
                            const imp_settings *settings, const imp_sources *from, imp_error *err) {
    *out = NULL;
    imp_session *s = NULL;
    TRY(imp_session_new(&s, device, network, settings, err));
    const imp_status status = open_session(s, from, err);
    if (status != IMP_OK) {
        imp_session_close(s);
        return status;
    }
    *out = s;
    return IMP_OK;
}

void imp_session_close(imp_session *s) {
    if (!s)
        return;
    imp_session_tell_pace(s);
    s->device->sessions--;
    s->device->ops->release(s->device, s->memory);
    imp_filters_close(s->own_filters, s->device, s->nodes);
    imp_optimizer_finish(&s->optimizer);
    imp_objective_finish(&s->objective);
    imp_picture_finish(&s->content);
    imp_regions_finish(&s->regions);
    for (size_t i = 0; i < s->style_count; i++) {
        imp_picture_finish(&s->styles[i].picture);
        imp_regions_finish(&s->styles[i].regions);
    }
    imp_picture_finish(&s->init);
    free(s);
}

/* ---- Iterations ---- */

/* The first step of a scale prepares filters and is not timed. */
static imp_status timed_step(imp_session *s, imp_error *err) {
    const double began = imp_now();
    TRY(imp_optimizer_step(&s->optimizer, &s->recovered, err));
    const double seconds = imp_now() - began;
    if (s->scale_done > 0 && (s->shortest <= 0 || seconds < s->shortest))
        s->shortest = seconds;
    return IMP_OK;
}

static imp_status next_scale(imp_session *s, imp_error *err) {
    imp_session_tell_pace(s);
    const bool warm_start = s->settings.warm_start;
    imp_picture now = {0};
    imp_warm_start carried = {0};
    imp_status status = imp_session_painted(s, &now, err);
    if (status == IMP_OK && warm_start)
        status = imp_warm_start_take(&carried, s, err);
    if (status == IMP_OK)
        status = imp_session_enter(s, s->scale + 1, &now, err);
    if (status == IMP_OK && warm_start)
        status = imp_warm_start_apply(&carried, s, err);
    imp_warm_start_finish(&carried);
    imp_picture_finish(&now);
    return status;
}

/* After a step: updates the average and, at the last scale, checks convergence. */
static imp_status track(imp_session *s, imp_error *err) {
    const bool last = s->scale + 1 == s->scale_count;
    const imp_status status = s->recovered ? imp_session_restart_tracking(s)
                                           : imp_average_add(&s->average, &s->objective);
    if (status != IMP_OK)
        return imp_fail_device(err, s->device);
    return last && !s->recovered
               ? imp_convergence_check(&s->convergence, &s->optimizer, imp_session_tracked(s),
                                       s->total - s->iteration, &s->converged, err)
               : IMP_OK;
}

/* After the last step, whose loss nothing has looked at: where the run has diverged, or was set
 * back on the way, the result is the picture of least loss. A moving average, which is no step's
 * picture, is given up only where it has diverged. */
static imp_status settle(imp_session *s, imp_error *err) {
    imp_optimizer_state *t = &s->optimizer;
    imp_device *const d = s->device;
    const imp_tensor x = s->objective.x[0], sum = s->average.sum;
    if (sum.c > 0 && d->ops->combine(d, x, (float)(1 / s->average.weight), sum, 0, sum) != IMP_OK)
        return imp_fail_device(err, d);
    TRY(imp_optimizer_judge(t, err));
    const double loss = imp_optimizer_loss(t);
    const bool set_back = t->shrink < 1 && sum.c == 0;
    s->returned = !isfinite(loss) || imp_optimizer_grown(t, loss) || (set_back && loss > t->least);
    return s->returned ? imp_optimizer_return(t, err) : IMP_OK;
}

imp_status imp_session_step(imp_session *s, bool *done, imp_error *err) {
    *done = s->converged || s->iteration >= s->total;
    if (*done)
        return IMP_OK;
    if (s->scale_done == s->scales[s->scale].iterations)
        TRY(next_scale(s, err));
    TRY(timed_step(s, err));
    s->scale_done++;
    s->iteration++;
    TRY(track(s, err));
    *done = s->converged || s->iteration >= s->total;
    return *done ? settle(s, err) : IMP_OK;
}

imp_status imp_session_run(imp_session *s, imp_callback callback, void *user, imp_error *err) {
    bool done = s->converged || s->iteration >= s->total;
    while (!done) {
        TRY(imp_session_step(s, &done, err));
        imp_progress progress;
        imp_session_progress(s, &progress);
        if (callback && !callback(user, s, &progress))
            return imp_fail(err, IMP_ERR_STOPPED, "session: stopped after %u of %u iterations",
                            progress.iteration, progress.total);
    }
    return IMP_OK;
}

imp_status imp_session_evaluate(imp_session *s, imp_error *err) {
    return imp_optimizer_evaluate(&s->optimizer, err);
}
