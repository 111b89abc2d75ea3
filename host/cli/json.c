/* SPDX-License-Identifier: MIT
 *
 * JSON for programs: see json.h.
 */
#include "cli/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_json_field cli_json_fields[] = {
    {"start", "version, content, styles, out, preset, network, device, iterations, options",
     "paint begins, or begins anew when a device failed and the processor takes over; options "
     "holds every recorded parameter as text"},
    {"forecast",
     "device, precision, width, height, iterations, fits, largest, limit_mib, device_mib, "
     "filters_mib, activations_mib, optimizer_mib, work_mib, host_mib, total_mib, kept_mib, "
     "again_mib, seconds_per_iteration, kept_seconds, again_seconds, seconds",
     "paint --dry-run: total_mib and seconds_per_iteration as it would run; kept: with all "
     "features kept that are needed, again: with all made again; largest: the longer side that "
     "fits; limit_mib is 0 where the memory is not known"},
    {"iteration", "n, total, content, style, tv, seconds",
     "iteration n is done; total is the loss before it, the sum of the three that follow; seconds "
     "since the picture was begun"},
    {"recovered", "n", "iteration n met a loss that was not finite and was taken back"},
    {"profile", "operation, seconds, calls", "with --profile, one for each operation"},
    {"done",
     "out, width, height, iterations, spared, seconds, peak_mib, device_mib, device, "
     "precision, loss, ended",
     "the picture is written; peak_mib is the process's largest memory, device_mib what was "
     "planned on the device; ended is complete, interrupted, time-limit or not-finite"},
    {"picture", "content, style, out, result, seconds, reason",
     "batch: one is done; result is painted, skipped or failed, for which reason"},
    {"batch", "pictures, painted, skipped, failed, left, seconds", "batch: all are done"},
    {"film", "out, pictures", "film: it is written; how many pictures went into it"},
    {"compared", "picture, label, width, height, psnr, mean, largest, settings",
     "compare: one for each; PSNR in dB, mean and largest difference of a colour in 0..1 from the "
     "first picture, null where the sizes differ, PSNR also where nothing differs; settings: what "
     "the picture says of its making, or null"},
    {"variation", "settings, result, seconds, loss",
     "grid: one picture is done; result is painted or failed; settings: those that vary, as text"},
    {"sheet", "out, width, height, pictures", "compare, grid: the sheet is written"},
    {"loss", "term, layer, level, value", "score: one term; layer is null for the total variation"},
    {"score", "picture, width, height, total, content, style, tv, device, precision, files",
     "score: the sums, and the arrays written by --dump"},
    {"device",
     "index, kind, platform, vendor, name, driver, memory, max_alloc, local, units, "
     "max_group, tested, usable, reason, gflops, gbs, seconds, auto",
     "devices: one for each; sizes in bytes, seconds of the reference iteration, figures null "
     "where not measured"},
    {"network",
     "name, source, licence, provenance, sha256, layers, parameters, order, range, mean, "
     "deviation, padding",
     "weights info: the network"},
    {"layer", "name, in, out, kernel, parameters, total, low, high",
     "weights info: one for each layer; total: parameters so far, low, high: range of its filters"},
    {"weights", "name, here, path, about, origin, licence, file, bytes, digest, addresses",
     "weights list: one for each; path and what is published of it are null where there is none"},
    {"fetching", "name, done, total", "weights fetch: bytes so far, once a second"},
    {"installed", "name, path, format, sha256, layers, parameters, skipped, folded, guessed",
     "weights fetch and import: it is in place; sha256 is the foreign file's; guessed: --input may "
     "be wrong"},
    {"verified", "name, right, noted, sha256",
     "weights verify: one for each; noted: there was a note of its SHA-256 to compare with"},
    {"removed", "name", "weights remove: one for each"},
    {"preset", "name, network, about, options", "presets: one for each"},
    {"version", "version", "version"},
    {"option", "command, name, letter, argument, default, group, help",
     "help: one for each option of each command"},
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

json_t *cli_json_text(const char *text) {
    json_t *string = json_string(text);
    if (string)
        return string;
    char *plain = strdup(text);
    if (!plain)
        return json_null();
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    string = json_string(plain);
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
