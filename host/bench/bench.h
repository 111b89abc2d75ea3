/* SPDX-License-Identifier: MIT
 *
 * What the parts of the benchmark share. Every part measures all devices in turns, so that whatever
 * slows the machine for a while slows all devices alike.
 */
#ifndef IMP_BENCH_H
#define IMP_BENCH_H

#include "engine/session.h"
#include "selftest/cases.h"

typedef struct imp_bench_state {
    imp_bench_report *report;    /* borrowed, like devices and err */
    imp_device *const *devices;  /* report->device_count of them */
    imp_bench_options options;   /* with defaults filled in */
    imp_error *err;              /* of the whole benchmark: host memory */
    bool half;                   /* the devices' precision */
    bool stopped;                /* the progress callback asked for it */
    struct imp_bench_roof *roof; /* by device; owned */
} imp_bench_state;

/* The roofs of a device, measured at the beginning; 0: unknown. */
typedef struct imp_bench_roof {
    double flops, bytes; /* a second */
} imp_bench_roof;

/* One thing that is timed on one device. */
enum { IMP_BENCH_SAMPLES = 64 };
typedef struct imp_bench_lane {
    size_t device;
    imp_status (*work)(void *context, imp_error *err); /* returns when it is done */
    void *context;
    bool ready;      /* is timed; becomes false when the work fails, as err says */
    unsigned counts; /* repetitions in one call of work; 0 means 1 */
    double samples[IMP_BENCH_SAMPLES]; /* seconds of one repetition */
    unsigned count;
    imp_error err;
} imp_bench_lane;

/* Times the lanes in turns: after a warm-up, several samples of each. */
void imp_bench_time(imp_bench_lane *lanes, size_t count, bool quick);
void imp_bench_sample(imp_bench_lane *lane, double seconds);
/* Fills in seconds, spread, samples, drift, and the note of a failure. */
void imp_bench_conclude(imp_bench_result *result, const imp_bench_lane *lane);

double imp_bench_median(const double *values, size_t count);

/* Reports what is being measured; false: the benchmark is to stop. */
__attribute__((format(printf, 2, 3))) bool imp_bench_say(imp_bench_state *b, const char *format,
                                                         ...);

/* Whether so many operations take too long on a device; if so, the note says it. */
bool imp_bench_too_long(const imp_bench_state *b, size_t device, double flop,
                        imp_bench_result *result);

/* Fills in the share of the roof and adds the result to the report. IMP_ERR_MEMORY. */
imp_status imp_bench_keep(imp_bench_state *b, imp_bench_result *result);

/* Runs the steps of a session's iteration again and compares the outputs of its convolutions with
 * the oracle; fused steps also with the separate ones. */
imp_status imp_bench_check(imp_session *s, imp_result *found, imp_error *err);

/* The parts. A status other than IMP_OK ends the benchmark. */
imp_status imp_bench_roofs(imp_bench_state *b);
void imp_bench_fall(imp_bench_state *b); /* the roofs again, at the end */
imp_status imp_bench_layers(imp_bench_state *b, size_t size);
imp_status imp_bench_operations(imp_bench_state *b, size_t size);
imp_status imp_bench_products(imp_bench_state *b);
imp_status imp_bench_iteration(imp_bench_state *b, size_t size);

#endif
