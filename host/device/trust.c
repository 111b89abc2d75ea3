/* SPDX-License-Identifier: MIT
 *
 * What tests and measurements of devices gave, remembered in one JSON file.
 */
#include "device/trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "device/registry.h"
#include "selftest/cases.h"

static const char entry[] = "devices.json";

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

bool imp_trust_recall(imp_device_info *info, unsigned threads) {
    char key[1024];
    imp_trust_key(key, sizeof key, info, threads);
    json_t *all = imp_cache_load_json(entry);
    const json_t *v = json_object_get(all, key);
    const bool known = json_is_object(v);
    if (known) {
        info->tested = true;
        info->usable = json_is_true(json_object_get(v, "usable"));
        info->gflops = json_number_value(json_object_get(v, "gflops"));
        info->gbs = json_number_value(json_object_get(v, "gbs"));
        info->seconds = json_number_value(json_object_get(v, "seconds"));
        const char *reason = json_string_value(json_object_get(v, "reason"));
        snprintf(info->reason, sizeof info->reason, "%s", reason ? reason : "");
    }
    json_decref(all);
    return known;
}

static void remember(const imp_device_info *info, unsigned threads) {
    char key[1024];
    imp_trust_key(key, sizeof key, info, threads);
    json_t *all = imp_cache_load_json(entry);
    json_t *v = json_pack("{sb sf sf sf}", "usable", info->usable, "gflops", info->gflops, "gbs",
                          info->gbs, "seconds", info->seconds);
    if (v && info->reason[0]) /* nothing is stored if a driver's message is not UTF-8 */
        json_object_set_new(v, "reason", json_string(info->reason));
    if (all && v && json_object_set_new(all, key, v) == 0)
        imp_cache_store_json(entry, all);
    json_decref(all);
}

void imp_trust_refuse(imp_device_info *info, unsigned threads, const char *reason) {
    info->tested = true;
    info->usable = false;
    snprintf(info->reason, sizeof info->reason, "%s", reason);
    remember(info, threads);
}

static bool trustworthy(imp_device *d) {
    imp_device_info *info = &d->info;
    if (imp_selftest(d, info->reason, sizeof info->reason) != IMP_OK)
        return false;
    info->seconds = imp_measure_seconds(d);
    if (info->seconds > 0)
        return true;
    snprintf(info->reason, sizeof info->reason, "%.255s", d->error.text);
    d->error = (imp_error){0};
    return false;
}

void imp_trust_measure(imp_device *d) {
    d->info.tested = true;
    d->info.reason[0] = 0;
    d->info.usable = trustworthy(d);
    if (d->info.usable)
        imp_measure_roofs(d, &d->info.gflops, &d->info.gbs);
    remember(&d->info, d->options.threads);
}
