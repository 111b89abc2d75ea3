/* SPDX-License-Identifier: MIT
 *
 * Pictures whose edges meet. The network sees the picture continued periodically (ops.h, wrap) by a
 * margin so wide that the zeros it pads with never reach what it sees of the picture itself; style
 * is summed up over the picture alone.
 */
#ifndef IMP_TILEABLE_H
#define IMP_TILEABLE_H

#include "engine/regions.h"
#include "weights/network.h"

/* How far the continuation goes on each side, in pixels: what the first `nodes` nodes see around a
 * pixel on the coarsest of `levels` halvings, and a multiple of what all of them halve. */
size_t imp_tileable_margin(const imp_network *network, size_t nodes, unsigned levels);

/* Whether the middle of position i along a side lies in the picture proper; and for how many it
 * does. */
bool imp_tileable_inside(imp_extent side, size_t i);
size_t imp_tileable_count(imp_extent side);

#endif
