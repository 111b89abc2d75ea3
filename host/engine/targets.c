/* SPDX-License-Identifier: MIT
 *
 * What an objective aims at: style targets from one or more pictures, content targets from the
 * variable.
 */
#include "engine/objective.h"

#include <stdlib.h>

/* ---- What squares weigh ---------------------------------------------------------------------- */

static imp_status scalar_value(imp_objective *o, size_t slot, double *value) {
    const size_t n = o->scalars.c * IMP_PARTIALS;
    float *all = malloc(n * sizeof *all);
    if (!all)
        return imp_fail(&o->device->error, IMP_ERR_MEMORY, "objective: out of host memory");
    const imp_status status = o->device->ops->read(o->device, all, o->scalars);
    *value = 0;
    for (size_t i = 0; status == IMP_OK && i < IMP_PARTIALS; i++)
        *value += (double)all[slot * IMP_PARTIALS + i];
    free(all);
    return status;
}

/* The factor in front of the sum of squared differences. sum: the target's own sum of squares,
 * elements: how many there are. A target of (almost) nothing cannot be relative to itself. */
static float factor(imp_loss_form form, double weight, double sum, double elements) {
    const double least = 1e-8 * elements;
    return (float)(weight / (form == IMP_LOSS_MEAN ? elements : sum > least ? sum : least));
}

/* The sum of squares of a style goal's target under the metric: the difference to a target of zero
 * is the target. */
static imp_status measure_gram(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_goal *g = &o->goals[i];
    const size_t c = g->target.h;
    TRY(d->ops->fill(d, g->gram, 0));
    TRY(d->ops->style(d, imp_objective_matrix(o->dm, c), (imp_slot){o->scalars, i}, g->gram,
                      g->target, o->metrics[g->node], imp_objective_matrix(o->scratch, c), 1, 1));
    return scalar_value(o, i, &g->squares);
}

/* ---- A forward pass over a style picture ----------------------------------------------------- */

/* Its levels and their plans from o->begin on, and behind them what a region takes. */
typedef struct style_layout {
    imp_tensor x[IMP_LEVELS_MAX];
    imp_plan plans[IMP_LEVELS_MAX];
    imp_tensor weights, masked; /* a map's T, and T F; of the largest layer */
    size_t end;
} style_layout;

/* The largest map that a style term looks at. */
static imp_tensor largest_map(const imp_objective *o, const style_layout *s) {
    imp_tensor most = {0};
    for (size_t i = 0; i < o->count; i++) {
        const imp_goal *g = &o->goals[i];
        const imp_tensor f = s->plans[g->level].shapes[g->node];
        if (g->kind == IMP_TERM_STYLE && f.c * f.h * f.w > most.c * most.h * most.w)
            most = f;
    }
    return most;
}

static imp_status style_layout_init(style_layout *s, const imp_objective *o, size_t h, size_t w) {
    size_t cursor = o->begin;
    for (unsigned l = 0; l < o->levels; l++)
        s->x[l] = imp_place(o->device, &cursor, IMP_PLANES, 3, h >> l, w >> l);
    s->end = cursor;
    for (unsigned l = 0; l < o->levels; l++) {
        TRY(imp_objective_plan(o, &s->plans[l], h >> l, w >> l, l, false, cursor,
                               &o->device->error));
        s->end = s->plans[l].end > s->end ? s->plans[l].end : s->end;
    }
    if (o->regions->count == 0)
        return IMP_OK;
    const imp_tensor most = largest_map(o, s);
    s->weights = imp_place(o->device, &s->end, IMP_PLANES, 1, h, w);
    s->masked = imp_place(o->device, &s->end, IMP_MAPS, most.c, most.h, most.w);
    return IMP_OK;
}

static void style_layout_finish(style_layout *s) {
    for (unsigned l = 0; l < IMP_LEVELS_MAX; l++)
        imp_plan_finish(&s->plans[l]);
}

size_t imp_objective_style_end(const imp_objective *o, size_t h, size_t w) {
    style_layout s = {0};
    const imp_status status = style_layout_init(&s, o, h, w);
    style_layout_finish(&s);
    return status == IMP_OK ? s.end : SIZE_MAX;
}

/* T F of the goal's region instead of the features *f; *positions: the sum of T^2, 0 where too
 * little of the region is there. */
static imp_status take_region(imp_objective *o, const style_layout *s, const imp_goal *g,
                              const imp_example *e, imp_tensor *f, float *positions) {
    imp_device *const d = o->device;
    const size_t count = f->h * f->w;
    imp_tensor weights = s->weights, masked = s->masked;
    weights.h = masked.h = f->h, weights.w = masked.w = f->w, masked.c = f->c;
    float *t = malloc(count * sizeof *t);
    if (!t)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "style: out of host memory");
    imp_status status =
        imp_regions_cover(t, e->regions, g->region, (imp_extent){f->h, e->h >> g->level, 0},
                          (imp_extent){f->w, e->w >> g->level, 0}, &d->error);
    if (status == IMP_OK) {
        *positions = imp_objective_weigh(o, t, count, *positions);
        status = d->ops->write(d, weights, t);
    }
    free(t);
    TRY(status);
    TRY(d->ops->mask(d, masked, *f, weights, false));
    *f = masked;
    return IMP_OK;
}

/* sum = weight part [+ sum]. */
static imp_status add_up(imp_device *d, imp_tensor sum, float weight, imp_tensor part, bool add) {
    return d->ops->combine(d, sum, weight, part, add ? 1 : 0, add ? sum : part);
}

/* What the example's features f add to a goal's target. */
static imp_status add_features(imp_objective *o, const style_layout *s, imp_goal *g,
                               const imp_example *e, imp_tensor f) {
    imp_device *const d = o->device;
    const float channels = o->settings->gram_norm == IMP_GRAM_CM ? (float)f.c : 1;
    float positions = (float)(f.h * f.w);
    if (o->regions->count > 0)
        TRY(take_region(o, s, g, e, &f, &positions));
    if (positions == 0)
        return IMP_OK;
    TRY(d->ops->gram(d, g->gram, g->sum, f, false));
    TRY(add_up(d, g->target, e->weight / (positions * channels), g->gram, g->blend > 0));
    if (g->mean.c)
        TRY(add_up(d, g->mean, e->weight / positions, g->sum, g->blend > 0));
    g->blend += e->weight;
    return IMP_OK;
}

/* The style goals of one level from a forward pass over the example at that level. */
static imp_status add_level(imp_objective *o, const style_layout *s, unsigned level,
                            const imp_example *e) {
    const imp_plan *plan = &s->plans[level];
    TRY(imp_plan_enter(plan, s->x[level]));
    for (size_t k = 0; k < plan->step_count; k++) {
        const imp_step *step = &plan->steps[k];
        TRY(imp_plan_run(plan, step));
        for (size_t i = 0; i < o->count; i++) {
            imp_goal *g = &o->goals[i];
            if (g->kind == IMP_TERM_STYLE && g->level == level && g->node == step->node)
                TRY(add_features(o, s, g, e, imp_plan_tensor(plan, step->y)));
        }
    }
    return IMP_OK;
}

static imp_status add_example(imp_objective *o, style_layout *s, const imp_example *e) {
    imp_device *const d = o->device;
    s->weights.memory = s->masked.memory = o->scalars.memory;
    for (unsigned l = 0; l < o->levels; l++) {
        imp_plan_bind(&s->plans[l], o->scalars.memory);
        s->x[l].memory = o->scalars.memory;
        TRY(l == 0 ? d->ops->write(d, s->x[0], e->x)
                   : d->ops->pool(d, s->x[l], s->x[l - 1], IMP_POOL_AVERAGE));
        TRY(add_level(o, s, l, e));
    }
    return IMP_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

void imp_objective_style_begin(imp_objective *o) {
    for (size_t i = 0; i < o->count; i++)
        o->goals[i].blend = 0;
}

imp_status imp_objective_style_add(imp_objective *o, const imp_example *example) {
    style_layout s = {0};
    imp_status status = style_layout_init(&s, o, example->h, example->w);
    if (status == IMP_OK)
        status = add_example(o, &s, example);
    style_layout_finish(&s);
    return status;
}

/* From the sum over styles to their average, and what the form needs of that. */
static imp_status finish_goal(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_goal *g = &o->goals[i];
    if (g->blend == 0) {
        g->empty = true;
        return IMP_OK;
    }
    if (g->blend != 1)
        TRY(d->ops->combine(d, g->target, 1 / g->blend, g->target, 0, g->target));
    if (g->blend != 1 && g->mean.c)
        TRY(d->ops->combine(d, g->mean, 1 / g->blend, g->mean, 0, g->mean));
    return o->settings->style_form == IMP_LOSS_WASSERSTEIN ? imp_wasserstein_target(o, g)
                                                           : measure_gram(o, i);
}

imp_status imp_objective_style_finish(imp_objective *o) {
    for (size_t i = 0; i < o->count; i++)
        if (o->goals[i].kind == IMP_TERM_STYLE)
            TRY(finish_goal(o, i));
    return IMP_OK;
}

void imp_objective_style_weigh(imp_objective *o) {
    const imp_loss_form form = o->settings->style_form;
    for (size_t i = 0; i < o->count; i++) {
        imp_goal *g = &o->goals[i];
        const double strength = (double)g->strength, elements = (double)(g->target.h * g->target.w);
        if (g->kind == IMP_TERM_STYLE)
            g->weight = form == IMP_LOSS_WASSERSTEIN ? g->strength
                                                     : factor(form, strength, g->squares, elements);
    }
}

/* The target of content goal i, whose features are f now, and what its squares weigh. */
static imp_status keep_content(imp_objective *o, size_t i, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_settings *s = o->settings;
    imp_goal *g = &o->goals[i];
    TRY(d->ops->combine(d, g->target, 1, f, 0, f));
    TRY(d->ops->dot(d, (imp_slot){o->scalars, i}, f, f));
    TRY(scalar_value(o, i, &g->squares));
    g->weight = factor(s->content_form, (double)g->strength, g->squares,
                       (double)f.c * (double)f.h * (double)f.w);
    return IMP_OK;
}

imp_status imp_objective_content(imp_objective *o) {
    const imp_plan *plan = &o->plans[0];
    if (o->around.c)
        TRY(o->device->ops->wrap(o->device, o->around, o->x[0]));
    TRY(imp_plan_enter(plan, imp_objective_seen(o, 0)));
    for (size_t k = 0; k < plan->step_count && !plan->steps[k].back; k++) {
        const imp_step *step = &plan->steps[k];
        TRY(imp_plan_run(plan, step));
        for (size_t i = 0; i < o->count; i++)
            if (o->goals[i].kind == IMP_TERM_CONTENT && o->goals[i].node == step->node)
                TRY(keep_content(o, i, imp_plan_tensor(plan, step->y)));
    }
    return IMP_OK;
}
