/* SPDX-License-Identifier: MIT
 *
 * What a session shows of itself: progress, losses, estimate, picture, features, Gram matrices,
 * gradient.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "engine/colour.h"
#include "engine/planes.h"
#include "engine/session.h"

size_t imp_session_losses(const imp_session *s, imp_loss *out, size_t cap) {
    const imp_objective *o = &s->objective;
    for (size_t i = 0; i < o->count && i < cap; i++) {
        const imp_loss_term *term = &o->terms[i];
        const bool masked = term->kind == IMP_TERM_STYLE && s->regions.count > 0;
        out[i] = (imp_loss){.kind = term->kind,
                            .level = term->level,
                            .region = masked ? (int)s->regions.colours[term->region] : -1,
                            .value = s->optimizer.values[i]};
        memcpy(out[i].layer, s->settings.terms[term->index].layer, sizeof out[i].layer);
    }
    const double *more = s->optimizer.values + o->count;
    if (o->count < cap)
        out[o->count] = (imp_loss){.kind = IMP_TERM_TV, .region = -1, .value = more[IMP_SCALAR_TV]};
    for (size_t i = 0; i < o->edge_count && o->count + 1 + i < cap; i++)
        out[o->count + 1 + i] = (imp_loss){.kind = IMP_TERM_EDGES,
                                           .level = o->edges[i].level,
                                           .region = -1,
                                           .value = more[IMP_SCALAR_EDGES + i]};
    return o->count + 1 + o->edge_count;
}

void imp_session_progress(const imp_session *s, imp_progress *out) {
    const imp_objective *o = &s->objective;
    *out = (imp_progress){.iteration = s->iteration,
                          .total = s->converged ? s->iteration : s->total,
                          .skipped = s->converged ? s->total - s->iteration : 0,
                          .width = s->scales[s->scale].picture.width,
                          .height = s->scales[s->scale].picture.height,
                          .seconds = imp_now() - s->opened,
                          .recovered = s->recovered,
                          .returned = s->returned};
    for (size_t i = 0; i < o->count; i++)
        *(o->terms[i].kind == IMP_TERM_STYLE ? &out->style : &out->content) +=
            s->optimizer.values[i];
    out->tv = s->optimizer.values[o->count + IMP_SCALAR_TV];
    for (size_t i = 0; i < o->edge_count; i++)
        out->edges += s->optimizer.values[o->count + IMP_SCALAR_EDGES + i];
    out->loss = out->content + out->style + out->tv + out->edges;
}

void imp_session_estimate(const imp_session *s, imp_estimate *out) {
    const imp_need *need = &s->need;
    *out = (imp_estimate){.device_bytes = need->arena + need->filters + need->work,
                          .filter_bytes = need->filters,
                          .activation_bytes = need->activations,
                          .optimizer_bytes = need->optimizer,
                          .work_bytes = need->work,
                          .host_bytes = need->host};
    const imp_scale *now = &s->scales[s->scale];
    if (s->scale_done <= s->scale_before)
        return;
    out->seconds_per_iteration = (imp_now() - s->scale_began) / (s->scale_done - s->scale_before);
    double work = s->converged ? 0 : now->iterations - s->scale_done; /* iterations of this scale */
    for (unsigned i = s->scale + 1; i < s->scale_count; i++)
        work += (double)s->scales[i].iterations *
                ((double)s->scales[i].picture.w * (double)s->scales[i].picture.h) /
                ((double)now->picture.w * (double)now->picture.h);
    out->seconds_left = work * out->seconds_per_iteration;
}

/* ---- Reading back ---- */

imp_status imp_session_read(imp_session *s, imp_tensor t, imp_array *out, imp_error *err) {
    *out = (imp_array){.shape = {t.c, t.h, t.w}, .data = malloc(t.c * t.h * t.w * sizeof(float))};
    if (!out->data)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    if (s->device->ops->read(s->device, out->data, t) == IMP_OK)
        return IMP_OK;
    imp_array_finish(out);
    return imp_fail_device(err, s->device);
}

void imp_array_finish(imp_array *array) {
    if (!array)
        return;
    free(array->data);
    *array = (imp_array){0};
}

static bool all_finite(const imp_array *a) {
    float sum = 0; /* of x - x, which is 0 for a finite x, else NaN */
    for (size_t i = 0; i < a->shape[0] * a->shape[1] * a->shape[2]; i++)
        sum += a->data[i] - a->data[i];
    return sum == 0.0F;
}

imp_status imp_session_shown(imp_session *s, imp_array *out, imp_error *err) {
    const bool average = s->average.sum.c > 0 && !s->returned;
    TRY(imp_session_read(s, average ? s->average.sum : s->objective.x[0], out, err));
    for (size_t k = 0; average && k < out->shape[0] * out->shape[1] * out->shape[2]; k++)
        out->data[k] = (float)((double)out->data[k] / s->average.weight);
    if (all_finite(out))
        return IMP_OK;
    imp_array_finish(out); /* nothing has evaluated the last step; the one before is finite */
    return imp_session_read(s, s->optimizer.before, out, err);
}

imp_status imp_session_painted(imp_session *s, imp_picture *out, imp_error *err) {
    *out = (imp_picture){0};
    const imp_scale *k = &s->scales[s->scale];
    imp_array x;
    TRY(imp_session_shown(s, &x, err));
    const imp_status status =
        imp_planes_picture(out, x.data, x.shape[1], x.shape[2], k->picture.width, k->picture.height,
                           s->settings.range, err);
    imp_array_finish(&x);
    return status;
}

imp_status imp_session_picture(imp_session *s, imp_picture *out, imp_error *err) {
    imp_picture content = {0};
    TRY(imp_session_painted(s, out, err));
    if (s->settings.color != IMP_COLOR_CONTENT)
        return IMP_OK;
    const imp_status status =
        imp_planes_resize(&content, &s->content, out->width, out->height, err);
    if (status == IMP_OK)
        imp_colour_take_hue(out->rgb, content.rgb, out->width * out->height);
    else
        imp_picture_finish(out);
    imp_picture_finish(&content);
    return status;
}

/* The node of a layer, if the session computes it. */
static imp_status node_of(const imp_session *s, const char *layer, size_t *node, imp_error *err) {
    const imp_node *n = imp_network_find(s->network, layer);
    if (!n || (size_t)(n - s->network->nodes) >= s->nodes)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "layer '%s' is not computed: the objective's deepest layer is '%s'", layer,
                        s->nodes ? s->network->nodes[s->nodes - 1].name : "none");
    *node = (size_t)(n - s->network->nodes);
    return IMP_OK;
}

/* The network's picture at the last evaluation. */
static imp_tensor seen(const imp_session *s) {
    return s->objective.wrapped.c ? s->objective.wrapped : s->optimizer.evaluated;
}

/* A forward pass from there to the features of one node. */
static imp_status plan_features(const imp_session *s, size_t node, imp_plan *plan, imp_error *err) {
    const imp_tensor x = seen(s);
    const imp_purpose purpose = {.pooling = s->settings.pooling,
                                 .range = s->settings.range,
                                 .grey = s->grey,
                                 .nodes = node + 1};
    return imp_plan_init(plan, s->device, s->network, s->filters, &purpose, x.h, x.w, 0, err);
}

/* Runs it, in memory of its own, and reads the last node's features. */
static imp_status run_features(imp_session *s, imp_plan *plan, imp_array *out, imp_error *err) {
    imp_device *const d = s->device;
    imp_memory *memory = NULL;
    imp_status status = d->ops->alloc(d, &memory, plan->end);
    imp_plan_bind(plan, memory);
    if (status == IMP_OK)
        status = imp_plan_enter(plan, seen(s));
    for (size_t k = 0; k < plan->step_count && status == IMP_OK; k++)
        status = imp_plan_run(plan, &plan->steps[k]);
    if (status == IMP_OK)
        status = imp_session_read(s, imp_plan_tensor(plan, plan->steps[plan->step_count - 1].y),
                                  out, err);
    else
        imp_fail_device(err, d);
    d->ops->release(d, memory);
    return status;
}

imp_status imp_session_features(imp_session *s, const char *layer, imp_array *out, imp_error *err) {
    size_t node = 0;
    *out = (imp_array){0};
    TRY(node_of(s, layer, &node, err));
    imp_plan plan; /* of its own: an evaluation does not keep features, and never stores some */
    imp_status status = plan_features(s, node, &plan, err);
    if (status == IMP_OK)
        status = run_features(s, &plan, out, err);
    imp_plan_finish(&plan);
    return status;
}

imp_status imp_session_gram(imp_session *s, const char *layer, imp_array *out, imp_error *err) {
    *out = (imp_array){0};
    for (size_t i = 0; i < s->objective.count; i++) {
        const imp_loss_term *term = &s->objective.terms[i];
        if (term->kind != IMP_TERM_STYLE || term->level != 0 ||
            strcmp(s->settings.terms[term->index].layer, layer) != 0)
            continue;
        if (term->gram.c == 0)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "layer '%s' has no Gram matrix: setting 'style-form' nearest compares "
                            "positions; choose another one",
                            layer);
        TRY(imp_session_read(s, term->gram, out, err));
        for (size_t k = 0; k < out->shape[1] * out->shape[2]; k++)
            out->data[k] *= term->scale;
        return IMP_OK;
    }
    return imp_fail(err, IMP_ERR_ARGUMENT, "layer '%s' is no style layer of this session", layer);
}

imp_status imp_session_gradient(imp_session *s, imp_array *out, imp_error *err) {
    TRY(imp_session_read(s, s->objective.dx[0], out, err));
    for (size_t i = 0; i < out->shape[0] * out->shape[1] * out->shape[2]; i++)
        out->data[i] *= s->settings.range; /* a colour in [0,1] moves the variable by range */
    return IMP_OK;
}
