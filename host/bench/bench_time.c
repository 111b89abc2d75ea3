/* SPDX-License-Identifier: MIT
 *
 * Timing: in turns, several samples, with their spread.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "bench/bench.h"

/* How long a lane is measured. */
static const struct pace {
    unsigned samples;
    double sample;   /* shortest sample, in seconds */
    double all;      /* seconds of all samples, about, without the first */
    double patience; /* seconds; what takes longer is not repeated */
} thorough = {9, 0.02, 2, 20}, brisk = {5, 0.002, 0.3, 3};

/* ---- statistics ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double imp_bench_median(const double *values, size_t count) {
    double sorted[IMP_BENCH_SAMPLES];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    if (count == 0)
        return 0;
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* 1.4826 times the median distance from the median (Rousseeuw and Croux 1993). */
static double spread_of(const double *values, size_t count) {
    const double median = imp_bench_median(values, count);
    double distances[IMP_BENCH_SAMPLES];
    for (size_t i = 0; i < count; i++)
        distances[i] = fabs(values[i] - median);
    return 1.4826 * imp_bench_median(distances, count);
}

static double drift_of(const double *values, size_t count) {
    const size_t third = count / 3;
    if (third < 2)
        return 0;
    return imp_bench_median(values + count - third, third) / imp_bench_median(values, third);
}

void imp_bench_conclude(imp_bench_result *result, const imp_bench_lane *lane) {
    result->samples = lane->count;
    result->seconds = imp_bench_median(lane->samples, lane->count);
    result->spread = spread_of(lane->samples, lane->count);
    result->drift = drift_of(lane->samples, lane->count);
    if (lane->err.status != IMP_OK) {
        result->samples = 0;
        result->seconds = result->spread = 0;
        snprintf(result->note, sizeof result->note, "%.255s", lane->err.text);
    }
}

/* ---- lanes ---- */

void imp_bench_sample(imp_bench_lane *lane, double seconds) {
    if (lane->count < IMP_BENCH_SAMPLES)
        lane->samples[lane->count++] = seconds;
}

/* Seconds of one run, the mean of `runs` in a row. */
static double run(imp_bench_lane *lane, unsigned runs) {
    const double begin = imp_now();
    for (unsigned i = 0; i < runs && lane->ready; i++)
        lane->ready = lane->work(lane->context, &lane->err) == IMP_OK;
    return (imp_now() - begin) / runs;
}

/* The first run may compile. The second decides how many runs make a sample. */
static unsigned warm(imp_bench_lane *lane, const struct pace *pace) {
    const unsigned most = 1 << 12;
    const double first = run(lane, 1);
    const double second = first > pace->patience ? first : run(lane, 1);
    if (lane->ready && second > pace->patience) {
        imp_bench_sample(lane, second / (lane->counts ? lane->counts : 1));
        return 0;
    }
    return (unsigned)fmin(most, fmax(1, ceil(pace->sample / fmax(second, 1e-9))));
}

void imp_bench_time(imp_bench_lane *lanes, size_t count, bool quick) {
    const struct pace *pace = quick ? &brisk : &thorough;
    unsigned *runs = calloc(count, sizeof *runs);
    double *spent = calloc(count, sizeof *spent);
    for (size_t i = 0; i < count && runs && spent; i++)
        runs[i] = lanes[i].ready ? warm(&lanes[i], pace) : 0;
    for (unsigned sample = 0; sample < pace->samples && runs && spent; sample++)
        for (size_t i = 0; i < count; i++) {
            imp_bench_lane *lane = &lanes[i];
            if (!lane->ready || !runs[i] || (sample > 1 && spent[i] > pace->all))
                continue;
            const double seconds = run(lane, runs[i]);
            spent[i] += seconds * runs[i];
            if (lane->ready)
                imp_bench_sample(lane, seconds / (lane->counts ? lane->counts : 1));
        }
    free(runs);
    free(spent);
}
