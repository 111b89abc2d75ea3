/* SPDX-License-Identifier: MIT
 *
 * A network laid out for one picture size: where each tensor lies in a device's memory, and the
 * way forward and back through the nodes. Nothing beyond the deepest node in use is placed.
 */
#ifndef IMP_PLAN_H
#define IMP_PLAN_H

#include "engine/ops.h"
#include "weights/network.h"

typedef struct imp_plan {
    imp_device *device; /* borrowed, like all below, until imp_plan_finish */
    const imp_network *network;
    imp_filter *const *filters; /* by node; NULL at pooling nodes */
    imp_pooling pooling;
    imp_affine entry;         /* from the variable's colours to the network's input */
    size_t nodes;             /* nodes in use: 0 .. nodes-1 */
    imp_tensor input, dinput; /* planes, 3 x h x w */
    imp_tensor *f, *df;       /* features and their gradients by node; maps */
    size_t end;               /* the address after the last tensor */
} imp_plan;

/* Lays out the first `nodes` nodes for a picture of h x w pixels from address `cursor` on. keep:
 * features stay until the backward pass, and gradients are placed in two alternating regions;
 * otherwise only the forward pass is possible, and a node's features hold until the next but one.
 * range: the variable's unit (1 or 255). Nothing is allocated on the device: see imp_plan_bind.
 * IMP_ERR_MEMORY where a tensor can lie nowhere. Finish it in any case. */
imp_status imp_plan_init(imp_plan *plan, imp_device *device, const imp_network *network,
                         imp_filter *const *filters, imp_pooling pooling, float range, size_t nodes,
                         size_t h, size_t w, bool keep, size_t cursor, imp_error *err);
void imp_plan_finish(imp_plan *plan);

/* Says in which memory (of at least plan->end bytes) the addresses are meant. */
void imp_plan_bind(imp_plan *plan, imp_memory *memory);

/* Fills input from a picture x (planes, 3 x h x w); then one node after another, in order. */
imp_status imp_plan_enter(const imp_plan *plan, imp_tensor x);
imp_status imp_plan_forward(const imp_plan *plan, size_t node);

/* From df[node] to df[node - 1], or to dinput from node 0; and from there: dx += gradient. */
imp_status imp_plan_backward(const imp_plan *plan, size_t node);
imp_status imp_plan_leave(const imp_plan *plan, imp_tensor dx);

/* The smallest side of a picture for which none of the first `nodes` maps vanishes. */
size_t imp_plan_side_min(const imp_network *network, size_t nodes);

/* Places a tensor behind *cursor and moves it on; SIZE_MAX sticks. */
imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w);

#endif
