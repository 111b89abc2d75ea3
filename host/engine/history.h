/* SPDX-License-Identifier: MIT
 *
 * The arithmetic of L-BFGS (Nocedal 1980) on the host; README.md, L-BFGS. The direction -H g is a
 * combination of g and the history's vectors s_i (steps) and y_i (differences of gradients). Its
 * factors follow from the products of these vectors alone (vector-free L-BFGS: Chen, Wang and Zhou
 * 2014), so that the device reads its history twice an iteration: for the products, and for the
 * combination.
 */
#ifndef IMP_HISTORY_H
#define IMP_HISTORY_H

#include "base/error.h"

/* A ring with one place more than pairs are kept, because a pair needs a place before it is known
 * to be good. Zeroed: empty, with no place. */
typedef struct imp_history {
    unsigned places, pairs; /* pairs: kept now */
    unsigned next, filled;  /* the next pair's place; how many places were ever used */
    double gamma;           /* (y.s) / (y.y) of the newest pair */
    double *sy, *yy; /* places x places: s_i.y_j, where y_j is no older, and y_i.y_j; owned */
    double *alpha;   /* places */
} imp_history;

imp_status imp_history_init(imp_history *h, unsigned pairs, imp_error *err);
void imp_history_finish(imp_history *h);

/* Forgets all pairs. */
void imp_history_clear(imp_history *h);

/* Keeps the pair in place h->next if y.s > 1e-10 |s.(g - y)|, that is 1e-10 of the slope at the
 * last step: then the curvature is more than rounding, whatever the unit of the loss. products: for
 * every place i up to that one s_i.g, s_i.y, y_i.g, y_i.y, where y is the pair's. */
void imp_history_take(imp_history *h, const double *products);

/* factors[2 i], [2 i + 1]: those of s_i and y_i in -H g, 0 where a place holds no pair. Gives the
 * factor of g. products as above. */
double imp_history_direction(imp_history *h, float *factors, const double *products);

/* The length of that direction when h has one pair and its step was along the gradient; approximate
 * if the step was clamped. own: what imp_history_direction gave; gg = g.g. */
double imp_history_length(const imp_history *h, const float *factors, double own,
                          const double *products, double gg);

#endif
