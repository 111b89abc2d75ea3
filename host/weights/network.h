/* SPDX-License-Identifier: MIT
 *
 * What stands behind imp_network: the layers of a network as a list of nodes, in order of depth,
 * read from a safetensors file and never changed afterwards.
 *
 * Tensors of the file (F32, F16 or BF16; row-major):
 *   convB_C.weight  O x I x 3 x 3: convolution C of block B, both counted from 1, side 1 padded all
 *                   round, followed by a ReLU. Blocks are joined by 2 x 2 pooling. Any widths.
 *   convB_C.bias    O; may be left out.
 *   convB_C.reduce  R x I x 3 x 3; may be left out: the layer is made in two steps then, to R
 *                   channels by these filters, and from there to O by convB_C.weight, which is
 *                   O x R x 1 x 1; the bias and the ReLU come last.
 *   convB_C.metric  O x O, symmetric; may be left out: differences E of this layer's Gram matrices
 *                   are then weighed as sum(E . metric E metric).
 *   conv0.weight    O x 3 x 1 x 1, conv0.bias O; may be left out: a 1 x 1 convolution without ReLU
 *                   in front of conv1_1.
 *   NAME_aux.*      passed over. Any other name is refused, and so is a layer that is missing below
 *                   the deepest one; a network may end anywhere.
 *
 * Keys of the file's __metadata__, all strings:
 *   format      "impasto-network-1"
 *   input       "RGB" or "BGR": the order of the channels of the network's input
 *   range       "1" or "255": colours in [0,1] are multiplied by it first
 *   mean, std   three numbers "a,b,c" in the order of `input` and in the unit of `range`:
 *               input = (range * colour - mean) / std
 *   padding     "zero", "reflect" or "replicate", for every 3 x 3 convolution
 *   name, licence, provenance    for people; may be left out
 * tools/annotate-network writes them into a copy of a file that has the right tensors.
 */
#ifndef IMP_WEIGHTS_NETWORK_H
#define IMP_WEIGHTS_NETWORK_H

#include "backend/conv.h"
#include "impasto.h"

typedef enum imp_node_kind { IMP_NODE_CONV, IMP_NODE_POOL } imp_node_kind;

typedef struct imp_node {
    imp_node_kind kind;
    char name[IMP_NAME_MAX];     /* "relu1_1", "pool1"; without ReLU "conv0", "reduce1_1" */
    size_t input;                /* the node it reads; SIZE_MAX: the network's input */
    imp_conv conv;               /* of a convolution */
    const float *weights, *bias; /* O x I x K x K, and O or NULL; owned by the network */
    const float *metric;         /* O x O, or NULL; owned by the network */
} imp_node;

struct imp_network {
    imp_node *nodes; /* in order of depth: a node reads one before it; the last is no pooling */
    size_t count;    /* at least 1 */
    float *values;   /* all weights, biases and metrics, one after the other */
    char *texts;     /* the strings that info points to */
    imp_network_info info;
    imp_padding padding; /* of every 3 x 3 convolution */
};

/* Reads a network from the `size` bytes of a safetensors file, which are needed during the call
 * only. source: where they came from, for messages and imp_network_info. Errors: IMP_ERR_FORMAT for
 * a file that is damaged or not such a network, IMP_ERR_UNSUPPORTED for what is known but not read
 * here, IMP_ERR_NUMBER for weights that are not finite, IMP_ERR_MEMORY. */
imp_status imp_network_parse(imp_network **out, const unsigned char *bytes, size_t size,
                             const char *source, imp_error *err);

/* The node whose features bear this name, NULL where the network has none. */
const imp_node *imp_network_find(const imp_network *network, const char *layer);

#endif
