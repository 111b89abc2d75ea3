/* SPDX-License-Identifier: MIT
 *
 * Every operation of the device that IMPASTO_TEST_DEVICE names, against the oracle, over the table
 * of cases up to IMPASTO_TEST_SCALE. Prints how many cases each operation passed and how much of
 * its bound the worst result took.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "helpers.h"

static uint64_t seed_of(size_t i) {
    const char *seed = getenv("IMPASTO_TEST_SEED");
    return (seed ? strtoull(seed, NULL, 10) : 1) * 1000003 + i;
}

static int open_device(void **state) {
    *state = test_device_open();
    if (!*state)
        return -1;
    const imp_device_info *info = &((imp_device *)*state)->info;
    print_message("device: %s, %s, %s, %s\n", info->name, info->vendor, info->platform,
                  info->driver);
    return 0;
}

static int close_device(void **state) {
    imp_device *d = *state;
    if (d)
        d->ops->close(d);
    return 0;
}

/* ---- the table of operations ---- */

typedef void (*function)(void);

/* Fails if a required slot is empty, or if a slot is the oracle's on another device: the operation
 * then did not run where it was said to. */
static void check_slot(const imp_device *d, const char *name, bool required, function slot,
                       function oracle) {
    if (required && !slot)
        fail_msg("slot '%s' is empty", name);
    if (d->ops != &imp_oracle_ops && slot && slot == oracle)
        fail_msg("slot '%s' is the oracle's", name);
}

static void every_slot_is_the_devices_own(void **state) {
    const imp_device *d = *state;
#define CHECK(name, required)                                                                      \
    check_slot(d, #name, required, (function)d->ops->name, (function)imp_oracle_ops.name);
#define SLOT(type, name, device, parameters)          CHECK(name, true)
#define SLOT_OPTIONAL(type, name, device, parameters) CHECK(name, false)
#define OP_OPTIONAL(name, parameters)                 CHECK(name, false)
#include "backend/operations.def"
}

static void the_self_test_passes(void **state) {
    char reason[512] = "";
    if (test_level() == IMP_LEVEL_TINY) /* its cases are not */
        skip();
    if (imp_selftest(*state, reason, sizeof reason) != IMP_OK)
        fail_msg("%s", reason);
}

/* ---- the cases ---- */

typedef struct tally {
    size_t passed, failed, skipped;
    double ratio;
} tally;

static void run_case(tally *t, imp_device *d, size_t i, size_t origin) {
    const imp_case c = imp_case_at(i);
    imp_result result;
    char name[128];
    imp_case_name(&c, name, sizeof name);
    assert_int_equal(imp_case_run(&c, d, seed_of(i), origin, &result), IMP_OK);
    if (result.outcome == IMP_SKIPPED) {
        t->skipped++;
        return;
    }
    t->ratio = fmax(t->ratio, result.ratio);
    if (result.outcome == IMP_PASSED) {
        t->passed++;
        return;
    }
    if (t->failed++ < 20)
        print_error("%s: %s\n", name, result.reason);
}

static void report(const char *what, const tally *t) {
    print_message("%-12s %4zu passed %3zu failed %3zu skipped, worst at %.3f of its bound\n", what,
                  t->passed, t->failed, t->skipped, t->ratio);
    assert_int_equal(t->failed, 0);
    assert_true(t->passed > 0);
    if (test_level() < IMP_LEVEL_FULL && !getenv("IMPASTO_MAX_ALLOC"))
        assert_int_equal(t->skipped, 0);
}

/* Whether the backend counts what it launches for an operation. */
static bool counts(const imp_device *d, imp_op op) {
    return d->backend->launches && op != IMP_OP_copy;
}

static uint64_t launches(const imp_device *d, imp_op op) {
    return counts(d, op) ? d->backend->launches(d, imp_op_name(op)) : 0;
}

static void run_operation(imp_device *d, imp_op op) {
    const uint64_t before = launches(d, op);
    tally t = {0};
    for (size_t i = 0; i < imp_case_count(); i++) {
        const imp_case c = imp_case_at(i);
        if (c.op == op && c.level <= test_level())
            run_case(&t, d, i, 0);
    }
    report(imp_op_name(op), &t);
    if (counts(d, op))
        assert_true(launches(d, op) - before >= t.passed);
}

/* One test for each operation, so that a report names it. */
static void copy(void **state) {
    run_operation(*state, IMP_OP_copy);
}
#define OP(name, parameters)                                                                       \
    static void name(void **state) {                                                               \
        run_operation(*state, IMP_OP_##name);                                                      \
    }
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"

/* ---- filters of half precision ---- */

enum { HALVES_C = 64, HALVES_SIDE = 32, HALVES_MAP = HALVES_C * HALVES_SIDE * HALVES_SIDE };

/* Convolves values in place. Returns the bytes of the filters, or 0 if Winograd's algorithm is not
 * used. */
static size_t convolve(imp_device *d, float *values, const float *weights, bool half) {
    const imp_conv conv = {HALVES_C, HALVES_C, 3, 1, 1, 1, IMP_PAD_ZERO, false, half};
    imp_tensor x = {.c = HALVES_C, .h = HALVES_SIDE, .w = HALVES_SIDE, .layout = IMP_MAPS}, y = x;
    imp_memory *memory = NULL;
    imp_filter *filter = NULL;
    size_t bytes = 0, work;
    assert_int_equal(d->ops->alloc(d, &memory, d->ops->place(d, &y, d->ops->place(d, &x, 0))),
                     IMP_OK);
    x.memory = y.memory = memory;
    assert_int_equal(d->ops->filter_open(d, &filter, &conv, weights, NULL), IMP_OK);
    if (d->ops->winograd && d->ops->winograd(d, y, x, filter, false)) {
        d->ops->workspace(d, y, x, filter, false, &bytes, &work);
        assert_int_equal(d->ops->write(d, x, values), IMP_OK);
        assert_int_equal(d->ops->conv(d, y, x, filter), IMP_OK);
        assert_int_equal(d->ops->read(d, values, y), IMP_OK);
    }
    d->ops->filter_close(d, filter);
    d->ops->release(d, memory);
    return bytes;
}

/* Convolves positive inputs with positive weights up to `scale`, with filters of both precisions.
 * Returns by how much the sum of the outputs is larger in half precision, relatively; NaN if
 * Winograd's algorithm is not used. */
static double excess_of_halves(imp_device *d, float scale) {
    enum { FILTERS = HALVES_C * HALVES_C * 9 };
    float *values = malloc((2 * HALVES_MAP + FILTERS) * sizeof *values);
    float *copy = values + HALVES_MAP, *weights = copy + HALVES_MAP;
    uint64_t seed = 1;
    double sum = 0, more = 0;
    assert_non_null(values);
    test_random(values, HALVES_MAP, 20, &seed);
    test_random(weights, FILTERS, 20, &seed);
    for (size_t i = 0; i < HALVES_MAP; i++)
        copy[i] = values[i] = fabsf(values[i]);
    for (size_t i = 0; i < FILTERS; i++)
        weights[i] = scale * fabsf(weights[i]);
    const size_t whole = convolve(d, values, weights, false);
    assert_int_equal(whole, 2 * convolve(d, copy, weights, true));
    for (size_t i = 0; i < HALVES_MAP; i++) {
        assert_true(isfinite(copy[i]));
        sum += values[i];
        more += (double)copy[i] - values[i];
    }
    free(values);
    return whole > 0 ? more / sum : NAN;
}

/* Halves take half the memory and are rounded to nearest: truncated, they would be 3e-4 too small
 * on average. Far below 2^-14 they are whole multiples of 2^-24, not 0. The largest become 65504.
 */
static void halves_are_the_nearest(void **state) {
    imp_device *d = *state;
    if (test_level() == IMP_LEVEL_TINY) /* too large for an interpreter */
        skip();
    const double normal = excess_of_halves(d, 1), small = excess_of_halves(d, 1e-5F);
    if (isnan(normal))
        skip();
    if (fabs(normal) > 1e-4 || fabs(small) > 1e-2)
        fail_msg("halves are %g and %g too large", normal, small);
    assert_true(excess_of_halves(d, 1e6F) < -.5);
}

/* ---- convolution fused with pooling ---- */

/* A device fuses all cases or none; cpu fuses all. */
static void fused_with_pooling(void **state) {
    imp_device *d = *state;
    const bool tiny = test_level() == IMP_LEVEL_TINY;
    imp_result result;
    tally t = {0};
    for (size_t i = 0; i < imp_fused_count(); i++) {
        char name[128];
        if (tiny && !imp_fused_quick(i))
            continue;
        imp_fused_name(i, name, sizeof name);
        assert_int_equal(imp_fused_run(i, d, &result), IMP_OK);
        t.passed += result.outcome == IMP_PASSED;
        t.skipped += result.outcome == IMP_SKIPPED;
        if (result.outcome == IMP_FAILED && t.failed++ < 20)
            print_error("%s: %s\n", name, result.reason);
    }
    if (t.passed + t.failed == 0 && strcmp(d->info.backend, "cpu") != 0)
        skip();
    report("fused", &t);
}

/* Tensors that begin a page before address 2^32 and cross it. */
static void beyond_4_gib(void **state) {
    imp_device *d = *state;
    const uint64_t gib = (uint64_t)1 << 30;
    if (test_level() != IMP_LEVEL_FULL)
        skip();
    if (sizeof(size_t) < 8 || (d->info.memory_bytes != 0 && d->info.memory_bytes < 6 * gib)) {
        print_message("skipped: less than 6 GiB of memory on the device\n");
        skip();
    }
    tally t = {0};
    for (size_t i = 0; i < imp_case_count(); i++)
        if (imp_case_at(i).quick)
            run_case(&t, d, i, (size_t)(4 * gib - 4096));
    report("beyond 4 GiB", &t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_the_devices_own), cmocka_unit_test(copy),
#define OP(name, parameters) cmocka_unit_test(name),
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
        cmocka_unit_test(halves_are_the_nearest),        cmocka_unit_test(fused_with_pooling),
        cmocka_unit_test(the_self_test_passes),          cmocka_unit_test(beyond_4_gib),
    };
    return cmocka_run_group_tests_name("operations", tests, open_device, close_device);
}
