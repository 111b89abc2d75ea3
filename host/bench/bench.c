/* SPDX-License-Identifier: MIT
 *
 * The benchmark of devices: its parts in order, the list of results, the score.
 */
#include "bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "device/trust.h"
#include "engine/settings.h"

enum { SCORE_SIZE = 512 };

bool imp_bench_say(imp_bench_state *b, const char *format, ...) {
    char line[128];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (!b->stopped && b->options.progress)
        b->stopped = !b->options.progress(b->options.user, line);
    return !b->stopped;
}

/* Estimated from what imp_measure_seconds measures: 3 x 3 convolutions of 64 channels at 128 x 128
 * and of 256 at 32 x 32, forward and back, and Gram matrices. */
bool imp_bench_too_long(const imp_bench_state *b, size_t device, double flop,
                        imp_bench_result *result) {
    const double piece = 2.0 * 2 * 2 * 9 * 64 * 64 * 128 * 128 + 2.0 * 64 * 64 * 128 * 128 +
                         2.0 * 256 * 256 * 32 * 32;
    const double seconds = b->devices[device]->info.seconds * flop / piece;
    const double patience = b->options.quick ? 10 : 120;
    if (seconds <= patience)
        return false;
    snprintf(result->note, sizeof result->note,
             "would take about %.0f s each time; choose a smaller size", seconds);
    return true;
}

/* ---- results ---- */

/* The share of the roof that the result is nearer to. */
static double share_of(const imp_bench_result *r, const imp_bench_roof *roof) {
    double share = 0;
    if (r->seconds > 0 && roof->flops > 0)
        share = r->executed / r->seconds / roof->flops;
    if (r->seconds > 0 && roof->bytes > 0)
        share = fmax(share, r->bytes / r->seconds / roof->bytes);
    return share;
}

imp_status imp_bench_keep(imp_bench_state *b, imp_bench_result *result) {
    imp_bench_report *const report = b->report;
    const size_t n = report->result_count;
    if ((n & (n - 1)) == 0) { /* the array is full at every power of two */
        imp_bench_result *more = realloc(report->results, (n ? 2 * n : 1) * sizeof *more);
        if (!more)
            return imp_fail(b->err, IMP_ERR_MEMORY, "bench: out of host memory");
        report->results = more;
    }
    if (result->part != IMP_BENCH_ROOFS)
        result->roof = share_of(result, &b->roof[result->device]);
    report->results[report->result_count++] = *result;
    return IMP_OK;
}

void imp_bench_finish(imp_bench_report *report) {
    free(report->devices);
    free(report->results);
    *report = (imp_bench_report){0};
}

/* ---- the score ---- */

static const imp_bench_result *first_wrong(const imp_bench_report *report, size_t device) {
    for (size_t i = 0; i < report->result_count; i++)
        if (report->results[i].device == device && report->results[i].verdict == IMP_BENCH_WRONG)
            return &report->results[i];
    return NULL;
}

static const imp_bench_result *scored(const imp_bench_report *report, size_t device) {
    for (size_t i = 0; i < report->result_count; i++) {
        const imp_bench_result *r = &report->results[i];
        if (r->device == device && r->part == IMP_BENCH_ITERATION && r->size == SCORE_SIZE &&
            strcmp(r->variant, "adam") == 0)
            return r;
    }
    return NULL;
}

/* Only a device that was right in everything, including the iteration, gets a score. */
static void score(const imp_bench_report *report, size_t device) {
    imp_bench_device *d = &report->devices[device];
    const imp_bench_result *wrong = first_wrong(report, device), *r = scored(report, device);
    if (wrong)
        snprintf(d->note, sizeof d->note, "no score, because it is wrong: %s %s: %.160s",
                 wrong->name, wrong->variant, wrong->note);
    else if (!r)
        snprintf(d->note, sizeof d->note,
                 "no score: the iteration at 512 with adam was not measured");
    else if (r->samples == 0 || r->verdict != IMP_BENCH_RIGHT)
        snprintf(d->note, sizeof d->note, "no score: %.230s", r->note);
    else
        d->score = 1 / r->seconds;
}

/* ---- the whole benchmark ---- */

static void usual_values(imp_bench_options *o) {
    if (!o->parts)
        o->parts = IMP_BENCH_ALL;
    if (!o->adam && !o->lbfgs)
        o->adam = o->lbfgs = true;
}

/* The iteration at all sizes. A quick benchmark without given sizes: at two sizes, with both
 * optimisers only at the first. */
static imp_status measure_iterations(imp_bench_state *b, const size_t *sizes, bool given) {
    const bool brief = b->options.quick && !given, both = b->options.adam && b->options.lbfgs;
    const size_t most = brief ? 2 : IMP_BENCH_SIZES;
    for (size_t i = 0; i < most && sizes[i]; i++) {
        if (brief && both && i > 0)
            b->options.lbfgs = false;
        TRY(imp_bench_iteration(b, sizes[i]));
    }
    return IMP_OK;
}

static imp_status measure_layers(imp_bench_state *b, size_t size) {
    if (b->options.parts & IMP_BENCH_LAYERS)
        TRY(imp_bench_layers(b, size));
    return b->options.parts & IMP_BENCH_OPERATIONS ? imp_bench_operations(b, size) : IMP_OK;
}

static imp_status measure(imp_bench_state *b) {
    static const size_t usual[IMP_BENCH_SIZES] = {256, 512, 1024};
    const bool quick = b->options.quick, given = b->options.sizes[0] != 0;
    const size_t *sizes = given ? b->options.sizes : usual;
    TRY(imp_bench_roofs(b));
    if (!given)
        TRY(measure_layers(b, quick ? 256 : 512));
    for (size_t i = 0; given && i < IMP_BENCH_SIZES && sizes[i]; i++)
        TRY(measure_layers(b, sizes[i]));
    if (b->options.parts & IMP_BENCH_PRODUCTS && !quick)
        TRY(imp_bench_products(b));
    if (b->options.parts & IMP_BENCH_ITERATION)
        TRY(measure_iterations(b, sizes, given));
    imp_bench_fall(b);
    return IMP_OK;
}

static imp_status check_options(const imp_bench_options *o, imp_error *err) {
    if (o->parts & ~(unsigned)IMP_BENCH_ALL)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "bench: invalid parts 0x%x; expected a sum of imp_bench_part", o->parts);
    for (size_t i = 0; i < IMP_BENCH_SIZES; i++)
        if (o->sizes[i] > IMP_SIDE_MAX)
            return imp_fail(err, IMP_ERR_ARGUMENT, "bench: invalid size %zu; expected at most %d",
                            o->sizes[i], IMP_SIDE_MAX);
    return IMP_OK;
}

imp_status imp_bench(imp_bench_report *out, imp_device *const *devices, size_t count,
                     const imp_bench_options *options, imp_error *err) {
    static const imp_bench_options usual = {0};
    imp_bench_state b = {.report = out,
                         .devices = devices,
                         .options = options ? *options : usual,
                         .err = err,
                         .half = count > 0 && devices[0]->options.precision == IMP_FP16,
                         .roof = calloc(count + 1, sizeof *b.roof)};
    imp_status status = check_options(&b.options, err);
    *out = (imp_bench_report){.devices = calloc(count + 1, sizeof *out->devices),
                              .device_count = count};
    usual_values(&b.options);
    if (status == IMP_OK && (!b.roof || !out->devices))
        status = imp_fail(err, IMP_ERR_MEMORY, "bench: out of host memory");
    for (size_t i = 0; i < count && status == IMP_OK; i++) {
        out->devices[i].info = devices[i]->info;
        out->devices[i].precision = devices[i]->options.precision;
        if (out->devices[i].precision != out->devices[0].precision)
            status = imp_fail(err, IMP_ERR_ARGUMENT,
                              "bench: devices of different precision cannot be compared");
        if (devices[i]->backend->role == IMP_BACKEND_REFERENCE)
            status = imp_fail(err, IMP_ERR_ARGUMENT,
                              "bench: the oracle is the reference and cannot be measured");
    }
    if (status == IMP_OK)
        status = measure(&b);
    for (size_t i = 0; i < count && status == IMP_OK; i++)
        score(out, i);
    if (status == IMP_OK && b.stopped)
        status = imp_fail(err, IMP_ERR_STOPPED, "bench: stopped by its callback");
    free(b.roof);
    return status;
}
