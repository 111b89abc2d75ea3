/* SPDX-License-Identifier: MIT
 *
 * What the files of the cpu backend share. `maps` tensors are stored in blocks of channels,
 * [ceil(C/16)][H][W][16]. The lanes beyond C are always zero: every slot that writes a map writes
 * zeros there.
 *
 * Work is divided into chunks. Wherever the division affects the result, it depends on shapes only,
 * never on the number of threads: the picture is the same on one thread and on a hundred.
 */
#ifndef IMP_NATIVE_H
#define IMP_NATIVE_H

#include "backend/ops.h"
#include "cpu/native_kernels.h"
#include "cpu/threads.h"

struct imp_memory {
    char *bytes; /* owned; aligned to IMP_ALIGNMENT */
    size_t size;
};

enum { IMP_ALIGNMENT = 64 }; /* a cache line, and the widest vector */

typedef struct imp_native {
    imp_device base;
    const imp_kernels *kernels;
    imp_threads *threads;
    imp_memory *workers; /* workspaces by worker; owned, like all below */
    imp_memory shared;   /* workspace of the device */
} imp_native;

static inline imp_native *imp_native_of(imp_device *d) {
    return (imp_native *)d;
}

static inline float *imp_native_floats(imp_tensor t) {
    return (float *)(void *)(t.memory->bytes + t.at);
}

static inline size_t imp_native_blocks(size_t channels) {
    return (channels + IMP_BLOCK - 1) / IMP_BLOCK;
}

/* The floats that a tensor covers, lanes beyond its channels included. */
static inline size_t imp_native_count(imp_tensor t) {
    const size_t channels = t.layout == IMP_MAPS ? imp_native_blocks(t.c) * IMP_BLOCK : t.c;
    return channels * t.h * t.w;
}

static inline bool imp_native_alike(imp_tensor a, imp_tensor b) {
    return a.c == b.c && a.h == b.h && a.w == b.w && a.layout == b.layout;
}

/* Zeroes the lanes of a map beyond its channels; nothing for planes. */
void imp_native_seal(imp_tensor t);

/* Workspaces of floats: one for each worker, and one shared by all. They are aligned, valid until
 * the next call for the same one, and only grow. NULL or IMP_ERR_MEMORY, with the error set. */
imp_status imp_native_reserve(imp_native *n, size_t floats);
float *imp_native_space(const imp_native *n, unsigned worker);
float *imp_native_shared(imp_native *n, size_t floats);

/* Allocates and counts aligned memory, in large pages if it is large; false, and *memory all zeros:
 * out of memory. drop frees it. */
bool imp_native_take(imp_native *n, imp_memory *memory, size_t bytes);
void imp_native_drop(imp_native *n, imp_memory *memory);

/* The slots: imp_native_conv is conv of backend/operations.def. */
#define SLOT(type, name, device, parameters)                                                       \
    type imp_native_##name(device d IMP_PARAMETERS(parameters));
#include "backend/operations.def"

/* imp_native_tv for IMP_TV_NEIGHBOURS. */
imp_status imp_native_neighbours(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                                 float weight);

#endif
