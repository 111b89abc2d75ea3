/* SPDX-License-Identifier: MIT
 *
 * The inside of a session: one picture being painted, scale after scale.
 */
#ifndef IMP_SESSION_H
#define IMP_SESSION_H

#include "engine/average.h"
#include "engine/convergence.h"
#include "engine/reuse.h"

/* A picture, and its sides extended where a map would vanish. */
typedef struct imp_sides {
    size_t width, height, w, h;
} imp_sides;

typedef struct imp_scale {
    imp_sides picture; /* w and h: the variable's */
    imp_sides styles[IMP_STYLES_MAX];
    unsigned iterations;
} imp_scale;

/* A picture whose style is aimed at, at the size of the last scale, and its regions. */
typedef struct imp_style_source {
    imp_picture picture;
    imp_regions regions;
    char sha256[65], regions_sha256[65]; /* of colours and regions, where there is a reuse */
    float weight;
} imp_style_source;

/* What a scale takes, in bytes. arena: the one piece of memory that holds, among others, the
 * features and gradients, and what the optimiser keeps. filters: prepared, both ways. work: the
 * device's own working space. host: pictures, while the scale is entered. */
typedef struct imp_need {
    size_t arena, activations, optimizer, filters, work, host;
} imp_need;

struct imp_session {
    imp_device *device; /* borrowed, like network, until the session is closed */
    const imp_network *network;
    imp_settings settings;
    imp_picture content, init; /* at the size of the last scale */
    imp_regions regions;       /* of the content */
    imp_style_source styles[IMP_STYLES_MAX];
    size_t style_count;
    imp_filter *const *filters; /* by node, nodes of them: borrowed from reuse, or own_filters */
    imp_filter **own_filters;
    imp_reuse *reuse; /* borrowed; or NULL */
    size_t nodes;
    imp_scale scales[IMP_SCALES_MAX];
    unsigned scale_count, scale, scale_done; /* the present one; iterations done in it */
    imp_memory *memory;
    imp_objective objective;
    imp_optimizer_state optimizer;
    imp_average average;
    imp_convergence convergence;
    imp_need need;
    unsigned recompute;         /* features that are made again: see imp_objective_init */
    unsigned iteration, total;  /* done and planned, at all scales */
    bool recovered, converged;  /* converged: what is left of the plan is not worth doing */
    double opened, scale_began; /* imp_now */
};

/* Lays the scale out and begins it at the picture `from` (NULL: as the settings say). */
imp_status imp_session_enter(imp_session *s, unsigned scale, const imp_picture *from,
                             imp_error *err);

/* What follows the picture, its average and its pace, begins with it as it is. Errors:
 * device->error. */
imp_status imp_session_restart_tracking(imp_session *s);

/* sources.c: checks the sources; takes their sizes, weights and regions; and keeps the pictures at
 * the size of the last scale, in the colours that are asked for. */
imp_status imp_sources_check(const imp_sources *from, imp_error *err);
imp_status imp_sources_measure(imp_session *s, const imp_sources *from, imp_error *err);
imp_status imp_sources_keep(imp_session *s, const imp_sources *from, imp_error *err);

/* tuning.c: where the device is to be tuned, settles how it makes every layer of all scales. */
void imp_session_tune(imp_session *s);

/* schedule.c: the scale whose picture's longer side is `longer`, without its iterations; and all
 * scales with theirs, from the sizes of content and style. */
imp_scale imp_session_scale(const imp_session *s, size_t longer);
void imp_session_schedule(imp_session *s);

/* warm_start.c: what goes on from one scale to the next, on the host. */
typedef struct imp_warm_start {
    imp_array x, m, v; /* the picture that is shown, in the variable's unit; Adam's moments */
    unsigned steps;
} imp_warm_start;
imp_status imp_warm_start_take(imp_warm_start *carried, imp_session *s, imp_error *err);
/* Over what the scale began with. */
imp_status imp_warm_start_apply(const imp_warm_start *carried, imp_session *s, imp_error *err);
void imp_warm_start_finish(imp_warm_start *carried);

/* inspect.c: a tensor's values; and the variable that is shown: the average where there is one. */
imp_status imp_session_read(imp_session *s, imp_tensor t, imp_array *out, imp_error *err);
imp_status imp_session_shown(imp_session *s, imp_array *out, imp_error *err);
/* The same as a picture, in the colours of the variable. */
imp_status imp_session_painted(imp_session *s, imp_picture *out, imp_error *err);

/* A session of nothing but its arguments, and with its scales and filters but no picture and no
 * memory. Close it in any case. */
imp_session *imp_session_new(imp_device *device, const imp_network *network,
                             const imp_settings *settings, imp_error *err);
imp_status imp_session_prepare(imp_session *s, const imp_sources *from, imp_error *err);

/* fit.c. Lays objective and optimiser out for a scale; *need is what it takes. need->arena
 * SIZE_MAX: the style's maps can lie nowhere, and the device's error says why. */
imp_status imp_session_lay_out(imp_session *s, const imp_scale *k, imp_need *need, imp_error *err);
/* Chooses s->again such that the last scale fits, as little as possible; IMP_ERR_MEMORY names what
 * would fit where nothing does. */
imp_status imp_session_check_fit(imp_session *s, imp_error *err);
/* Sets s->again to the least with which that longer side fits; else to what takes least, and false.
 * Whatever the size of the scales. */
bool imp_session_choose_recompute(imp_session *s, size_t longer);
/* What a longer side takes with s->again as it is, of what there is to take, and the most there is
 * (0: nobody knows); SIZE_MAX: it can lie nowhere. */
size_t imp_session_total(imp_session *s, size_t longer);
size_t imp_session_limit(const imp_session *s);
/* The longer side of the last scale, and the largest that fits between one that does, or 0, and one
 * that does not. */
size_t imp_session_longer(const imp_session *s);
size_t imp_session_largest(imp_session *s, size_t low, size_t high);

#endif
