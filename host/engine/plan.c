/* SPDX-License-Identifier: MIT
 *
 * A plan: shapes, and running its steps.
 */
#include "engine/plan.h"

#include <stdlib.h>

#include "engine/plan_layout.h"

/* README.md, The network's input: y[r] = (x[channel r] * network range / variable range - mean[r])
 * / deviation[r]; in a grey painting, with the mean of x's channels for each of them. */
static imp_affine entry_of(const imp_network *network, float range, bool grey) {
    imp_network_info info;
    imp_network_describe(network, &info);
    imp_affine a = {0};
    for (int r = 0; r < 3; r++) {
        const float factor = info.range / range / info.deviation[r];
        for (int c = 0; c < 3; c++)
            a.m[r][c] = grey ? factor / 3 : c == (info.bgr ? 2 - r : r) ? factor : 0;
        a.o[r] = -info.mean[r] / info.deviation[r];
    }
    return a;
}

static imp_tensor shape_after(const imp_node *node, imp_tensor x) {
    imp_tensor y = {.c = x.c, .h = x.h / 2, .w = x.w / 2, .layout = IMP_MAPS};
    if (node->kind == IMP_NODE_CONV) {
        y.c = node->conv.out;
        y.h = imp_conv_side(&node->conv, x.h);
        y.w = imp_conv_side(&node->conv, x.w);
    }
    return y;
}

imp_status imp_plan_init(imp_plan *plan, imp_device *device, const imp_network *network,
                         imp_filter *const *filters, const imp_purpose *purpose, size_t h, size_t w,
                         size_t cursor, imp_error *err) {
    const size_t nodes = purpose->nodes;
    *plan = (imp_plan){.device = device,
                       .network = network,
                       .filters = filters,
                       .pooling = purpose->pooling,
                       .entry = entry_of(network, purpose->range, purpose->grey),
                       .nodes = nodes,
                       .shapes = calloc(nodes + 1, sizeof(imp_tensor))};
    if (!plan->shapes)
        return imp_fail(err, IMP_ERR_MEMORY, "plan: out of host memory");
    const imp_tensor input = {.c = 3, .h = h, .w = w, .layout = IMP_PLANES};
    for (size_t i = 0; i < nodes; i++)
        plan->shapes[i] = shape_after(&network->nodes[i], i ? plan->shapes[i - 1] : input);
    TRY(imp_plan_schedule(plan, purpose, input, err));
    TRY(imp_plan_arrange(plan, cursor, err));
    if (plan->end == SIZE_MAX)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "device '%s': one channel of a %zu x %zu map exceeds the largest "
                        "allocation (%llu MiB); choose a smaller size",
                        device->info.name, w, h,
                        (unsigned long long)(device->info.max_alloc_bytes >> 20));
    return IMP_OK;
}

void imp_plan_finish(imp_plan *plan) {
    free(plan->shapes);
    free(plan->steps);
    free(plan->tensors);
    *plan = (imp_plan){0};
}

void imp_plan_bind(imp_plan *plan, imp_memory *memory) {
    for (size_t i = 0; i < plan->tensor_count; i++)
        plan->tensors[i].t.memory = memory;
}

imp_status imp_plan_enter(const imp_plan *plan, imp_tensor x) {
    return plan->device->ops->affine(plan->device, imp_plan_tensor(plan, plan->input), x,
                                     &plan->entry);
}

/* The tensor at an index; IMP_NO_PLACE: no tensor. */
static imp_tensor operand(const imp_plan *plan, size_t index) {
    return index == IMP_NO_PLACE ? (imp_tensor){0} : imp_plan_tensor(plan, index);
}

static imp_status run_forward(const imp_plan *plan, const imp_step *step) {
    imp_device *const d = plan->device;
    const imp_tensor x = operand(plan, step->x), y = operand(plan, step->y);
    if (step->fused)
        return d->ops->conv_pool(d, y, operand(plan, step->indices), x,
                                 plan->filters[step->node - 1], plan->pooling);
    if (plan->network->nodes[step->node].kind == IMP_NODE_CONV)
        return d->ops->conv(d, y, x, plan->filters[step->node]);
    if (step->indices != IMP_NO_PLACE)
        TRY(d->ops->pool_indices(d, operand(plan, step->indices), x, plan->pooling));
    return d->ops->pool(d, y, x, plan->pooling);
}

static imp_status run_backward(const imp_plan *plan, const imp_step *step) {
    imp_device *const d = plan->device;
    const imp_tensor dx = operand(plan, step->dx), dy = operand(plan, step->dy);
    const imp_tensor y = operand(plan, step->y);
    if (step->fused)
        return d->ops->conv_pool_grad(d, dx, dy, operand(plan, step->indices),
                                      plan->filters[step->node - 1], plan->pooling);
    if (plan->network->nodes[step->node].kind == IMP_NODE_CONV)
        return d->ops->conv_grad(d, dx, dy, y, plan->filters[step->node]);
    if (step->indices != IMP_NO_PLACE)
        return d->ops->unpool(d, dx, dy, operand(plan, step->indices), plan->pooling);
    return d->ops->pool_grad(d, dx, dy, operand(plan, step->x), y, plan->pooling);
}

imp_status imp_plan_run(const imp_plan *plan, const imp_step *step) {
    return step->back ? run_backward(plan, step) : run_forward(plan, step);
}

imp_status imp_plan_leave(const imp_plan *plan, imp_tensor dx) {
    return plan->device->ops->affine_grad(plan->device, dx, imp_plan_tensor(plan, plan->dinput),
                                          &plan->entry);
}

size_t imp_plan_side_min(const imp_network *network, size_t nodes) {
    size_t side = 1, shrink = 1; /* shrink: pixels of the picture to one of the map */
    for (size_t i = 0; i < nodes; i++) {
        const imp_node *n = &network->nodes[i];
        const bool reflects = n->kind == IMP_NODE_CONV && n->conv.padding == IMP_PAD_REFLECT;
        if (n->kind == IMP_NODE_POOL)
            shrink *= 2;
        const size_t need = shrink * (reflects ? n->conv.before + 1 : 1);
        side = need > side ? need : side;
    }
    return side;
}
