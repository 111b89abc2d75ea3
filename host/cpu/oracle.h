/* SPDX-License-Identifier: MIT
 *
 * What the files of the oracle share: its device and memory, and its slots. Tensors of both layouts
 * are C planes of H*W floats. Each function is the slot of that name in backend/ops.h, which says
 * what it computes; sums are kept in double and rounded once, when they are stored.
 */
#ifndef IMP_ORACLE_H
#define IMP_ORACLE_H

#include <stdlib.h>

#include "backend/ops.h"

struct imp_memory {
    char *bytes; /* owned */
};

/* The channels of t, one plane after the other. */
static inline float *imp_oracle_floats(imp_tensor t) {
    return (float *)(void *)(t.memory->bytes + t.at);
}

static inline size_t imp_oracle_count(imp_tensor t) {
    return t.c * t.h * t.w;
}

static inline bool imp_oracle_alike(imp_tensor a, imp_tensor b) {
    return a.c == b.c && a.h == b.h && a.w == b.w && a.layout == b.layout;
}

/* y[k * y_step] += a x[k * x_step] for k < n. */
static inline void imp_oracle_axpy(double *y, size_t y_step, double a, const float *x,
                                   size_t x_step, size_t n) {
    if (y_step == 1 && x_step == 1)
        for (size_t k = 0; k < n; k++)
            y[k] += a * x[k];
    else
        for (size_t k = 0; k < n; k++)
            y[k * y_step] += a * x[k * x_step];
}

/* sum_k x[k] y[k], in eight interleaved sums. */
double imp_oracle_sum(const float *x, const float *y, size_t n);

/* Working space of the device, at least so many bytes, good until the next call; it only grows, so
 * that an operation repeated allocates nothing. NULL, with the error set: memory ran out. */
void *imp_oracle_scratch(imp_device *d, size_t bytes);

/* Leaves value in a slot, as a float and what the float leaves over, and reads it back. */
void imp_oracle_scalar(imp_slot slot, double value);
double imp_oracle_value(imp_slot slot);

imp_status imp_oracle_filter_open(imp_device *d, imp_filter **out, const imp_conv *conv,
                                  const float *weights, const float *bias);
void imp_oracle_filter_close(imp_device *d, imp_filter *filter);
imp_status imp_oracle_conv(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter);
imp_status imp_oracle_conv_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                                imp_filter *filter);
imp_algorithm imp_oracle_algorithm(const imp_device *d, imp_tensor y, imp_tensor x,
                                   const imp_filter *filter, bool back);
void imp_oracle_workspace(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                          bool back, size_t *filters, size_t *work);
imp_status imp_oracle_pool(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind);
imp_status imp_oracle_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x,
                                imp_tensor y, imp_pooling kind);
imp_status imp_oracle_pool_indices(imp_device *d, imp_tensor indices, imp_tensor x,
                                   imp_pooling kind);
imp_status imp_oracle_unpool(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                             imp_pooling kind);

imp_status imp_oracle_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f,
                           bool accumulate);
imp_status imp_oracle_style(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                            imp_tensor target, imp_tensor metric, imp_tensor scratch, float scale,
                            float weight);
imp_status imp_oracle_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f);
imp_status imp_oracle_content(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f,
                              imp_tensor p, float weight);
imp_status imp_oracle_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                         imp_tv_form form, float weight);

imp_status imp_oracle_multiply(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                               float beta);
imp_status imp_oracle_covariance(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s,
                                 float scale, float shift);
imp_status imp_oracle_transport(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                                imp_tensor cov, imp_tensor root, imp_tensor s, imp_tensor mean,
                                float trace, float scale, float weight);
imp_status imp_oracle_shift(imp_device *d, imp_tensor f, imp_tensor v);

imp_status imp_oracle_mask(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add);
imp_status imp_oracle_wrap(imp_device *d, imp_tensor y, imp_tensor x);
imp_status imp_oracle_wrap_grad(imp_device *d, imp_tensor dx, imp_tensor dy);
imp_status imp_oracle_affine(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a);
imp_status imp_oracle_affine_grad(imp_device *d, imp_tensor dx, imp_tensor dy, const imp_affine *a);
imp_status imp_oracle_fill(imp_device *d, imp_tensor x, float value);
imp_status imp_oracle_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, float b,
                              imp_tensor y);
imp_status imp_oracle_clamp(imp_device *d, imp_tensor x, float lo, float hi);
imp_status imp_oracle_dot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y);
imp_status imp_oracle_norm1(imp_device *d, imp_slot out, imp_tensor x);
imp_status imp_oracle_rescale(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                              float power, imp_tensor x, bool add);
imp_status imp_oracle_dots(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n,
                           imp_tensor x, imp_tensor y);
imp_status imp_oracle_mix(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                          const imp_tensor *vectors, size_t n);
imp_status imp_oracle_adam(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                           const imp_adam *p);

#endif
