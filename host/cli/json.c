/* SPDX-License-Identifier: MIT
 *
 * JSON output: see json.h.
 */
#include "cli/json.h"

#include "base/clean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_json_field cli_json_fields[] = {
    {"start", "version, content, styles, out, preset, network, device, iterations, options",
     "paint starts, or starts again on the processor after a device failed; options holds every "
     "recorded setting as text"},
    {"forecast",
     "device, precision, width, height, iterations, fits, largest, limit_mib, device_mib, "
     "filters_mib, activations_mib, optimizer_mib, work_mib, host_mib, total_mib, kept_mib, "
     "recompute_mib, seconds_per_iteration, kept_seconds, recompute_seconds, seconds",
     "paint --dry-run: total_mib and seconds_per_iteration of the planned run; kept: if all "
     "features are kept, recompute: if all are recomputed; largest: the largest longer side that "
     "fits; limit_mib is 0 if the memory is unknown"},
    {"iteration", "n, total, content, style, tv, edges, seconds",
     "iteration n is done; total is the loss before it, the sum of the next four; seconds since "
     "the picture was started"},
    {"recovered", "n",
     "the loss of iteration n was not finite or had grown far; the step was undone"},
    {"profile", "operation, seconds, calls", "--profile: one for each operation"},
    {"done",
     "out, width, height, iterations, skipped, seconds, peak_mib, device_mib, device, "
     "precision, loss, returned, ended",
     "the picture is written; skipped: iterations not run because the picture had converged; "
     "peak_mib: the process's peak memory; device_mib: memory planned on the device; returned: "
     "the picture is an earlier one, of less loss than the last; ended: "
     "complete, interrupted, time-limit or not-finite"},
    {"picture", "content, style, out, result, seconds, reason",
     "batch: one picture; result: painted, skipped or failed; reason: why it failed, or null"},
    {"batch", "pictures, painted, skipped, failed, left, seconds", "batch: the totals"},
    {"film", "out, pictures", "film: the film is written, from this many pictures"},
    {"compared", "picture, label, width, height, psnr, mean, largest, settings",
     "compare: one for each; PSNR in dB, mean and largest colour difference (0..1) from the first "
     "picture, null if the sizes differ; PSNR is also null for equal pictures; settings: how the "
     "picture was made, or null"},
    {"variation", "settings, result, seconds, loss",
     "grid: one picture; result: painted or failed; settings: those that vary, as text"},
    {"sheet", "out, width, height, pictures", "compare, grid: the sheet is written"},
    {"loss", "term, layer, level, value",
     "score: one term; layer is null for total variation and edges"},
    {"score", "picture, width, height, total, content, style, tv, edges, device, precision, files",
     "score: the sums; files: how many arrays --dump wrote"},
    {"device",
     "index, kind, platform, vendor, name, driver, memory, max_alloc, local, units, "
     "max_group, tested, usable, reason, gflops, gbs, seconds, auto",
     "devices: one for each; sizes in bytes; seconds of the reference iteration; null if not "
     "measured"},
    {"network",
     "name, source, licence, provenance, sha256, layers, parameters, order, range, mean, "
     "deviation, padding",
     "weights info: the network"},
    {"layer", "name, in, out, kernel, parameters, total, low, high",
     "weights info: one for each layer; total: parameters so far; low, high: range of its filters"},
    {"weights", "name, here, path, about, origin, licence, file, bytes, digest, addresses",
     "weights list: one for each; unknown values are null"},
    {"fetching", "name, done, total", "weights fetch: bytes so far, once a second"},
    {"installed", "name, path, format, sha256, layers, parameters, skipped, folded, guessed",
     "weights fetch and import: the network is installed; sha256: of the imported file; guessed: "
     "the input form was guessed, see --input"},
    {"verified", "name, right, noted, sha256",
     "weights verify: one for each; noted: a SHA-256 was recorded at installation"},
    {"removed", "name", "weights remove: one for each"},
    {"preset", "name, network, about, options", "presets: one for each"},
    {"version", "version", "version"},
    {"option", "command, name, letter, argument, default, unit, older, group, help",
     "help: one for each option of each command; older: a name that is still understood"},
    {NULL, NULL, NULL},
};

json_t *cli_json_event(const char *event) {
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string(event));
    return object;
}

json_t *cli_json_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* JSON escapes control characters, and holds UTF-8 only. */
json_t *cli_json_text(const char *text) {
    char *plain = strdup(text);
    if (!plain)
        return json_null();
    imp_clean_addresses(plain);
    json_t *string = json_string(plain);
    if (!string) {
        imp_clean_controls(plain);
        string = json_string(plain);
    }
    free(plain);
    return string;
}

void cli_json_line(json_t *object) {
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (line)
        puts(line);
    fflush(stdout);
    free(line);
    json_decref(object);
}
