/* SPDX-License-Identifier: MIT
 *
 * The backends of backends.def, and the devices that they find.
 */
#ifndef IMP_REGISTRY_H
#define IMP_REGISTRY_H

#include "backend/backend.h"

/* The backend of that name, or NULL. */
const imp_backend *imp_registry_named(const char *name);

/* The first backend of a role. */
const imp_backend *imp_registry_first(imp_backend_role role);

typedef struct imp_found {
    const imp_backend *backend;
    size_t index;         /* in the backend's own list */
    imp_device_info info; /* info.index: what imp_device_open takes, -1 for processors */
} imp_found;

/* All devices but the reference, in the order of the list; the caller frees them. own: no others
 * than processors, which have no driver. NULL: out of memory. */
imp_found *imp_registry_find(size_t *count, const imp_device_options *options, bool own);

/* Opens a device that was found. */
imp_status imp_registry_open(imp_device **out, const imp_found *found,
                             const imp_device_options *options, imp_error *err);

#endif
