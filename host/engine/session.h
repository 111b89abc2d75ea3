/* SPDX-License-Identifier: MIT
 *
 * The inside of a session: one picture being painted, scale after scale.
 */
#ifndef IMP_SESSION_H
#define IMP_SESSION_H

#include "engine/average.h"
#include "engine/optimizer.h"

typedef struct imp_scale {
    size_t width, height; /* of the picture */
    size_t w, h;          /* of the variable: extended where a map would vanish */
    size_t style_width, style_height, style_w, style_h;
    unsigned iterations;
} imp_scale;

struct imp_session {
    imp_device *device; /* borrowed, like network, until the session is closed */
    const imp_network *network;
    imp_settings settings;
    imp_picture content, style, init; /* content and style at the size of the last scale */
    imp_filter **filters;             /* by node, nodes of them */
    size_t nodes;
    imp_scale scales[IMP_SCALES_MAX];
    unsigned scale_count, scale, scale_done; /* the present one; iterations done in it */
    imp_memory *memory;
    imp_objective objective;
    imp_optimizer_state optimizer;
    imp_average average;
    size_t optimizer_bytes, device_bytes;
    unsigned iteration, total; /* done and planned, at all scales */
    bool recovered;
    double opened, scale_began; /* imp_now */
};

/* schedule.c: the scale whose picture's longer side is `longer`, without its iterations; and all
 * scales with theirs, from the sizes of content and style. */
imp_scale imp_session_scale(const imp_session *s, size_t longer);
void imp_session_schedule(imp_session *s);

/* carry.c: what goes on from one scale to the next, on the host. */
typedef struct imp_carried {
    imp_array x, m, v; /* the picture that is shown, in the variable's unit; Adam's moments */
    unsigned steps;
} imp_carried;
imp_status imp_carried_take(imp_carried *carried, imp_session *s, imp_error *err);
/* Over what the scale began with. */
imp_status imp_carried_give(const imp_carried *carried, imp_session *s, imp_error *err);
void imp_carried_finish(imp_carried *carried);

/* inspect.c: a tensor's values; and the variable that is shown: the average where there is one. */
imp_status imp_session_read(imp_session *s, imp_tensor t, imp_array *out, imp_error *err);
imp_status imp_session_shown(imp_session *s, imp_array *out, imp_error *err);

#endif
