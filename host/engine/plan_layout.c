/* SPDX-License-Identifier: MIT
 *
 * The steps of a plan, the life of each tensor, and where it lies.
 */
#include "engine/plan_layout.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Steps ---- */

/* A schedule in progress: which tensors hold the nodes' features, gradients and pooling indices. */
typedef struct schedule {
    imp_plan *plan;
    const imp_purpose *purpose;
    size_t *f, *df, *indices; /* by node, of plan->tensors; IMP_NO_PLACE: none */
} schedule;

static bool is_pool(const imp_plan *plan, size_t node) {
    return node < plan->nodes && plan->network->nodes[node].kind == IMP_NODE_POOL;
}

static bool has_relu(const imp_plan *plan, size_t node) {
    return !is_pool(plan, node) && plan->network->nodes[node].conv.relu;
}

/* A pooling whose gradient needs only its indices. */
static bool has_indices(const imp_plan *plan, size_t node) {
    return is_pool(plan, node) && has_relu(plan, node - 1) &&
           (plan->pooling == IMP_POOL_MAX || plan->pooling == IMP_POOL_AVERAGE);
}

static bool is_term(const schedule *s, size_t node) {
    return s->purpose->terms && s->purpose->terms[node];
}

/* Whether a convolution and the pooling after it are one step. */
static bool is_fused(const schedule *s, size_t node) {
    const imp_plan *p = s->plan;
    const imp_device *d = p->device;
    if (!d->ops->fuses_pool || !s->purpose->gradient || node == 0 || !has_indices(p, node + 1) ||
        is_term(s, node))
        return false;
    const imp_tensor x = p->shapes[node - 1], y = p->shapes[node];
    return d->ops->fuses_pool(d, y, x, p->filters[node], false) &&
           d->ops->fuses_pool(d, x, y, p->filters[node], true);
}

/* The node that a node's step reads; SIZE_MAX: the input. */
static size_t source_of(const schedule *s, size_t node) {
    return node - (is_pool(s->plan, node) && is_fused(s, node - 1) ? 2 : 1);
}

/* Whether the backward pass reads a node's features: for a term of the loss; for its ReLU, unless
 * pooling indices stand for it; or for a pooling without indices. */
static bool is_read(const schedule *s, size_t node) {
    const imp_plan *p = s->plan;
    if (is_term(s, node))
        return true;
    if (is_pool(p, node))
        return !has_indices(p, node);
    return (has_relu(p, node) && !has_indices(p, node + 1)) ||
           (is_pool(p, node + 1) && !has_indices(p, node + 1));
}

static bool is_recomputed(const schedule *s, size_t node) {
    return node < s->plan->nodes && s->purpose->recompute && s->purpose->recompute[node];
}

/* A new tensor, alive from the present step on. */
static size_t create(schedule *s, imp_tensor t) {
    imp_plan *p = s->plan;
    p->tensors[p->tensor_count] = (imp_placed){t, p->step_count, p->step_count};
    return p->tensor_count++;
}

/* A tensor that the present step reads. */
static size_t use(schedule *s, size_t index) {
    assert(index != IMP_NO_PLACE);
    s->plan->tensors[index].last = s->plan->step_count;
    return index;
}

static imp_tensor indices_shape(imp_tensor pooled) {
    pooled.w = (pooled.w + IMP_INDICES - 1) / IMP_INDICES;
    return pooled;
}

static void add_forward(schedule *s, size_t node) {
    imp_plan *p = s->plan;
    const size_t source = source_of(s, node);
    imp_step step = {.node = node, .dx = IMP_NO_PLACE, .dy = IMP_NO_PLACE, .indices = IMP_NO_PLACE};
    assert(p->network->nodes[node].input == (node ? node - 1 : SIZE_MAX)); /* a chain */
    if (is_fused(s, node))
        return;
    step.fused = source + 1 != node;
    assert(!step.fused || s->indices[node] == IMP_NO_PLACE); /* poolings are not recomputed */
    step.x = use(s, node ? s->f[source] : p->input);
    step.y = s->f[node] = create(s, p->shapes[node]);
    if (s->purpose->gradient && has_indices(p, node) && s->indices[node] == IMP_NO_PLACE)
        step.indices = s->indices[node] = create(s, indices_shape(p->shapes[node]));
    p->steps[p->step_count++] = step;
}

/* Drops the features that are not kept for the backward pass. */
static void drop_features(schedule *s) {
    for (size_t n = 0; n < s->plan->nodes; n++)
        if (is_recomputed(s, n) || !(is_read(s, n) || is_recomputed(s, n + 1)))
            s->f[n] = IMP_NO_PLACE;
}

/* Schedules what makes a node's features available, from the nearest node before it whose are. */
static void ensure_features(schedule *s, size_t node) {
    size_t from = node + 1;
    while (from > 0 && s->f[from - 1] == IMP_NO_PLACE)
        from--;
    for (; from <= node; from++)
        add_forward(s, from);
}

static void add_backward(schedule *s, size_t node, imp_tensor input) {
    imp_plan *p = s->plan;
    const bool pool = is_pool(p, node), indexed = has_indices(p, node);
    const size_t source = source_of(s, node);
    if (is_fused(s, node))
        return;
    if (is_read(s, node))
        ensure_features(s, node);
    if (pool && !indexed)
        ensure_features(s, node - 1);
    imp_step step = {.back = true, .fused = source + 1 != node, .node = node, .x = IMP_NO_PLACE};
    if (node + 1 == p->nodes)
        s->df[node] = create(s, p->shapes[node]);
    step.dy = use(s, s->df[node]);
    step.y = is_read(s, node) ? use(s, s->f[node]) : IMP_NO_PLACE;
    step.indices = indexed ? use(s, s->indices[node]) : IMP_NO_PLACE;
    if (pool && !indexed)
        step.x = use(s, s->f[node - 1]);
    step.dx = create(s, node ? p->shapes[source] : input);
    *(node ? &s->df[source] : &p->dinput) = step.dx;
    p->steps[p->step_count++] = step;
}

imp_status imp_plan_schedule(imp_plan *plan, const imp_purpose *purpose, imp_tensor input,
                             imp_error *err) {
    const size_t nodes = plan->nodes;
    /* Forward once, then backward; each node is recomputed at most once. */
    plan->steps = calloc(3 * nodes + 1, sizeof *plan->steps);
    plan->tensors = calloc(4 * nodes + 2, sizeof *plan->tensors);
    size_t *by_node = malloc((3 * nodes + 1) * sizeof *by_node);
    if (!plan->steps || !plan->tensors || !by_node) {
        free(by_node);
        return imp_fail(err, IMP_ERR_MEMORY, "plan: out of host memory");
    }
    schedule s = {plan, purpose, by_node, by_node + nodes, by_node + 2 * nodes};
    for (size_t i = 0; i < 3 * nodes; i++)
        by_node[i] = IMP_NO_PLACE;
    plan->input = create(&s, input);
    for (size_t n = 0; n < nodes; n++)
        add_forward(&s, n);
    if (purpose->gradient) {
        drop_features(&s);
        for (size_t n = nodes; n-- > 0;)
            add_backward(&s, n, input);
    }
    free(by_node);
    return IMP_OK;
}

/* ---- Addresses ---- */

/* A tensor, its size, and the address where it ends. */
typedef struct extent {
    size_t tensor, bytes, end;
} extent;

static int largest_first(const void *a, const void *b) {
    const extent *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

/* Among the first `count` extents one that tensor t, if it ended at `end`, would overlap in memory
 * while both are alive; NULL: none. */
static const extent *conflict(const imp_plan *plan, const extent *placed, size_t count,
                              const imp_placed *t, size_t end) {
    for (size_t i = 0; i < count; i++) {
        const imp_placed *other = &plan->tensors[placed[i].tensor];
        if (other->first <= t->last && t->first <= other->last && other->t.at < end &&
            t->t.at < placed[i].end)
            return &placed[i];
    }
    return NULL;
}

/* Places t at the lowest free address from `cursor` on; gives its end. */
static size_t place_lowest(imp_plan *plan, const extent *placed, size_t count, imp_placed *t,
                           size_t cursor) {
    for (;;) {
        const size_t end = plan->device->ops->place(plan->device, &t->t, cursor);
        const extent *other = end == SIZE_MAX ? NULL : conflict(plan, placed, count, t, end);
        if (!other)
            return end;
        cursor = other->end;
    }
}

imp_status imp_plan_arrange(imp_plan *plan, size_t cursor, imp_error *err) {
    const size_t count = plan->tensor_count;
    extent *order = malloc((count + 1) * sizeof *order);
    if (!order)
        return imp_fail(err, IMP_ERR_MEMORY, "plan: out of host memory");
    for (size_t i = 0; i < count; i++) {
        imp_tensor t = plan->tensors[i].t;
        order[i] = (extent){i, plan->device->ops->place(plan->device, &t, 0), 0};
    }
    qsort(order, count, sizeof *order,
          largest_first); /* small ones fit into gaps that large ones leave */
    plan->end = cursor;
    for (size_t i = 0; i < count && plan->end != SIZE_MAX; i++) {
        order[i].end = place_lowest(plan, order, i, &plan->tensors[order[i].tensor], cursor);
        plan->end = order[i].end > plan->end ? order[i].end : plan->end; /* SIZE_MAX wins */
    }
    free(order);
    return IMP_OK;
}
