/* SPDX-License-Identifier: MIT
 *
 * Convergence: whether the remaining steps would still change the picture visibly. Every
 * IMP_CONVERGENCE_SPAN steps the picture is compared with what it was at the last comparison. A run
 * mostly slows down, so that the change per step times the remaining steps is about what they would
 * still do, or more.
 */
#ifndef IMP_CONVERGENCE_H
#define IMP_CONVERGENCE_H

#include "engine/optimizer.h"

enum { IMP_CONVERGENCE_SPAN = 20 };

typedef struct imp_convergence {
    imp_tensor reference; /* planes 3 x h x w: the picture `steps` steps ago; no tensor: not used */
    unsigned steps;
} imp_convergence;

/* Lays it out behind *cursor, which moves on, where the settings use it. */
void imp_convergence_place(imp_convergence *k, const imp_objective *o, size_t *cursor);
/* Starts at the picture x as it is now, in x's memory. Errors: device->error. */
imp_status imp_convergence_start(imp_convergence *k, imp_device *d, imp_tensor x);
/* Call after each step, with the picture x. *converged: at the present pace `left` more steps would
 * change a colour by less than settings->convergence of 255 on average. */
imp_status imp_convergence_check(imp_convergence *k, imp_optimizer_state *t, imp_tensor x,
                                 unsigned left, bool *converged, imp_error *err);

#endif
