/* SPDX-License-Identifier: MIT
 *
 * Masks: pictures of flat colours, each colour a region. Which colours there are, to which of them
 * each pixel belongs, and how much of each region a position of a map sees.
 */
#ifndef IMP_REGIONS_H
#define IMP_REGIONS_H

#include "base/error.h"
#include "impasto.h"

typedef struct imp_regions {
    size_t count;                      /* 0: no mask */
    unsigned colours[IMP_REGIONS_MAX]; /* 0xRRGGBB; equal in all masks of a session */
    bool here[IMP_REGIONS_MAX];        /* whether this mask shows it, */
    double share[IMP_REGIONS_MAX];     /* and of how many of its pixels it is */
    size_t width, height;
    unsigned char *of; /* the region of each pixel; owned */
} imp_regions;

/* The regions of a mask: colours of areas (a pixel whose four neighbours have about its colour
 * belongs to one), the largest first; each pixel is of the nearest. `known`: the colours that it
 * may have, those of the content's mask; NULL: they are to be found. what: how errors call it.
 * Errors: IMP_ERR_ARGUMENT (no area, more than IMP_REGIONS_MAX, a colour that is not known). */
imp_status imp_regions_find(imp_regions *out, const imp_picture *mask, const imp_regions *known,
                            const char *what, imp_error *err);
void imp_regions_finish(imp_regions *regions);

/* Keeps no more pixels than width x height: nearest ones. */
void imp_regions_reduce(imp_regions *regions, size_t width, size_t height);

/* n positions along a side of `length` pixels, of which `margin` at each end are beyond the
 * picture that the mask is of. */
typedef struct imp_extent {
    size_t n, length, margin;
} imp_extent;

/* t, rows.n x columns.n: the share of each position's pixels that are of that region, 0 beyond the
 * picture. */
imp_status imp_regions_cover(float *t, const imp_regions *regions, size_t region, imp_extent rows,
                             imp_extent columns, imp_error *err);

#endif
