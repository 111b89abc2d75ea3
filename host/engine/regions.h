/* SPDX-License-Identifier: MIT
 *
 * Regions. A mask is a picture in flat colours, each colour a region: which colours a mask has,
 * which region each pixel belongs to, and what share of a region a position of a map sees. And what
 * is protected, by a mask in greys: style is let off there.
 */
#ifndef IMP_REGIONS_H
#define IMP_REGIONS_H

#include "base/error.h"
#include "impasto.h"

typedef struct imp_regions {
    size_t count;                      /* 0: no mask */
    unsigned colours[IMP_REGIONS_MAX]; /* 0xRRGGBB; the same in all masks of a session */
    bool present[IMP_REGIONS_MAX];     /* this mask shows it */
    double share[IMP_REGIONS_MAX];     /* of this mask's pixels */
    size_t width, height;
    unsigned char
        *region; /* of each pixel, as an index of colours; owned. NULL: all are region 0 */
    float *held; /* of each pixel, 0..1: how far it is protected; owned. NULL: nowhere */
} imp_regions;

/* In place of a region: what is protected. */
enum { IMP_REGION_HELD = IMP_REGIONS_MAX };

/* Whether some style terms see a part of the picture only. */
static inline bool imp_regions_any(const imp_regions *g) {
    return g->count > 0 || g->held;
}

/* Finds the regions of a mask, largest first, and gives each pixel to the nearest colour. A pixel
 * whose four neighbours have about its colour is inside an area, and the colours of areas are those
 * of regions. known: the colours that are allowed, those of the content's mask; NULL: any. what:
 * the mask's name in messages. Errors: IMP_ERR_ARGUMENT (no area, more than IMP_REGIONS_MAX, or a
 * colour that is not known). */
imp_status imp_regions_find(imp_regions *out, const imp_picture *mask, const imp_regions *known,
                            const char *what, imp_error *err);
void imp_regions_finish(imp_regions *regions);

/* Protects what is light in `mask`, a grey picture of the regions' size, by its grey times
 * strength (0..1); a black mask protects nothing. The shares of the regions, or share[0] without
 * regions, become those of what is left to style. Errors: IMP_ERR_ARGUMENT (the mask has colours,
 * or nothing is left). */
imp_status imp_regions_protect(imp_regions *out, const imp_picture *mask, float strength,
                               imp_error *err);

/* Reduces a larger mask to width x height by taking nearest pixels. */
void imp_regions_reduce(imp_regions *regions, size_t width, size_t height);

/* One side of a map: n positions along `length` pixels, of which `margin` at each end lie outside
 * the picture that the mask belongs to. */
typedef struct imp_extent {
    size_t n, length, margin;
} imp_extent;

/* t, rows.n x columns.n: the share of each position's pixels that belong to the region and are not
 * protected; or of IMP_REGION_HELD; 0 outside the picture. */
imp_status imp_regions_cover(float *t, const imp_regions *regions, size_t region, imp_extent rows,
                             imp_extent columns, imp_error *err);

#endif
