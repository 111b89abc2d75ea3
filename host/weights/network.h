/* SPDX-License-Identifier: MIT
 *
 * imp_network inside: the layers of a network as a list of nodes in order of depth, read from a
 * safetensors file and constant afterwards.
 *
 * Tensors of the file (F32, F16 or BF16; row-major):
 *   convB_C.weight  O x I x 3 x 3: convolution C of block B, both counted from 1, padded by 1 on
 * all sides, followed by a ReLU. A 2 x 2 pooling joins blocks. Any widths. convB_C.bias    O;
 * optional. convB_C.reduce  R x I x 3 x 3; optional. With it the layer has two steps: these filters
 * give R channels, and convB_C.weight, which is O x R x 1 x 1, makes O of them, followed by the
 * bias and the ReLU. convB_C.metric  O x O, symmetric; optional. With it, a difference E of this
 * layer's Gram matrices counts as sum(E . metric E metric). conv0.weight    O x 3 x 1 x 1, with
 * conv0.bias O; optional: a 1 x 1 convolution without ReLU before conv1_1. NAME_aux.*      ignored.
 * Any other name is refused, and so is a layer that is missing before the deepest one. A network
 * may end anywhere.
 *
 * Keys of the file's __metadata__, all strings:
 *   format      "impasto-network-1"
 *   input       "RGB" or "BGR": the order of the channels of the network's input
 *   range       "1" or "255": colours in [0,1] are multiplied by it first
 *   mean, std   three numbers "a,b,c" in the order of `input` and in the unit of `range`:
 *               input = (range * colour - mean) / std
 *   padding     "zero", "reflect" or "replicate", for every 3 x 3 convolution
 *   name, licence, provenance    descriptions; optional
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
    size_t input;                /* the node that it reads; SIZE_MAX: the network's input */
    imp_conv conv;               /* for a convolution */
    const float *weights, *bias; /* O x I x K x K, and O or NULL; owned by the network */
    const float *metric;         /* O x O, or NULL; owned by the network */
} imp_node;

struct imp_network {
    imp_node *nodes; /* in order of depth: a node reads an earlier one; the last is not a pooling */
    size_t count;    /* at least 1 */
    float *values;   /* all weights, biases and metrics in sequence */
    char *texts;     /* the strings that info points to */
    imp_network_info info;
    imp_padding padding; /* of all 3 x 3 convolutions */
};

/* Reads a network from the bytes of a safetensors file, borrowed for the call; imp_network_close
 * releases it. source: their origin, for messages and imp_network_info. Errors: IMP_ERR_FORMAT
 * (damaged, or not such a network), IMP_ERR_UNSUPPORTED (a known variant that is not read),
 * IMP_ERR_NUMBER (weights that are not finite), IMP_ERR_MEMORY. */
imp_status imp_network_parse(imp_network **out, const unsigned char *bytes, size_t size,
                             const char *source, imp_error *err);

/* Converts another program's file as imp_network_import does, to bytes in memory; the caller frees
 * *bytes, which is NULL after an error. options and report may be NULL. Errors: as there. */
imp_status imp_network_convert(char **bytes, size_t *size, const char *from,
                               const imp_import_options *options, imp_import_report *report,
                               imp_error *err);

/* The node whose features have this name, or NULL. */
const imp_node *imp_network_find(const imp_network *network, const char *layer);

#endif
