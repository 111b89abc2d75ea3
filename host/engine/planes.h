/* SPDX-License-Identifier: MIT
 *
 * Pictures to planes in the variable's unit and back, working sizes, resampling, noise.
 */
#ifndef IMP_PLANES_H
#define IMP_PLANES_H

#include "base/error.h"

/* Sides of a picture of w x h whose longer side becomes `longer` (0: as it is); at least 1. */
void imp_planes_fit(size_t *width, size_t *height, size_t w, size_t h, size_t longer);

/* The picture resampled to width x height; a copy where it has that size already. */
imp_status imp_planes_resize(imp_picture *out, const imp_picture *in, size_t width, size_t height,
                             imp_error *err);

/* 3 x h x w floats: colours times range. Beyond the picture its last row and column are repeated.
 * The caller frees; NULL: out of memory. */
float *imp_planes_from(const imp_picture *in, size_t h, size_t w, float range);

/* The upper left width x height of 3 x h x w planes, divided by range and clamped to [0,1]. */
imp_status imp_planes_picture(imp_picture *out, const float *planes, size_t h, size_t w,
                              size_t width, size_t height, float range, imp_error *err);

/* Planes c x h x w interpolated to c x to_h x to_w, bicubically (Keys 1981, a = -3/4) or
 * bilinearly, without antialiasing; pixel centres correspond, and the border is repeated. The
 * caller frees; NULL: out of memory. */
float *imp_planes_resample(const float *planes, size_t c, size_t h, size_t w, size_t to_h,
                           size_t to_w, bool cubic);

/* count normal deviates (Box and Muller 1958) of the given mean and deviation, the same for the
 * same seed on every machine up to libm's last digit. */
void imp_planes_noise(float *out, size_t count, float mean, float deviation, uint64_t seed);

#endif
