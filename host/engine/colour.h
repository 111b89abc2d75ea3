/* SPDX-License-Identifier: MIT
 *
 * The colours of a painting: the content's with the painting's lightness, or a style recoloured to
 * the content's palette before the run. Formulas: README.md, Colour. Inputs are in [0,1]; outputs
 * are not clipped unless a function says so.
 */
#ifndef IMP_COLOUR_H
#define IMP_COLOUR_H

#include "impasto.h"

/* Gives `count` colours the hue and chroma of `content`'s; they keep their lightness. All three are
 * OKLab's. Where sRGB has no such colour the chroma is less, while hue and lightness stay. Outputs
 * are in [0,1]. */
void imp_colour_take_hue(float *rgb, const float *content, size_t count);

/* Mean and covariance of a picture's colours. */
typedef struct imp_palette {
    double mean[3], covariance[3][3];
} imp_palette;
imp_palette imp_colour_palette(const imp_picture *picture);

/* Recolours `picture` to the palette of `source`: A (x - its mean) + mean of the source. With
 * covariances Kt of the picture and Ks of the source, each + 1e-5 I so that a grey picture has a
 * root:
 *   pca       A = Ks^1/2 Kt^-1/2
 *   cholesky  A = Ls Lt^-1,  K = L L^T
 *   mk        A = Kt^-1/2 (Kt^1/2 Ks Kt^1/2)^1/2 Kt^-1/2 (Monge-Kantorovich: changes least) */
void imp_colour_match(imp_picture *picture, const imp_palette *source, imp_color_method method);

/* Clips to [0,1]; NaN becomes 0. */
void imp_colour_clip(imp_picture *picture);

#endif
