/* SPDX-License-Identifier: MIT
 *
 * The backends that this build has. No other file knows one by its name, except the self-test,
 * which needs the oracle.
 */
#include "device/registry.h"

#include <stdlib.h>
#include <string.h>

#define BACKEND(name) extern const imp_backend imp_##name##_backend;
#include "device/backends.def"
#undef BACKEND

#define BACKEND(name) &imp_##name##_backend,
static const imp_backend *const backends[] = {
#include "device/backends.def"
};
#undef BACKEND

enum { BACKENDS = sizeof backends / sizeof *backends };

const imp_backend *imp_registry_named(const char *name) {
    for (size_t i = 0; i < BACKENDS; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

const imp_backend *imp_registry_first(imp_backend_role role) {
    for (size_t i = 0; i < BACKENDS; i++)
        if (backends[i]->role == role)
            return backends[i];
    return NULL;
}

/* Adds a backend's devices to the list; *number: of the next device that is chosen by number. */
static bool add_devices(imp_found **list, size_t *count, int *number, const imp_backend *backend,
                        const imp_device_options *options) {
    const size_t expected = backend->list(NULL, 0, options);
    imp_device_info *infos = calloc(expected + 1, sizeof *infos);
    imp_found *longer = realloc(*list, (*count + expected + 1) * sizeof *longer);
    *list = longer ? longer : *list;
    if (!infos || !longer) {
        free(infos);
        return false;
    }
    const size_t now = backend->list(infos, expected, options);
    for (size_t i = 0; i < now && i < expected; i++) { /* a device may have gone meanwhile */
        imp_found *found = &(*list)[(*count)++];
        *found = (imp_found){backend, i, infos[i]};
        found->info.index = backend->role == IMP_BACKEND_DEVICES ? (*number)++ : -1;
    }
    free(infos);
    return true;
}

imp_found *imp_registry_find(size_t *count, const imp_device_options *options, bool own) {
    imp_found *list = NULL;
    int number = 0;
    *count = 0;
    for (size_t i = 0; i < BACKENDS; i++)
        if (backends[i]->role != IMP_BACKEND_REFERENCE &&
            !(own && backends[i]->role == IMP_BACKEND_DEVICES) &&
            !add_devices(&list, count, &number, backends[i], options)) {
            free(list);
            return NULL;
        }
    return list;
}

imp_status imp_registry_open(imp_device **out, const imp_found *found,
                             const imp_device_options *options, imp_error *err) {
    TRY(found->backend->open(out, found->index, options, err));
    (*out)->info.index = found->info.index;
    return IMP_OK;
}
