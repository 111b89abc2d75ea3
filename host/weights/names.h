/* SPDX-License-Identifier: MIT
 *
 * Which tensors of a foreign file are the layers of a VGG, by their names:
 *   conv1_1.weight           Caffe's names, and ours (with .reduce, .metric and conv0)
 *   block1_conv1.weight      Keras' names
 *   conv2d_7.weight          Keras' layers by their number, from conv2d on
 *   features.0.weight        torchvision's and timm's: places in a list of layers, in which a
 *                            convolution is followed by a ReLU, perhaps with batch normalisation
 *                            between them, and a block by a pooling. Prefixes such as "module." and
 *                            the lack of "features." are no matter.
 * Fully connected layers are known by their names and left out.
 */
#ifndef IMP_WEIGHTS_NAMES_H
#define IMP_WEIGHTS_NAMES_H

#include "weights/foreign.h"

enum { IMP_VGG_LAYERS = 64 };

typedef enum imp_naming {
    IMP_NAMING_NONE,
    IMP_NAMING_PLACES,  /* conv1_1, block1_conv1 */
    IMP_NAMING_ORDER,   /* conv2d, conv2d_1 */
    IMP_NAMING_FEATURES /* features.0 */
} imp_naming;

/* A convolution and what may go with it; NULL: the file has no such. */
typedef struct imp_vgg_layer {
    unsigned block, conv;    /* both from 1; 0 and 0: the 1 x 1 convolution in front */
    char name[IMP_NAME_MAX]; /* "conv1_1" */
    const imp_foreign_tensor *weight, *bias, *reduce, *metric;
    /* Batch normalisation behind it: mean and variance, and factor and summand. */
    const imp_foreign_tensor *mean, *variance, *factor, *summand;
} imp_vgg_layer;

typedef struct imp_vgg {
    imp_naming naming;
    imp_vgg_layer layers[IMP_VGG_LAYERS]; /* in order of depth */
    size_t count;
    size_t skipped; /* tensors left out */
} imp_vgg;

/* Borrows the tensors of the file. Shapes fit each other, and no layer is missing below the deepest
 * one. Errors: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED (some other network). */
imp_status imp_vgg_find(imp_vgg *out, const imp_foreign *file, imp_error *err);

#endif
