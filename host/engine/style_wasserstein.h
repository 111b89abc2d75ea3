/* SPDX-License-Identifier: MIT
 *
 * Style as the squared 2-Wasserstein distance between normal distributions that have the means and
 * covariances of two feature maps (MATH.md, preset `fine`):
 *
 *     L = mean (mu - mu_t)^2 + (tr C_t + tr C - 2 tr (C_t^1/2 C C_t^1/2)^1/2) / channels
 *     dL/dF = D F + v 1^T,  D = 2 / (M channels) (I - C_t^1/2 R C_t^1/2),  R = (C_t^1/2 C
 * C_t^1/2)^-1/2
 *
 * Roots by Newton and Schulz's iteration, 12 steps on the device (Higham 2008, chapter 6).
 */
#ifndef IMP_STYLE_WASSERSTEIN_H
#define IMP_STYLE_WASSERSTEIN_H

#include "backend/ops.h"

struct imp_objective;
struct imp_goal;

/* Working space, of the widest style layer. */
typedef struct imp_wasserstein {
    imp_tensor covariance, matrix[4]; /* 1 x C x C */
    imp_tensor v;                     /* 1 x 1 x C */
} imp_wasserstein;

/* Lays the working space out behind *cursor and moves that on; and says in which memory. */
void imp_wasserstein_place(imp_wasserstein *w, const imp_device *device, size_t *cursor,
                           size_t widest);
void imp_wasserstein_bind(imp_wasserstein *w, imp_memory *memory);

/* Makes the goal's target from the style's second moments, 1/M F F^T, which stand in its place, and
 * the goal's mean. */
imp_status imp_wasserstein_target(struct imp_objective *o, struct imp_goal *goal);

/* Goal i at features f: its loss to the scalars, and df += its gradient. */
imp_status imp_wasserstein_gradient(struct imp_objective *o, size_t i, imp_tensor df, imp_tensor f);

#endif
