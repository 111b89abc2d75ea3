/* SPDX-License-Identifier: MIT
 *
 * Which way to make a convolution is the fastest on a device: measured once for every kind of layer
 * and remembered in the cache folder (algorithms.json, to be read by people too).
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

/* Lets the device prefer the fastest of its ways for a layer from now on: the one remembered for
 * layers of the same kind and about as many positions, or else what is measured now, on at most a
 * part of the layer, and then remembered. What is preferred already stays, and nothing is done
 * where there is no room for a preference. again: nothing of all that counts, and it is measured
 * anew. A layer so short that it makes no difference is left alone, and a way whose result is not
 * that of the first, the direct one, is not taken. filter: one with that conv, to be asked only.
 * *left: seconds that measuring may take, about, lowered by what it took; with none left the device
 * keeps its own choice, as where it fails. out: what was measured, its name empty; of no ways where
 * nothing was. */
void imp_tune_layer(imp_device *d, const imp_filter *filter, const imp_layer *layer, bool again,
                    double *left, imp_tuned *out);

#endif
