/* SPDX-License-Identifier: MIT
 *
 * Style losses, one row each: what a loss keeps of a style picture, and its value and gradient.
 *
 * To add one:
 *   1. a value of imp_loss_form (include/impasto.h) and its name in the table of settings;
 *   2. a file style_NAME.c here with the functions of its row, declared below;
 *   3. its row in style.c;
 *   4. a test of its gradient against its definition in tests/test_style.c, and its formula in
 *      README.md.
 * What moments (F F^T and the sum of F) can express needs no new operation: place and add are then
 * imp_style_place_moments and imp_style_add_moments.
 */
#ifndef IMP_STYLE_H
#define IMP_STYLE_H

#include "backend/ops.h"

enum { IMP_STYLE_MATRICES_MAX = 6 };

struct imp_objective;
struct imp_loss_term;

/* Features of one style picture at one term. */
typedef struct imp_style_features {
    imp_tensor f;                      /* masked where there are regions */
    float positions;                   /* how many positions f stands for */
    float weight;                      /* of this picture */
    bool first;                        /* the term's target is empty so far */
    const struct imp_columns *columns; /* workspace for the picture's grid; of local losses */
} imp_style_features;

/* Workspace of local losses: the columns of one layer on a grid, and their gradient (maps of the
 * widest layer's channels); and what the operation angle makes of them (planes). */
typedef struct imp_columns {
    imp_tensor f, df;
    imp_tensor along, pull;
} imp_columns;

/* Functions take the objective and the index of one of its terms; errors go to device->error. */
typedef struct imp_style_loss {
    size_t matrices;  /* workspace: 1 x C x C tensors, at most IMP_STYLE_MATRICES_MAX, */
    bool vector;      /* and one of 1 x 1 x C */
    bool sums;        /* uses the sum of F beside F F^T, so the term has `sum` and `mean` */
    bool binary_mask; /* masks are 0 or 1, not shares: the sum of T F must make sense */
    unsigned turns;   /* each style picture is added that often, turned by a quarter each time; 0
                         counts as 1 */

    /* Lays out the term's tensors for c channels behind *cursor. */
    void (*place)(const struct imp_objective *o, struct imp_loss_term *term, size_t c,
                  size_t *cursor);
    /* Adds a style picture to the target. The caller divides by the sum of weights at the end. */
    imp_status (*add)(struct imp_objective *o, size_t i, const imp_style_features *features);
    /* Turns that average into the target, and sets term->squares. */
    imp_status (*finish)(struct imp_objective *o, size_t i);
    /* The factor in front of the loss: term->weight. */
    float (*weigh)(const struct imp_loss_term *term, imp_loss_form form);
    /* At features f: the loss to scalar i, and df += its gradient. */
    imp_status (*gradient)(struct imp_objective *o, size_t i, imp_tensor df, imp_tensor f);

    /* Local losses, which compare positions, not sums over them; NULL of the others. Their target
     * is chosen for a picture: look takes its features at one term, match then sets all targets.
     * match uses the memory of an evaluation up to match_end. Their workspace is o->columns; they
     * take neither regions nor levels. */
    imp_status (*look)(struct imp_objective *o, size_t i, imp_tensor f);
    imp_status (*match)(struct imp_objective *o);
    size_t (*match_end)(const struct imp_objective *o);
    size_t (*host)(const struct imp_objective *o); /* bytes that they keep on the host */
} imp_style_loss;

/* The row of a form. */
const imp_style_loss *imp_style_loss_of(imp_loss_form form);

extern const imp_style_loss imp_style_gram;        /* style_gram.c */
extern const imp_style_loss imp_style_wasserstein; /* style_wasserstein.c */
extern const imp_style_loss imp_style_covariance;  /* style_covariance.c */
extern const imp_style_loss imp_style_nearest;     /* style_nearest.c */

/* ---- For the rows: style.c ---- */

/* place: target and Gram matrix, and sum and mean where the loss uses them. */
void imp_style_place_moments(const struct imp_objective *o, struct imp_loss_term *term, size_t c,
                             size_t *cursor);
/* add: weight * normalised F F^T to the target, and weight * mean of F to the mean. */
imp_status imp_style_add_moments(struct imp_objective *o, size_t i,
                                 const imp_style_features *features);

/* sum = weight part, added to what is there if `add`. */
imp_status imp_style_add_up(imp_device *device, imp_tensor sum, float weight, imp_tensor part,
                            bool add);

/* Workspace of an evaluation, for the widest style layer; and views of it for c channels. */
void imp_style_place_workspace(struct imp_objective *o, size_t widest, size_t *cursor);
void imp_style_bind_workspace(struct imp_objective *o, imp_memory *memory);
imp_tensor imp_style_matrix(const struct imp_objective *o, size_t k, size_t c);
imp_tensor imp_style_vector(const struct imp_objective *o, size_t c);

/* Workspace of a local loss for a picture of h x w, and up to `widest` channels. */
imp_columns imp_style_place_columns(imp_device *d, size_t widest, size_t h, size_t w,
                                    size_t *cursor);
void imp_style_bind_columns(imp_columns *columns, imp_memory *memory);

#endif
