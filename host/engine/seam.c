/* SPDX-License-Identifier: MIT
 *
 * Margins of a picture whose edges meet, and where they end.
 */
#include "engine/seam.h"

size_t imp_seam_margin(const imp_network *network, size_t nodes, unsigned levels) {
    size_t reach = 0, step = 1; /* pixels seen on one side; pixels from one position to the next */
    for (size_t i = 0; i < nodes; i++) {
        const imp_node *n = &network->nodes[i];
        reach += n->kind == IMP_NODE_POOL ? step : n->conv.kernel / 2 * step;
        step *= n->kind == IMP_NODE_POOL ? 2 : n->conv.stride;
    }
    return (reach + step - 1) / step * step << (levels - 1);
}

size_t imp_seam_inside(float *t, size_t n, size_t length, size_t margin) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const double middle = ((double)i + 0.5) * (double)length / (double)n;
        const bool inside = middle >= (double)margin && middle < (double)(length - margin);
        if (t)
            t[i] = inside;
        count += inside;
    }
    return count;
}
