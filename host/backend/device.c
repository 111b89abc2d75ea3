/* SPDX-License-Identifier: MIT
 *
 * What every user of a backend does with a device: takes over its error, and places tensors.
 */
#include "backend/ops.h"

imp_status imp_fail_device(imp_error *err, imp_device *device) {
    const imp_error e = device->error;
    device->error = (imp_error){0};
    return imp_fail(err, e.status, "%s", e.text);
}

imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w) {
    imp_tensor t = {.c = c, .h = h, .w = w, .layout = layout};
    if (*cursor != SIZE_MAX)
        *cursor = device->ops->place(device, &t, *cursor);
    return t;
}
