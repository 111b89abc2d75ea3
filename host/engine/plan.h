/* SPDX-License-Identifier: MIT
 *
 * A network laid out for one picture size: the forward and backward steps through its nodes, and
 * where each tensor lies in a device's memory. A tensor keeps its place from the step that writes
 * it to the last step that reads it, so features stay for the backward pass only where it needs
 * them. A ReLU followed by a pooling needs only the pooling indices (pool_indices in
 * operations.def), an eighth of a byte for each feature of the ReLU; where the device fuses both
 * and nothing else uses those features, they are never stored. Nothing beyond the deepest node in
 * use is placed.
 */
#ifndef IMP_PLAN_H
#define IMP_PLAN_H

#include "backend/ops.h"
#include "weights/network.h"

#define IMP_NO_PLACE SIZE_MAX

/* One operation at a node: forward y and indices from x, backward dx from dy and the others. The
 * tensors are indices of plan->tensors, IMP_NO_PLACE where the operation takes none. fused: a
 * pooling together with the convolution before it; x and dx are the convolution's, and the map
 * between them is never stored. */
typedef struct imp_step {
    bool back, fused;
    size_t node, x, y, dx, dy, indices;
} imp_step;

/* A tensor, and the first and the last step that touch it. */
typedef struct imp_placed {
    imp_tensor t;
    size_t first, last;
} imp_placed;

/* What a plan is for. Borrowed during imp_plan_init only. */
typedef struct imp_purpose {
    imp_pooling pooling;
    float range;           /* the variable's unit: 1 or 255 */
    bool grey;             /* the network sees the mean of the colours only */
    size_t nodes;          /* nodes in use: 0 .. nodes-1 */
    bool gradient;         /* with the backward pass */
    const bool *terms;     /* by node: the loss has a term on its features; or NULL */
    const bool *recompute; /* by node: its features are not kept but recomputed; never poolings;
                              or NULL */
} imp_purpose;

typedef struct imp_plan {
    imp_device *device; /* borrowed, like all below, until imp_plan_finish */
    const imp_network *network;
    imp_filter *const *filters; /* by node; NULL at pooling nodes */
    imp_pooling pooling;
    imp_affine entry;     /* from the variable's colours to the network's input */
    size_t nodes;         /* nodes in use */
    size_t input, dinput; /* planes, 3 x h x w */
    imp_tensor *shapes;   /* of the features, by node; no memory */
    imp_step *steps;      /* forward through all nodes, then backward, recomputing on the way */
    size_t step_count;
    imp_placed *tensors;
    size_t tensor_count;
    size_t end; /* the address after the last tensor */
} imp_plan;

/* Lays out a picture of h x w pixels from address `cursor` on. Nothing is allocated on the device:
 * see imp_plan_bind. IMP_ERR_MEMORY where a tensor is too large for the device. Finish it in any
 * case. */
imp_status imp_plan_init(imp_plan *plan, imp_device *device, const imp_network *network,
                         imp_filter *const *filters, const imp_purpose *purpose, size_t h, size_t w,
                         size_t cursor, imp_error *err);
void imp_plan_finish(imp_plan *plan);

/* Binds the addresses to a memory of at least plan->end bytes. */
void imp_plan_bind(imp_plan *plan, imp_memory *memory);

/* In this order: fill the input from a picture x (planes, 3 x h x w); run every step; dx += the
 * gradient. */
imp_status imp_plan_enter(const imp_plan *plan, imp_tensor x);
imp_status imp_plan_run(const imp_plan *plan, const imp_step *step);
imp_status imp_plan_leave(const imp_plan *plan, imp_tensor dx);

/* A tensor of a step. Its values are valid from its first to its last step only. */
static inline imp_tensor imp_plan_tensor(const imp_plan *plan, size_t index) {
    return plan->tensors[index].t;
}

/* What a node reads: the shape of the features before it, or the input. */
static inline imp_tensor imp_plan_source(const imp_plan *plan, size_t node) {
    return node ? plan->shapes[node - 1] : imp_plan_tensor(plan, plan->input);
}

/* The smallest side of a picture for which none of the first `nodes` maps vanishes. */
size_t imp_plan_side_min(const imp_network *network, size_t nodes);

#endif
