/* SPDX-License-Identifier: MIT
 *
 * Content, style and total variation: layout, targets, loss and gradient.
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
                    "network '%s' has no layer '%s' (its deepest is '%s'), which %s%s asks for; "
                    "choose others with --style-layers and --content-layers, another --preset, "
                    "or bring all of VGG-19: 'impasto weights fetch' or 'import'",
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

/* The variable, and what is seen of it. */
static void place_pictures(imp_objective *o, size_t h, size_t w, size_t *cursor) {
    const imp_tileable tileable = o->settings->tileable;
    const size_t margin = imp_tileable_margin(o->network, o->nodes, o->levels);
    o->margin[0] = tileable & IMP_TILEABLE_Y ? margin : 0;
    o->margin[1] = tileable & IMP_TILEABLE_X ? margin : 0;
    const size_t high = h + 2 * o->margin[0], wide = w + 2 * o->margin[1];
    o->x[0] = imp_place(o->device, cursor, IMP_PLANES, 3, h, w);
    o->dx[0] = imp_place(o->device, cursor, IMP_PLANES, 3, h, w);
    if (tileable != IMP_TILEABLE_NONE) {
        o->around = imp_place(o->device, cursor, IMP_PLANES, 3, high, wide);
        o->daround = imp_place(o->device, cursor, IMP_PLANES, 3, high, wide);
    }
    for (unsigned l = 1; l < o->levels; l++) {
        o->x[l] = imp_place(o->device, cursor, IMP_PLANES, 3, high >> l, wide >> l);
        o->dx[l] = imp_place(o->device, cursor, IMP_PLANES, 3, high >> l, wide >> l);
    }
}

static void place_style(const imp_objective *o, imp_goal *g, imp_tensor f, size_t *cursor) {
    const imp_tensor x = imp_objective_seen(o, g->level);
    g->target = imp_place(o->device, cursor, IMP_PLANES, 1, f.c, f.c);
    g->gram = imp_place(o->device, cursor, IMP_PLANES, 1, f.c, f.c);
    if (o->around.c || o->regions->count > 0)
        g->weights = imp_place(o->device, cursor, IMP_PLANES, 1, f.h, f.w);
    g->positions = (float)(imp_tileable_count((imp_extent){f.h, x.h, o->margin[0] >> g->level}) *
                           imp_tileable_count((imp_extent){f.w, x.w, o->margin[1] >> g->level}));
    g->scale = 1 / (g->positions * (o->settings->gram_norm == IMP_GRAM_CM ? (float)f.c : 1));
}

/* How many goals a style term has at each level. */
static size_t regions_of(const imp_objective *o) {
    return o->regions->count > 0 ? o->regions->count : 1;
}

static void place_goal(imp_objective *o, size_t term, unsigned level, size_t region,
                       size_t *cursor) {
    const imp_settings *s = o->settings;
    const bool style = s->terms[term].kind == IMP_TERM_STYLE;
    const double share = style && o->regions->count > 0 ? o->regions->share[region] : 1;
    imp_goal *g = &o->goals[o->count++];
    *g = (imp_goal){.kind = s->terms[term].kind, .term = term, .level = level, .region = region};
    g->node = (size_t)(imp_network_find(o->network, s->terms[term].layer) - o->network->nodes);
    const imp_tensor f = o->plans[level].shapes[g->node];
    g->strength = (style ? s->style_weight / (float)o->levels : s->content_weight) *
                  s->terms[term].weight * (float)share;
    if (style)
        place_style(o, g, f, cursor);
    else
        g->target = imp_place(o->device, cursor, IMP_MAPS, f.c, f.h, f.w);
}

static void place_goals(imp_objective *o, size_t *cursor) {
    for (unsigned level = 0; level < o->levels; level++)
        for (size_t i = 0; i < o->settings->term_count; i++) {
            const bool style = o->settings->terms[i].kind == IMP_TERM_STYLE;
            for (size_t r = 0; r < (style ? regions_of(o) : level == 0); r++)
                place_goal(o, i, level, r, cursor);
        }
}

/* Room for the features of one goal with weights and their gradient, at the largest's shape. */
static void place_masked(imp_objective *o, size_t *cursor) {
    imp_tensor most = {0};
    for (size_t i = 0; i < o->count; i++) {
        const imp_goal *g = &o->goals[i];
        const imp_tensor f = o->plans[g->level].shapes[g->node];
        if (g->weights.c && f.c * f.h * f.w > most.c * most.h * most.w)
            most = f;
    }
    if (most.c == 0)
        return;
    o->masked = imp_place(o->device, cursor, IMP_MAPS, most.c, most.h, most.w);
    o->dmasked = imp_place(o->device, cursor, IMP_MAPS, most.c, most.h, most.w);
}

static void place_matrices(imp_objective *o, size_t *cursor) {
    size_t widest = 1, own = *cursor;
    for (size_t i = 0; o->settings->normalize_gradients && i < o->count; i++) {
        const imp_tensor f = o->plans[o->goals[i].level].shapes[o->goals[i].node];
        size_t end = own;
        o->goals[i].own = imp_place(o->device, &end, IMP_MAPS, f.c, f.h, f.w);
        *cursor = end > *cursor ? end : *cursor;
    }
    for (size_t i = 0; i < o->count; i++) {
        imp_goal *g = &o->goals[i];
        if (g->kind != IMP_TERM_STYLE)
            continue;
        const size_t c = g->target.h;
        if (o->settings->style_form == IMP_LOSS_WASSERSTEIN) {
            g->sum = imp_place(o->device, cursor, IMP_PLANES, 1, 1, c);
            g->mean = imp_place(o->device, cursor, IMP_PLANES, 1, 1, c);
        }
        widest = c > widest ? c : widest;
        if (o->settings->metric && o->network->nodes[g->node].metric && o->metrics[g->node].c == 0)
            o->metrics[g->node] = imp_place(o->device, cursor, IMP_PLANES, 1, c, c);
    }
    o->dm = imp_place(o->device, cursor, IMP_PLANES, 1, widest, widest);
    o->scratch = imp_place(o->device, cursor, IMP_PLANES, 1, widest, widest);
    if (o->settings->style_form == IMP_LOSS_WASSERSTEIN)
        imp_wasserstein_place(&o->wasserstein, o->device, cursor, widest);
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

/* Whether a node's features are made again rather than kept. */
static bool is_recomputed(const imp_objective *o, size_t node) {
    unsigned pools = 0, kernels = 0; /* before it */
    if (o->network->nodes[node].kind == IMP_NODE_POOL)
        return false; /* small, and what the next ones are made from */
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
                                 .nodes = o->nodes,
                                 .gradient = gradient,
                                 .terms = terms,
                                 .recompute = recompute};
    const imp_status status =
        imp_plan_init(plan, o->device, o->network, o->filters, &purpose, h, w, cursor, err);
    free(terms);
    return status;
}

/* The plans of all levels share one place, as they are evaluated one after another. */
imp_status imp_objective_place(imp_objective *o, size_t cursor, imp_error *err) {
    o->begin = o->end = cursor;
    for (unsigned l = 0; l < o->levels; l++) {
        imp_plan_finish(&o->plans[l]);
        const imp_tensor x = imp_objective_seen(o, l);
        TRY(imp_objective_plan(o, &o->plans[l], x.h, x.w, l, true, cursor, err));
        o->end = o->plans[l].end > o->end ? o->plans[l].end : o->end;
    }
    return IMP_OK;
}

imp_status imp_objective_init(imp_objective *o, const imp_aim *aim, size_t h, size_t w,
                              size_t *cursor, imp_error *err) {
    const imp_settings *const settings = aim->settings;
    *o = (imp_objective){.device = aim->device,
                         .network = aim->network,
                         .filters = aim->filters,
                         .settings = settings,
                         .regions = aim->regions,
                         .tv_weight = settings->tv_weight,
                         .recompute = aim->recompute};
    TRY(imp_objective_depth(&o->nodes, settings, o->network, err));
    assert(settings->levels >= 1 && settings->levels <= IMP_LEVELS_MAX);
    o->levels = settings->levels;
    o->goals = calloc(settings->term_count * o->levels * regions_of(o) + 1, sizeof *o->goals);
    o->metrics = calloc(o->nodes + 1, sizeof *o->metrics);
    if (!o->goals || !o->metrics)
        return imp_fail(err, IMP_ERR_MEMORY, "objective: out of host memory");
    place_pictures(o, h, w, cursor);
    TRY(imp_objective_place(o, 0, err)); /* for the shapes only: the goals' depend on them */
    place_goals(o, cursor);
    place_matrices(o, cursor);
    place_masked(o, cursor);
    return IMP_OK;
}

void imp_objective_finish(imp_objective *o) {
    for (unsigned l = 0; l < o->levels; l++)
        imp_plan_finish(&o->plans[l]);
    free(o->goals);
    free(o->metrics);
    *o = (imp_objective){0};
}

float imp_objective_weigh(const imp_objective *o, float *t, size_t count, float positions) {
    const bool whole = o->settings->style_form == IMP_LOSS_WASSERSTEIN;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        t[i] = whole ? (float)(t[i] >= 0.5F) : t[i];
        squares += (double)t[i] * (double)t[i];
    }
    if (squares < 0.5)
        return 0;
    const float scale = whole ? 1 : (float)sqrt((double)positions / squares);
    for (size_t i = 0; i < count; i++)
        t[i] *= scale;
    return whole ? (float)squares : positions;
}

/* Which positions of a goal's map lie in the picture proper. */
static void weigh_inside(float *t, imp_extent rows, imp_extent columns) {
    for (size_t i = 0; i < rows.n * columns.n; i++)
        t[i] =
            imp_tileable_inside(rows, i / columns.n) && imp_tileable_inside(columns, i % columns.n);
}

static imp_status write_weights(imp_objective *o, imp_goal *g) {
    imp_device *const d = o->device;
    const imp_tensor at = g->weights, x = imp_objective_seen(o, g->level);
    const imp_extent rows = {at.h, x.h, o->margin[0] >> g->level},
                     columns = {at.w, x.w, o->margin[1] >> g->level};
    imp_status status = IMP_OK;
    float *t = malloc(at.h * at.w * sizeof *t);
    if (!t)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "objective: out of host memory");
    if (o->regions->count > 0)
        status = imp_regions_cover(t, o->regions, g->region, rows, columns, &d->error);
    else
        weigh_inside(t, rows, columns);
    if (status == IMP_OK) {
        const float squares = imp_objective_weigh(o, t, at.h * at.w, g->positions);
        g->empty = squares == 0;
        if (!g->empty) {
            g->scale *= g->positions / squares;
            g->positions = squares;
        }
        status = d->ops->write(d, at, t);
    }
    free(t);
    return status;
}

/* Tensors that were not placed stay absent. */
static void bind(imp_tensor *t, imp_memory *memory) {
    if (t->c)
        t->memory = memory;
}

static imp_status bind_goal(imp_objective *o, imp_goal *g, imp_memory *memory) {
    bind(&g->target, memory);
    bind(&g->gram, memory);
    bind(&g->sum, memory);
    bind(&g->mean, memory);
    bind(&g->own, memory);
    bind(&g->weights, memory);
    return g->weights.c ? write_weights(o, g) : IMP_OK;
}

imp_status imp_objective_bind(imp_objective *o, imp_memory *memory) {
    for (unsigned l = 0; l < o->levels; l++) {
        imp_plan_bind(&o->plans[l], memory);
        bind(&o->x[l], memory);
        bind(&o->dx[l], memory);
    }
    bind(&o->around, memory);
    bind(&o->daround, memory);
    bind(&o->masked, memory);
    bind(&o->dmasked, memory);
    for (size_t i = 0; i < o->count; i++)
        TRY(bind_goal(o, &o->goals[i], memory));
    imp_wasserstein_bind(&o->wasserstein, memory);
    o->dm.memory = o->scratch.memory = o->scalars.memory = memory;
    for (size_t n = 0; n < o->nodes; n++) {
        if (o->metrics[n].c == 0)
            continue;
        o->metrics[n].memory = memory;
        TRY(o->device->ops->write(o->device, o->metrics[n], o->network->nodes[n].metric));
    }
    return o->device->ops->fill(o->device, o->scalars, 0);
}

/* ---- Loss and gradient ---- */

/* A style goal at features f: its loss, and df += its gradient. */
static imp_status style_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_goal *g = &o->goals[i];
    const imp_slot loss = {o->scalars, i};
    if (o->settings->style_form == IMP_LOSS_WASSERSTEIN)
        return imp_wasserstein_gradient(o, i, df, f);
    const imp_tensor dm = imp_objective_matrix(o->dm, f.c);
    TRY(d->ops->gram(d, g->gram, (imp_tensor){0}, f, false));
    TRY(d->ops->style(d, dm, loss, g->gram, g->target, o->metrics[g->node],
                      imp_objective_matrix(o->scratch, f.c), g->scale, g->weight));
    return d->ops->style_grad(d, df, dm, f);
}

/* The same where its weights are: with T F for F, and T dF for dF. */
static imp_status masked_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_tensor t = o->goals[i].weights;
    imp_tensor masked = o->masked, dmasked = o->dmasked;
    masked.c = dmasked.c = f.c, masked.h = dmasked.h = f.h, masked.w = dmasked.w = f.w;
    TRY(d->ops->mask(d, masked, f, t, false));
    TRY(d->ops->fill(d, dmasked, 0));
    TRY(style_gradient(o, i, dmasked, masked));
    return d->ops->mask(d, df, dmasked, t, true);
}

/* Goal i at features f: its loss, and df += its gradient. */
static imp_status goal_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_goal *g = &o->goals[i];
    if (g->empty)
        return IMP_OK;
    if (g->kind == IMP_TERM_CONTENT)
        return d->ops->content(d, df, (imp_slot){o->scalars, i}, f, g->target, g->weight);
    return (g->weights.c ? masked_gradient : style_gradient)(o, i, df, f);
}

/* The same with the goal's gradient divided by its L1 norm before it is multiplied by the goal's
 * strength, which is in it already: g s / (|g|_1 + 1e-8) = (g s) s / (|g s|_1 + 1e-8 s). */
static imp_status goal_normalized(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_goal *g = &o->goals[i];
    const imp_slot norm = imp_objective_slot(o, IMP_SCALAR_NORM);
    TRY(d->ops->fill(d, g->own, 0));
    TRY(goal_gradient(o, i, g->own, f));
    if (g->strength == 0)
        return IMP_OK;
    TRY(d->ops->norm1(d, norm, g->own));
    return d->ops->rescale(d, df, g->strength, norm, 1e-8F * g->strength, -1, g->own, true);
}

/* What the goals of level l at a step back add to its dy. */
static imp_status step_gradient(imp_objective *o, unsigned l, const imp_step *step) {
    const imp_plan *plan = &o->plans[l];
    const imp_tensor df = imp_plan_tensor(plan, step->dy);
    if (step->node + 1 == o->nodes)
        TRY(o->device->ops->fill(o->device, df, 0));
    for (size_t i = 0; i < o->count; i++)
        if (o->goals[i].level == l && o->goals[i].node == step->node)
            TRY((o->settings->normalize_gradients ? goal_normalized : goal_gradient)(
                o, i, df, imp_plan_tensor(plan, step->y)));
    return IMP_OK;
}

/* Adds the gradient of level l's goals to that of what it sees. */
static imp_status level_gradient(imp_objective *o, unsigned l) {
    const imp_plan *plan = &o->plans[l];
    TRY(imp_plan_enter(plan, imp_objective_seen(o, l)));
    for (size_t k = 0; k < plan->step_count; k++) {
        if (plan->steps[k].back)
            TRY(step_gradient(o, l, &plan->steps[k]));
        TRY(imp_plan_run(plan, &plan->steps[k]));
    }
    return imp_plan_leave(plan, imp_objective_dseen(o, l));
}

imp_status imp_objective_evaluate(imp_objective *o) {
    imp_device *const d = o->device;
    const imp_settings *s = o->settings;
    if (o->around.c)
        TRY(d->ops->wrap(d, o->around, o->x[0]));
    for (unsigned l = 1; l < o->levels; l++)
        TRY(d->ops->pool(d, o->x[l], imp_objective_seen(o, l - 1), IMP_POOL_AVERAGE));
    /* Coarsest first: its gradient, spread out, is what the next finer one is added to. */
    TRY(d->ops->fill(d, imp_objective_dseen(o, o->levels - 1), 0));
    for (unsigned l = o->levels; l-- > 0;) {
        if (l + 1 < o->levels)
            TRY(d->ops->pool_grad(d, imp_objective_dseen(o, l), o->dx[l + 1],
                                  imp_objective_seen(o, l), o->x[l + 1], IMP_POOL_AVERAGE));
        if (o->nodes > 0)
            TRY(level_gradient(o, l));
    }
    const imp_tensor x = imp_objective_seen(o, 0);
    const bool sums = s->tv_form != IMP_TV_NEIGHBOURS; /* those are means already */
    const float colours = s->tv_mean && sums ? (float)(3 * x.h * x.w) : 1;
    TRY(d->ops->tv(d, imp_objective_dseen(o, 0), imp_objective_slot(o, IMP_SCALAR_TV), x,
                   s->tv_form, o->tv_weight / colours));
    return o->around.c ? d->ops->wrap_grad(d, o->dx[0], o->daround) : IMP_OK;
}
