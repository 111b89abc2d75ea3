/* SPDX-License-Identifier: MIT
 *
 * The file of a benchmark. One JSON object:
 *
 *   format   "impasto-bench-1"; the number changes when the meaning of anything below does
 *   version, time, system, quick     of the program; UTC; kernel and machine; whether --quick
 *   devices  a list: index (what --device takes, null for cpu), kind, host (whether it is the
 *            processor), platform, vendor, name, driver, memory, max_alloc, local (bytes), units,
 *            max_group, gflops and gbs (the measured roofs), usable, score (iterations per second
 *            of `gatys` at 512 x 512 with Adam, or null), fall (how much slower arithmetic was at
 *            the end than at the beginning, 0..1), precision (of its filters: fp32 or fp16; scores
 *            of different precisions are not comparable; fp32 if missing), note
 *   results  a flat list, one object for each measurement:
 *     part       roofs, layers, operations, products, iteration, start
 *     name       what: "fp32", "conv4_2-4", "gram relu1_1", "iteration", ...
 *     variant    "forward", "back", "own", "clblast", "first", ...; optimizer repeats it for the
 *                iteration ("adam", "lbfgs") and is null elsewhere
 *     device     name of the device, "cpu" for the processor; place: its index in devices
 *     size       side of the square picture, or null
 *     samples, seconds, spread    their number, median and spread (1.4826 times the median absolute
 *                deviation); seconds is null if nothing was measured
 *     flop, executed_flop, bytes  of one run: of the direct method, of the algorithm used, and the
 *                least memory traffic; null if not applicable, as for the following
 *     algorithm  of a convolution
 *     roof       fraction of the nearest roof, 0..1, or more thanks to caches
 *     peak_mib, device_mib        peak memory of the process; memory planned on the device
 *     drift      median time of the last third over that of the first third
 *     verdict    unchecked, right or wrong; error: the largest difference from the oracle over its
 *                bound
 *     note       why a value is missing, or what is wrong
 * The roof "fp32" is the time of 10^9 floating-point operations, "memory" that of 10^9 bytes.
 */
#include "cli/bench.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "cli/job.h"
#include "cli/json.h"
#include "cli/words.h"

static const char format[] = "impasto-bench-1";
static const char *const verdicts[] = {"unchecked", "right", "wrong"};

/* ---- Writing --------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *positive(double value) {
    return value > 0 ? cli_json_real(value) : json_null();
}

static json_t *word(const char *text) {
    return *text ? cli_json_text(text) : json_null();
}

static json_t *device_object(const imp_bench_device *device) {
    const imp_device_info *d = &device->info;
    json_t *o = json_object();
    set(o, "index", d->index < 0 ? json_null() : json_integer(d->index));
    set(o, "kind", json_string(d->backend));
    set(o, "host", json_boolean(d->shares_host_memory));
    set(o, "platform", cli_json_text(d->platform));
    set(o, "vendor", cli_json_text(d->vendor));
    set(o, "name", cli_json_text(d->name));
    set(o, "driver", cli_json_text(d->driver));
    set(o, "memory", json_integer((json_int_t)d->memory_bytes));
    set(o, "max_alloc", json_integer((json_int_t)d->max_alloc_bytes));
    set(o, "local", json_integer((json_int_t)d->local_bytes));
    set(o, "units", json_integer(d->units));
    set(o, "max_group", json_integer(d->max_group));
    set(o, "gflops", positive(d->gflops));
    set(o, "gbs", positive(d->gbs));
    set(o, "usable", json_boolean(d->usable));
    set(o, "score", positive(device->score));
    set(o, "fall", cli_json_real(device->fall));
    set(o, "precision", json_string(cli_precision_words[device->precision]));
    set(o, "note", word(device->note));
    return o;
}

static json_t *result_object(const cli_bench *bench, const imp_bench_result *r) {
    const bool iteration = r->part == IMP_BENCH_ITERATION, measured = r->samples > 0;
    json_t *o = json_object();
    size_t part = 0;
    while (r->part >> part != 1)
        part++;
    set(o, "part", json_string(cli_bench_part_word(part)));
    set(o, "name", cli_json_text(r->name));
    set(o, "variant", word(r->variant));
    set(o, "optimizer", iteration ? word(r->variant) : json_null());
    set(o, "device", cli_json_text(cli_device_name(&bench->report.devices[r->device].info)));
    set(o, "place", json_integer((json_int_t)r->device));
    set(o, "size", r->size ? json_integer((json_int_t)r->size) : json_null());
    set(o, "samples", json_integer(r->samples));
    set(o, "seconds", measured ? cli_json_real(r->seconds) : json_null());
    set(o, "spread", measured ? cli_json_real(r->spread) : json_null());
    set(o, "flop", positive(r->flop));
    set(o, "executed_flop", positive(r->executed));
    set(o, "bytes", positive(r->bytes));
    set(o, "algorithm", word(r->algorithm));
    set(o, "roof", positive(r->roof));
    set(o, "peak_mib", positive(r->host_mib));
    set(o, "device_mib", positive(r->device_mib));
    set(o, "drift", positive(r->drift));
    set(o, "verdict", json_string(verdicts[r->verdict]));
    set(o, "error", r->verdict == IMP_BENCH_UNCHECKED ? json_null() : cli_json_real(r->error));
    set(o, "note", word(r->note));
    return o;
}

static json_t *bench_object(const cli_bench *bench) {
    json_t *o = json_object(), *devices = json_array(), *results = json_array();
    set(o, "format", json_string(format));
    set(o, "version", json_string(bench->version));
    set(o, "time", json_string(bench->time));
    set(o, "system", cli_json_text(bench->system));
    set(o, "quick", json_boolean(bench->quick));
    for (size_t i = 0; i < bench->report.device_count; i++)
        json_array_append_new(devices, device_object(&bench->report.devices[i]));
    for (size_t i = 0; i < bench->report.result_count; i++)
        json_array_append_new(results, result_object(bench, &bench->report.results[i]));
    set(o, "devices", devices);
    set(o, "results", results);
    return o;
}

static imp_status fill(FILE *file, const void *object, imp_error *err) {
    enum { FLAGS = JSON_INDENT(1) | JSON_REAL_PRECISION(10) };
    (void)err;
    return json_dumpf(object, file, FLAGS) == 0 && putc('\n', file) != EOF ? IMP_OK : IMP_ERR_IO;
}

int cli_bench_write(const cli_bench *bench, const char *path) {
    imp_error err = {0};
    json_t *o = bench_object(bench);
    imp_status status;
    if (strcmp(path, "-") != 0)
        status = imp_file_replace(path, fill, o, &err);
    else if ((status = fill(stdout, o, &err)) == IMP_ERR_IO)
        imp_fail_system(&err, "write", "file", "standard output", errno);
    json_decref(o);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void take_text(char *out, size_t size, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

static double take(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* The index of a word in a list, 0 if it is not there. */
static unsigned take_word(const json_t *object, const char *key, const char *const *words,
                          unsigned count) {
    const char *text = json_string_value(json_object_get(object, key));
    for (unsigned i = 0; text && i < count; i++)
        if (!strcmp(words[i], text))
            return i;
    return 0;
}

static void read_device(imp_bench_device *device, const json_t *o) {
    imp_device_info *d = &device->info;
    const json_t *index = json_object_get(o, "index");
    d->index = json_is_integer(index) ? (int)json_integer_value(index) : -1;
    d->shares_host_memory = json_is_true(json_object_get(o, "host"));
    take_text(d->backend, sizeof d->backend, o, "kind");
    take_text(d->platform, sizeof d->platform, o, "platform");
    take_text(d->vendor, sizeof d->vendor, o, "vendor");
    take_text(d->name, sizeof d->name, o, "name");
    take_text(d->driver, sizeof d->driver, o, "driver");
    take_text(device->note, sizeof device->note, o, "note");
    d->gflops = take(o, "gflops");
    d->gbs = take(o, "gbs");
    device->score = take(o, "score");
    device->fall = take(o, "fall");
    device->precision = (imp_precision)take_word(o, "precision", cli_precision_words, 2);
}

/* False: not a valid result for this number of devices. */
static bool read_result(imp_bench_result *r, const json_t *o, size_t devices) {
    const char *part = json_string_value(json_object_get(o, "part"));
    const json_int_t place = json_integer_value(json_object_get(o, "place"));
    for (size_t i = 0; part && cli_bench_part_word(i); i++)
        if (!strcmp(part, cli_bench_part_word(i)))
            r->part = (imp_bench_part)(1U << i);
    take_text(r->name, sizeof r->name, o, "name");
    take_text(r->variant, sizeof r->variant, o, "variant");
    take_text(r->algorithm, sizeof r->algorithm, o, "algorithm");
    take_text(r->note, sizeof r->note, o, "note");
    r->device = (size_t)place;
    r->size = (size_t)take(o, "size");
    r->samples = (unsigned)take(o, "samples");
    r->seconds = take(o, "seconds");
    r->spread = take(o, "spread");
    r->flop = take(o, "flop");
    r->executed = take(o, "executed_flop");
    r->bytes = take(o, "bytes");
    r->roof = take(o, "roof");
    r->host_mib = take(o, "peak_mib");
    r->device_mib = take(o, "device_mib");
    r->drift = take(o, "drift");
    r->error = take(o, "error");
    r->verdict = (imp_bench_verdict)take_word(o, "verdict", verdicts, 3);
    return r->part && *r->name && place >= 0 && (size_t)place < devices && r->seconds >= 0;
}

static bool read_lists(cli_bench *bench, const json_t *o) {
    const json_t *devices = json_object_get(o, "devices"), *results = json_object_get(o, "results");
    const size_t count = json_array_size(devices);
    bench->report.devices = calloc(count + 1, sizeof *bench->report.devices);
    if (!bench->report.devices || !json_is_array(devices) || !json_is_array(results))
        return false;
    bench->report.device_count = count;
    for (size_t i = 0; i < count; i++)
        read_device(&bench->report.devices[i], json_array_get(devices, i));
    for (size_t i = 0; i < json_array_size(results); i++) {
        imp_bench_result r = {0};
        if (!read_result(&r, json_array_get(results, i), count) || !cli_bench_add(bench, &r))
            return false;
    }
    return true;
}

int cli_bench_read(cli_bench *bench, const char *path) {
    json_error_t why;
    *bench = (cli_bench){0};
    json_t *o = json_load_file(path, 0, &why);
    if (!o)
        return cli_complain(CLI_FAILED, "'%s': %s", path, why.text);
    const char *is = json_string_value(json_object_get(o, "format"));
    int status = CLI_DONE;
    if (!is || strcmp(is, format) != 0)
        status =
            cli_complain(CLI_FAILED, "'%s': not a benchmark of this program (%s)", path, format);
    else if (!read_lists(bench, o))
        status = cli_complain(CLI_FAILED, "'%s': damaged benchmark; measure it again", path);
    take_text(bench->version, sizeof bench->version, o, "version");
    take_text(bench->time, sizeof bench->time, o, "time");
    take_text(bench->system, sizeof bench->system, o, "system");
    bench->quick = json_is_true(json_object_get(o, "quick"));
    json_decref(o);
    return status;
}
