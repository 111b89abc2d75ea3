/* SPDX-License-Identifier: MIT
 *
 * The public functions of devices: what is there, which one is meant, and whether it can be
 * trusted. A device that cannot is passed over with one line that says why, down to `cpu`.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/profile.h"
#include "cpu/cpu.h"
#include "device/trust.h"
#include "opencl/opencl.h"
#include "selftest/cases.h"

static const imp_device_options no_options;

__attribute__((format(printf, 2, 3))) static void say(const imp_device_options *options,
                                                      const char *format, ...) {
    if (!options->log)
        return;
    char line[768];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    options->log(options->user, line);
}

/* ---- What is there ---- */

/* All OpenCL devices, then cpu; the caller frees. NULL: out of memory. */
static imp_device_info *all_devices(size_t *count, const imp_device_options *options) {
    const size_t opencl = imp_opencl_list(NULL, 0);
    imp_device_info *all = calloc(opencl + 1, sizeof *all);
    if (!all)
        return NULL;
    const size_t now = imp_opencl_list(all, opencl);
    *count = (now < opencl ? now : opencl) + 1; /* a device may have gone meanwhile */
    imp_device *cpu = NULL;
    if (imp_cpu_open(&cpu, options, NULL) == IMP_OK)
        all[*count - 1] = cpu->info;
    imp_device_close(cpu);
    return all;
}

static imp_status open_untested(imp_device **out, const imp_device_info *info,
                                const imp_device_options *options, imp_error *err) {
    if (info->kind == IMP_DEVICE_CPU)
        return imp_cpu_open(out, options, err);
    return imp_opencl_open(out, (size_t)info->index, options, err);
}

/* What verdicts do not tell: whether the device is right with filters of half precision. It is
 * opened for this alone, so that nothing of it is counted elsewhere. */
static imp_status check_half(const imp_device_info *info, const imp_device_options *options,
                             imp_error *err) {
    imp_device_options apart = *options;
    imp_device *d = NULL;
    char reason[512] = "";
    apart.profile = false;
    TRY(open_untested(&d, info, &apart, err));
    const imp_status status = imp_selftest(d, reason, sizeof reason);
    imp_device_close(d);
    if (status == IMP_OK)
        return IMP_OK;
    if (!reason[0])
        return imp_fail(err, status, "device '%s': no memory to test it with fp16 filters",
                        info->name);
    return imp_fail(err, IMP_ERR_DEVICE,
                    "device '%s': wrong with fp16 filters (%.300s): choose precision fp32 or "
                    "another device",
                    info->name, reason);
}

static imp_status open_described(imp_device **out, const imp_device_info *info,
                                 const imp_device_options *options, imp_error *err) {
    if (options->precision == IMP_FP16)
        TRY(check_half(info, options, err));
    return open_untested(out, info, options, err);
}

/* Fills the verdict of `info`: remembered, or measured now; in fp32, whatever is asked for. */
static void judge(imp_device_info *info, const imp_device_options *options) {
    imp_device_options plain = *options;
    plain.precision = IMP_FP32;
    const bool unusable = !info->usable && info->reason[0]; /* known without opening it */
    if (unusable || imp_trust_recall(info, options->threads))
        return;
    if (options->verbose)
        say(options, "testing and measuring device '%s' (once)", info->name);
    imp_device *d = NULL;
    imp_error e = {0};
    if (open_described(&d, info, &plain, &e) != IMP_OK) {
        imp_trust_refuse(info, options->threads, e.text);
        return;
    }
    const int index = info->index;
    imp_trust_measure(d);
    *info = d->info;
    info->index = index;
    imp_device_close(d);
}

size_t imp_device_list(imp_device_info *out, size_t cap, bool measure, imp_log log, void *user) {
    const imp_device_options options = {.log = log, .user = user};
    size_t count = 0;
    imp_device_info *all = all_devices(&count, &options);
    for (size_t i = 0; all && i < count && i < cap; i++) {
        if (measure)
            judge(&all[i], &options);
        out[i] = all[i];
    }
    free(all);
    return count;
}

/* ---- Which one is meant ---- */

static bool contains(const char *text, const char *part) {
    const size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return n == 0;
}

static bool means(const imp_device_info *info, const char *which) {
    char *end;
    const long index = strtol(which, &end, 10);
    if (isdigit((unsigned char)which[0]) && *end == 0)
        return info->kind == IMP_DEVICE_OPENCL && info->index == index;
    return info->kind == IMP_DEVICE_OPENCL &&
           (contains(info->vendor, which) || contains(info->name, which) ||
            contains(info->platform, which));
}

static imp_status none_such(const char *which, const imp_device_info *all, size_t count,
                            imp_error *err) {
    char names[384] = "";
    size_t n = 0;
    for (size_t i = 0; i + 1 < count && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%d '%s', ", all[i].index, all[i].name);
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "device '%s' is not here; there are: %scpu, oracle (see: impasto devices)",
                    which, names);
}

/* Opens `info` when its verdict is good. False: it is passed over, as info->reason says. */
static bool try_device(imp_device **out, imp_device_info *info, const imp_device_options *options) {
    judge(info, options);
    if (!info->usable)
        return false;
    imp_error e = {0};
    if (open_described(out, info, options, &e) != IMP_OK) {
        snprintf(info->reason, sizeof info->reason, "%s", e.text);
        return false;
    }
    const int index = (*out)->info.index;
    (*out)->info = *info;
    (*out)->info.index = index;
    return true;
}

/* One line: which device, unless the reason names it itself, and why. */
static void pass_over(const imp_device_info *info, const char *instead,
                      const imp_device_options *options) {
    if (strncmp(info->reason, "device '", 8) == 0)
        say(options, "%s; passed over%s", info->reason, instead);
    else
        say(options, "device '%s': %s; passed over%s", info->name, info->reason, instead);
}

static imp_status open_cpu(imp_device **out, const imp_device_options *options, imp_error *err) {
    const imp_device_info cpu = {.kind = IMP_DEVICE_CPU, .name = "cpu"};
    TRY(open_described(out, &cpu, options, err));
    imp_trust_recall(&(*out)->info, options->threads);
    return IMP_OK;
}

static imp_status open_named(imp_device **out, const char *which, const imp_device_options *options,
                             imp_error *err) {
    size_t count = 0;
    imp_device_info *all = all_devices(&count, options);
    if (!all)
        return imp_fail(err, IMP_ERR_MEMORY, "devices: out of host memory");
    imp_device_info *info = NULL;
    for (size_t i = 0; i < count && !info; i++)
        if (means(&all[i], which))
            info = &all[i];
    imp_status status = IMP_OK;
    if (!info) {
        status = none_such(which, all, count, err);
    } else if (!try_device(out, info, options)) {
        pass_over(info, ", going on with device 'cpu'", options);
        status = open_cpu(out, options, err);
    }
    free(all);
    return status;
}

/* Puts the fastest first; what is unusable comes last. */
static int by_speed(const void *a, const void *b) {
    const imp_device_info *x = a, *y = b;
    if (x->usable != y->usable)
        return x->usable ? -1 : 1;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static imp_status open_fastest(imp_device **out, const imp_device_options *options,
                               imp_error *err) {
    size_t count = 0;
    imp_device_info *all = all_devices(&count, options);
    if (!all)
        return imp_fail(err, IMP_ERR_MEMORY, "devices: out of host memory");
    for (size_t i = 0; i < count; i++) {
        judge(&all[i], options);
        if (!all[i].usable)
            pass_over(&all[i], "", options);
    }
    qsort(all, count, sizeof *all, by_speed);
    bool found = false;
    for (size_t i = 0; i < count && all[i].usable && !found; i++)
        if (!(found = try_device(out, &all[i], options)))
            pass_over(&all[i], "", options);
    free(all);
    if (found)
        return IMP_OK;
    return open_cpu(out, options, err);
}

static imp_status open_oracle(imp_device **out, const imp_device_options *options, imp_error *err) {
    if (options->precision == IMP_FP16)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "device 'oracle': keeps no filters that could be fp16: choose precision "
                        "fp32 or another device");
    return imp_oracle_open(out, options, err);
}

imp_status imp_device_open(imp_device **out, const char *which, const imp_device_options *options,
                           imp_error *err) {
    *out = NULL;
    if (!options)
        options = &no_options;
    if (strcmp(which, "auto") == 0)
        return open_fastest(out, options, err);
    if (strcmp(which, "oracle") == 0)
        return open_oracle(out, options, err);
    if (strcmp(which, "cpu") == 0)
        return open_cpu(out, options, err);
    return open_named(out, which, options, err);
}

void imp_device_close(imp_device *device) {
    if (device)
        device->ops->close(device);
}

const imp_device_info *imp_device_describe(const imp_device *device) {
    return &device->info;
}

size_t imp_device_profile(const imp_device *device, imp_profile_row *out, size_t cap) {
    return imp_profile_rows(device->profile, out, cap);
}
