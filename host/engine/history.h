/* SPDX-License-Identifier: MIT
 *
 * The arithmetic of L-BFGS (Nocedal 1980) on the host. The direction -H g is a combination of g and
 * of the history's vectors s_i = steps, y_i = differences of gradients, whose factors follow from
 * the products of these vectors alone (Chen, Wang, Zhou 2014: vector-free L-BFGS). So the device
 * reads its history twice an iteration: for the products, and for the combination.
 */
#ifndef IMP_HISTORY_H
#define IMP_HISTORY_H

#include "base/error.h"

/* A ring of one place more than pairs are kept: a pair has its place before it is known to be good.
 * Zeroed: empty, with no place. */
typedef struct imp_history {
    unsigned places, pairs, next, filled; /* kept pairs; the next pair's place; places ever used */
    double gamma;                         /* (y.s) / (y.y) of the newest pair */
    double *sy, *yy; /* places x places: s_i.y_j, where y_j is no older, and y_i.y_j; owned */
    double *alpha;   /* places */
} imp_history;

imp_status imp_history_init(imp_history *h, unsigned pairs, imp_error *err);
void imp_history_finish(imp_history *h);

/* Forgets all pairs. */
void imp_history_clear(imp_history *h);

/* Takes the pair in place h->next into the ring where y.s > 1e-10 of the slope before, |s.(g - y)|:
 * the curvature is no rounding, whatever the unit of the loss. products: of every place i up to
 * that one s_i.g, s_i.y, y_i.g, y_i.y, with the pair's y. */
void imp_history_take(imp_history *h, const double *products);

/* factors[2 i], [2 i + 1]: of s_i and y_i in -H g, 0 where a place holds no pair; gives that of g.
 * products as above. */
double imp_history_direction(imp_history *h, float *factors, const double *products);

/* How long that direction is, where h has one pair, whose step was along the gradient before;
 * about, where the step was clamped. own: what imp_history_direction gave; gg = g.g. */
double imp_history_length(const imp_history *h, const float *factors, double own,
                          const double *products, double gg);

#endif
