/* SPDX-License-Identifier: MIT
 *
 * Which algorithm of a convolution is the fastest on a device: measured once for each kind of
 * layer, and remembered in the cache folder (algorithms.json, legible for people too).
 */
#ifndef IMP_TUNE_H
#define IMP_TUNE_H

#include "backend/ops.h"

/* A convolution (back: its gradient) from x, which is h x w. */
typedef struct imp_layer {
    imp_conv conv;
    size_t h, w;
    imp_layout layout; /* of x */
    bool back;
} imp_layer;

/* Chooses the fastest algorithm for a layer: the one remembered for layers of the same kind and
 * about as many positions, else what is measured now, on at most a part of the layer, and then
 * remembered. Does nothing if an algorithm is already chosen, if the table of choices is full, or
 * if the layer is so short that it makes no difference. An algorithm whose result differs from that
 * of the first, the direct one, is not taken. again: measures anew, whatever is chosen or
 * remembered. filter: one with that conv; it is only asked. *left: seconds left for measuring,
 * about; lowered by the time taken. If none are left, or measuring fails, the device keeps its own
 * choice. out: what was measured, with an empty name; count 0 if nothing was. */
void imp_tune_layer(imp_device *d, const imp_filter *filter, const imp_layer *layer, bool again,
                    double *left, imp_tuned *out);

#endif
