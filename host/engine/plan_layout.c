/* SPDX-License-Identifier: MIT
 *
 * Which steps a plan takes, how long its tensors are held, and where they lie.
 */
#include "engine/plan_layout.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Steps ---- */

/* A schedule being made: the tensors that hold the features and gradients of the nodes now. */
typedef struct schedule {
    imp_plan *plan;
    const imp_purpose *purpose;
    size_t *f, *df, *indices; /* by node; IMP_NO_PLACE: nowhere */
} schedule;

static bool is_pool(const imp_plan *plan, size_t node) {
    return node < plan->nodes && plan->network->nodes[node].kind == IMP_NODE_POOL;
}

static bool has_relu(const imp_plan *plan, size_t node) {
    return !is_pool(plan, node) && plan->network->nodes[node].conv.relu;
}

/* A pooling whose way back goes by its choice. */
static bool has_indices(const imp_plan *plan, size_t node) {
    return is_pool(plan, node) && has_relu(plan, node - 1) &&
           (plan->pooling == IMP_POOL_MAX || plan->pooling == IMP_POOL_AVERAGE);
}

static bool is_term(const schedule *s, size_t node) {
    return s->purpose->terms && s->purpose->terms[node];
}

/* Whether a convolution is made in one step with the pooling behind it. */
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

/* The node whose features a node is made from; SIZE_MAX: the input. */
static size_t source_of(const schedule *s, size_t node) {
    return node - (is_pool(s->plan, node) && is_fused(s, node - 1) ? 2 : 1);
}

/* Whether the way back reads the features of a node: for a term; for the ReLU, unless only a
 * pooling's choice comes back to it; or for a pooling that has none. */
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

/* A new tensor, held from the present step on. */
static size_t hold(schedule *s, imp_tensor t) {
    imp_plan *p = s->plan;
    p->tensors[p->tensor_count] = (imp_placed){t, p->step_count, p->step_count};
    return p->tensor_count++;
}

/* A tensor that the present step reads. */
static size_t use(schedule *s, size_t number) {
    assert(number != IMP_NO_PLACE);
    s->plan->tensors[number].last = s->plan->step_count;
    return number;
}

static imp_tensor indices_shape(imp_tensor pooled) {
    pooled.w = (pooled.w + IMP_INDICES - 1) / IMP_INDICES;
    return pooled;
}

static void go_forward(schedule *s, size_t node) {
    imp_plan *p = s->plan;
    const size_t source = source_of(s, node);
    imp_step step = {.node = node, .dx = IMP_NO_PLACE, .dy = IMP_NO_PLACE, .indices = IMP_NO_PLACE};
    assert(p->network->nodes[node].input == (node ? node - 1 : SIZE_MAX)); /* a chain */
    if (is_fused(s, node))
        return;
    step.fused = source + 1 != node;
    assert(!step.fused || s->indices[node] == IMP_NO_PLACE); /* poolings are not made again */
    step.x = use(s, node ? s->f[source] : p->input);
    step.y = s->f[node] = hold(s, p->shapes[node]);
    if (s->purpose->gradient && has_indices(p, node) && s->indices[node] == IMP_NO_PLACE)
        step.indices = s->indices[node] = hold(s, indices_shape(p->shapes[node]));
    p->steps[p->step_count++] = step;
}

/* Forgets the features that do not stay for the way back. */
static void forget(schedule *s) {
    for (size_t n = 0; n < s->plan->nodes; n++)
        if (is_recomputed(s, n) || !(is_read(s, n) || is_recomputed(s, n + 1)))
            s->f[n] = IMP_NO_PLACE;
}

/* Sees to it that the features of a node are there, from the nearest before it that are. */
static void recompute_node(schedule *s, size_t node) {
    size_t from = node + 1;
    while (from > 0 && s->f[from - 1] == IMP_NO_PLACE)
        from--;
    for (; from <= node; from++)
        go_forward(s, from);
}

static void go_back(schedule *s, size_t node, imp_tensor input) {
    imp_plan *p = s->plan;
    const bool pool = is_pool(p, node), chosen = has_indices(p, node);
    const size_t source = source_of(s, node);
    if (is_fused(s, node))
        return;
    if (is_read(s, node))
        recompute_node(s, node);
    if (pool && !chosen)
        recompute_node(s, node - 1);
    imp_step step = {.back = true, .fused = source + 1 != node, .node = node, .x = IMP_NO_PLACE};
    if (node + 1 == p->nodes)
        s->df[node] = hold(s, p->shapes[node]);
    step.dy = use(s, s->df[node]);
    step.y = is_read(s, node) ? use(s, s->f[node]) : IMP_NO_PLACE;
    step.indices = chosen ? use(s, s->indices[node]) : IMP_NO_PLACE;
    if (pool && !chosen)
        step.x = use(s, s->f[node - 1]);
    step.dx = hold(s, node ? p->shapes[source] : input);
    *(node ? &s->df[source] : &p->dinput) = step.dx;
    p->steps[p->step_count++] = step;
}

imp_status imp_plan_schedule(imp_plan *plan, const imp_purpose *purpose, imp_tensor input,
                             imp_error *err) {
    const size_t nodes = plan->nodes;
    /* Forward once; before a step back what is missing is made again, each node once at most. */
    plan->steps = calloc(3 * nodes + 1, sizeof *plan->steps);
    plan->tensors = calloc(4 * nodes + 2, sizeof *plan->tensors);
    size_t *numbers = malloc((3 * nodes + 1) * sizeof *numbers);
    if (!plan->steps || !plan->tensors || !numbers) {
        free(numbers);
        return imp_fail(err, IMP_ERR_MEMORY, "plan: out of host memory");
    }
    schedule s = {plan, purpose, numbers, numbers + nodes, numbers + 2 * nodes};
    for (size_t i = 0; i < 3 * nodes; i++)
        numbers[i] = IMP_NO_PLACE;
    plan->input = hold(&s, input);
    for (size_t n = 0; n < nodes; n++)
        go_forward(&s, n);
    if (purpose->gradient) {
        forget(&s);
        for (size_t n = nodes; n-- > 0;)
            go_back(&s, n, input);
    }
    free(numbers);
    return IMP_OK;
}

/* ---- Places ---- */

/* A tensor and what it covers, from wherever it lies. */
typedef struct extent {
    size_t number, bytes, end;
} extent;

static int largest_first(const void *a, const void *b) {
    const extent *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Among the first `count` extents the one that tensor t, which would end at `end`, would meet in
 * space and time; NULL: none. */
static const extent *in_the_way(const imp_plan *plan, const extent *placed, size_t count,
                                const imp_placed *t, size_t end) {
    for (size_t i = 0; i < count; i++) {
        const imp_placed *other = &plan->tensors[placed[i].number];
        if (other->first <= t->last && t->first <= other->last && other->t.at < end &&
            t->t.at < placed[i].end)
            return &placed[i];
    }
    return NULL;
}

/* The lowest place from `cursor` on; gives its end. */
static size_t place_lowest(imp_plan *plan, const extent *placed, size_t count, imp_placed *t,
                           size_t cursor) {
    for (;;) {
        const size_t end = plan->device->ops->place(plan->device, &t->t, cursor);
        const extent *other = end == SIZE_MAX ? NULL : in_the_way(plan, placed, count, t, end);
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
    qsort(order, count, sizeof *order, largest_first); /* the large ones leave the small no gaps */
    plan->end = cursor;
    for (size_t i = 0; i < count && plan->end != SIZE_MAX; i++) {
        order[i].end = place_lowest(plan, order, i, &plan->tensors[order[i].number], cursor);
        plan->end = order[i].end > plan->end ? order[i].end : plan->end; /* SIZE_MAX wins */
    }
    free(order);
    return IMP_OK;
}
