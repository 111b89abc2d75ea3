/* SPDX-License-Identifier: MIT
 *
 * The roofs of a device: multiply-adds and memory; and launches and transfers.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "device/trust.h"

enum { QUEUED = 64, TRANSFER_BYTES = 64 << 20 };

/* ---- arithmetic and memory ---- */

/* Seconds of 10^9 multiplications or additions, and of 10^9 bytes. The shortest are the roofs. */
typedef struct roofs {
    imp_bench_lane flops, bytes;
} roofs;

static void measure_once(imp_device *d, roofs *r) {
    double gflops, gbs;
    if (imp_measure_roofs(d, &gflops, &gbs) != IMP_OK) {
        imp_fail_device(&r->flops.err, d);
        return;
    }
    imp_bench_sample(&r->flops, 1 / gflops);
    imp_bench_sample(&r->bytes, 1 / gbs);
}

static double best(const imp_bench_lane *lane) {
    double least = lane->count ? lane->samples[0] : 0;
    for (unsigned i = 1; i < lane->count; i++)
        least = fmin(least, lane->samples[i]);
    return least;
}

static imp_status keep_roofs(imp_bench_state *b, size_t device, const roofs *r) {
    imp_bench_result flops = {IMP_BENCH_ROOFS, "fp32", .device = device, .flop = 1e9};
    imp_bench_result bytes = {IMP_BENCH_ROOFS, "memory", .device = device, .bytes = 1e9};
    flops.executed = flops.flop;
    if (r->flops.count)
        b->roof[device] = (imp_bench_roof){1e9 / best(&r->flops), 1e9 / best(&r->bytes)};
    b->report->devices[device].info.gflops = 1e-9 * b->roof[device].flops;
    b->report->devices[device].info.gbs = 1e-9 * b->roof[device].bytes;
    if (!(b->options.parts & IMP_BENCH_ROOFS))
        return IMP_OK;
    imp_bench_conclude(&flops, &r->flops);
    imp_bench_conclude(&bytes, &r->bytes);
    TRY(imp_bench_keep(b, &flops));
    return imp_bench_keep(b, &bytes);
}

static imp_status arithmetic(imp_bench_state *b) {
    const size_t count = b->report->device_count, rounds = b->options.quick ? 3 : 7;
    roofs *r = calloc(count + 1, sizeof *r);
    imp_status status = IMP_OK;
    if (!r)
        return imp_fail(b->err, IMP_ERR_MEMORY, "bench: out of host memory");
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            measure_once(b->devices[i], &r[i]);
    for (size_t i = 0; i < count && status == IMP_OK; i++)
        status = keep_roofs(b, i, &r[i]);
    free(r);
    return status;
}

/* How much slower than at the beginning; the best of several, to leave out noise. */
void imp_bench_fall(imp_bench_state *b) {
    if (!imp_bench_say(b, "roofs, again"))
        return;
    for (size_t i = 0; i < b->report->device_count; i++) {
        roofs r = {0};
        for (size_t round = 0; round < 3; round++)
            measure_once(b->devices[i], &r);
        if (r.flops.count && b->roof[i].flops > 0)
            b->report->devices[i].fall = fmax(0, 1 - 1e9 / best(&r.flops) / b->roof[i].flops);
    }
}

/* ---- launches and transfers ---- */

typedef struct transfer {
    imp_device *device;
    imp_tensor small, large;
    float *host;
} transfer;

static imp_status finished(const transfer *j, imp_status status, imp_error *err) {
    if (status == IMP_OK)
        status = j->device->ops->sync(j->device);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, j->device);
}

static imp_status launch(void *context, imp_error *err) {
    const transfer *j = context;
    return finished(j, j->device->ops->fill(j->device, j->small, 1), err);
}

static imp_status launch_many(void *context, imp_error *err) {
    const transfer *j = context;
    imp_status status = IMP_OK;
    for (int i = 0; i < QUEUED && status == IMP_OK; i++)
        status = j->device->ops->fill(j->device, j->small, 1);
    return finished(j, status, err);
}

static imp_status send(void *context, imp_error *err) {
    const transfer *j = context;
    return finished(j, j->device->ops->write(j->device, j->large, j->host), err);
}

static imp_status fetch(void *context, imp_error *err) {
    const transfer *j = context;
    return finished(j, j->device->ops->read(j->device, j->host, j->large), err);
}

static bool open_transfer(transfer *j, imp_device *d, float *host, size_t floats) {
    *j = (transfer){.device = d, .host = host};
    imp_memory *memory = NULL;
    j->small = (imp_tensor){.c = 1, .h = 1, .w = 1, .layout = IMP_PLANES};
    j->large = (imp_tensor){.c = 16, .h = 1, .w = floats / 16, .layout = IMP_PLANES};
    const size_t end = d->ops->place(d, &j->large, d->ops->place(d, &j->small, 0));
    if (end == SIZE_MAX || d->ops->alloc(d, &memory, end) != IMP_OK) {
        d->error = (imp_error){0};
        return false;
    }
    j->small.memory = j->large.memory = memory;
    return true;
}

enum { LANES = 4 };
static const struct {
    const char *name, *variant;
    imp_status (*work)(void *context, imp_error *err);
    unsigned counts;
    double bytes;
} transfers[LANES] = {{"launch", "awaited", launch, 1, 0},
                      {"launch", "queued", launch_many, QUEUED, 0},
                      {"transfer", "to device", send, 1, TRANSFER_BYTES},
                      {"transfer", "from device", fetch, 1, TRANSFER_BYTES}};

static imp_status keep_transfers(imp_bench_state *b, const imp_bench_lane *lanes) {
    for (size_t i = 0; i < b->report->device_count * LANES; i++) {
        imp_bench_result r = {IMP_BENCH_ROOFS, .device = lanes[i].device};
        snprintf(r.name, sizeof r.name, "%s", transfers[i % LANES].name);
        snprintf(r.variant, sizeof r.variant, "%s", transfers[i % LANES].variant);
        r.bytes = transfers[i % LANES].bytes;
        imp_bench_conclude(&r, &lanes[i]);
        TRY(imp_bench_keep(b, &r));
    }
    return IMP_OK;
}

static imp_status measure_transfers(imp_bench_state *b) {
    const size_t count = b->report->device_count;
    transfer *j = calloc(count + 1, sizeof *j);
    imp_bench_lane *lanes = calloc(count * LANES + 1, sizeof *lanes);
    float *host = calloc(1, TRANSFER_BYTES);
    imp_status status = IMP_OK;
    if (!j || !lanes || !host) {
        status = imp_fail(b->err, IMP_ERR_MEMORY, "bench: out of host memory");
        goto done;
    }
    for (size_t i = 0; i < count * LANES; i++)
        lanes[i] = (imp_bench_lane){
            .device = i / LANES,
            .work = transfers[i % LANES].work,
            .context = &j[i / LANES],
            .ready = i % LANES ? lanes[i - 1].ready
                               : open_transfer(&j[i / LANES], b->devices[i / LANES], host,
                                               TRANSFER_BYTES / sizeof *host),
            .counts = transfers[i % LANES].counts};
    imp_bench_time(lanes, count * LANES, b->options.quick);
    status = keep_transfers(b, lanes);
    for (size_t i = 0; i < count; i++)
        b->devices[i]->ops->release(b->devices[i], j[i].small.memory);
done:
    free(j);
    free(lanes);
    free(host);
    return status;
}

imp_status imp_bench_roofs(imp_bench_state *b) {
    if (!imp_bench_say(b, "roofs"))
        return IMP_OK;
    TRY(arithmetic(b));
    return b->options.parts & IMP_BENCH_ROOFS ? measure_transfers(b) : IMP_OK;
}
