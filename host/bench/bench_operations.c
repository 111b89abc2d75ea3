/* SPDX-License-Identifier: MIT
 *
 * Single operations with the shapes of VGG-19. After the timing their outputs, in the same memory,
 * are compared with the oracle.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "device/tune.h"
#include "selftest/outputs.h"

enum { SEED = 1 };

/* An operation to be timed, and its arithmetic and bytes. */
typedef struct item {
    imp_bench_part part;
    size_t size; /* side of the picture */
    char name[24];
    const char *variant;
    imp_case c;
    double flop, executed, bytes; /* executed: unless the device says it */
} item;

/* ---- one item on all devices ---- */

static imp_status launch(void *context, imp_error *err) {
    return imp_launch_start(context, err);
}

/* If the device is tuned: chooses its fastest algorithm for the layer. */
static void tune(imp_launch *l) {
    const imp_case *c = &l->operands->c;
    const imp_layer layer = {c->conv, c->h, c->w, c->layout, c->op == IMP_OP_conv_grad};
    imp_tuned tuned;
    double left = INFINITY;
    if (l->device->options.tune && imp_launch_algorithm_name(l, 1))
        imp_tune_layer(l->device, l->filter, &layer, false, &left, &tuned);
}

static void open_lane(const imp_bench_state *b, const item *it, const imp_operands *operands,
                      size_t device, imp_bench_lane *lane, imp_launch *l) {
    bool fits = false;
    imp_bench_result unused = {0};
    *lane = (imp_bench_lane){.device = device, .work = launch, .context = l};
    *l = (imp_launch){.operands = operands, .device = b->devices[device]};
    if (imp_bench_too_long(b, device, it->flop, &unused))
        return;
    if (imp_launch_open(l, operands, b->devices[device], 0, &fits, &lane->err) == IMP_OK && !fits)
        imp_fail(&lane->err, IMP_ERR_MEMORY,
                 "larger than the device's memory or its largest allocation");
    lane->ready = fits && lane->err.status == IMP_OK;
    if (lane->ready)
        tune(l);
}

static imp_status conclude(imp_bench_state *b, const item *it, imp_bench_lane *lane,
                           imp_launch *l) {
    imp_bench_result r = {it->part,         .device = lane->device,   .size = it->size,
                          .flop = it->flop, .executed = it->executed, .bytes = it->bytes};
    const bool convolution = it->c.op == IMP_OP_conv || it->c.op == IMP_OP_conv_grad;
    snprintf(r.name, sizeof r.name, "%s", it->name);
    snprintf(r.variant, sizeof r.variant, "%s", it->variant);
    imp_bench_conclude(&r, lane);
    if (!lane->ready && lane->err.status == IMP_OK)
        imp_bench_too_long(b, lane->device, it->flop, &r);
    if (lane->ready && convolution) {
        const imp_algorithm algorithm = imp_launch_algorithm(l);
        snprintf(r.algorithm, sizeof r.algorithm, "%s", algorithm.name);
        r.executed = algorithm.flop;
    }
    if (lane->ready) {
        imp_result found;
        TRY(imp_launch_check(l, SEED, &found));
        r.verdict = found.outcome == IMP_PASSED ? IMP_BENCH_RIGHT : IMP_BENCH_WRONG;
        r.error = found.ratio;
        snprintf(r.note, sizeof r.note, "%.255s", found.reason);
    }
    return imp_bench_keep(b, &r);
}

/* Items in turns: between devices, and between the forward and the back item. */
static imp_status measure(imp_bench_state *b, const item *items, size_t count) {
    const size_t devices = b->report->device_count;
    imp_launch *launches = calloc(count * devices + 1, sizeof *launches);
    imp_bench_lane *lanes = calloc(count * devices + 1, sizeof *lanes);
    imp_operands operands[2] = {{.weights = NULL}};
    imp_status status = IMP_OK;
    if (!launches || !lanes)
        status = imp_fail(b->err, IMP_ERR_MEMORY, "bench: out of host memory");
    for (size_t i = 0; i < count && status == IMP_OK; i++) {
        status = imp_operands_init(&operands[i], &items[i].c, SEED, b->err);
        for (size_t k = 0; k < devices && status == IMP_OK; k++)
            open_lane(b, &items[i], &operands[i], k, &lanes[i * devices + k],
                      &launches[i * devices + k]);
    }
    if (status == IMP_OK)
        imp_bench_time(lanes, count * devices, b->options.quick);
    for (size_t i = 0; i < count * devices && status == IMP_OK; i++)
        status = conclude(b, &items[i / devices], &lanes[i], &launches[i]);
    for (size_t i = 0; i < count * devices && launches; i++)
        imp_launch_close(&launches[i]);
    for (size_t i = 0; i < count; i++)
        imp_operands_finish(&operands[i]);
    free(launches);
    free(lanes);
    return status;
}

/* ---- convolutions ---- */

/* Layers of equal shape are measured once. */
static const struct shape {
    const char *name;
    size_t in, out, shrink; /* side of the picture over that of the map */
} shapes[] = {{"conv1_1", 3, 64, 1},    {"conv1_2", 64, 64, 1},     {"conv2_1", 64, 128, 2},
              {"conv2_2", 128, 128, 2}, {"conv3_1", 128, 256, 4},   {"conv3_2-4", 256, 256, 4},
              {"conv4_1", 256, 512, 8}, {"conv4_2-4", 512, 512, 8}, {"conv5_1-4", 512, 512, 16}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static item layer_item(const struct shape *s, size_t size, bool half, bool back) {
    const size_t side = size / s->shrink;
    const double m = (double)(side * side);
    item it = {IMP_BENCH_LAYERS, size, .variant = back ? "back" : "forward"};
    it.c = (imp_case){.op = back ? IMP_OP_conv_grad : IMP_OP_conv,
                      .level = IMP_LEVEL_FULL,
                      .c = s->in,
                      .h = side,
                      .w = side,
                      .layout = s->in == 3 ? IMP_PLANES : IMP_MAPS,
                      .out_layout = IMP_MAPS,
                      .conv = {s->in, s->out, 3, 1, 1, 1, IMP_PAD_ZERO, true, half},
                      .bias = true};
    snprintf(it.name, sizeof it.name, "%s", s->name);
    it.flop = 18 * (double)(s->in * s->out) * m;
    it.bytes = 4 * ((double)(s->in + (back ? 2 : 1) * s->out) * m + 9 * (double)(s->in * s->out));
    return it;
}

imp_status imp_bench_layers(imp_bench_state *b, size_t size) {
    for (size_t i = 0; i < SHAPES && size / shapes[i].shrink > 0; i++) {
        const item both[] = {layer_item(&shapes[i], size, b->half, false),
                             layer_item(&shapes[i], size, b->half, true)};
        if (!imp_bench_say(b, "%s at %zu", shapes[i].name, size))
            break;
        TRY(measure(b, both, 2));
    }
    return IMP_OK;
}

/* ---- other operations ---- */

/* Maps of c channels, read and written `passes` times in all. */
static item map_item(imp_op op, const char *variant, size_t size, size_t c, size_t shrink,
                     double passes) {
    const size_t side = size / shrink;
    item it = {IMP_BENCH_OPERATIONS, size, .variant = variant};
    it.c = (imp_case){.op = op,
                      .level = IMP_LEVEL_FULL,
                      .c = c,
                      .h = side,
                      .w = side,
                      .layout = c == 3 ? IMP_PLANES : IMP_MAPS};
    it.bytes = passes * sizeof(float) * (double)(c * side * side);
    return it;
}

/* One triangle of F F^T, and D F. */
static void style_items(item both[2], size_t block, size_t size) {
    static const size_t channels[] = {64, 128, 256, 512, 512};
    const size_t c = channels[block - 1], shrink = (size_t)1 << (block - 1);
    both[0] = map_item(IMP_OP_gram, "forward", size, c, shrink, 1);
    both[1] = map_item(IMP_OP_style_grad, "back", size, c, shrink, 3);
    for (size_t i = 0; i < 2; i++) {
        snprintf(both[i].name, sizeof both[i].name, "gram relu%zu_1", block);
        both[i].flop = both[i].executed = 2 * (double)(c * c * both[i].c.h * both[i].c.w);
    }
    both[0].executed *= (double)(c + 1) / (double)(2 * c);
}

static void pool_items(item both[2], size_t block, size_t size) {
    static const size_t channels[] = {64, 128, 256, 512};
    const size_t c = channels[block - 1], shrink = (size_t)1 << (block - 1);
    both[0] = map_item(IMP_OP_pool, "forward", size, c, shrink, 1.25);
    both[1] = map_item(IMP_OP_pool_grad, "back", size, c, shrink, 2.25);
    for (size_t i = 0; i < 2; i++)
        snprintf(both[i].name, sizeof both[i].name, "pool%zu", block);
}

imp_status imp_bench_operations(imp_bench_state *b, size_t size) {
    item both[2];
    for (size_t block = 1; block <= 5 && size >> (block - 1) > 0; block++) {
        style_items(both, block, size);
        if (!imp_bench_say(b, "%s at %zu", both[0].name, size))
            return IMP_OK;
        TRY(measure(b, both, 2));
    }
    for (size_t block = 1; block <= 4 && size >> block > 0; block++) {
        pool_items(both, block, size);
        if (!imp_bench_say(b, "%s at %zu", both[0].name, size))
            return IMP_OK;
        TRY(measure(b, both, 2));
    }
    item variation = map_item(IMP_OP_tv, "", size, 3, 1, 3);
    snprintf(variation.name, sizeof variation.name, "total variation");
    return imp_bench_say(b, "total variation at %zu", size) ? measure(b, &variation, 1) : IMP_OK;
}
