/* SPDX-License-Identifier: MIT
 *
 * The inside of a session: one picture being painted, scale after scale. README.md has the map.
 */
#ifndef IMP_SESSION_H
#define IMP_SESSION_H

#include "engine/average.h"
#include "engine/convergence.h"
#include "engine/reuse.h"
#include "engine/settings.h"

/* The size of a picture, and that of its planes: larger where a map of the network would vanish. */
typedef struct imp_sides {
    size_t width, height, w, h;
} imp_sides;

enum { IMP_STYLE_SOURCES_MAX = IMP_STYLES_MAX + 1 }; /* the content may be one, too */

typedef struct imp_scale {
    imp_sides picture;
    imp_sides styles[IMP_STYLE_SOURCES_MAX];
    unsigned iterations;
} imp_scale;

/* A style picture at the size of the last scale, and its regions. */
typedef struct imp_style_source {
    imp_picture picture;
    imp_regions regions;
    char sha256[65], regions_sha256[65]; /* of colours and regions; only with a reuse */
    float weight;                        /* all together 1 */
} imp_style_source;

/* The memory of a scale, in bytes. arena: the one allocation with features, gradients, vectors of
 * the optimiser and targets; activations and optimizer are parts of it. filters: prepared in both
 * directions. work: the device's own workspace. host: pictures, while the scale is entered. */
typedef struct imp_need {
    size_t arena, activations, optimizer, filters, work, host;
} imp_need;

struct imp_session {
    imp_device *device; /* borrowed, like network, until the session is closed */
    const imp_network *network;
    imp_settings settings;
    imp_picture content, init; /* at the size of the last scale */
    imp_regions regions;       /* of the content */
    bool grey;                 /* all pictures are grey, and so is the painting */
    imp_style_source styles[IMP_STYLE_SOURCES_MAX];
    size_t style_count;
    bool content_as_style;      /* is the last of them: where `strength` is below 1/2 */
    imp_filter *const *filters; /* by node, nodes of them: borrowed from reuse, or own_filters */
    imp_filter **own_filters;
    imp_reuse *reuse; /* borrowed; or NULL */
    size_t nodes;
    imp_scale scales[IMP_SCALES_MAX];
    unsigned scale_count, scale, scale_done; /* the present one; iterations done in it, */
    unsigned scale_before;                   /* and those of them before a checkpoint */
    imp_memory *memory;
    imp_objective objective;
    imp_optimizer_state optimizer;
    imp_average average;
    imp_convergence convergence;
    imp_need need;
    unsigned recompute;         /* which features: see imp_objective_init */
    unsigned iteration, total;  /* done and planned, at all scales */
    bool recovered;             /* the last step took an earlier one back */
    bool returned;              /* the result is an earlier picture, of less loss */
    double shortest;            /* seconds of a step of this scale; 0: not known */
    bool converged;             /* the remaining iterations are skipped */
    double opened, scale_began; /* imp_now */
};

/* ---- session.c ---- */

/* A session that holds its arguments only; and with scales and filters, but no picture and no
 * memory on the device. Close it in any case. */
imp_status imp_session_new(imp_session **out, imp_device *device, const imp_network *network,
                           const imp_settings *settings, imp_error *err);
imp_status imp_session_prepare(imp_session *s, const imp_sources *from, imp_error *err);

/* ---- scale.c ---- */

/* Lays the scale out and starts it at the picture `from` (NULL: as the settings say). */
imp_status imp_session_enter(imp_session *s, unsigned scale, const imp_picture *from,
                             imp_error *err);
/* The tensor that is shown, and whose change convergence measures: the average, if there is one. */
imp_tensor imp_session_tracked(const imp_session *s);
/* Restarts average and convergence at the variable as it is. Errors: device->error. */
imp_status imp_session_restart_tracking(imp_session *s);

/* ---- sources.c ---- */

/* Checks the sources; takes their sizes, weights and regions; keeps the pictures at the size of the
 * last scale, recoloured if the settings ask for it. */
imp_status imp_sources_check(const imp_sources *from, imp_init init, imp_error *err);
imp_status imp_sources_measure(imp_session *s, const imp_sources *from, imp_error *err);
imp_status imp_sources_keep(imp_session *s, const imp_sources *from, imp_error *err);

/* ---- tuning.c ---- */

/* If the device has options.tune: chooses the algorithm of every layer at all scales. */
void imp_session_tune(imp_session *s);

/* ---- schedule.c ---- */

/* The scale whose picture has that longer side, without its iterations; and all scales with theirs,
 * from the sizes of content and styles. */
imp_scale imp_session_scale(const imp_session *s, size_t longer);
void imp_session_schedule(imp_session *s);

/* ---- warm_start.c ---- */

/* What one scale hands to the next, on the host. */
typedef struct imp_warm_start {
    imp_array x, m, v; /* the picture shown, in the variable's unit; Adam's moments */
    unsigned steps;
} imp_warm_start;
imp_status imp_warm_start_take(imp_warm_start *from, imp_session *s, imp_error *err);
/* Replaces the start of the scale just entered. */
imp_status imp_warm_start_apply(const imp_warm_start *from, imp_session *s, imp_error *err);
void imp_warm_start_finish(imp_warm_start *from);

/* ---- inspect.c ---- */

/* A tensor's values; the variable that is shown: the average where there is one; and that as a
 * picture, before the settings' colours. */
imp_status imp_session_read(imp_session *s, imp_tensor t, imp_array *out, imp_error *err);
imp_status imp_session_shown(imp_session *s, imp_array *out, imp_error *err);
imp_status imp_session_painted(imp_session *s, imp_picture *out, imp_error *err);

/* ---- forecast.c ---- */

/* At the end of a scale: compares the pace of its steps with the rank of the device. */
void imp_session_tell_pace(const imp_session *s);

/* ---- fit.c ---- */

/* Lays objective and optimiser out for a scale; *need is the memory it takes. need->arena SIZE_MAX:
 * a map of a style is too large for the device, and the device's error says so. */
imp_status imp_session_lay_out(imp_session *s, const imp_scale *k, imp_need *need, imp_error *err);
/* Sets s->recompute to the least with which the last scale fits; IMP_ERR_MEMORY names the largest
 * size that would fit. */
imp_status imp_session_check_fit(imp_session *s, imp_error *err);
/* The same for any longer side; false, with the s->recompute that takes least, if it cannot fit. */
bool imp_session_choose_recompute(imp_session *s, size_t longer);
/* The memory of a longer side with s->recompute as it is (SIZE_MAX: a map is too large for the
 * device), and the limit (0: not known). */
size_t imp_session_total(imp_session *s, size_t longer);
size_t imp_session_limit(const imp_session *s);
/* The longer side of the last scale; and the largest that fits between `low`, which fits or is 0,
 * and `high`, which does not. */
size_t imp_session_longer(const imp_session *s);
size_t imp_session_largest(imp_session *s, size_t low, size_t high);

#endif
