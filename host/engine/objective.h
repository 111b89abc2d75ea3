/* SPDX-License-Identifier: MIT
 *
 * What is minimised: content, style and total variation of one picture size, as settings name
 * them, evaluated on a device with its gradient. Style is compared on `levels` halvings of the
 * picture (level 0 is the picture itself); content on level 0. Formulas: MATH.md, preset `gatys`,
 * and ops.h.
 *
 * Several styles (MATH.md): of Gram matrices, or means and second moments, normalised each, the
 * average by the styles' weights is aimed at: one loss whatever their number.
 *
 * Regions (MATH.md, guided Gram matrices): a style term becomes one for each region r, of features
 * T_r F instead of F, where T_r is the share of a position that is of the region, times what makes
 * the sum of T_r^2 the number of positions. Each counts by the region's share of the picture: so
 * all together weigh as much as the term without regions, and every pixel is pulled as hard as
 * there. The Wasserstein form takes T_r as 0 or 1 instead, as it needs the sum of T_r F, too. A
 * region that fills less than half a position of a layer, in the picture or in all styles, is left
 * out there.
 */
#ifndef IMP_OBJECTIVE_H
#define IMP_OBJECTIVE_H

#include "engine/plan.h"
#include "engine/regions.h"
#include "engine/style_wasserstein.h"

enum { IMP_LEVELS_MAX = 6 };

/* One term at one level. */
typedef struct imp_goal {
    imp_term_kind kind;
    size_t term, node; /* index in settings->terms; index of the node it looks at */
    unsigned level;
    size_t region;        /* style with regions: which */
    imp_tensor target;    /* style: 1 x C x C, normalised; content: maps */
    imp_tensor gram;      /* style: raw Gram matrix of the last evaluation */
    imp_tensor sum, mean; /* Wasserstein: 1 x 1 x C, raw of the last evaluation, and the target's;
                             the target above is the root of the style's covariance */
    float trace;          /* Wasserstein: of the style's covariance */
    imp_tensor own;       /* normalised gradients: maps, the goal's own; all in one place */
    imp_tensor weights;   /* planes, 1 x h x w: T_r, and 0 beyond the picture; no tensor: all 1 */
    float positions;      /* the sum of their squares */
    bool empty;           /* left out: nothing of its region is there */
    float blend;          /* style: the weights of the styles that the target is of */
    float scale;          /* style: what normalises a raw Gram matrix at this size */
    float strength;       /* the goal's share of content_weight or style_weight */
    float weight;         /* all factors in front of the sum of squares; set with the targets, */
    double squares;       /* and what is behind them for a picture without features */
} imp_goal;

/* What an objective is made of; all borrowed until imp_objective_finish. */
typedef struct imp_aim {
    imp_device *device;
    const imp_network *network;
    imp_filter *const *filters; /* by node */
    const imp_settings *settings;
    const imp_regions *regions; /* of the picture; of count 0: none */
    unsigned recompute;         /* see imp_objective_init */
} imp_aim;

typedef struct imp_objective {
    imp_device *device; /* these as in imp_aim */
    const imp_network *network;
    imp_filter *const *filters;
    const imp_settings *settings;
    const imp_regions *regions;
    unsigned recompute;
    size_t nodes; /* nodes in use */
    unsigned levels;
    imp_plan plans[IMP_LEVELS_MAX];
    imp_tensor x[IMP_LEVELS_MAX], dx[IMP_LEVELS_MAX]; /* planes 3 x h x w; [0]: the variable */
    imp_tensor around, daround; /* x[0] continued round its edges and the gradient there, where
                                   settings->seam asks for it: then the network sees these */
    size_t margin[2];           /* rows and columns of the continuation at each end */
    imp_tensor masked, dmasked; /* maps, of the largest goal with weights: F where it counts */
    imp_goal *goals;
    size_t count;
    imp_tensor *metrics;    /* by node; no tensor where there is none or it is not wanted */
    imp_tensor dm, scratch; /* 1 x C x C of the widest style layer */
    imp_wasserstein wasserstein;
    float tv_weight;
    imp_tensor scalars; /* goals, then total variation, then the optimiser's */
    size_t begin, end;  /* addresses of what an evaluation needs */
} imp_objective;

/* Slots of the scalars after the goals: total variation, then for the optimiser's use. */
enum {
    IMP_SCALAR_TV,
    IMP_SCALAR_NORM, /* between operations of one goal; and see convergence.h */
    IMP_SCALAR_GG,
    IMP_SCALAR_G1,
    IMP_SCALAR_EXTRA /* from here on L-BFGS's products: four for each place of its history */
};
imp_slot imp_objective_slot(const imp_objective *o, size_t extra);

/* The nodes that the terms of settings need, and the deepest; IMP_ERR_ARGUMENT names a layer that
 * the network has not, what it has, and what to do. */
imp_status imp_objective_depth(size_t *nodes, const imp_settings *settings,
                               const imp_network *network, imp_error *err);

/* Lays out for a picture of h x w, behind *cursor, what lives as long as the objective, and moves
 * *cursor on; allocates nothing on the device. again: features that are not kept for the way back
 * but made again, which takes time and no more: 0 none; 1 those of the first convolution, which is
 * cheap; n > 1 those before the (n-1)-th pooling, and from imp_objective_recompute_max on all.
 * Finish it in any case. */
imp_status imp_objective_init(imp_objective *o, const imp_aim *aim, size_t h, size_t w,
                              size_t *cursor, imp_error *err);
unsigned imp_objective_recompute_max(const imp_network *network, size_t nodes);
/* Lays out what an evaluation needs from address `cursor` on: o->end is where it ends. */
imp_status imp_objective_place(imp_objective *o, size_t cursor, imp_error *err);
void imp_objective_finish(imp_objective *o);
/* Binds to memory of at least o->end bytes and uploads the metrics. */
imp_status imp_objective_bind(imp_objective *o, imp_memory *memory);

/* A picture whose style is aimed at. */
typedef struct imp_example {
    const float *x; /* 3 x h x w on the host, in the variable's unit; borrowed */
    size_t h, w;
    float weight;               /* > 0 */
    const imp_regions *regions; /* where the picture has some; borrowed */
} imp_example;

/* targets.c: style targets: begin, add each example, finish, weigh. They are computed in the place
 * of an evaluation; imp_objective_style_end is where an example of h x w ends there, which may be
 * behind o->end (SIZE_MAX: impossible). Content targets from the variable as it is now. Errors:
 * device->error. */
void imp_objective_style_begin(imp_objective *o);
imp_status imp_objective_style_add(imp_objective *o, const imp_example *example);
imp_status imp_objective_style_finish(imp_objective *o);
void imp_objective_style_weigh(imp_objective *o);
size_t imp_objective_style_end(const imp_objective *o, size_t h, size_t w);
imp_status imp_objective_content(imp_objective *o);

/* balance.c: with both targets there, weighs content and total variation as settings->strength
 * asks, if it does. */
void imp_objective_balance(imp_objective *o);

/* Enqueues loss and gradient at o->x[0]: losses to the scalars, gradient to o->dx[0]. */
imp_status imp_objective_evaluate(imp_objective *o);

/* ---- What the two halves share ---- */

/* What the network sees at level l, and where its gradient goes. */
static inline imp_tensor imp_objective_seen(const imp_objective *o, unsigned l) {
    return l == 0 && o->around.c ? o->around : o->x[l];
}

static inline imp_tensor imp_objective_dseen(const imp_objective *o, unsigned l) {
    return l == 0 && o->around.c ? o->daround : o->dx[l];
}

/* A view of the matrix m, which is laid out for the widest layer, at c x c. */
static inline imp_tensor imp_objective_matrix(imp_tensor m, size_t c) {
    m.h = m.w = c;
    return m;
}

/* A plan for level `level` of a picture; gradient: its style and content, or a forward pass. */
imp_status imp_objective_plan(const imp_objective *o, imp_plan *plan, size_t h, size_t w,
                              unsigned level, bool gradient, size_t cursor, imp_error *err);

/* Turns the shares of `count` positions into T (see above), which over a whole map would have
 * `positions` for the sum of its squares. Gives the sum that it has, 0 where too little is left. */
float imp_objective_weigh(const imp_objective *o, float *t, size_t count, float positions);

#endif
