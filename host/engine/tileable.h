/* SPDX-License-Identifier: MIT
 *
 * Tileable pictures. The network sees the picture continued periodically (operation wrap) by a
 * margin that is wide enough to keep padding out of what it sees of the picture itself; style sums
 * run over the picture only. README.md, Tileable pictures.
 */
#ifndef IMP_TILEABLE_H
#define IMP_TILEABLE_H

#include "engine/regions.h"
#include "weights/network.h"

/* The margin on each side in pixels: the radius of what the first `nodes` nodes see on the coarsest
 * of `levels` halvings, rounded up to a multiple of all halvings together. */
size_t imp_tileable_margin(const imp_network *network, size_t nodes, unsigned levels);

/* Whether the centre of position i along a side lies in the picture itself, not in a margin; and
 * the number of such positions. */
bool imp_tileable_inside(imp_extent side, size_t i);
size_t imp_tileable_count(imp_extent side);

#endif
