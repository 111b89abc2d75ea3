/* SPDX-License-Identifier: MIT
 *
 * What the files of the cpu backend share. `maps` tensors are laid out in channel blocks,
 * [ceil(C/16)][H][W][16], and the lanes beyond C are always zero: every slot that writes a map
 * leaves them so, and none has to look at them. Each imp_native_NAME is the slot of that name in
 * backend/ops.h, which says what it computes.
 *
 * Work is cut into chunks that depend on shapes only, never on the number of threads, wherever the
 * cut shows in the result: the same picture comes out on one thread and on a hundred.
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
    imp_memory *workers; /* working space by worker; owned, like all below */
    imp_memory shared;   /* working space of the device */
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

/* Working space of floats: every worker's own, and one of the whole device, both aligned and good
 * until the next call for the same; they only grow. NULL or IMP_ERR_MEMORY with the error set. */
imp_status imp_native_reserve(imp_native *n, size_t floats);
float *imp_native_space(const imp_native *n, unsigned worker);
float *imp_native_shared(imp_native *n, size_t floats);

/* Fills in memory of so many bytes, aligned, in large pages where it is large; false, and all
 * zeros, where there is none. Counts it. And gives it back. */
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
