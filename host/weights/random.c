/* SPDX-License-Identifier: MIT
 *
 * The network for measuring: the shapes of VGG-19 (Simonyan and Zisserman 2015), as deep as the
 * preset `gatys` uses it, with random filters, so that measuring a device needs no weights.
 */
#include "weights/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"

/* Channels and number of each block's convolutions; the last block ends after its first. */
static const struct block {
    size_t channels, convs;
} blocks[] = {{64, 2}, {128, 2}, {256, 4}, {512, 4}, {512, 1}};
enum { BLOCKS = sizeof blocks / sizeof blocks[0] };

static size_t node_count(void) {
    size_t count = BLOCKS - 1; /* poolings */
    for (size_t b = 0; b < BLOCKS; b++)
        count += blocks[b].convs;
    return count;
}

static size_t value_count(void) {
    size_t count = 0, in = 3;
    for (size_t b = 0; b < BLOCKS; b++)
        for (size_t c = 0; c < blocks[b].convs; c++) {
            count += blocks[b].channels * (in * 9 + 1);
            in = blocks[b].channels;
        }
    return count;
}

/* Uniform with the variance 2 / (9 in), which keeps that of the features (He et al. 2015). */
static void draw(float *weights, size_t count, size_t in, uint64_t *state) {
    const float limit = sqrtf(6 / (9 * (float)in));
    for (size_t i = 0; i < count; i++)
        weights[i] = limit * imp_random_signed(state);
}

static void add_node(imp_network *n, imp_node_kind kind, const char *name, size_t block,
                     size_t conv) {
    imp_node *node = &n->nodes[n->count];
    *node = (imp_node){.kind = kind, .input = n->count ? n->count - 1 : SIZE_MAX};
    snprintf(node->name, sizeof node->name, conv ? "%s%zu_%zu" : "%s%zu", name, block, conv);
    n->count++;
}

static void add_nodes(imp_network *n) {
    float *next = n->values;
    size_t in = 3;
    uint64_t state = 1;
    for (size_t b = 0; b < BLOCKS; b++) {
        if (b > 0)
            add_node(n, IMP_NODE_POOL, "pool", b, 0);
        for (size_t c = 0; c < blocks[b].convs; c++) {
            const size_t out = blocks[b].channels, count = out * in * 9;
            add_node(n, IMP_NODE_CONV, "relu", b + 1, c + 1);
            imp_node *node = &n->nodes[n->count - 1];
            node->conv = (imp_conv){in, out, 3, 1, 1, 1, IMP_PAD_ZERO, true, false};
            node->weights = next;
            node->bias = next + count; /* zeros */
            draw(next, count, in, &state);
            next += count + out;
            in = out;
            n->info.layers++;
        }
    }
}

imp_status imp_network_random(imp_network **out, imp_error *err) {
    const imp_network_info info = {
        .name = IMP_NETWORK_RANDOM,
        .source = IMP_NETWORK_RANDOM,
        .licence = "none needed",
        .provenance = "random numbers in the shapes of VGG-19, for measuring speed",
        .parameters = value_count(),
        .bgr = true,
        .range = 255,
        .mean = {104, 117, 124},
        .deviation = {1, 1, 1},
        .padding = "zero"};
    imp_network *n = calloc(1, sizeof *n);
    *out = NULL;
    if (n) {
        n->info = info;
        n->nodes = calloc(node_count(), sizeof *n->nodes);
        n->values = calloc(info.parameters, sizeof *n->values);
    }
    if (!n || !n->nodes || !n->values) {
        imp_network_close(n);
        return imp_fail(err, IMP_ERR_MEMORY, "network '%s': out of memory: close other programs",
                        IMP_NETWORK_RANDOM);
    }
    add_nodes(n);
    *out = n;
    return IMP_OK;
}
