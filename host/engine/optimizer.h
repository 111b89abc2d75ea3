/* SPDX-License-Identifier: MIT
 *
 * L-BFGS without line search, and Adam: README.md, L-BFGS and Adam. Vectors stay on the device;
 * what the host decides (is the loss finite, is a pair good) it decides from the scalars, which are
 * read once an iteration.
 */
#ifndef IMP_OPTIMIZER_H
#define IMP_OPTIMIZER_H

#include "engine/history.h"
#include "engine/objective.h"

typedef struct imp_optimizer_state {
    imp_objective *o;     /* borrowed; the variable and its gradient are o->x[0], o->dx[0] */
    imp_tensor before;    /* the variable before the last step; always finite */
    imp_tensor evaluated; /* what the last evaluation was at: the variable, or `before` */
    imp_tensor best;      /* the variable of least loss, unless that is `before` */
    imp_tensor m, v;      /* Adam: moments */
    imp_history history;  /* L-BFGS: products of its pairs */
    imp_tensor *vectors;  /* L-BFGS: s and y of each place of the history in turn; owned */
    imp_tensor factors;   /* of these vectors in the step: 1 x 1 x n, on the device, */
    float *mixture;       /* and on the host; owned */
    unsigned steps;       /* since the start or the last setback */
    unsigned setbacks;    /* in a row */
    double shrink;        /* factor on the step length, halved at each setback */
    double first, least;  /* loss at the start, and the least since; infinite: not known yet */
    bool best_is_before;
    double *values;  /* of the scalars; owned */
    float *partials; /* the scalars' partial sums as they were read; owned */
} imp_optimizer_state;

/* Lays out the state behind *cursor, which moves on; o is borrowed until imp_optimizer_finish.
 * Finish it in any case. */
imp_status imp_optimizer_init(imp_optimizer_state *t, imp_objective *o, size_t *cursor,
                              imp_error *err);
void imp_optimizer_finish(imp_optimizer_state *t);
/* Binds to the memory; o->x[0] must hold the start. */
imp_status imp_optimizer_bind(imp_optimizer_state *t, imp_memory *memory);

/* For measuring: fills L-BFGS's history as if that many steps were done, with pairs that make H the
 * identity. Errors: device->error. */
imp_status imp_optimizer_fill(imp_optimizer_state *t);

/* One iteration: evaluates, reads the scalars, and moves the variable. *recovered: the loss was not
 * finite, so the variable went back to where it was before the last step; or it had grown far, so
 * the variable went back to where the loss was least. The next step has half the length.
 * IMP_ERR_NUMBER: not finite at the start, or after 20 setbacks in a row. */
imp_status imp_optimizer_step(imp_optimizer_state *t, bool *recovered, imp_error *err);
/* The loss of the last evaluation; and whether one is so far above the start and the least that the
 * run diverges. */
double imp_optimizer_loss(const imp_optimizer_state *t);
bool imp_optimizer_grown(const imp_optimizer_state *t, double loss);
/* After the last step: evaluates the variable where it is, which spoils the next step. */
imp_status imp_optimizer_judge(imp_optimizer_state *t, imp_error *err);
/* Makes the variable the one of least loss, and evaluates it. */
imp_status imp_optimizer_return(imp_optimizer_state *t, imp_error *err);
/* Evaluates and reads the scalars, without a step. */
imp_status imp_optimizer_evaluate(imp_optimizer_state *t, imp_error *err);
/* Reads the scalars as they are now into t->values. Errors: device->error. */
imp_status imp_optimizer_read(imp_optimizer_state *t);

#endif
