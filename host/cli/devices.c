/* SPDX-License-Identifier: MIT
 *
 * impasto devices: lists the devices, their speed, and which one "auto" takes.
 */
#include "cli/guard.h"
#include "cli/job.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

/* The index of the device that "auto" opens, or count if it opens none. With quick: the fastest by
 * the remembered measurements. */
static size_t automatic(const imp_device_info *list, size_t count, bool quick,
                        const imp_device_options *options) {
    size_t chosen = count;
    imp_device *device = NULL;
    if (quick) {
        for (size_t i = 0; i < count; i++)
            if (list[i].usable && list[i].seconds > 0 &&
                (chosen == count || list[i].seconds < list[chosen].seconds))
                chosen = i;
        return chosen;
    }
    if (imp_device_open(&device, "auto", options, NULL) != IMP_OK)
        return count;
    const imp_device_info *info = imp_device_describe(device);
    for (size_t i = 0; i < count && chosen == count; i++)
        if (!strcmp(list[i].backend, info->backend) && list[i].index == info->index)
            chosen = i;
    imp_device_close(device);
    return chosen;
}

static json_t *measured(double value) {
    return value > 0 ? cli_json_real(value) : json_null();
}

static void say(const imp_device_info *d, bool chosen) {
    json_t *object = cli_json_event("device");
    json_object_set_new(object, "index", d->index < 0 ? json_null() : json_integer(d->index));
    json_object_set_new(object, "kind", json_string(d->backend));
    json_object_set_new(object, "platform", cli_json_text(d->platform));
    json_object_set_new(object, "vendor", cli_json_text(d->vendor));
    json_object_set_new(object, "name", cli_json_text(d->name));
    json_object_set_new(object, "driver", cli_json_text(d->driver));
    json_object_set_new(object, "memory", json_integer((json_int_t)d->memory_bytes));
    json_object_set_new(object, "max_alloc", json_integer((json_int_t)d->max_alloc_bytes));
    json_object_set_new(object, "local", json_integer((json_int_t)d->local_bytes));
    json_object_set_new(object, "units", json_integer(d->units));
    json_object_set_new(object, "max_group", json_integer(d->max_group));
    json_object_set_new(object, "tested", json_boolean(d->tested));
    json_object_set_new(object, "usable", json_boolean(d->usable));
    json_object_set_new(object, "reason", *d->reason ? cli_json_text(d->reason) : json_null());
    json_object_set_new(object, "gflops", measured(d->gflops));
    json_object_set_new(object, "gbs", measured(d->gbs));
    json_object_set_new(object, "seconds", measured(d->seconds));
    json_object_set_new(object, "auto", json_boolean(chosen));
    cli_json_line(object);
}

/* Prints "label  value" if there is a value. */
static void tell_text(const char *label, const char *value) {
    if (*value)
        cli_print("    %-10s %s\n", label, value);
}

static void tell_memory(const imp_device_info *d) {
    char memory[32], largest[32], local[32];
    cli_bytes_text(memory, sizeof memory, (double)d->memory_bytes);
    cli_bytes_text(largest, sizeof largest, (double)d->max_alloc_bytes);
    cli_bytes_text(local, sizeof local, (double)d->local_bytes);
    cli_print("    %-10s %s", "memory", memory);
    if (!d->shares_host_memory)
        cli_print(" (largest buffer %s, local %s)", largest, local);
    cli_print("\n    %-10s %u", "units", d->units);
    if (!d->shares_host_memory)
        cli_print(" (work-groups of up to %u)", d->max_group);
    putchar('\n');
}

static void tell(const imp_device_info *d, bool chosen) {
    if (d->index >= 0)
        cli_print("%-3d %s%s\n", d->index, d->name, chosen ? "   <- auto takes this one" : "");
    else
        cli_print("%-3s %s%s\n", d->backend, d->name, chosen ? "   <- auto takes this one" : "");
    tell_text("platform", d->platform);
    tell_text("vendor", d->vendor);
    tell_text("driver", d->driver);
    tell_memory(d);
    if (!d->usable)
        cli_print("    %-10s not used: %s\n", "self-test", *d->reason ? d->reason : "failed");
    else
        tell_text("self-test", d->tested ? "passed" : "not run yet");
    if (d->gflops > 0 || d->gbs > 0)
        cli_print("    %-10s %.1f GFLOP/s (fp32), %.1f GB/s\n", "measured", d->gflops, d->gbs);
    if (d->seconds > 0)
        cli_print("    %-10s %.4f s for the reference iteration\n", "", d->seconds);
}

int cli_devices(cli_request *request) {
    const cli_values *v = &request->values;
    cli_progress progress;
    const int status = cli_resolve(request);
    if (status)
        return status;
    cli_progress_init(&progress, true);
    imp_watch *const watch = cli_guard(v->verbose);
    if (v->again)
        imp_device_forget();
    /* The list shows why a device is not used; log it, too, only with --verbose. */
    const imp_log log = v->verbose ? cli_progress_log : NULL;
    const imp_device_options options = {
        .gemm = v->gemm, .level = IMP_LOG_DEBUG, .log = log, .user = &progress, .watch = watch};
    const size_t capacity = imp_device_list(NULL, 0, false, &options);
    imp_device_info *list = calloc(capacity + 1, sizeof *list);
    if (!list)
        return cli_complain(CLI_FAILED, "devices: out of memory");
    size_t count = imp_device_list(list, capacity, !v->quick, &options);
    count = count < capacity ? count : capacity;
    const size_t chosen = automatic(list, count, v->quick, &options);
    for (size_t i = 0; i < count; i++) {
        if (v->json)
            say(&list[i], i == chosen);
        else
            tell(&list[i], i == chosen);
    }
    free(list);
    return CLI_DONE;
}
