/* SPDX-License-Identifier: MIT
 *
 * The whole iteration of the preset `gatys` on the random network, with each optimiser on each
 * device. Blocks of steps take turns. Each block is a session of its own, so that the memory of one
 * device is not counted for another. Afterwards the results are checked (bench_check.c).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "base/random.h"
#include "bench/bench.h"
#include "engine/session.h"

enum { STEPS_LEAST = 2, STEPS_MAX = 8, OPTIMIZERS = 2 };

typedef struct cell {
    imp_settings settings;
    imp_bench_result result;
    imp_bench_lane lane; /* holds the samples; has no work function */
} cell;

typedef struct block {
    imp_bench_state *b;
    const imp_network *network;
    const imp_picture *content, *style;
    bool last;
} block;

/* ---- the arithmetic of an iteration ---- */

/* Every convolution and every style term (F F^T and D F), forward and back. flop: by the direct
 * algorithm; executed: by the device's algorithms, and one triangle of F F^T. s: NULL if there is
 * no session yet. */
static void add_work(imp_bench_result *r, const imp_network *network, const imp_session *s) {
    size_t side = r->size;
    r->flop = r->executed = 0;
    for (size_t n = 0; n < network->count; n++) {
        const imp_node *node = &network->nodes[n];
        if (node->kind == IMP_NODE_POOL) {
            side /= 2;
            continue;
        }
        const imp_conv *c = &node->conv;
        const imp_tensor x = {.c = c->in, side, side, n ? IMP_MAPS : IMP_PLANES};
        const imp_tensor y = {.c = c->out, side, side, IMP_MAPS};
        const double m = (double)(side * side), products = 2 * (double)(c->out * c->out) * m;
        r->flop += 2 * 18 * (double)(c->in * c->out) * m;
        for (int back = 0; back < 2 && s; back++)
            r->executed +=
                s->device->ops
                    ->algorithm(s->device, back ? x : y, back ? y : x, s->filters[n], back)
                    .flop;
        if (strstr(node->name, "_1")) { /* a style layer */
            r->flop += 2 * products;
            r->executed += s ? 1.5 * products : 0;
        }
    }
}

/* ---- checking ---- */

static imp_status check(imp_session *s, imp_bench_result *r, imp_error *err) {
    imp_result found;
    const imp_status status = imp_bench_check(s, &found, err);
    r->verdict = found.outcome == IMP_PASSED ? IMP_BENCH_RIGHT : IMP_BENCH_WRONG;
    r->error = found.ratio;
    snprintf(r->note, sizeof r->note, "%.255s", found.reason);
    return status;
}

/* ---- blocks ---- */

static imp_status step(imp_session *s, double *seconds, imp_error *err) {
    bool done;
    const double begin = imp_now();
    TRY(imp_session_step(s, &done, err));
    if (s->device->ops->sync(s->device) != IMP_OK)
        return imp_fail_device(err, s->device);
    *seconds = imp_now() - begin;
    if (s->recovered)
        return imp_fail(err, IMP_ERR_NUMBER, "the loss was not finite");
    return IMP_OK;
}

/* In a quick benchmark the check of Adam's session also holds for that of L-BFGS: the steps are the
 * same. */
static bool checked(const imp_bench_state *b, const cell *c) {
    return !b->options.quick || !b->options.adam || c->settings.optimizer == IMP_ADAM;
}

static imp_status run_block(const block *k, cell *c, imp_session *s, imp_error *err) {
    double seconds = 0;
    const double enough = k->b->options.quick ? 1 : 3;
    if (imp_optimizer_fill(&s->optimizer) != IMP_OK)
        return imp_fail_device(err, s->device);
    TRY(step(s, &seconds, err));
    unsigned steps = (unsigned)fmin(STEPS_MAX, fmax(STEPS_LEAST, ceil(enough / seconds)));
    if (seconds > 20)
        steps = 1;
    for (; steps > 0; steps--) {
        TRY(step(s, &seconds, err));
        imp_bench_sample(&c->lane, seconds);
    }
    c->result.host_mib = fmax(c->result.host_mib, imp_peak_mib(false));
    return k->last && checked(k->b, c) ? check(s, &c->result, err) : IMP_OK;
}

/* An error here is the device's: its lane is then no longer ready. */
static void do_block(const block *k, cell *c) {
    imp_session *s = NULL;
    imp_estimate estimate;
    imp_error *err = &c->lane.err;
    imp_peak_mib(true);
    imp_status status =
        imp_session_open(&s, k->b->devices[c->lane.device], k->network, &c->settings,
                         &(imp_sources){.content = k->content, .styles = {{k->style, 1}}}, err);
    if (status == IMP_OK) {
        imp_session_estimate(s, &estimate);
        c->result.device_mib = (double)estimate.device_bytes / 0x1p20;
        add_work(&c->result, k->network, s);
        status = run_block(k, c, s, err);
    }
    imp_session_close(s);
    c->lane.ready = status == IMP_OK;
}

/* ---- cells ---- */

static bool wanted(const imp_bench_state *b, const cell *c) {
    return c->settings.optimizer == IMP_ADAM ? b->options.adam : b->options.lbfgs;
}

static void describe(const imp_bench_state *b, const imp_network *network, cell *c, size_t device,
                     imp_optimizer optimizer, size_t size) {
    *c = (cell){.settings = *imp_preset_settings("gatys"),
                .result = {IMP_BENCH_ITERATION, "iteration", .device = device, .size = size},
                .lane = {.device = device}};
    snprintf(c->result.variant, sizeof c->result.variant, "%s",
             optimizer == IMP_ADAM ? "adam" : "lbfgs");
    c->settings.size = size;
    c->settings.optimizer = optimizer;
    c->settings.init = IMP_INIT_CONTENT;
    c->settings.convergence = 0;
    c->settings.iterations = 1 << 20;
    if (optimizer == IMP_LBFGS) /* the history is artificial, so steps must be short */
        c->settings.learning_rate = 1e-6F;
    add_work(&c->result, network, NULL);
    c->lane.ready = wanted(b, c) && !imp_bench_too_long(b, device, c->result.flop, &c->result);
}

static bool noise(imp_picture *p, size_t size, uint64_t state) {
    *p = (imp_picture){
        .width = size, .height = size, .rgb = malloc(3 * size * size * sizeof(float))};
    for (size_t i = 0; p->rgb && i < 3 * size * size; i++) {
        p->rgb[i] = imp_random_unit(&state);
    }
    return p->rgb != NULL;
}

static imp_status keep(imp_bench_state *b, cell *c) {
    if (!wanted(b, c))
        return IMP_OK;
    const imp_bench_result before = c->result;
    imp_bench_conclude(&c->result, &c->lane);
    if (c->lane.err.status == IMP_ERR_NUMBER)
        c->result.verdict = IMP_BENCH_WRONG;
    if (before.verdict == IMP_BENCH_WRONG)
        memcpy(c->result.note, before.note, sizeof before.note);
    return imp_bench_keep(b, &c->result);
}

imp_status imp_bench_iteration(imp_bench_state *b, size_t size) {
    const size_t count = OPTIMIZERS * b->report->device_count;
    const unsigned rounds = b->options.quick ? 2 : 3;
    imp_network *network = NULL;
    imp_picture content = {0}, style = {0};
    cell *cells = calloc(count + 1, sizeof *cells);
    imp_status status = imp_network_open(&network, "random-vgg19", b->err);
    if (!cells || !noise(&content, size, 1) || !noise(&style, size, 2))
        status = imp_fail(b->err, IMP_ERR_MEMORY, "bench: out of host memory");
    for (size_t i = 0; i < count && status == IMP_OK; i++)
        describe(b, network, &cells[i], i / OPTIMIZERS, i % OPTIMIZERS ? IMP_LBFGS : IMP_ADAM,
                 size);
    for (unsigned round = 0; round < rounds && status == IMP_OK; round++) {
        const block k = {b, network, &content, &style, round + 1 == rounds};
        for (size_t i = 0; i < count; i++)
            if (cells[i].lane.ready &&
                imp_bench_say(b, "iteration at %zu, %s", size, cells[i].result.variant))
                do_block(&k, &cells[i]);
    }
    for (size_t i = 0; i < count && status == IMP_OK; i++)
        status = keep(b, &cells[i]);
    imp_picture_finish(&content);
    imp_picture_finish(&style);
    imp_network_close(network);
    free(cells);
    return status;
}
