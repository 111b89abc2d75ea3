/* SPDX-License-Identifier: MIT
 *
 * What the files of the oracle share: memory, scratch space, and the slots. Tensors of both layouts
 * are C planes of H*W floats. Sums are kept in double and rounded once, when they are stored.
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

/* A workspace of at least `bytes`, valid until the next call. It only grows, so that a repeated
 * operation allocates nothing. NULL, with the error set: out of memory. */
void *imp_oracle_scratch(imp_device *d, size_t bytes);

/* Stores a value in a slot, as a float and the remainder; and reads it. */
void imp_oracle_scalar(imp_slot slot, double value);
double imp_oracle_value(imp_slot slot);

/* The slots: imp_oracle_conv is conv of backend/operations.def. The optional ones are missing. */
#define SLOT(type, name, device, parameters)                                                       \
    type imp_oracle_##name(device d IMP_PARAMETERS(parameters));
#define SLOT_OPTIONAL(type, name, device, parameters)
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"

#endif
