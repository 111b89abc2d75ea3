/* SPDX-License-Identifier: MIT
 *
 * The objective: content, style and total variation of one picture size, as the settings name them,
 * with the gradient, on a device. Style is compared on `levels` halvings of the picture (level 0 is
 * the picture itself), content on level 0 only. Formulas: README.md beside this file.
 *
 * Several styles have one target: the average, by the styles' weights, of what the style loss keeps
 * of each (style.h).
 *
 * Regions: each style term becomes one term for each region r, on features T_r F instead of F (the
 * guided Gram matrix). T_r is the share of a position that belongs to the region, scaled so that
 * the sum of T_r^2 is the number of positions. A term counts by the region's share of the picture:
 * so all of them together weigh as much as one term without regions, and every pixel feels the same
 * pull. A style loss may ask for masks of 0 and 1 instead. A region that fills less than half a
 * position of a layer, in the picture or in all styles, is left out at that layer.
 *
 * What is protected belongs to no region, and there content counts 1 + IMP_HOLD times: its terms
 * are on T F, too, with T^2 = 1 + IMP_HOLD held.
 */
#ifndef IMP_OBJECTIVE_H
#define IMP_OBJECTIVE_H

#include "engine/plan.h"
#include "engine/regions.h"
#include "engine/style.h"

enum { IMP_LEVELS_MAX = 6, IMP_HOLD = 30 };

/* Edges are compared on up to this many sizes of the picture: a half, a quarter, an eighth. */
enum { IMP_EDGE_SIZES = 3 };

/* The edges of the picture halved `level` times: edges.c. */
typedef struct imp_edge_term {
    unsigned level;
    imp_tensor target; /* planes, 1 x h x w: the edges of the content */
    double squares;    /* of the target, their sum */
    float weight;
} imp_edge_term;

/* One term of the loss: a term of the settings at one level and in one region. */
typedef struct imp_loss_term {
    imp_term_kind kind;
    size_t index, node; /* in settings->terms; of the network */
    unsigned level;
    size_t region;        /* style with regions */
    imp_tensor target;    /* style: 1 x C x C, see style.h, of local losses maps; content: maps */
    imp_tensor gram;      /* style: F F^T of the last evaluation, not normalised */
    imp_tensor sum, mean; /* style losses that use them, 1 x 1 x C: the sum of F of the last
                             evaluation, and the target's mean */
    float trace;          /* Wasserstein: of the target's covariance */
    double mean_squares;  /* covariance: of the target's mean, under the metric */
    float *vectors;       /* nearest: the style's columns, each C numbers, on the host; owned */
    size_t vector_count;
    float epsilon;       /* nearest: what is added to the square of a column */
    imp_tensor gradient; /* normalised gradients: maps; all terms share one place */
    imp_tensor mask;     /* planes, 1 x h x w: T, for style 0 outside the picture; none: all 1 */
    float positions;     /* the sum of the mask's squares */
    bool empty;          /* left out: its region is not there */
    float weight_sum;    /* style: of the styles whose features are in the target */
    float scale;         /* style: what normalises `gram` */
    float strength;      /* its share of content_weight or style_weight */
    float weight;        /* the whole factor in front of the loss; set with the targets */
    double squares;      /* the loss of a picture without features, without that factor */
} imp_loss_term;

/* What an objective is made from; all borrowed until imp_objective_finish. */
typedef struct imp_objective_inputs {
    imp_device *device;
    const imp_network *network;
    imp_filter *const *filters; /* by node */
    const imp_settings *settings;
    const imp_regions *regions; /* of the picture; count 0: none */
    bool grey;                  /* of grey pictures only */
    unsigned recompute;         /* see imp_objective_init */
} imp_objective_inputs;

typedef struct imp_objective {
    imp_device *device; /* these as in imp_objective_inputs */
    const imp_network *network;
    imp_filter *const *filters;
    const imp_settings *settings;
    const imp_regions *regions;
    bool grey;
    unsigned recompute;
    const imp_style_loss *style;
    size_t nodes; /* nodes in use */
    unsigned levels;
    imp_plan plans[IMP_LEVELS_MAX];
    /* Planes 3 x h x w; [0] is the variable, each further one half of the one before: `pictures` of
     * them, for the levels of style and the sizes of edges. */
    imp_tensor x[IMP_LEVELS_MAX], dx[IMP_LEVELS_MAX];
    unsigned pictures;
    imp_tensor wrapped, dwrapped; /* tileable pictures: x[0] continued over its edges, which is what
                                     the network sees then, and the gradient there */
    size_t margin[2];             /* rows and columns of the continuation at each end */
    imp_tensor masked, dmasked;   /* T F and its gradient: maps, of the largest term with a mask */
    imp_loss_term *terms;
    size_t count;
    imp_tensor *metrics; /* by node; no tensor where the layer has none or it is not used */
    imp_tensor matrices[IMP_STYLE_MATRICES_MAX], vector; /* workspace of the style loss, */
    imp_columns columns;                                 /* and of a local one */
    imp_tensor matched; /* local losses: the picture that the targets were chosen for, like x[0] */
    float tv_weight;
    imp_edge_term edges[IMP_EDGE_SIZES];
    unsigned edge_count; /* 0 without the setting keep_edges */
    imp_tensor edge_map; /* workspace of the edges: planes */
    imp_tensor scalars;  /* of the terms, then those below */
    size_t begin, end;   /* addresses of what an evaluation needs */
} imp_objective;

/* Scalars after those of the terms. */
enum {
    IMP_SCALAR_TV,
    IMP_SCALAR_EDGES, /* the first of one for each size */
    IMP_SCALAR_NORM =
        IMP_SCALAR_EDGES +
        IMP_EDGE_SIZES, /* between operations of one term; and of imp_convergence_check */
    IMP_SCALAR_GG,      /* g.g of the gradient g */
    IMP_SCALAR_G1,      /* |g|_1 */
    IMP_SCALAR_EXTRA    /* from here on L-BFGS's products: four for each place of its history */
};
imp_slot imp_objective_slot(const imp_objective *o, size_t extra);

/* How many nodes the settings' terms need: up to the deepest. IMP_ERR_ARGUMENT names a layer that
 * the network does not have, its deepest layer, and what to do. */
imp_status imp_objective_depth(size_t *nodes, const imp_settings *settings,
                               const imp_network *network, imp_error *err);

/* Lays out for a picture of h x w, behind *cursor, what lives as long as the objective, and moves
 * *cursor on; allocates nothing on the device. recompute: which features the backward pass computes
 * a second time instead of keeping them, which costs time and changes no bit: 0 none; 1 those of
 * the first convolution, which is cheap; n > 1 those before the (n-1)-th pooling; all of them at
 * imp_objective_recompute_max. Finish it in any case. */
imp_status imp_objective_init(imp_objective *o, const imp_objective_inputs *inputs, size_t h,
                              size_t w, size_t *cursor, imp_error *err);
unsigned imp_objective_recompute_max(const imp_network *network, size_t nodes);
/* Lays out what an evaluation needs from address `cursor` on; o->end is where it ends. */
imp_status imp_objective_place(imp_objective *o, size_t cursor, imp_error *err);
void imp_objective_finish(imp_objective *o);
/* Binds to memory of at least o->end bytes, and uploads metrics and masks. */
imp_status imp_objective_bind(imp_objective *o, imp_memory *memory);

/* ---- Targets: targets.c ---- */

typedef struct imp_style_image {
    const float *x; /* 3 x h x w on the host, in the variable's unit; borrowed */
    size_t h, w;
    float weight;               /* > 0 */
    const imp_regions *regions; /* used where the objective has regions; borrowed */
} imp_style_image;

/* Style targets: begin, add each picture, finish, weigh. Adding uses the memory of an evaluation;
 * imp_objective_style_end is the address where it ends for a picture of h x w, which may be beyond
 * o->end (SIZE_MAX: one of its maps is too large for the device). Errors: device->error. */
void imp_objective_style_begin(imp_objective *o);
imp_status imp_objective_style_add(imp_objective *o, const imp_style_image *image);
imp_status imp_objective_style_finish(imp_objective *o);
void imp_objective_style_weigh(imp_objective *o);
size_t imp_objective_style_end(const imp_objective *o, size_t h, size_t w);
/* Content targets and weights, from the variable as it is now. Errors: device->error. */
imp_status imp_objective_content(imp_objective *o);
/* Style targets of a local loss, once the styles have been added: chosen for o->matched. Nothing
 * for other losses. Errors: device->error. */
imp_status imp_objective_match(imp_objective *o);

/* balance.c: with all targets set, turns settings->strength, if there is one, into the weights of
 * content and total variation, and settings->keep_edges into those of the edges. */
void imp_objective_balance(imp_objective *o);

/* ---- Edges: edges.c ---- */

/* Chooses the sizes for a picture of h x w as the network sees it, and sets o->pictures. */
void imp_edges_choose(imp_objective *o, size_t h, size_t w);
void imp_edges_place(imp_objective *o, size_t *cursor);
void imp_edges_bind(imp_objective *o, imp_memory *memory);
/* Takes the edges of o->x[level] as targets. Error: device->error. */
imp_status imp_edges_take(imp_objective *o);
/* Adds the gradient of that level's edges, if it has any, to o->dx[level]. Error: device->error. */
imp_status imp_edges_gradient(imp_objective *o, unsigned level);

/* evaluate.c: makes the smaller pictures from o->x[0]; and enqueues loss and gradient there: losses
 * to the scalars, the gradient to o->dx[0]. */
imp_status imp_objective_halve(imp_objective *o);
imp_status imp_objective_evaluate(imp_objective *o);

/* ---- Shared by these files and the style losses ---- */

/* What the network sees at level l, and the gradient there. */
static inline imp_tensor imp_objective_input(const imp_objective *o, unsigned l) {
    return l == 0 && o->wrapped.c ? o->wrapped : o->x[l];
}

static inline imp_tensor imp_objective_dinput(const imp_objective *o, unsigned l) {
    return l == 0 && o->wrapped.c ? o->dwrapped : o->dx[l];
}

/* A plan for level `level` of a picture; gradient: with the backward pass. */
imp_status imp_objective_plan(const imp_objective *o, imp_plan *plan, size_t h, size_t w,
                              unsigned level, bool gradient, size_t cursor, imp_error *err);

/* Turns the shares of `count` positions into T (see above); over a whole map the sum of its squares
 * is to be `positions`. Gives the sum that it has, 0 where too little of the region is there. */
float imp_objective_scale_mask(const imp_objective *o, float *t, size_t count, float positions);

/* Reads one scalar. Errors: device->error. */
imp_status imp_objective_scalar(imp_objective *o, size_t slot, double *value);

/* The factor in front of a sum of squared differences. mean: weight over the number of elements;
 * relative: over the target's own sum of squares, at least 1e-8 an element, as a target of almost
 * nothing cannot be relative to itself. */
float imp_objective_factor(imp_loss_form form, double weight, double squares, double elements);

#endif
