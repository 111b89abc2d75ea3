/* SPDX-License-Identifier: MIT
 *
 * Finds the layers of a VGG among the tensors of a foreign file by their names:
 *   conv1_1.weight           Caffe's names, and ours (with .reduce, .metric and conv0)
 *   block1_conv1.weight      Keras' names
 *   conv2d_7.weight          Keras' layers by number, from conv2d on
 *   features.0.weight        torchvision's and timm's: positions in a list of layers, where a ReLU
 *                            follows each convolution, perhaps with batch normalisation between
 *                            them, and a pooling follows each block. Any common prefix,
 *                            "_orig_mod." and a missing "features." make no difference.
 *   0.weight, 2.weight       the same with a padding before each convolution, if the first one is
 *                            1 x 1 (AdaIN's vgg_normalised)
 * Fully connected layers are recognised by their names and skipped.
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

/* A convolution and the tensors that belong to it; NULL: the file has none. */
typedef struct imp_vgg_layer {
    unsigned block, conv;    /* both from 1; 0 and 0: the 1 x 1 convolution before the first */
    char name[IMP_NAME_MAX]; /* "conv1_1" */
    const imp_foreign_tensor *weight, *bias, *reduce, *metric;
    /* The batch normalisation after it. */
    const imp_foreign_tensor *mean, *variance, *factor, *summand;
} imp_vgg_layer;

typedef struct imp_vgg {
    imp_naming naming;
    imp_vgg_layer layers[IMP_VGG_LAYERS]; /* in order of depth */
    size_t count;
    size_t skipped; /* tensors that are not used */
} imp_vgg;

/* Finds the layers, and checks that the shapes fit each other and that no layer is missing before
 * the deepest one. Borrows the tensors of the file. Errors: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED
 * (some other network). */
imp_status imp_vgg_find(imp_vgg *out, const imp_foreign *file, imp_error *err);

/* The name of a known network of another kind that the tensors belong to ("a ResNet"), or NULL. */
const char *imp_other_network(const imp_foreign *file);

#endif
