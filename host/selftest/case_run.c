/* SPDX-License-Identifier: MIT
 *
 * A case on a device, compared with the oracle; and the self-test, which runs the quick cases.
 */
#include <math.h>

#include "cpu/cpu.h"
#include "selftest/outputs.h"

static imp_status fail_result(imp_result *out, const char *reason) {
    out->outcome = IMP_FAILED;
    out->ratio = INFINITY;
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    return IMP_OK;
}

/* The algorithm that a case is run with: 0 for the device's own choice, else one of those that
 * algorithm_name of backend/operations.def numbers. */
typedef struct selection {
    unsigned algorithm;
    bool exists;
} selection;

/* *harmed: an operand that was written to but must not be, or NULL. */
static imp_status launch_case(imp_outputs *r, const imp_operands *t, imp_device *d, size_t origin,
                              selection *by, bool *fits, const char **harmed, imp_error *err) {
    imp_launch launch;
    const bool inputs = t->c.level != IMP_LEVEL_FULL;
    imp_status status = imp_launch_open(&launch, t, d, origin, fits, err);
    by->exists =
        status != IMP_OK || by->algorithm == 0 || imp_launch_algorithm_name(&launch, by->algorithm);
    if (status == IMP_OK && *fits && by->exists) {
        if (by->algorithm > 0)
            imp_launch_choose(&launch, by->algorithm);
        status = imp_launch_start(&launch, err);
        if (status == IMP_OK)
            status = imp_outputs_read(r, &launch, err);
        if (status == IMP_OK)
            status = imp_launch_intact(&launch, inputs, harmed, err);
    }
    imp_launch_close(&launch);
    return status;
}

/* After the launch: err holds the device's failure, if any. */
static imp_status conclude(imp_check *k, imp_operands *t, const imp_outputs *got,
                           const char *harmed, imp_error *err) {
    const bool windowed = t->c.level == IMP_LEVEL_FULL && t->weights;
    if (err->status != IMP_OK) {
        k->out->error = err->status;
        return fail_result(k->out, err->text);
    }
    if (harmed) {
        fail_result(k->out, "");
        snprintf(k->out->reason, sizeof k->out->reason, "wrote to %s, or past its end", harmed);
        return IMP_OK;
    }
    return windowed ? imp_compare_windows(k, got, 5, 0x1p24, err) : imp_compare(k, t, got, err);
}

static imp_status run_by(const imp_case *c, imp_device *device, uint64_t seed, size_t origin,
                         selection *by, imp_result *out) {
    imp_error err = {0};
    imp_operands operands = {0};
    imp_outputs got = {0};
    bool fits = true;
    const char *harmed = NULL;
    imp_check k = {&operands, NULL, seed, out};
    *out = (imp_result){.outcome = IMP_PASSED};
    imp_status status = imp_oracle_open(&k.oracle, NULL, &err);
    if (status == IMP_OK)
        status = imp_operands_init(&operands, c, seed, &err);
    if (status != IMP_OK)
        goto done;
    launch_case(&got, &operands, device, origin, by, &fits, &harmed, &err);
    if (fits && by->exists) {
        status = conclude(&k, &operands, &got, harmed, &err);
    } else if (by->exists) {
        out->outcome = IMP_SKIPPED;
        snprintf(out->reason, sizeof out->reason,
                 "larger than the device's memory or its largest allocation");
    }
done:
    imp_outputs_finish(&got);
    imp_operands_finish(&operands);
    if (k.oracle)
        k.oracle->ops->close(k.oracle);
    return status;
}

imp_status imp_case_run(const imp_case *c, imp_device *device, uint64_t seed, size_t origin,
                        imp_result *out) {
    const size_t algorithm_choices = device->algorithm_choice_count;
    selection by = {0, true};
    imp_status status = run_by(c, device, seed, origin, &by, out);
    for (by.algorithm = 1; c->every_algorithm && by.exists && by.algorithm <= IMP_ALGORITHMS_MAX &&
                           status == IMP_OK && out->outcome == IMP_PASSED;
         by.algorithm++) {
        imp_result result;
        status = run_by(c, device, seed, origin, &by, &result);
        if (result.outcome != IMP_PASSED || result.ratio > out->ratio)
            *out = result;
        device->algorithm_choice_count = algorithm_choices;
    }
    return status;
}

static imp_status test_fused(imp_device *device, char *reason, size_t size) {
    imp_result result;
    char name[96];
    for (size_t i = 0; i < imp_fused_count(); i++) {
        if (!imp_fused_quick(i))
            continue;
        imp_device_step(&device->options);
        TRY(imp_fused_run(i, device, &result));
        if (result.outcome != IMP_FAILED)
            continue;
        imp_fused_name(i, name, sizeof name);
        snprintf(reason, size, "%s: %s", name, result.reason);
        return result.error ? result.error : IMP_ERR_NUMBER;
    }
    return IMP_OK;
}

imp_status imp_selftest(imp_device *device, char *reason, size_t size) {
    const uint64_t seed = 1;
    imp_result result;
    for (size_t i = 0; i < imp_case_count(); i++) {
        const imp_case c = imp_case_at(i);
        if (!c.quick || c.conv.half != (device->options.precision == IMP_FP16))
            continue;
        imp_device_step(&device->options);
        TRY(imp_case_run(&c, device, seed, 0, &result));
        if (result.outcome == IMP_PASSED)
            continue;
        char name[96];
        imp_case_name(&c, name, sizeof name);
        snprintf(reason, size, "%s: %s", name, result.reason);
        return result.error                    ? result.error
               : result.outcome == IMP_SKIPPED ? IMP_ERR_MEMORY
                                               : IMP_ERR_NUMBER;
    }
    return test_fused(device, reason, size);
}
