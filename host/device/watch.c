/* SPDX-License-Identifier: MIT
 *
 * The imp_watch of a program that survives its drivers: see impasto.h.
 */
#include "device/watch.h"

#include <string.h>

/* A device has the same number in every process, until one is plugged in or removed. */
static void id_of(char id[IMP_DEVICE_ID_MAX], const imp_device_info *info) {
    snprintf(id, IMP_DEVICE_ID_MAX, "%s %d %s", info->backend, info->index, info->name);
}

void imp_watch_do(const imp_device_options *options, const imp_found *found, const char *doing) {
    imp_watch *w = options->watch;
    if (!w || (found && found->info.index < 0))
        return;
    if (found)
        id_of(w->device, &found->info);
    else
        w->device[0] = 0;
    snprintf(w->name, sizeof w->name, "%s", found ? found->info.name : "OpenCL");
    snprintf(w->doing, sizeof w->doing, "%s", doing);
    w->waiting = true;
    w->steps++;
}

void imp_watch_open(const imp_device_options *options) {
    imp_watch *w = options->watch;
    if (!w || !w->waiting)
        return;
    snprintf(w->doing, sizeof w->doing, "working");
    w->waiting = false;
}

void imp_watch_idle(const imp_device_options *options) {
    imp_watch *w = options->watch;
    if (!w)
        return;
    w->waiting = false;
    w->doing[0] = 0;
}

const imp_lost *imp_watch_lost(const imp_device_options *options, const imp_found *found) {
    const imp_watch *w = options->watch;
    char id[IMP_DEVICE_ID_MAX] = "";
    if (found)
        id_of(id, &found->info);
    for (unsigned i = 0; w && i < w->losses && i < IMP_LOST_MAX; i++)
        if (strcmp(w->lost[i].device, id) == 0)
            return &w->lost[i];
    return NULL;
}

void imp_device_lose(imp_watch *watch, const imp_device *device, const char *reason) {
    if (watch->losses == IMP_LOST_MAX)
        return;
    imp_lost *lost = &watch->lost[watch->losses++];
    *lost = (imp_lost){.opening = false};
    id_of(lost->device, &device->info);
    snprintf(lost->reason, sizeof lost->reason, "%s", reason);
}
