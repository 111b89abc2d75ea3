/* SPDX-License-Identifier: MIT
 *
 * The inside of a session: one picture being painted, scale after scale.
 */
#ifndef IMP_SESSION_H
#define IMP_SESSION_H

#include "engine/optimizer.h"

enum { IMP_SCALES_MAX = 12 };

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
    size_t optimizer_bytes, device_bytes;
    unsigned iteration;
    bool recovered;
    double opened, scale_began; /* imp_now */
};

#endif
