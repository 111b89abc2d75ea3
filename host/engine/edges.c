/* SPDX-License-Identifier: MIT
 *
 * Edges: README.md, Edges.
 */
#include "engine/objective.h"

void imp_edges_choose(imp_objective *o, size_t h, size_t w) {
    o->pictures = o->levels;
    if (o->settings->keep_edges == 0)
        return;
    for (unsigned level = 1; level <= IMP_EDGE_SIZES && h >> level > 1 && w >> level > 1; level++) {
        o->edges[o->edge_count++].level = level;
        o->pictures = level >= o->pictures ? level + 1 : o->pictures;
    }
}

void imp_edges_place(imp_objective *o, size_t *cursor) {
    for (unsigned i = 0; i < o->edge_count; i++) {
        const imp_tensor x = o->x[o->edges[i].level];
        o->edges[i].target = imp_place(o->device, cursor, IMP_PLANES, 1, x.h, x.w);
        if (i == 0) /* the largest */
            o->edge_map = imp_place(o->device, cursor, IMP_PLANES, 1, x.h, x.w);
    }
}

void imp_edges_bind(imp_objective *o, imp_memory *memory) {
    for (unsigned i = 0; i < o->edge_count; i++)
        o->edges[i].target.memory = o->edge_map.memory = memory;
}

imp_status imp_edges_take(imp_objective *o) {
    imp_device *const d = o->device;
    const imp_tensor none = {0};
    for (unsigned i = 0; i < o->edge_count; i++) {
        imp_edge_term *edges = &o->edges[i];
        const imp_slot squares = imp_objective_slot(o, IMP_SCALAR_EDGES + i);
        TRY(d->ops->edges(d, none, squares, edges->target, o->x[edges->level], none, 1));
        TRY(imp_objective_scalar(o, squares.i, &edges->squares));
    }
    return IMP_OK;
}

imp_status imp_edges_gradient(imp_objective *o, unsigned level) {
    imp_device *const d = o->device;
    for (unsigned i = 0; i < o->edge_count; i++) {
        const imp_edge_term *edges = &o->edges[i];
        imp_tensor map = o->edge_map;
        map.h = edges->target.h, map.w = edges->target.w;
        if (edges->level == level)
            TRY(d->ops->edges(d, o->dx[level], imp_objective_slot(o, IMP_SCALAR_EDGES + i), map,
                              o->x[level], edges->target, edges->weight));
    }
    return IMP_OK;
}
