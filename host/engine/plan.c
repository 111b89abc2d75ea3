/* SPDX-License-Identifier: MIT
 *
 * A network laid out for one picture size.
 */
#include "engine/plan.h"

#include <assert.h>
#include <stdlib.h>

imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w) {
    imp_tensor t = {.c = c, .h = h, .w = w, .layout = layout};
    if (*cursor != SIZE_MAX)
        *cursor = device->ops->place(device, &t, *cursor);
    return t;
}

/* y[r] = (x[channel r] * network range / variable range - mean[r]) / deviation[r]. */
static imp_affine entry_of(const imp_network *network, float range) {
    imp_network_info info;
    imp_network_describe(network, &info);
    imp_affine a = {0};
    for (int r = 0; r < 3; r++) {
        a.m[r][info.bgr ? 2 - r : r] = info.range / range / info.deviation[r];
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

/* Alternating regions: node i's tensor begins where that of node i-2 did. */
static size_t place_alternating(const imp_device *device, imp_tensor *t, size_t count,
                                size_t cursor) {
    size_t end[2] = {cursor, cursor};
    for (int side = 0; side < 2 && cursor != SIZE_MAX; side++) {
        const size_t begin = side == 0 ? cursor : end[0];
        end[side] = begin;
        for (size_t i = (size_t)side; i < count; i += 2) {
            const size_t after = device->ops->place(device, &t[i], begin);
            end[side] = after > end[side] ? after : end[side]; /* SIZE_MAX wins */
        }
        cursor = end[side];
    }
    return cursor;
}

imp_status imp_plan_init(imp_plan *plan, imp_device *device, const imp_network *network,
                         imp_filter *const *filters, imp_pooling pooling, float range, size_t nodes,
                         size_t h, size_t w, bool keep, size_t cursor, imp_error *err) {
    *plan = (imp_plan){.device = device,
                       .network = network,
                       .filters = filters,
                       .pooling = pooling,
                       .entry = entry_of(network, range),
                       .nodes = nodes,
                       .f = calloc(nodes, sizeof(imp_tensor)),
                       .df = calloc(nodes, sizeof(imp_tensor))};
    if (!plan->f || !plan->df)
        return imp_fail(err, IMP_ERR_MEMORY, "plan: out of host memory");
    plan->input = imp_place(device, &cursor, IMP_PLANES, 3, h, w);
    if (keep)
        plan->dinput = imp_place(device, &cursor, IMP_PLANES, 3, h, w);
    imp_tensor x = plan->input;
    for (size_t i = 0; i < nodes; i++) {
        assert(network->nodes[i].input == (i ? i - 1 : SIZE_MAX)); /* the regions rely on a chain */
        x = plan->f[i] = plan->df[i] = shape_after(&network->nodes[i], x);
    }
    if (keep) {
        for (size_t i = 0; i < nodes && cursor != SIZE_MAX; i++)
            cursor = device->ops->place(device, &plan->f[i], cursor);
        cursor = place_alternating(device, plan->df, nodes, cursor);
    } else {
        cursor = place_alternating(device, plan->f, nodes, cursor);
    }
    plan->end = cursor;
    if (cursor == SIZE_MAX)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "device '%s': one channel of a %zu x %zu map is more than it allocates at "
                        "once (%llu MiB); choose a smaller --size",
                        device->info.name, w, h,
                        (unsigned long long)(device->info.max_alloc_bytes >> 20));
    return IMP_OK;
}

void imp_plan_finish(imp_plan *plan) {
    free(plan->f);
    free(plan->df);
    *plan = (imp_plan){0};
}

void imp_plan_bind(imp_plan *plan, imp_memory *memory) {
    plan->input.memory = plan->dinput.memory = memory;
    for (size_t i = 0; i < plan->nodes; i++)
        plan->f[i].memory = plan->df[i].memory = memory;
}

imp_status imp_plan_enter(const imp_plan *plan, imp_tensor x) {
    return plan->device->ops->affine(plan->device, plan->input, x, &plan->entry);
}

imp_status imp_plan_forward(const imp_plan *plan, size_t node) {
    imp_device *const d = plan->device;
    const imp_tensor x = node ? plan->f[node - 1] : plan->input;
    if (plan->network->nodes[node].kind == IMP_NODE_POOL)
        return d->ops->pool(d, plan->f[node], x, plan->pooling);
    return d->ops->conv(d, plan->f[node], x, plan->filters[node]);
}

imp_status imp_plan_backward(const imp_plan *plan, size_t node) {
    imp_device *const d = plan->device;
    const imp_tensor x = node ? plan->f[node - 1] : plan->input;
    const imp_tensor dx = node ? plan->df[node - 1] : plan->dinput;
    if (plan->network->nodes[node].kind == IMP_NODE_POOL)
        return d->ops->pool_grad(d, dx, plan->df[node], x, plan->f[node], plan->pooling);
    return d->ops->conv_grad(d, dx, plan->df[node], plan->f[node], plan->filters[node]);
}

imp_status imp_plan_leave(const imp_plan *plan, imp_tensor dx) {
    return plan->device->ops->affine_grad(plan->device, dx, plan->dinput, &plan->entry);
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
