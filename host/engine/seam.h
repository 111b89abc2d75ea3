/* SPDX-License-Identifier: MIT
 *
 * Pictures whose edges meet. The network sees the picture continued periodically (ops.h, wrap) by a
 * margin so wide that the zeros it pads with never reach what it sees of the picture itself; style
 * is summed up over the picture alone.
 */
#ifndef IMP_SEAM_H
#define IMP_SEAM_H

#include "weights/network.h"

/* How far the continuation goes on each side, in pixels: what the first `nodes` nodes see around a
 * pixel on the coarsest of `levels` halvings, and a multiple of what all of them halve. */
size_t imp_seam_margin(const imp_network *network, size_t nodes, unsigned levels);

/* t[i], for the n positions along a side of a map: 1 where the position's middle lies in the
 * picture proper, else 0, the side being `length` pixels, `margin` of them at each end not proper.
 * Gives the number of ones. t may be NULL. */
size_t imp_seam_inside(float *t, size_t n, size_t length, size_t margin);

#endif
