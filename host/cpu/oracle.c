/* SPDX-License-Identifier: MIT
 *
 * The oracle's device, its memory and its table of operations.
 */
#include "cpu/oracle.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu.h"

enum { ALIGNMENT = 64 };

struct oracle {
    imp_device base;
    void *scratch; /* owned */
    size_t scratch_bytes;
};

/* ---- buffers ---- */

void imp_oracle_close(imp_device *d) {
    if (!d)
        return;
    free(((struct oracle *)d)->scratch);
    free(d);
}

size_t imp_oracle_place(const imp_device *d, imp_tensor *t, size_t cursor) {
    (void)d;
    t->at = (cursor + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return t->at + imp_oracle_count(*t) * sizeof(float);
}

imp_status imp_oracle_alloc(imp_device *d, imp_memory **out, size_t bytes) {
    const bool possible =
        bytes <= PTRDIFF_MAX; /* not SIZE_MAX, which place returns if nothing fits */
    imp_memory *memory = malloc(sizeof *memory);
    char *space = NULL;
    if (memory && possible)
        space = aligned_alloc(ALIGNMENT, (bytes / ALIGNMENT + 1) * ALIGNMENT);
    if (!space) {
        free(memory);
        return imp_fail(&d->error, IMP_ERR_MEMORY,
                        "device 'oracle': no memory for %zu MiB: choose a smaller size",
                        bytes >> 20);
    }
    memory->bytes = space;
    d->counters.allocations++;
    *out = memory;
    return IMP_OK;
}

void imp_oracle_release(imp_device *d, imp_memory *memory) {
    (void)d;
    if (memory)
        free(memory->bytes);
    free(memory);
}

imp_status imp_oracle_write(imp_device *d, imp_tensor dst, const float *src) {
    memcpy(imp_oracle_floats(dst), src, imp_oracle_count(dst) * sizeof(float));
    d->counters.writes++;
    return IMP_OK;
}

imp_status imp_oracle_read(imp_device *d, float *dst, imp_tensor src) {
    memcpy(dst, imp_oracle_floats(src), imp_oracle_count(src) * sizeof(float));
    d->counters.reads++;
    return IMP_OK;
}

imp_status imp_oracle_sync(imp_device *d) {
    (void)d;
    return IMP_OK;
}

/* ---- shared by the slots ---- */

void *imp_oracle_scratch(imp_device *d, size_t bytes) {
    struct oracle *o = (struct oracle *)d;
    if (bytes <= o->scratch_bytes)
        return o->scratch;
    free(o->scratch);
    o->scratch = malloc(bytes);
    o->scratch_bytes = o->scratch ? bytes : 0;
    if (!o->scratch)
        imp_fail(&d->error, IMP_ERR_MEMORY,
                 "device 'oracle': no memory for a workspace of %zu MiB: choose a smaller size",
                 bytes >> 20);
    return o->scratch;
}

double imp_oracle_sum(const float *x, const float *y, size_t n) {
    double part[8] = {0}, sum = 0;
    size_t k = 0;
    for (; k + 8 <= n; k += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += (double)x[k + j] * y[k + j];
    for (; k < n; k++)
        sum += (double)x[k] * y[k];
    for (size_t j = 0; j < 8; j++)
        sum += part[j];
    return sum;
}

void imp_oracle_scalar(imp_slot slot, double value) {
    float *partial = imp_oracle_floats(slot.scalars) + slot.i * IMP_PARTIALS;
    memset(partial, 0, IMP_PARTIALS * sizeof *partial);
    partial[0] = (float)value;
    if (partial[0] - partial[0] == 0) /* infinity has no remainder */
        partial[1] = (float)(value - partial[0]);
}

double imp_oracle_value(imp_slot slot) {
    const float *partial = imp_oracle_floats(slot.scalars) + slot.i * IMP_PARTIALS;
    double sum = 0;
    for (size_t j = 0; j < IMP_PARTIALS; j++)
        sum += partial[j];
    return sum;
}

/* ---- the table ---- */

const imp_ops imp_oracle_ops = {
#define SLOT(type, name, device, parameters) .name = imp_oracle_##name,
#define SLOT_OPTIONAL(type, name, device, parameters)
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
};

imp_status imp_oracle_open(imp_device **out, const imp_device_options *options, imp_error *err) {
    struct oracle *o = calloc(1, sizeof *o);
    if (!o)
        return imp_fail(err, IMP_ERR_MEMORY, "device 'oracle': no memory to open it");
    imp_device_info *info = &o->base.info;
    *info = imp_backend_info(&imp_oracle_backend, -1);
    snprintf(info->platform, sizeof info->platform, "Impasto");
    snprintf(info->name, sizeof info->name, "oracle");
    snprintf(info->driver, sizeof info->driver, "%s", imp_version());
    info->memory_bytes = imp_memory_bytes();
    info->max_alloc_bytes = info->memory_bytes;
    info->units = 1;
    info->usable = true;
    o->base.ops = &imp_oracle_ops;
    o->base.backend = &imp_oracle_backend;
    if (options)
        o->base.options = *options;
    *out = &o->base;
    return IMP_OK;
}

static size_t list_devices(imp_device_info *out, size_t cap, const imp_device_options *options) {
    imp_device *d = NULL;
    if (cap > 0 && imp_oracle_open(&d, options, NULL) == IMP_OK)
        *out = d->info;
    if (d)
        d->ops->close(d);
    return 1;
}

static imp_status open_device(imp_device **out, size_t index, const imp_device_options *options,
                              imp_error *err) {
    (void)index;
    return imp_oracle_open(out, options, err);
}

const imp_backend imp_oracle_backend = {.name = "oracle",
                                        .role = IMP_BACKEND_REFERENCE,
                                        .shares_host_memory = true,
                                        .list = list_devices,
                                        .open = open_device};
