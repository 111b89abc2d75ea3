/* SPDX-License-Identifier: MIT
 *
 * The roofs of the cpu device: multiply-adds and a copy, by all threads.
 */
#include <string.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "cpu/cpu.h"
#include "cpu/native.h"

enum { COPY_FLOATS = 16 << 20, PIECE = 1 << 16, CHUNKS = 4, TRIES = 3 }; /* chunks: for a worker */
static const double SECONDS = 0.01; /* the least that a timed run takes */

struct roof {
    imp_native *n;
    size_t turns;
    float *to, *from;
};

static void multiply_chunk(void *context, size_t chunk, unsigned worker) {
    const struct roof *r = context;
    (void)chunk;
    r->n->kernels->measure->multiply(imp_native_space(r->n, worker), 0.5F, r->turns);
}

static void copy_chunk(void *context, size_t chunk, unsigned worker) {
    const struct roof *r = context;
    (void)worker;
    memcpy(r->to + chunk * PIECE, r->from + chunk * PIECE, PIECE * sizeof *r->to);
}

/* The best of TRIES runs. */
static double best_seconds(struct roof *r, size_t chunks, imp_work work) {
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double begin = imp_now();
        imp_threads_run(r->n->threads, chunks, work, r);
        const double seconds = imp_now() - begin;
        if (i == 0 || seconds < best)
            best = seconds;
    }
    return best;
}

static double measure_flops(struct roof *r) {
    const size_t chunks = CHUNKS * (size_t)imp_threads_count(r->n->threads);
    double seconds = 0;
    for (r->turns = 1 << 10; r->turns < (size_t)1 << 40; r->turns *= 2)
        if ((seconds = best_seconds(r, chunks, multiply_chunk)) >= SECONDS)
            break;
    return (double)(chunks * r->n->kernels->measure->flop * r->turns) / seconds;
}

imp_status imp_cpu_measure(imp_device *device, double *gflops, double *gbs) {
    imp_native *n = imp_native_of(device);
    imp_tensor t = {.c = 2, .h = 1, .w = COPY_FLOATS, .layout = IMP_PLANES};
    struct roof r = {.n = n};
    *gflops = *gbs = 0;
    TRY(imp_native_reserve(n, IMP_BLOCK));
    TRY(device->ops->alloc(device, &t.memory, imp_native_count(t) * sizeof(float)));
    r.from = imp_native_floats(t);
    r.to = r.from + COPY_FLOATS;
    memset(r.from, 0, imp_native_count(t) * sizeof(float)); /* has every page handed out */
    *gflops = 1e-9 * measure_flops(&r);
    *gbs = 2e-9 * COPY_FLOATS * sizeof(float) / best_seconds(&r, COPY_FLOATS / PIECE, copy_chunk);
    device->ops->release(device, t.memory);
    return IMP_OK;
}
