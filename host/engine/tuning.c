/* SPDX-License-Identifier: MIT
 *
 * Which algorithm a device uses for each layer, chosen before the first iteration, so that all
 * iterations compute the same bits.
 */
#include <math.h>
#include <stdio.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "device/tune.h"
#include "engine/session.h"

/* A session measures no longer; layers that remain are measured by the next one. */
static const double seconds_most = 5;

/* ---- A session ---- */

/* Tunes the convolutions of a plan in both directions; *measured counts those that were measured.
 */
static void tune_plan(const imp_session *s, const imp_plan *plan, double *left, size_t *measured) {
    imp_tuned tuned;
    for (size_t n = 0; n < plan->nodes; n++) {
        const imp_node *node = &s->network->nodes[n];
        const imp_tensor x = imp_plan_source(plan, n);
        for (int back = 0; back < 2 && node->kind == IMP_NODE_CONV; back++) {
            const imp_conv conv = imp_conv_on(s->device, node->conv);
            const imp_layer layer = {conv, x.h, x.w, x.layout, back};
            imp_tune_layer(s->device, s->filters[n], &layer, false, left, &tuned);
            *measured += tuned.count > 0;
        }
    }
}

void imp_session_tune(imp_session *s) {
    const imp_device_options *to = &s->device->options;
    const double began = imp_now();
    double left = seconds_most;
    size_t measured = 0;
    if (!to->tune)
        return;
    if (s->device->sessions == 0 &&
        s->device->algorithm_choice_count > IMP_ALGORITHM_CHOICES_MAX / 2)
        s->device->algorithm_choice_count = 0;    /* of closed sessions */
    for (unsigned k = s->scale_count; k-- > 0;) { /* most of the time goes to the largest */
        imp_need need;
        if (imp_session_lay_out(s, &s->scales[k], &need, NULL) == IMP_OK)
            for (unsigned l = 0; l < s->objective.levels; l++)
                tune_plan(s, &s->objective.plans[l], &left, &measured);
    }
    s->device->error = (imp_error){0};
    if (measured > 0)
        imp_device_say(to, IMP_LOG_INFO,
                       "measured the fastest algorithm of %zu layers in %.1f s (once for this "
                       "device)",
                       measured, imp_now() - began);
}

/* ---- A network ---- */

enum { LAYERS_MAX = 64 };

typedef struct tuning {
    imp_device *device;
    bool (*tell)(void *user, const imp_tuned *tuned);
    void *user;
    imp_layer done[LAYERS_MAX]; /* forward */
    size_t count;
} tuning;

static bool is_done(const tuning *t, const imp_layer *layer) {
    for (size_t i = 0; i < t->count; i++)
        if (imp_conv_alike(&t->done[i].conv, &layer->conv) && t->done[i].h == layer->h)
            return true;
    return false;
}

/* Tunes a convolution in both directions; *more: whether to go on. */
static imp_status tune_node(tuning *t, const imp_node *node, imp_layer layer, bool *more) {
    imp_filter *filter = NULL;
    imp_tuned tuned;
    double left = INFINITY;
    if (is_done(t, &layer) || t->count == LAYERS_MAX)
        return IMP_OK;
    t->done[t->count++] = layer;
    TRY(t->device->ops->filter_open(t->device, &filter, &layer.conv, node->weights, node->bias));
    for (int back = 0; back < 2 && *more; back++) {
        layer.back = back;
        imp_tune_layer(t->device, filter, &layer, true, &left, &tuned);
        snprintf(tuned.layer, sizeof tuned.layer, "%.31s", node->name);
        *more = tuned.count == 0 || !t->tell || t->tell(t->user, &tuned);
    }
    t->device->ops->filter_close(t->device, filter);
    return IMP_OK;
}

imp_status imp_tune(imp_device *device, const imp_network *network, size_t size,
                    bool (*tell)(void *user, const imp_tuned *tuned), void *user, imp_error *err) {
    tuning t = {.device = device, .tell = tell, .user = user};
    bool more = true;
    if (!device || !network)
        return imp_fail(err, IMP_ERR_ARGUMENT, "tune: the device or the network is NULL");
    if (size < 1 || size > IMP_SIDE_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'size': invalid value '%zu'; expected a whole number from 1 to %d",
                        size, IMP_SIDE_MAX);
    for (size_t n = 0, side = size; n < network->count && side > 0 && more; n++) {
        const imp_node *node = &network->nodes[n];
        if (node->kind == IMP_NODE_POOL) {
            side /= 2;
            continue;
        }
        const imp_layer layer = {imp_conv_on(device, node->conv), side, side,
                                 n ? IMP_MAPS : IMP_PLANES, false};
        if (tune_node(&t, node, layer, &more) != IMP_OK)
            return imp_fail_device(err, device);
        side = imp_conv_side(&node->conv, side);
    }
    return more ? IMP_OK : imp_fail(err, IMP_ERR_STOPPED, "tune: stopped by its callback");
}
