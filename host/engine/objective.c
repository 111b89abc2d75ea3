/* SPDX-License-Identifier: MIT
 *
 * The objective laid out: its terms, where their tensors lie, and their masks.
 */
#include "engine/objective.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tileable.h"

imp_slot imp_objective_slot(const imp_objective *o, size_t extra) {
    return (imp_slot){o->scalars, o->count + extra};
}

/* ---- Layout ---- */

static imp_status layer_missing(const imp_settings *s, const imp_network *network,
                                const char *layer, imp_error *err) {
    imp_network_info info;
    imp_network_describe(network, &info);
    const char *last = network->nodes[network->count - 1].name;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "network '%s' has no layer '%s' (its deepest is '%s'), which %s%s uses; choose "
                    "other style-layers and content-layers, another preset, or a network with all "
                    "of VGG-19 (impasto weights fetch)",
                    info.name, layer, last, s->preset[0] ? "preset " : "the objective", s->preset);
}

imp_status imp_objective_depth(size_t *nodes, const imp_settings *settings,
                               const imp_network *network, imp_error *err) {
    *nodes = 0;
    for (size_t i = 0; i < settings->term_count; i++) {
        const imp_node *n = imp_network_find(network, settings->terms[i].layer);
        if (!n)
            return layer_missing(settings, network, settings->terms[i].layer, err);
        const size_t depth = (size_t)(n - network->nodes) + 1;
        *nodes = depth > *nodes ? depth : *nodes;
    }
    return IMP_OK;
}

/* The variable, and what the network sees of it. */
static void place_pictures(imp_objective *o, size_t h, size_t w, size_t *cursor) {
    const imp_tileable tileable = o->settings->tileable;
    const size_t margin = imp_tileable_margin(o->network, o->nodes, o->levels);
    o->margin[0] = tileable & IMP_TILEABLE_Y ? margin : 0;
    o->margin[1] = tileable & IMP_TILEABLE_X ? margin : 0;
    const size_t high = h + 2 * o->margin[0], wide = w + 2 * o->margin[1];
    o->x[0] = imp_place(o->device, cursor, IMP_PLANES, 3, h, w);
    o->dx[0] = imp_place(o->device, cursor, IMP_PLANES, 3, h, w);
    if (o->style->match)
        o->matched = imp_place(o->device, cursor, IMP_PLANES, 3, h, w);
    if (tileable != IMP_TILEABLE_NONE) {
        o->wrapped = imp_place(o->device, cursor, IMP_PLANES, 3, high, wide);
        o->dwrapped = imp_place(o->device, cursor, IMP_PLANES, 3, high, wide);
    }
    imp_edges_choose(o, high, wide);
    for (unsigned l = 1; l < o->pictures; l++) {
        o->x[l] = imp_place(o->device, cursor, IMP_PLANES, 3, high >> l, wide >> l);
        o->dx[l] = imp_place(o->device, cursor, IMP_PLANES, 3, high >> l, wide >> l);
    }
}

static void place_style(const imp_objective *o, imp_loss_term *term, imp_tensor f, size_t *cursor) {
    const imp_tensor x = imp_objective_input(o, term->level);
    o->style->place(o, term, f.c, cursor);
    if (!o->style->match && (o->wrapped.c || imp_regions_any(o->regions)))
        term->mask = imp_place(o->device, cursor, IMP_PLANES, 1, f.h, f.w);
    term->positions =
        (float)(imp_tileable_count((imp_extent){f.h, x.h, o->margin[0] >> term->level}) *
                imp_tileable_count((imp_extent){f.w, x.w, o->margin[1] >> term->level}));
    term->scale = 1 / (term->positions * (o->settings->gram_norm == IMP_GRAM_CM ? (float)f.c : 1));
}

/* How many terms a style layer has at each level. */
static size_t region_count(const imp_objective *o) {
    return o->regions->count > 0 ? o->regions->count : 1;
}

static void place_term(imp_objective *o, size_t index, unsigned level, size_t region,
                       size_t *cursor) {
    const imp_settings *s = o->settings;
    const imp_term *setting = &s->terms[index];
    const bool style = setting->kind == IMP_TERM_STYLE;
    const double share = style && imp_regions_any(o->regions) ? o->regions->share[region] : 1;
    imp_loss_term *term = &o->terms[o->count++];
    *term =
        (imp_loss_term){.kind = setting->kind, .index = index, .level = level, .region = region};
    term->node = (size_t)(imp_network_find(o->network, setting->layer) - o->network->nodes);
    const imp_tensor f = o->plans[level].shapes[term->node];
    term->strength = (style ? s->style_weight / (float)o->levels : s->content_weight) *
                     setting->weight * (float)share;
    if (style) {
        place_style(o, term, f, cursor);
        return;
    }
    term->target = imp_place(o->device, cursor, IMP_MAPS, f.c, f.h, f.w);
    if (o->regions->held)
        term->mask = imp_place(o->device, cursor, IMP_PLANES, 1, f.h, f.w);
}

static void place_terms(imp_objective *o, size_t *cursor) {
    for (unsigned level = 0; level < o->levels; level++)
        for (size_t i = 0; i < o->settings->term_count; i++) {
            const bool style = o->settings->terms[i].kind == IMP_TERM_STYLE;
            for (size_t r = 0; r < (style ? region_count(o) : level == 0); r++)
                place_term(o, i, level, r, cursor);
        }
}

/* Masked features and their gradient, in the shape of the largest term with a mask. */
static void place_masked(imp_objective *o, size_t *cursor) {
    imp_tensor most = {0};
    for (size_t i = 0; i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        const imp_tensor f = o->plans[term->level].shapes[term->node];
        if (term->mask.c && f.c * f.h * f.w > most.c * most.h * most.w)
            most = f;
    }
    if (most.c == 0)
        return;
    o->masked = imp_place(o->device, cursor, IMP_MAPS, most.c, most.h, most.w);
    o->dmasked = imp_place(o->device, cursor, IMP_MAPS, most.c, most.h, most.w);
}

/* A gradient of one term at a time, so all terms' lie in one place. */
static void place_gradients(imp_objective *o, size_t *cursor) {
    const size_t begin = *cursor;
    for (size_t i = 0; o->settings->normalize_gradients && i < o->count; i++) {
        const imp_tensor f = o->plans[o->terms[i].level].shapes[o->terms[i].node];
        size_t end = begin;
        o->terms[i].gradient = imp_place(o->device, &end, IMP_MAPS, f.c, f.h, f.w);
        *cursor = end > *cursor ? end : *cursor;
    }
}

static void place_matrices(imp_objective *o, size_t *cursor) {
    size_t widest = 1;
    for (size_t i = 0; i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        if (term->kind != IMP_TERM_STYLE)
            continue;
        const size_t c = o->plans[term->level].shapes[term->node].c;
        widest = c > widest ? c : widest;
        if (o->settings->metric && o->network->nodes[term->node].metric &&
            o->metrics[term->node].c == 0)
            o->metrics[term->node] = imp_place(o->device, cursor, IMP_PLANES, 1, c, c);
    }
    imp_style_place_workspace(o, widest, cursor);
}

static void place_scalars(imp_objective *o, size_t *cursor) {
    const size_t products =
        o->settings->optimizer == IMP_LBFGS ? 4 * ((size_t)o->settings->history + 1) : 0;
    o->scalars = imp_place(o->device, cursor, IMP_PLANES, o->count + IMP_SCALAR_EXTRA + products, 1,
                           IMP_PARTIALS);
}

unsigned imp_objective_recompute_max(const imp_network *network, size_t nodes) {
    unsigned pools = 0;
    for (size_t n = 0; n < nodes; n++)
        pools += network->nodes[n].kind == IMP_NODE_POOL;
    return pools + 2;
}

/* Whether the backward pass recomputes a node's features. */
static bool is_recomputed(const imp_objective *o, size_t node) {
    unsigned pools = 0, kernels = 0; /* before it */
    if (o->network->nodes[node].kind == IMP_NODE_POOL)
        return false; /* small, and recomputing starts from them */
    for (size_t n = 0; n < node; n++) {
        pools += o->network->nodes[n].kind == IMP_NODE_POOL;
        kernels += o->network->nodes[n].conv.kernel > 1;
    }
    return o->recompute == 1 ? kernels == 0 : o->recompute > 1 && pools + 1 < o->recompute;
}

imp_status imp_objective_plan(const imp_objective *o, imp_plan *plan, size_t h, size_t w,
                              unsigned level, bool gradient, size_t cursor, imp_error *err) {
    const imp_settings *s = o->settings;
    bool *terms = calloc(2 * o->nodes + 1, sizeof *terms), *recompute = terms + o->nodes;
    if (!terms)
        return imp_fail(err, IMP_ERR_MEMORY, "objective: out of host memory");
    for (size_t n = 0; n < o->nodes; n++)
        recompute[n] = is_recomputed(o, n);
    for (size_t i = 0; i < s->term_count; i++)
        if (level == 0 || s->terms[i].kind == IMP_TERM_STYLE)
            terms[imp_network_find(o->network, s->terms[i].layer) - o->network->nodes] = true;
    const imp_purpose purpose = {.pooling = s->pooling,
                                 .range = s->range,
                                 .grey = o->grey,
                                 .nodes = o->nodes,
                                 .gradient = gradient,
                                 .terms = terms,
                                 .recompute = recompute};
    const imp_status status =
        imp_plan_init(plan, o->device, o->network, o->filters, &purpose, h, w, cursor, err);
    free(terms);
    return status;
}

/* Levels are evaluated one after another, so their plans share one place. */
imp_status imp_objective_place(imp_objective *o, size_t cursor, imp_error *err) {
    o->begin = o->end = cursor;
    for (unsigned l = 0; l < o->levels; l++) {
        imp_plan_finish(&o->plans[l]);
        const imp_tensor x = imp_objective_input(o, l);
        TRY(imp_objective_plan(o, &o->plans[l], x.h, x.w, l, true, cursor, err));
        o->end = o->plans[l].end > o->end ? o->plans[l].end : o->end;
    }
    if (o->style->match) {
        const size_t end = o->style->match_end(o);
        o->end = end > o->end ? end : o->end;
    }
    return IMP_OK;
}

imp_status imp_objective_init(imp_objective *o, const imp_objective_inputs *inputs, size_t h,
                              size_t w, size_t *cursor, imp_error *err) {
    const imp_settings *const settings = inputs->settings;
    *o = (imp_objective){.device = inputs->device,
                         .network = inputs->network,
                         .filters = inputs->filters,
                         .settings = settings,
                         .regions = inputs->regions,
                         .grey = inputs->grey,
                         .recompute = inputs->recompute,
                         .style = imp_style_loss_of(settings->style_form),
                         .tv_weight = settings->tv_weight};
    TRY(imp_objective_depth(&o->nodes, settings, o->network, err));
    assert(settings->levels >= 1 && settings->levels <= IMP_LEVELS_MAX);
    o->levels = settings->levels;
    o->terms = calloc(settings->term_count * o->levels * region_count(o) + 1, sizeof *o->terms);
    o->metrics = calloc(o->nodes + 1, sizeof *o->metrics);
    if (!o->terms || !o->metrics)
        return imp_fail(err, IMP_ERR_MEMORY, "objective: out of host memory");
    place_pictures(o, h, w, cursor);
    TRY(imp_objective_place(o, 0, err)); /* for the shapes, on which those of the terms depend */
    place_terms(o, cursor);
    place_gradients(o, cursor);
    place_matrices(o, cursor);
    place_scalars(o, cursor);
    place_masked(o, cursor);
    imp_edges_place(o, cursor);
    return IMP_OK;
}

void imp_objective_finish(imp_objective *o) {
    for (unsigned l = 0; l < o->levels; l++)
        imp_plan_finish(&o->plans[l]);
    for (size_t i = 0; i < o->count; i++)
        free(o->terms[i].vectors);
    free(o->terms);
    free(o->metrics);
    *o = (imp_objective){0};
}

float imp_objective_scale_mask(const imp_objective *o, float *t, size_t count, float positions) {
    const bool binary = o->style->binary_mask;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        t[i] = binary ? (float)(t[i] >= 0.5F) : t[i];
        squares += (double)t[i] * (double)t[i];
    }
    if (squares < 0.5)
        return 0;
    const float scale = binary ? 1 : (float)sqrt((double)positions / squares);
    for (size_t i = 0; i < count; i++)
        t[i] *= scale;
    return binary ? (float)squares : positions;
}

/* 1 at the positions that lie in the picture itself, 0 in the margins. */
static void mask_inside(float *t, imp_extent rows, imp_extent columns) {
    for (size_t i = 0; i < rows.n * columns.n; i++)
        t[i] =
            imp_tileable_inside(rows, i / columns.n) && imp_tileable_inside(columns, i % columns.n);
}

/* t: what style sees of a position, as T above. */
static imp_status style_mask(const imp_objective *o, imp_loss_term *term, float *t, imp_extent rows,
                             imp_extent columns) {
    if (imp_regions_any(o->regions))
        TRY(imp_regions_cover(t, o->regions, term->region, rows, columns, &o->device->error));
    else
        mask_inside(t, rows, columns);
    const float squares = imp_objective_scale_mask(o, t, rows.n * columns.n, term->positions);
    term->empty = squares == 0;
    if (!term->empty) {
        term->scale *= term->positions / squares;
        term->positions = squares;
    }
    return IMP_OK;
}

/* t: the root of how often a position of the content counts. */
static imp_status content_mask(const imp_objective *o, float *t, imp_extent rows,
                               imp_extent columns) {
    TRY(imp_regions_cover(t, o->regions, IMP_REGION_HELD, rows, columns, &o->device->error));
    for (size_t i = 0; i < rows.n * columns.n; i++)
        t[i] = sqrtf(1 + IMP_HOLD * t[i]);
    return IMP_OK;
}

static imp_status write_mask(imp_objective *o, imp_loss_term *term) {
    imp_device *const d = o->device;
    const imp_tensor at = term->mask, x = imp_objective_input(o, term->level);
    const imp_extent rows = {at.h, x.h, o->margin[0] >> term->level},
                     columns = {at.w, x.w, o->margin[1] >> term->level};
    float *t = malloc(at.h * at.w * sizeof *t);
    if (!t)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "objective: out of host memory");
    imp_status status = term->kind == IMP_TERM_STYLE ? style_mask(o, term, t, rows, columns)
                                                     : content_mask(o, t, rows, columns);
    if (status == IMP_OK)
        status = d->ops->write(d, at, t);
    free(t);
    return status;
}

/* A tensor that was not placed stays absent. */
static void bind(imp_tensor *t, imp_memory *memory) {
    if (t->c)
        t->memory = memory;
}

static imp_status bind_term(imp_objective *o, imp_loss_term *term, imp_memory *memory) {
    bind(&term->target, memory);
    bind(&term->gram, memory);
    bind(&term->sum, memory);
    bind(&term->mean, memory);
    bind(&term->gradient, memory);
    bind(&term->mask, memory);
    return term->mask.c ? write_mask(o, term) : IMP_OK;
}

imp_status imp_objective_bind(imp_objective *o, imp_memory *memory) {
    for (unsigned l = 0; l < o->levels; l++)
        imp_plan_bind(&o->plans[l], memory);
    for (unsigned l = 0; l < o->pictures; l++) {
        bind(&o->x[l], memory);
        bind(&o->dx[l], memory);
    }
    imp_edges_bind(o, memory);
    bind(&o->wrapped, memory);
    bind(&o->dwrapped, memory);
    bind(&o->matched, memory);
    bind(&o->masked, memory);
    bind(&o->dmasked, memory);
    for (size_t i = 0; i < o->count; i++)
        TRY(bind_term(o, &o->terms[i], memory));
    imp_style_bind_workspace(o, memory);
    o->scalars.memory = memory;
    for (size_t n = 0; n < o->nodes; n++) {
        if (o->metrics[n].c == 0)
            continue;
        o->metrics[n].memory = memory;
        TRY(o->device->ops->write(o->device, o->metrics[n], o->network->nodes[n].metric));
    }
    return o->device->ops->fill(o->device, o->scalars, 0);
}
