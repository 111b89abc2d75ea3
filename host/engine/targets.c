/* SPDX-License-Identifier: MIT
 *
 * Targets: of style from one or more pictures, of content from the variable.
 */
#include "engine/objective.h"

#include <assert.h>
#include <stdlib.h>

imp_status imp_objective_scalar(imp_objective *o, size_t slot, double *value) {
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

float imp_objective_factor(imp_loss_form form, double weight, double squares, double elements) {
    const double least = 1e-8 * elements;
    return (float)(weight / (form == IMP_LOSS_MEAN ? elements : squares > least ? squares : least));
}

/* ---- A forward pass over a style picture ----------------------------------------------------- */

/* Its levels and their plans from o->begin on, and then what regions need. */
typedef struct style_layout {
    imp_tensor x[IMP_LEVELS_MAX];
    imp_plan plans[IMP_LEVELS_MAX];
    imp_tensor mask, masked; /* T, and T F of the largest layer */
    imp_columns columns;     /* of a local loss */
    size_t end;
} style_layout;

/* The largest map that a style term uses. */
static imp_tensor largest_map(const imp_objective *o, const style_layout *s) {
    imp_tensor most = {0};
    for (size_t i = 0; i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        assert(s->plans[term->level].shapes);
        const imp_tensor f = s->plans[term->level].shapes[term->node];
        if (term->kind == IMP_TERM_STYLE && f.c * f.h * f.w > most.c * most.h * most.w)
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
    if (o->style->match)
        s->columns = imp_style_place_columns(o->device, o->columns.f.c, h, w, &s->end);
    if (o->regions->count == 0)
        return IMP_OK;
    const imp_tensor most = largest_map(o, s);
    s->mask = imp_place(o->device, &s->end, IMP_PLANES, 1, h, w);
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

/* Replaces the features *f by T F of the term's region; *positions becomes the sum of T^2, 0 where
 * too little of the region is there. */
static imp_status take_region(imp_objective *o, const style_layout *s, const imp_loss_term *term,
                              const imp_style_image *image, imp_tensor *f, float *positions) {
    imp_device *const d = o->device;
    const size_t count = f->h * f->w;
    imp_tensor mask = s->mask, masked = s->masked;
    mask.h = masked.h = f->h, mask.w = masked.w = f->w, masked.c = f->c;
    float *t = malloc(count * sizeof *t);
    if (!t)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "style: out of host memory");
    imp_status status = imp_regions_cover(
        t, image->regions, term->region, (imp_extent){f->h, image->h >> term->level, 0},
        (imp_extent){f->w, image->w >> term->level, 0}, &d->error);
    if (status == IMP_OK) {
        *positions = imp_objective_scale_mask(o, t, count, *positions);
        status = d->ops->write(d, mask, t);
    }
    free(t);
    TRY(status);
    TRY(d->ops->mask(d, masked, *f, mask, false));
    *f = masked;
    return IMP_OK;
}

/* Adds the picture's features f to the target of term i. */
static imp_status add_features(imp_objective *o, const style_layout *s, size_t i,
                               const imp_style_image *image, imp_tensor f) {
    imp_loss_term *term = &o->terms[i];
    imp_style_features features = {
        .f = f, .positions = (float)(f.h * f.w), .weight = image->weight, .columns = &s->columns};
    if (o->regions->count > 0)
        TRY(take_region(o, s, term, image, &features.f, &features.positions));
    if (features.positions == 0)
        return IMP_OK;
    features.first = term->weight_sum == 0;
    TRY(o->style->add(o, i, &features));
    term->weight_sum += image->weight;
    return IMP_OK;
}

/* The style terms of one level, from a forward pass over the picture at that level. */
static imp_status add_level(imp_objective *o, const style_layout *s, unsigned level,
                            const imp_style_image *image) {
    const imp_plan *plan = &s->plans[level];
    TRY(imp_plan_enter(plan, s->x[level]));
    for (size_t k = 0; k < plan->step_count; k++) {
        const imp_step *step = &plan->steps[k];
        TRY(imp_plan_run(plan, step));
        for (size_t i = 0; i < o->count; i++) {
            const imp_loss_term *term = &o->terms[i];
            if (term->kind == IMP_TERM_STYLE && term->level == level && term->node == step->node)
                TRY(add_features(o, s, i, image, imp_plan_tensor(plan, step->y)));
        }
    }
    return IMP_OK;
}

static imp_status add_image(imp_objective *o, style_layout *s, const imp_style_image *image) {
    imp_device *const d = o->device;
    s->mask.memory = s->masked.memory = o->scalars.memory;
    imp_style_bind_columns(&s->columns, o->scalars.memory);
    for (unsigned l = 0; l < o->levels; l++) {
        imp_plan_bind(&s->plans[l], o->scalars.memory);
        s->x[l].memory = o->scalars.memory;
        TRY(l == 0 ? d->ops->write(d, s->x[0], image->x) : d->ops->halve(d, s->x[l], s->x[l - 1]));
        TRY(add_level(o, s, l, image));
    }
    return IMP_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

void imp_objective_style_begin(imp_objective *o) {
    for (size_t i = 0; i < o->count; i++) {
        o->terms[i].weight_sum = 0;
        o->terms[i].vector_count = 0;
    }
}

imp_status imp_objective_style_add(imp_objective *o, const imp_style_image *image) {
    style_layout s = {0};
    imp_status status = style_layout_init(&s, o, image->h, image->w);
    if (status == IMP_OK)
        status = add_image(o, &s, image);
    style_layout_finish(&s);
    return status;
}

/* Divides the sum over pictures by their weights, and lets the loss finish its target. */
static imp_status finish_term(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_loss_term *term = &o->terms[i];
    if (term->weight_sum == 0) {
        term->empty = true;
        return IMP_OK;
    }
    const bool average = term->weight_sum != 1 && !o->style->match;
    if (average)
        TRY(d->ops->combine(d, term->target, 1 / term->weight_sum, term->target, 0, term->target));
    if (average && term->mean.c)
        TRY(d->ops->combine(d, term->mean, 1 / term->weight_sum, term->mean, 0, term->mean));
    return o->style->finish(o, i);
}

imp_status imp_objective_style_finish(imp_objective *o) {
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].kind == IMP_TERM_STYLE)
            TRY(finish_term(o, i));
    return IMP_OK;
}

void imp_objective_style_weigh(imp_objective *o) {
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].kind == IMP_TERM_STYLE)
            o->terms[i].weight = o->style->weigh(&o->terms[i], o->settings->style_form);
}

/* Takes features f as the target of content term i, and weighs the term. */
static imp_status keep_content(imp_objective *o, size_t i, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_settings *s = o->settings;
    imp_loss_term *term = &o->terms[i];
    TRY(term->mask.c ? d->ops->mask(d, term->target, f, term->mask, false)
                     : d->ops->combine(d, term->target, 1, f, 0, f));
    TRY(d->ops->dot(d, (imp_slot){o->scalars, i}, f, f));
    TRY(imp_objective_scalar(o, i, &term->squares));
    term->weight = imp_objective_factor(s->content_form, (double)term->strength, term->squares,
                                        (double)f.c * (double)f.h * (double)f.w);
    return IMP_OK;
}

/* What a forward pass does with the features of a term. */
typedef imp_status (*visitor)(imp_objective *o, size_t i, imp_tensor f);

/* A forward pass over x, like the network's input at level 0, visiting the terms of a kind there.
 */
static imp_status visit(imp_objective *o, imp_tensor x, imp_term_kind kind, visitor take) {
    const imp_plan *plan = &o->plans[0];
    TRY(imp_plan_enter(plan, x));
    for (size_t k = 0; k < plan->step_count && !plan->steps[k].back; k++) {
        const imp_step *step = &plan->steps[k];
        TRY(imp_plan_run(plan, step));
        for (size_t i = 0; i < o->count; i++) {
            const imp_loss_term *term = &o->terms[i];
            if (term->kind == kind && term->level == 0 && term->node == step->node)
                TRY(take(o, i, imp_plan_tensor(plan, step->y)));
        }
    }
    return IMP_OK;
}

imp_status imp_objective_content(imp_objective *o) {
    TRY(imp_objective_halve(o));
    TRY(imp_edges_take(o));
    return visit(o, imp_objective_input(o, 0), IMP_TERM_CONTENT, keep_content);
}

imp_status imp_objective_match(imp_objective *o) {
    if (!o->style->match)
        return IMP_OK;
    if (o->wrapped.c)
        TRY(o->device->ops->wrap(o->device, o->wrapped, o->matched));
    TRY(visit(o, o->wrapped.c ? o->wrapped : o->matched, IMP_TERM_STYLE, o->style->look));
    return o->style->match(o);
}
