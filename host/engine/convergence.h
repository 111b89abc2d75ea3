/* SPDX-License-Identifier: MIT
 *
 * Whether the steps that are left would still change the picture visibly, judged by its pace: every
 * IMP_CONVERGENCE_SPAN steps the picture is held against what it was then. The pace mostly falls as
 * a run goes on, so that pace times steps left is about what they would do, or more.
 */
#ifndef IMP_CONVERGENCE_H
#define IMP_CONVERGENCE_H

#include "engine/optimizer.h"

enum { IMP_CONVERGENCE_SPAN = 20 };

typedef struct imp_convergence {
    imp_tensor then; /* planes 3 x h x w: the picture `since` steps ago; no tensor: nobody asks */
    unsigned since;
} imp_convergence;

/* Lays it out behind *cursor and moves that on, where settings ask for it. */
void imp_convergence_place(imp_convergence *k, const imp_objective *o, size_t *cursor);
/* Begins with the picture x as it is, in the memory that this is in. */
imp_status imp_convergence_start(imp_convergence *k, imp_device *d, imp_tensor x);
/* After a step that made the picture x. *settled: `left` more steps at the present pace would
 * change a colour by less than settings->settle of 255 on average. */
imp_status imp_convergence_check(imp_convergence *k, imp_optimizer_state *t, imp_tensor x,
                                 unsigned left, bool *settled, imp_error *err);

#endif
