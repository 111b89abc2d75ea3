/* SPDX-License-Identifier: MIT
 *
 * The public functions of devices: which ones there are, which one is meant, and whether it passes
 * its self-test. A device that does not is passed over, with one line that says why; if none is
 * left, the fallback (`cpu`) is taken.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/profile.h"
#include "device/registry.h"
#include "device/trust.h"
#include "device/watch.h"
#include "selftest/cases.h"

static const imp_device_options no_options;
enum { THREADS_MAX = 1024 };

/* ---- Opening and testing ---- */

static imp_status out_of_memory(imp_error *err) {
    return imp_fail(err, IMP_ERR_MEMORY, "devices: out of host memory");
}

/* The remembered test is in fp32. This one tests the device with filters of half precision. The
 * device is opened for this alone, so that the test does not count in its profile. */
static imp_status check_half(const imp_found *found, const imp_device_options *options,
                             imp_error *err) {
    imp_device_options apart = *options;
    imp_device *d = NULL;
    char reason[512] = "";
    apart.profile = false;
    TRY(imp_registry_open(&d, found, &apart, err));
    const imp_status status = imp_selftest(d, reason, sizeof reason);
    imp_device_close(d);
    if (status == IMP_OK)
        return IMP_OK;
    if (!reason[0])
        return imp_fail(err, status, "device '%s': no memory to test it with fp16 filters",
                        found->info.name);
    return imp_fail(err, IMP_ERR_DEVICE,
                    "device '%s': wrong with fp16 filters (%.300s): choose precision fp32 or "
                    "another device",
                    found->info.name, reason);
}

/* The device is in use from here on, unless this fails. */
static imp_status open_found(imp_device **out, const imp_found *found,
                             const imp_device_options *options, imp_error *err) {
    imp_watch_do(options, found, "opening it");
    imp_status status = options->precision == IMP_FP16 ? check_half(found, options, err) : IMP_OK;
    if (status == IMP_OK)
        status = imp_registry_open(out, found, options, err);
    if (status != IMP_OK)
        imp_watch_idle(options);
    return status;
}

/* Makes what became of the device when it was used before this one process. */
static void take_loss(imp_device_info *info, const imp_device_options *options,
                      const imp_lost *lost) {
    enum { ONCE = 1, OFTEN = 3 };
    if (lost->opening)
        imp_trust_fail(info, options->threads, lost->reason, lost->hung ? OFTEN : ONCE);
    info->usable = false;
    snprintf(info->reason, sizeof info->reason, "%s", lost->reason);
}

/* Opens the device for a test, or to measure its rank only. */
static void examine(imp_found *found, const imp_device_options *options, bool rank_only) {
    imp_device_info *info = &found->info;
    imp_device *d = NULL;
    imp_error e = {0};
    if (open_found(&d, found, options, &e) != IMP_OK) {
        if (!rank_only)
            imp_trust_fail(info, options->threads, e.text, 1);
        return;
    }
    imp_watch_do(options, found, rank_only ? "measuring it" : "testing it");
    if (rank_only)
        imp_trust_rank(d);
    else
        imp_trust_measure(d);
    info->seconds = d->info.seconds;
    if (!rank_only)
        *info = d->info;
    imp_device_close(d);
}

/* Completes found->info by the result of the self-test and by how fast the device is: remembered,
 * or measured now. Always in fp32. */
static void assess(imp_found *found, const imp_device_options *options) {
    imp_device_info *info = &found->info;
    imp_device_options plain = *options;
    bool rank_only = false;
    plain.precision = IMP_FP32;
    const bool unusable = !info->usable && info->reason[0]; /* known without opening it */
    const imp_lost *lost = imp_watch_lost(options, found);
    if (lost)
        take_loss(info, options, lost);
    if (unusable || lost)
        return;
    const bool known = imp_trust_recall(info, options->threads, &rank_only);
    if (known && !rank_only)
        return;
    imp_device_say(options, IMP_LOG_DEBUG, "%s device '%s'%s",
                   known ? "measuring" : "testing and measuring", info->name,
                   known ? " again" : "");
    if (!known)
        imp_trust_begin(info, options->threads);
    examine(found, &plain, rank_only);
}

/* ---- Which ones there are ---- */

static imp_found *find_all(size_t *count, const imp_device_options *options) {
    const imp_lost *lost = imp_watch_lost(options, NULL);
    if (lost)
        imp_device_say(options, IMP_LOG_WARNING, "%s; passed over", lost->reason);
    imp_watch_do(options, NULL, "listing devices");
    imp_found *all = imp_registry_find(count, options, lost != NULL);
    imp_watch_idle(options);
    return all;
}

size_t imp_device_list(imp_device_info *out, size_t cap, bool measure,
                       const imp_device_options *options) {
    const imp_device_options taken = {.log = options ? options->log : NULL,
                                      .user = options ? options->user : NULL,
                                      .level = options ? options->level : IMP_LOG_INFO,
                                      .watch = options ? options->watch : NULL};
    size_t count = 0;
    imp_found *all = find_all(&count, &taken);
    for (size_t i = 0; all && i < count && i < cap; i++) {
        if (measure)
            assess(&all[i], &taken);
        out[i] = all[i].info;
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

static bool means(const imp_found *found, const char *which) {
    const imp_device_info *info = &found->info;
    char *end;
    const long index = strtol(which, &end, 10);
    if (found->backend->role != IMP_BACKEND_DEVICES)
        return strcmp(found->backend->name, which) == 0;
    if (isdigit((unsigned char)which[0]) && *end == 0)
        return info->index == index;
    return contains(info->vendor, which) || contains(info->name, which) ||
           contains(info->platform, which);
}

static imp_status none_such(const char *which, const imp_found *all, size_t count, imp_error *err) {
    char names[384] = "";
    size_t n = 0;
    for (size_t i = 0; i < count && n < sizeof names; i++) {
        const imp_device_info *info = &all[i].info;
        if (all[i].backend->role == IMP_BACKEND_DEVICES)
            n +=
                (size_t)snprintf(names + n, sizeof names - n, "%d '%s', ", info->index, info->name);
        else
            n += (size_t)snprintf(names + n, sizeof names - n, "%s, ", info->backend);
    }
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "no device '%s' here; available are: %s%s (see: impasto devices)", which, names,
                    imp_registry_first(IMP_BACKEND_REFERENCE)->name);
}

/* Opens a device that passes its self-test. False: info.reason says why it is passed over. */
static bool try_device(imp_device **out, imp_found *found, const imp_device_options *options) {
    imp_device_info *info = &found->info;
    assess(found, options);
    if (!info->usable)
        return false;
    imp_error e = {0};
    if (open_found(out, found, options, &e) != IMP_OK) {
        info->usable = false;
        snprintf(info->reason, sizeof info->reason, "%s", e.text);
        return false;
    }
    (*out)->info = *info;
    imp_watch_open(options);
    return true;
}

/* Logs one line: which device, unless the reason names it, and why. The program itself tells of a
 * device that was lost while it worked. */
static void pass_over(const imp_found *found, const char *instead,
                      const imp_device_options *options) {
    const imp_device_info *info = &found->info;
    const imp_lost *lost = imp_watch_lost(options, found);
    if (lost && !lost->opening)
        return;
    if (strncmp(info->reason, "device '", 8) == 0)
        imp_device_say(options, IMP_LOG_WARNING, "%s; passed over%s", info->reason, instead);
    else
        imp_device_say(options, IMP_LOG_WARNING, "device '%s': %s; passed over%s", info->name,
                       info->reason, instead);
}

/* The fallback is not tested: nothing could replace it. */
static imp_status open_fallback(imp_device **out, const imp_device_options *options,
                                imp_error *err) {
    imp_found found = {.backend = imp_registry_first(IMP_BACKEND_PROCESSOR)};
    bool measure;
    found.info = imp_backend_info(found.backend, -1);
    snprintf(found.info.name, sizeof found.info.name, "%s", found.backend->name);
    TRY(open_found(out, &found, options, err));
    imp_trust_recall(&(*out)->info, options->threads, &measure);
    return IMP_OK;
}

/* Puts the fastest first; what is unusable comes last. */
static int by_speed(const void *a, const void *b) {
    const imp_device_info *x = &((const imp_found *)a)->info, *y = &((const imp_found *)b)->info;
    if (x->usable != y->usable)
        return x->usable ? -1 : 1;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

/* Opens the fastest of those found, which are sorted by this; failed: the index (info.index) of one
 * that has been passed over already, -1: none. */
static imp_status open_best(imp_device **out, imp_found *all, size_t count, int failed,
                            const imp_device_options *options, imp_error *err) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (failed >= 0 && all[i].info.index == failed)
            continue;
        assess(&all[i], options);
        if (!all[i].info.usable)
            pass_over(&all[i], "", options);
    }
    qsort(all, count, sizeof *all, by_speed);
    for (size_t i = 0; i < count && all[i].info.usable && !found; i++)
        if (!(found = try_device(out, &all[i], options)))
            pass_over(&all[i], "", options);
    return found ? IMP_OK : open_fallback(out, options, err);
}

/* The device that was asked for failed. */
static imp_status open_next(imp_device **out, const imp_found *failed, imp_found *all, size_t count,
                            const imp_device_options *options, imp_error *err) {
    const imp_found was = *failed;
    char instead[192];
    TRY(open_best(out, all, count, was.info.index, options, err));
    snprintf(instead, sizeof instead, ", going on with device '%s'",
             (*out)->info.index < 0 ? (*out)->info.backend : (*out)->info.name);
    pass_over(&was, instead, options);
    return IMP_OK;
}

static imp_status open_named(imp_device **out, const char *which, const imp_device_options *options,
                             imp_error *err) {
    size_t count = 0;
    imp_found *all = find_all(&count, options), *found = NULL;
    if (!all)
        return out_of_memory(err);
    for (size_t i = 0; i < count && !found; i++)
        if (means(&all[i], which))
            found = &all[i];
    imp_status status = IMP_OK;
    if (!found && imp_watch_lost(options, NULL))
        status = open_best(out, all, count, -1, options, err);
    else if (!found)
        status = none_such(which, all, count, err);
    else if (!try_device(out, found, options))
        status = open_next(out, found, all, count, options, err);
    free(all);
    return status;
}

static imp_status open_fastest(imp_device **out, const imp_device_options *options,
                               imp_error *err) {
    size_t count = 0;
    imp_found *all = find_all(&count, options);
    if (!all)
        return out_of_memory(err);
    const imp_status status = open_best(out, all, count, -1, options, err);
    free(all);
    return status;
}

static imp_status open_reference(imp_device **out, const imp_backend *reference,
                                 const imp_device_options *options, imp_error *err) {
    if (options->precision == IMP_FP16)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "device '%s' has no fp16 filters: choose precision fp32 or another device",
                        reference->name);
    return reference->open(out, 0, options, err);
}

static imp_status check_options(const imp_device_options *o, imp_error *err) {
    if ((unsigned)o->gemm > IMP_GEMM_OWN)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'gemm': invalid value '%d'; expected an imp_gemm", (int)o->gemm);
    if ((unsigned)o->precision > IMP_FP16)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'precision': invalid value '%d'; expected an imp_precision",
                        (int)o->precision);
    if (o->level < IMP_LOG_ERROR || o->level > IMP_LOG_DEBUG)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "device: invalid log level %d; expected an imp_log_level", (int)o->level);
    if (o->threads > THREADS_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'threads': invalid value '%u'; expected at most %d", o->threads,
                        THREADS_MAX);
    return IMP_OK;
}

imp_status imp_device_open(imp_device **out, const char *which, const imp_device_options *options,
                           imp_error *err) {
    *out = NULL;
    if (!options)
        options = &no_options;
    TRY(check_options(options, err));
    if (!which)
        return imp_fail(err, IMP_ERR_ARGUMENT, "device: no name; 'auto' takes the fastest");
    const imp_backend *named = imp_registry_named(which);
    if (strcmp(which, "auto") == 0)
        return open_fastest(out, options, err);
    if (named && named->role == IMP_BACKEND_REFERENCE)
        return open_reference(out, named, options, err);
    if (named && named == imp_registry_first(IMP_BACKEND_PROCESSOR))
        return open_fallback(out, options, err);
    return open_named(out, which, options, err);
}

void imp_device_close(imp_device *device) {
    if (!device)
        return;
    const imp_device_options options = device->options;
    const bool driven = device->info.index >= 0;
    if (driven)
        imp_watch_do(&options, &(imp_found){.info = device->info}, "closing it");
    device->ops->close(device);
    if (driven)
        imp_watch_idle(&options);
}

const imp_device_info *imp_device_describe(const imp_device *device) {
    return &device->info;
}

size_t imp_device_profile(const imp_device *device, imp_profile_row *out, size_t cap) {
    return imp_profile_rows(device->profile, out, cap);
}
