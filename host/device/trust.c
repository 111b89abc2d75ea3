/* SPDX-License-Identifier: MIT
 *
 * What tests and measurements of devices gave, remembered in one JSON file. An entry:
 *
 *     usable, reason           of the last test
 *     gflops, gbs, seconds     of the last measurements
 *     failures, failed         of the driver, in a row; time of the last one
 *     ranks, ranked            how often `seconds` was measured; time of the last one
 *     doubtful                 a run disagreed with `seconds`
 */
#include "device/trust.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cache.h"
#include "device/registry.h"
#include "selftest/cases.h"

static const char entry[] = "devices.json";

enum { FAILURES_MAX = 3, RANKS_MAX = 3 };
static const double day = 86400;
/* A run may be slower than the rank says by the first factor, as small pictures are, and faster by
 * the second. */
static const double slower = 16, faster = 2;

/* ---- entries ---- */

/* In tests these environment variables change what a device does. */
void imp_trust_key(char *key, size_t size, const imp_device_info *info, unsigned threads) {
    static const char *const variables[] = {"IMPASTO_CLASS", "IMPASTO_ISA", "IMPASTO_MAX_ALLOC",
                                            "IMPASTO_FAULT", "IMPASTO_CL_DIR"};
    const imp_backend *backend = imp_registry_named(info->backend);
    int n = snprintf(key, size, "%s|%s|%s|%s|%u|%s|%.12s", backend->name, info->platform,
                     info->name, info->driver, backend->role == IMP_BACKEND_PROCESSOR ? threads : 0,
                     IMP_VERSION, backend->digest ? backend->digest() : "");
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && n > 0 && (size_t)n < size)
            n += snprintf(key + n, size - (size_t)n, "|%s=%s", variables[i], value);
    }
}

static double number_of(const json_t *v, const char *name) {
    return json_number_value(json_object_get(v, name));
}

/* All entries, which the caller releases, and that of a device; NULL: none. */
static json_t *load(const imp_device_info *info, unsigned threads, json_t **v) {
    char key[1024];
    imp_trust_key(key, sizeof key, info, threads);
    json_t *all = imp_cache_load_json(entry);
    *v = json_object_get(all, key);
    *v = json_is_object(*v) ? *v : NULL;
    return all;
}

/* Changes members of the device's entry by those of `change`, which it releases. */
static void store(const imp_device_info *info, unsigned threads, json_t *change) {
    char key[1024];
    json_t *v, *all = load(info, threads, &v);
    imp_trust_key(key, sizeof key, info, threads);
    if (!v && all) {
        v = json_object();
        json_object_set_new(all, key, v);
    }
    if (v && change && json_object_update(v, change) == 0)
        imp_cache_store_json(entry, all);
    json_decref(change);
    json_decref(all);
}

/* ---- failures ---- */

/* Whether the device failed so often that it is not tried now. */
static bool waits(const json_t *v) {
    const double age = (double)time(NULL) - number_of(v, "failed");
    return number_of(v, "failures") >= FAILURES_MAX && age >= 0 && age < day;
}

static void remember_failure(const imp_device_info *info, unsigned threads, const char *reason,
                             double failures) {
    json_t *change = json_pack("{sb sf sf}", "usable", false, "failures", failures, "failed",
                               (double)time(NULL));
    json_t *text = json_string(reason); /* NULL if a driver's message is not UTF-8 */
    if (change)
        json_object_set_new(change, "reason", text ? text : json_string("its driver failed"));
    store(info, threads, change);
}

static double failures_of(const imp_device_info *info, unsigned threads) {
    json_t *v, *all = load(info, threads, &v);
    const double failures = number_of(v, "failures");
    json_decref(all);
    return failures;
}

void imp_trust_begin(const imp_device_info *info, unsigned threads) {
    remember_failure(info, threads, "its driver ended the program that tested it",
                     failures_of(info, threads) + 1);
}

void imp_trust_fail(imp_device_info *info, unsigned threads, const char *reason,
                    unsigned failures) {
    const double before = failures_of(info, threads);
    info->tested = true;
    info->usable = false;
    snprintf(info->reason, sizeof info->reason, "%s", reason);
    remember_failure(info, threads, reason, before > failures ? before : failures);
}

/* ---- recalling ---- */

static void take(imp_device_info *info, const json_t *v) {
    const char *reason = json_string_value(json_object_get(v, "reason"));
    info->tested = true;
    info->usable = json_is_true(json_object_get(v, "usable"));
    info->gflops = number_of(v, "gflops");
    info->gbs = number_of(v, "gbs");
    info->seconds = number_of(v, "seconds");
    snprintf(info->reason, sizeof info->reason, "%.400s%s", reason ? reason : "",
             waits(v) ? " (several times; it is tried again a day later)" : "");
}

static bool rank_is_due(const json_t *v) {
    const double age = (double)time(NULL) - number_of(v, "ranked");
    return json_is_true(json_object_get(v, "doubtful")) ||
           (number_of(v, "ranks") < RANKS_MAX && (age >= day || age < 0));
}

bool imp_trust_recall(imp_device_info *info, unsigned threads, bool *measure) {
    json_t *v, *all = load(info, threads, &v);
    const bool known = v && (number_of(v, "failures") <= 0 || waits(v));
    if (known)
        take(info, v);
    *measure = known && info->usable && rank_is_due(v);
    json_decref(all);
    return known;
}

void imp_device_forget(void) {
    imp_cache_drop(entry);
}

/* ---- testing and measuring ---- */

static json_t *rank(const imp_device_info *info, double ranks) {
    return json_pack("{sf sf sf sb}", "seconds", info->seconds, "ranks", ranks, "ranked",
                     (double)time(NULL), "doubtful", false);
}

static void remember(const imp_device_info *info, unsigned threads) {
    json_t *change = json_pack("{sb ss sf sf sf}", "usable", info->usable, "reason", info->reason,
                               "gflops", info->gflops, "gbs", info->gbs, "failures", 0.0);
    json_t *ranked = rank(info, 1);
    if (change && ranked)
        json_object_update(change, ranked);
    json_decref(ranked);
    store(info, threads, change);
}

/* IMP_ERR_NUMBER: wrong numbers. */
static imp_status test(imp_device *d) {
    imp_device_info *info = &d->info;
    info->seconds = info->gflops = info->gbs = 0;
    TRY(imp_selftest(d, info->reason, sizeof info->reason));
    info->seconds = imp_measure_seconds(d);
    if (info->seconds > 0)
        return IMP_OK;
    snprintf(info->reason, sizeof info->reason, "%.255s", d->error.text);
    d->error = (imp_error){0};
    return IMP_ERR_DEVICE;
}

void imp_trust_measure(imp_device *d) {
    d->info.tested = true;
    d->info.reason[0] = 0;
    const imp_status status = test(d);
    d->info.usable = status == IMP_OK;
    if (status == IMP_OK)
        imp_measure_roofs(d, &d->info.gflops, &d->info.gbs);
    if (status == IMP_OK || status == IMP_ERR_NUMBER) {
        remember(&d->info, d->options.threads);
        return;
    }
    char reason[sizeof d->info.reason];
    snprintf(reason, sizeof reason, "%s",
             d->info.reason[0] ? d->info.reason : "no memory to test it");
    imp_trust_fail(&d->info, d->options.threads, reason, 1);
}

void imp_trust_rank(imp_device *d) {
    json_t *v, *all = load(&d->info, d->options.threads, &v);
    const bool doubtful = json_is_true(json_object_get(v, "doubtful"));
    const double before = number_of(v, "seconds"), ranks = number_of(v, "ranks");
    json_decref(all);
    d->info.seconds = imp_measure_seconds(d);
    d->error = (imp_error){0};
    if (!doubtful && (d->info.seconds <= 0 || (before > 0 && before < d->info.seconds)))
        d->info.seconds = before;
    if (d->info.seconds > 0)
        store(&d->info, d->options.threads, rank(&d->info, ranks + 1));
    else
        d->info.seconds = before;
}

void imp_trust_observe(const imp_device *d, double flop, double seconds) {
    const double said = d->info.seconds;
    if (!(said > 0 && flop > 0 && seconds > 0))
        return;
    const double speed = flop / seconds * said / imp_measure_flop(); /* 1: as the rank says */
    if (speed > faster || speed * slower < 1)
        store(&d->info, d->options.threads, json_pack("{sb}", "doubtful", true));
}
