/* SPDX-License-Identifier: MIT
 *
 * What every user of a backend needs: descriptions, errors, and places for tensors.
 */
#include "backend/backend.h"

#include <stdarg.h>
#include <stdio.h>

imp_device_info imp_backend_info(const imp_backend *backend, int index) {
    imp_device_info info = {.index = index, .shares_host_memory = backend->shares_host_memory};
    snprintf(info.backend, sizeof info.backend, "%s", backend->name);
    return info;
}

#undef imp_fail_device
imp_status imp_fail_device(imp_error *err, imp_device *device) {
    const imp_error e = device->error;
    device->error = (imp_error){0};
    return imp_fail(err, e.status, "%s", e.text);
}

void imp_device_say(const imp_device_options *options, imp_log_level level, const char *format,
                    ...) {
    char line[768];
    va_list args;
    if (!options->log || level > options->level)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    options->log(options->user, level, line);
}

void imp_device_step(const imp_device_options *options) {
    if (options->watch)
        options->watch->steps++;
}

imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w) {
    imp_tensor t = {.c = c, .h = h, .w = w, .layout = layout};
    if (*cursor != SIZE_MAX)
        *cursor = device->ops->place(device, &t, *cursor);
    return t;
}
