/* SPDX-License-Identifier: MIT
 *
 * Which way to make a convolution is the fastest on a device: measured once for every kind of layer
 * and remembered in the cache folder (ways.json, to be read by people too).
 */
#ifndef IMP_TUNE_H
#define IMP_TUNE_H

#include "engine/ops.h"

/* A convolution (back: its gradient) from x, which is h x w. */
typedef struct imp_layer {
    imp_conv conv;
    size_t h, w;
    imp_layout layout; /* of x */
    bool back;
} imp_layer;

/* Lets the device prefer the fastest of its ways for a layer from now on: the one remembered for
 * layers of the same kind and about as many positions, unless `again`, or else what is measured
 * now, on at most a part of the layer, and then remembered. Those that make little difference,
 * being short, and those whose result is not that of the others, are not preferred. filter: one
 * with that conv, to be asked only. *left: seconds that measuring may take, lowered by what it
 * took; nothing is measured where none are left. out: what was measured, its name empty; of no ways
 * where nothing was. Where a device fails, it keeps its own choice. */
void imp_tune_layer(imp_device *d, const imp_filter *filter, const imp_layer *layer, bool again,
                    double *left, imp_tuned *out);

#endif
