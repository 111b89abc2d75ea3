/* SPDX-License-Identifier: MIT
 *
 * Which colours a painting has: those of the style, those of the content, or the style's brought to
 * the content's palette before the run. Colours in [0,1] come in; what goes out is not clipped.
 */
#ifndef IMP_COLOUR_H
#define IMP_COLOUR_H

#include "impasto.h"

/* `count` colours get the chrominance of `content`'s and keep their luminance:
 * Y = .299 R + .587 G + .114 B of their own; U = -.147 R - .288 G + .436 B and
 * V = .615 R - .515 G - .1 B of the content. */
void imp_colour_take_chrominance(float *rgb, const float *content, size_t count);

/* Mean and covariance of a picture's colours. */
typedef struct imp_palette {
    double mean[3], covariance[3][3];
} imp_palette;
imp_palette imp_colour_palette(const imp_picture *picture);

/* `picture` in the palette of `source`: A (x - mean) + mean of the source, where with covariances
 * Kt of the picture and Ks of the source, each + 1e-5 I (so that a grey picture has a root, too),
 *   pca       A = Ks^1/2 Kt^-1/2
 *   cholesky  A = Ls Lt^-1,  K = L L^T
 *   mk        A = Kt^-1/2 (Kt^1/2 Ks Kt^1/2)^1/2 Kt^-1/2 (Monge and Kantorovich: moves least). */
void imp_colour_match(imp_picture *picture, const imp_palette *source, imp_color_method method);

/* Into [0,1]; what is no number becomes 0. */
void imp_colour_clip(imp_picture *picture);

#endif
