/* SPDX-License-Identifier: MIT
 *
 * impasto paint --dry-run: the memory and time that the run would need.
 */
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/words.h"

static void set_mib(json_t *object, const char *key, size_t bytes) {
    json_object_set_new(object, key, cli_json_real((double)bytes / 0x1p20));
}

static void say(const imp_forecast *f, const char *device, imp_precision precision) {
    const imp_estimate *need = &f->need;
    json_t *object = cli_json_event("forecast");
    json_object_set_new(object, "device", cli_json_text(device));
    json_object_set_new(object, "precision", json_string(cli_precision_words[precision]));
    json_object_set_new(object, "width", json_integer((json_int_t)f->width));
    json_object_set_new(object, "height", json_integer((json_int_t)f->height));
    json_object_set_new(object, "iterations", json_integer((json_int_t)f->iterations));
    json_object_set_new(object, "fits", json_boolean(f->fits));
    json_object_set_new(object, "largest", json_integer((json_int_t)f->largest));
    set_mib(object, "limit_mib", f->memory);
    set_mib(object, "device_mib", need->device_bytes);
    set_mib(object, "filters_mib", need->filter_bytes);
    set_mib(object, "activations_mib", need->activation_bytes);
    set_mib(object, "optimizer_mib", need->optimizer_bytes);
    set_mib(object, "work_mib", need->work_bytes);
    set_mib(object, "host_mib", need->host_bytes);
    set_mib(object, "total_mib", f->chosen.bytes);
    set_mib(object, "kept_mib", f->kept.bytes);
    set_mib(object, "recompute_mib", f->recompute.bytes);
    json_object_set_new(object, "seconds_per_iteration", cli_json_real(f->chosen.seconds));
    json_object_set_new(object, "kept_seconds", cli_json_real(f->kept.seconds));
    json_object_set_new(object, "recompute_seconds", cli_json_real(f->recompute.seconds));
    json_object_set_new(object, "seconds", cli_json_real(need->seconds_left));
    cli_json_line(object);
}

static void tell_bytes(const char *what, size_t bytes) {
    char text[32];
    cli_bytes_text(text, sizeof text, (double)bytes);
    cli_print("  %-34s %10s\n", what, text);
}

static void tell_footprint(const char *what, const imp_footprint *f) {
    char text[32];
    cli_bytes_text(text, sizeof text, (double)f->bytes);
    cli_print("  %-34s %10s   %.3g s per iteration\n", what, text, f->seconds);
}

static void tell(const imp_forecast *f, const char *device, imp_precision precision) {
    const imp_estimate *need = &f->need;
    const size_t kinds = need->filter_bytes + need->activation_bytes + need->optimizer_bytes;
    char time[48], limit[32];
    cli_time_text(time, sizeof time, need->seconds_left);
    cli_bytes_text(limit, sizeof limit, (double)f->memory);
    cli_print("%zu x %zu on %s%s\n", f->width, f->height, device, cli_precision_aside(precision));
    tell_bytes("filters", need->filter_bytes);
    tell_bytes("features and gradients", need->activation_bytes);
    tell_bytes("optimizer", need->optimizer_bytes);
    tell_bytes("targets, matrices, workspace", need->device_bytes - kinds);
    tell_bytes("pictures in host memory", need->host_bytes);
    tell_footprint("total", &f->chosen);
    tell_footprint("  if all features are kept", &f->kept);
    tell_footprint("  if all are recomputed", &f->recompute);
    cli_print("  %zu iterations: %s\n", f->iterations, time);
    if (f->memory)
        cli_print("  %s %s; the largest size that fits is %zu\n",
                  f->fits ? "fits into" : "does not fit into", limit, f->largest);
}

int cli_paint_forecast(cli_painting *p) {
    imp_forecast f;
    const int status = cli_job_forecast(&p->job, &f);
    if (status)
        return status;
    const char *device = cli_device_name(imp_device_describe(p->job.device));
    (p->values->json ? say : tell)(&f, device, p->values->precision);
    if (f.fits)
        return CLI_DONE;
    return cli_complain(CLI_FAILED,
                        "size %zu: does not fit on %s; choose --size %zu or less, a smaller "
                        "--history, or --optimizer adam",
                        f.width > f.height ? f.width : f.height, device, f.largest);
}
