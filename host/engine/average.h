/* SPDX-License-Identifier: MIT
 *
 * The exponential moving average of the variable, which is the picture if the settings ask for it:
 * sum_t / (1 - a^t), sum_t = a sum_{t-1} + (1 - a) x_t; README.md, Average of iterates.
 */
#ifndef IMP_AVERAGE_H
#define IMP_AVERAGE_H

#include "engine/objective.h"

typedef struct imp_average {
    imp_tensor sum; /* planes 3 x h x w; no tensor: no average */
    double weight;  /* 1 - a^t */
} imp_average;

/* Lays it out behind *cursor, which moves on. */
void imp_average_place(imp_average *a, const imp_objective *o, size_t *cursor);
/* Starts at the variable as it is, in its memory; adds the variable as it is now. Errors:
 * device->error. */
imp_status imp_average_start(imp_average *a, const imp_objective *o);
imp_status imp_average_add(imp_average *a, const imp_objective *o);

#endif
