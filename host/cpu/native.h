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

imp_status imp_native_filter_open(imp_device *d, imp_filter **out, const imp_conv *conv,
                                  const float *weights, const float *bias);
void imp_native_filter_close(imp_device *d, imp_filter *filter);
imp_status imp_native_conv(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter);
bool imp_native_fuses_pool(const imp_device *d, imp_tensor y, imp_tensor x,
                           const imp_filter *filter, bool gradient);
imp_status imp_native_conv_pool(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor x,
                                imp_filter *filter, imp_pooling kind);
imp_status imp_native_conv_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy,
                                     imp_tensor indices, imp_filter *filter, imp_pooling kind);
imp_status imp_native_conv_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                                imp_filter *filter);
const imp_winograd *imp_native_winograd_of(const imp_device *d, imp_tensor y, imp_tensor x,
                                           const imp_filter *filter, bool gradient);
const char *imp_native_algorithm_name(const imp_device *d, imp_tensor y, imp_tensor x,
                                      const imp_filter *filter, bool gradient, unsigned algorithm);
imp_algorithm imp_native_algorithm(const imp_device *d, imp_tensor y, imp_tensor x,
                                   const imp_filter *filter, bool gradient);
void imp_native_workspace(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                          bool back, size_t *filters, size_t *work);
imp_status imp_native_pool(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind);
imp_status imp_native_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x,
                                imp_tensor y, imp_pooling kind);
imp_status imp_native_pool_indices(imp_device *d, imp_tensor indices, imp_tensor x,
                                   imp_pooling kind);
imp_status imp_native_unpool(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                             imp_pooling kind);

imp_status imp_native_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f,
                           bool accumulate);
imp_status imp_native_style(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                            imp_tensor target, imp_tensor metric, imp_tensor scratch, float scale,
                            float weight);
imp_status imp_native_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f);

imp_status imp_native_content(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f,
                              imp_tensor p, float weight);
imp_status imp_native_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                         imp_tv_form form, float weight);
/* imp_native_tv for IMP_TV_NEIGHBOURS. */
imp_status imp_native_neighbours(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                                 float weight);
imp_status imp_native_multiply(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                               float beta);
imp_status imp_native_covariance(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s,
                                 float scale, float shift);
imp_status imp_native_transport(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                                imp_tensor cov, imp_tensor root, imp_tensor s, imp_tensor mean,
                                float trace, float scale, float weight);
imp_status imp_native_shift(imp_device *d, imp_tensor f, imp_tensor v);

imp_status imp_native_mask(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add);
imp_status imp_native_wrap(imp_device *d, imp_tensor y, imp_tensor x);
imp_status imp_native_wrap_grad(imp_device *d, imp_tensor dx, imp_tensor dy);
imp_status imp_native_affine(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a);
imp_status imp_native_affine_grad(imp_device *d, imp_tensor dx, imp_tensor dy, const imp_affine *a);
imp_status imp_native_fill(imp_device *d, imp_tensor x, float value);
imp_status imp_native_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, float b,
                              imp_tensor y);
imp_status imp_native_clamp(imp_device *d, imp_tensor x, float lo, float hi);
imp_status imp_native_dot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y);
imp_status imp_native_norm1(imp_device *d, imp_slot out, imp_tensor x);
imp_status imp_native_rescale(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                              float power, imp_tensor x, bool add);
imp_status imp_native_dots(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n,
                           imp_tensor x, imp_tensor y);
imp_status imp_native_mix(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                          const imp_tensor *vectors, size_t n);
imp_status imp_native_adam(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                           const imp_adam *p);

#endif
