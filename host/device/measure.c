/* SPDX-License-Identifier: MIT
 *
 * A short measurement for comparing devices, and their roofs.
 */
#include <stdlib.h>

#include "backend/backend.h"
#include "backend/profile.h"
#include "base/clock.h"
#include "device/trust.h"

enum { REPEATS = 3 };

/* The layers of the piece. */
static const struct { size_t c, side; } piece[] = {{64, 128}, {256, 32}};
enum { LAYERS = sizeof piece / sizeof piece[0] };

/* One convolution of c channels to c at side x side, and its Gram matrix. */
typedef struct layer {
    size_t c, side;
    float *weights;
    imp_filter *filter;
    imp_tensor x, y, dx, dy, g;
} layer;

static imp_status open_layer(imp_device *d, layer *l, size_t *cursor) {
    const imp_conv conv = {l->c, l->c, 3, 1, 1, 1, IMP_PAD_ZERO, true, false};
    const size_t count = l->c * l->c * 9;
    l->x = imp_place(d, cursor, IMP_MAPS, l->c, l->side, l->side);
    l->y = imp_place(d, cursor, IMP_MAPS, l->c, l->side, l->side);
    l->dx = imp_place(d, cursor, IMP_MAPS, l->c, l->side, l->side);
    l->dy = imp_place(d, cursor, IMP_MAPS, l->c, l->side, l->side);
    l->g = imp_place(d, cursor, IMP_PLANES, 1, l->c, l->c);
    l->weights = malloc(count * sizeof *l->weights);
    if (!l->weights || *cursor == SIZE_MAX)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "device '%s': no memory to measure it",
                        d->info.name);
    for (size_t i = 0; i < count; i++) /* a weighted mean of the inputs: values stay in range */
        l->weights[i] = (float)((i * 7919) % 17) / 16 / (float)(l->c * 9);
    return d->ops->filter_open(d, &l->filter, &conv, l->weights, NULL);
}

static void close_layer(imp_device *d, layer *l) {
    if (l->filter)
        d->ops->filter_close(d, l->filter);
    free(l->weights);
}

static imp_status run_layer(imp_device *d, const layer *l) {
    TRY(d->ops->conv(d, l->y, l->x, l->filter));
    TRY(d->ops->gram(d, l->g, (imp_tensor){0}, l->y, false));
    TRY(d->ops->conv_grad(d, l->dx, l->dy, l->y, l->filter));
    return d->ops->sync(d);
}

/* The first run does not count: it compiles and prepares. */
static imp_status time_layers(imp_device *d, const layer *layers, size_t count, double *best) {
    *best = 0;
    for (int repeat = 0; repeat <= REPEATS; repeat++) {
        const double start = imp_now();
        imp_device_step(&d->options);
        for (size_t i = 0; i < count; i++)
            TRY(run_layer(d, &layers[i]));
        const double seconds = imp_now() - start;
        if (repeat > 0 && (*best == 0 || seconds < *best))
            *best = seconds;
    }
    return IMP_OK;
}

static imp_status fill_layer(imp_device *d, layer *l, imp_memory *memory) {
    l->x.memory = l->y.memory = l->dx.memory = l->dy.memory = l->g.memory = memory;
    TRY(d->ops->fill(d, l->x, 0.5F));
    return d->ops->fill(d, l->dy, 0.25F);
}

/* Seconds of the layers, their sides divided by shrink. */
static imp_status measure(imp_device *d, size_t shrink, double *best) {
    layer layers[LAYERS] = {0};
    imp_memory *memory = NULL;
    size_t cursor = 0;
    imp_status status = IMP_OK;
    for (size_t i = 0; i < LAYERS && status == IMP_OK; i++) {
        layers[i].c = piece[i].c;
        layers[i].side = piece[i].side / shrink;
        status = open_layer(d, &layers[i], &cursor);
    }
    if (status == IMP_OK)
        status = d->ops->alloc(d, &memory, cursor);
    for (size_t i = 0; i < LAYERS && status == IMP_OK; i++)
        status = fill_layer(d, &layers[i], memory);
    if (status == IMP_OK)
        status = time_layers(d, layers, LAYERS, best);
    d->ops->release(d, memory);
    for (size_t i = 0; i < LAYERS; i++)
        close_layer(d, &layers[i]);
    return status;
}

double imp_measure_flop(void) {
    double flop = 0;
    for (size_t i = 0; i < LAYERS; i++)
        flop += 2.0 * 2 * 9 * (double)(piece[i].c * piece[i].c * piece[i].side * piece[i].side);
    return flop;
}

double imp_measure_seconds(imp_device *d) {
    enum { SHRINK = 4 };
    const double slow = 1; /* seconds: a slower device is not measured more precisely */
    double small = 0, whole = 0;
    if (measure(d, SHRINK, &small) != IMP_OK)
        return 0;
    if (small * SHRINK * SHRINK > slow)
        return small * SHRINK * SHRINK;
    return measure(d, 1, &whole) == IMP_OK ? whole : 0;
}

imp_status imp_measure_roofs(imp_device *d, double *gflops, double *gbs) {
    *gflops = *gbs = 0;
    return d->backend->measure ? d->backend->measure(d, gflops, gbs) : IMP_OK;
}
