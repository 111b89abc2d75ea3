/* SPDX-License-Identifier: MIT
 *
 * L-BFGS without line search and Adam, as MATH.md's presets state them: vectors stay on the device,
 * and what the host decides on (is the loss finite, is a pair good) comes with the scalars that
 * is read an iteration.
 */
#ifndef IMP_OPTIMIZER_H
#define IMP_OPTIMIZER_H

#include "engine/history.h"
#include "engine/objective.h"

typedef struct imp_optimizer_state {
    imp_objective
        *o; /* borrowed until imp_optimizer_finish; x and its gradient are o->x[0], dx[0] */
    imp_tensor before;    /* the variable before the last step; finite always */
    imp_tensor evaluated; /* where the last evaluation was: the variable, or before */
    imp_tensor m, v;      /* Adam: moments */
    imp_history history;  /* L-BFGS: its pairs' products, */
    imp_tensor *vectors;  /* s and y of each place, one after the other; owned, */
    imp_tensor factors;   /* 1 x 1 x all of them, on the device, */
    float *mixture;       /* and on the host */
    unsigned steps;       /* since the start or the last setback */
    unsigned setbacks;    /* in a row */
    double shrink;        /* factor on the step length, halved at each setback */
    double *values;       /* of the scalars, by slot; IMP_PARTIALS sums each */
    float *partials;      /* scratch of the read-back */
} imp_optimizer_state;

/* Lays out the state behind *cursor and moves it on. Finish it in any case. */
imp_status imp_optimizer_init(imp_optimizer_state *t, imp_objective *o, size_t *cursor,
                              imp_error *err);
void imp_optimizer_finish(imp_optimizer_state *t);
/* Binds to the memory; o->x[0] must hold the start. */
imp_status imp_optimizer_bind(imp_optimizer_state *t, imp_memory *memory);

/* Of L-BFGS: makes the history full, of pairs under which its matrix is the identity, as though so
 * many steps were done: for measuring. Errors: device->error. */
imp_status imp_optimizer_fill(imp_optimizer_state *t);

/* One iteration: evaluates, reads the scalars, and moves the variable. *recovered: the loss was not
 * finite; the variable is back where it was before the last step, which is tried again at half its
 * length. IMP_ERR_NUMBER: not finite at the start, or after 20 setbacks in a row. */
imp_status imp_optimizer_step(imp_optimizer_state *t, bool *recovered, imp_error *err);
/* Evaluates and reads the scalars only. */
imp_status imp_optimizer_evaluate(imp_optimizer_state *t, imp_error *err);
/* Reads the scalars as they are now into t->values. Errors: device->error. */
imp_status imp_optimizer_read(imp_optimizer_state *t);

#endif
