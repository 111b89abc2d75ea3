/* SPDX-License-Identifier: MIT
 *
 * Margins of tileable pictures.
 */
#include "engine/tileable.h"

size_t imp_tileable_margin(const imp_network *network, size_t nodes, unsigned levels) {
    size_t reach = 0,
           step = 1; /* pixels seen to one side of a position; pixels between positions */
    for (size_t i = 0; i < nodes; i++) {
        const imp_node *n = &network->nodes[i];
        reach += n->kind == IMP_NODE_POOL ? step : n->conv.kernel / 2 * step;
        step *= n->kind == IMP_NODE_POOL ? 2 : n->conv.stride;
    }
    return (reach + step - 1) / step * step << (levels - 1);
}

bool imp_tileable_inside(imp_extent side, size_t i) {
    const double middle = ((double)i + 0.5) * (double)side.length / (double)side.n;
    return middle >= (double)side.margin && middle < (double)(side.length - side.margin);
}

size_t imp_tileable_count(imp_extent side) {
    size_t count = 0;
    for (size_t i = 0; i < side.n; i++)
        count += imp_tileable_inside(side, i);
    return count;
}
