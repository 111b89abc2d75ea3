/* SPDX-License-Identifier: MIT
 *
 * The exponential moving average of the variable, where settings ask for it as the picture:
 * sum_t = a sum_{t-1} + (1 - a) x_t over 1 - a^t, from the variable as it was at the start.
 */
#ifndef IMP_AVERAGE_H
#define IMP_AVERAGE_H

#include "engine/objective.h"

typedef struct imp_average {
    imp_tensor sum; /* planes 3 x h x w; no tensor where none is wanted */
    double weight;  /* 1 - a^t */
} imp_average;

/* Lays it out behind *cursor and moves that on. */
void imp_average_place(imp_average *a, const imp_objective *o, size_t *cursor);
/* Begins with the variable as it is, in the memory that this is in; and takes the next value in. */
imp_status imp_average_start(imp_average *a, const imp_objective *o);
imp_status imp_average_add(imp_average *a, const imp_objective *o);

#endif
