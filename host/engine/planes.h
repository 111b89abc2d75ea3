/* SPDX-License-Identifier: MIT
 *
 * Between pictures and variables: working sizes, planes in the variable's unit, starts.
 */
#ifndef IMP_PLANES_H
#define IMP_PLANES_H

#include "base/error.h"

/* Sides of a picture of w x h whose longer side becomes `longer` (0: as it is); at least 1. */
void imp_planes_fit(size_t *width, size_t *height, size_t w, size_t h, size_t longer);

/* The picture resampled to width x height; a copy where it has that size already. */
imp_status imp_planes_resize(imp_picture *out, const imp_picture *in, size_t width, size_t height,
                             imp_error *err);

/* 3 x h x w floats, colours times range; where h x w exceeds the picture, its last row and column
 * are repeated. The caller frees; NULL: out of memory. */
float *imp_planes_from(const imp_picture *in, size_t h, size_t w, float range);

/* The upper left width x height of 3 x h x w planes, divided by range and clamped to [0,1]. */
imp_status imp_planes_picture(imp_picture *out, const float *planes, size_t h, size_t w,
                              size_t width, size_t height, float range, imp_error *err);

/* Planes c x h x w resampled to c x to_h x to_w between neighbours, without antialiasing, the
 * border repeated: cubic with the kernel of Keys 1981 at a = -3/4, or linear. Centres of pixels are
 * what corresponds. The caller frees; NULL: out of memory. */
float *imp_planes_resample(const float *planes, size_t c, size_t h, size_t w, size_t to_h,
                           size_t to_w, bool cubic);

/* count normal deviates (Box and Muller 1958) of the given mean and deviation, the same for the
 * same seed on every machine up to libm's last digit. */
void imp_planes_noise(float *out, size_t count, float mean, float deviation, uint64_t seed);

#endif
