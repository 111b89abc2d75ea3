/* SPDX-License-Identifier: MIT
 *
 * A trial run of a network: see trial.h.
 */
#include "weights/trial.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

enum { SIDE = 16 };

/* Maps of a node: channels x side x side. */
typedef struct maps {
    float *values;
    size_t channels, side;
} maps;

static bool maps_init(maps *m, size_t channels, size_t side) {
    *m = (maps){calloc(channels * side * side + 1, sizeof(float)), channels, side};
    return m->values != NULL;
}

/* Smooth colours, prepared as the network wants its input. */
static void fill_input(maps *m, const imp_network_info *info) {
    for (size_t i = 0; i < 3 * SIDE * SIDE; i++) {
        const size_t c = i / (SIDE * SIDE), x = i % SIDE, y = i / SIDE % SIDE;
        const float colour =
            (float)(0.5 + 0.4 * sin(0.5 * (double)x + 0.3 * (double)y + (double)c));
        m->values[i] = (info->range * colour - info->mean[c]) / info->deviation[c];
    }
}

/* Outside of the map its border goes on. */
static size_t inside(size_t at, size_t step, size_t before, size_t side) {
    const size_t moved = at + step > before ? at + step - before : 0;
    return moved < side ? moved : side - 1;
}

static void convolve(maps *out, const maps *in, const imp_node *node) {
    const size_t k = node->conv.kernel, side = in->side;
    for (size_t o = 0; o < out->channels; o++)
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++) {
                const float *w = node->weights + o * in->channels * k * k;
                float sum = node->bias ? node->bias[o] : 0;
                for (size_t c = 0; c < in->channels; c++)
                    for (size_t v = 0; v < k; v++)
                        for (size_t u = 0; u < k; u++)
                            sum += *w++ *
                                   in->values[(c * side + inside(y, v, node->conv.before, side)) *
                                                  side +
                                              inside(x, u, node->conv.before, side)];
                out->values[(o * side + y) * side + x] = node->conv.relu && sum < 0 ? 0 : sum;
            }
}

static void pool(maps *out, const maps *in) {
    const size_t side = out->side, step = in->side / side;
    for (size_t c = 0; c < out->channels; c++)
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++) {
                float most = in->values[(c * in->side + step * y) * in->side + step * x];
                for (size_t i = 0; i < step * step; i++)
                    most = fmaxf(most, in->values[(c * in->side + step * y + i / step) * in->side +
                                                  step * x + i % step]);
                out->values[(c * side + y) * side + x] = most;
            }
}

/* Whether no value is NaN or above `most`; then all are divided by the largest, since the depth of
 * a network may well multiply what each layer does. */
static bool normalise(maps *m, float most) {
    const size_t count = m->channels * m->side * m->side;
    float largest = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(m->values[i]) <= most))
            return false;
        largest = fmaxf(largest, fabsf(m->values[i]));
    }
    for (size_t i = 0; i < count && largest > 0; i++)
        m->values[i] /= largest;
    return true;
}

imp_status imp_network_try(const imp_network *network, const char *source, imp_error *err) {
    maps in, out;
    imp_status status = IMP_OK;
    if (!maps_init(&in, 3, SIDE))
        return imp_fail(err, IMP_ERR_MEMORY, "network '%s': out of memory: close other programs",
                        source);
    fill_input(&in, &network->info);
    if (!normalise(&in, 1e6F))
        status = imp_fail(err, IMP_ERR_NUMBER,
                          "network '%s': its mean or std makes its input infinite or too large: it "
                          "cannot be used; fetch it again",
                          source);
    for (size_t i = 0; i < network->count && status == IMP_OK; i++) {
        const imp_node *const node = &network->nodes[i];
        const bool pools = node->kind == IMP_NODE_POOL;
        const size_t side = pools && in.side > 1 ? in.side / 2 : in.side;
        if (!maps_init(&out, pools ? in.channels : node->conv.out, side)) {
            status = imp_fail(err, IMP_ERR_MEMORY,
                              "network '%s': out of memory: close other programs", source);
            break;
        }
        if (pools)
            pool(&out, &in);
        else
            convolve(&out, &in, node);
        free(in.values);
        in = out;
        if (status == IMP_OK && !normalise(&in, 1e12F))
            status = imp_fail(err, IMP_ERR_NUMBER,
                              "network '%s': on a trial picture, layer %s gives numbers that are "
                              "infinite or too large: it cannot be used; fetch it again, or give "
                              "setting 'input' the right value",
                              source, node->name);
    }
    free(in.values);
    return status;
}
