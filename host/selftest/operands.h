/* SPDX-License-Identifier: MIT
 *
 * Operands: a case with its numbers, on the host. A launch: the operands in the memory of a device,
 * where the operation can be started any number of times.
 */
#ifndef IMP_OPERANDS_H
#define IMP_OPERANDS_H

#include "selftest/cases.h"

typedef enum imp_role {
    IMP_ABSENT,   /* no tensor */
    IMP_INPUT,    /* must stay unchanged */
    IMP_OUTPUT,   /* starts as NaN, which shows what is not written */
    IMP_BOTH,     /* read and written */
    IMP_SCALARS,  /* several slots; those written, from IMP_SLOT_OUT on, start as NaN */
    IMP_CLOBBERED /* working space */
} imp_role;

enum { IMP_VECTORS = 3 }; /* of dots and mix */
enum { IMP_SLOT_A, IMP_SLOT_OUT, IMP_SLOT_BEHIND = IMP_SLOT_OUT + 2 * IMP_VECTORS, IMP_SLOTS };

/* The slots that an operation writes, from IMP_SLOT_OUT on. */
static inline size_t imp_slots_written(imp_op op) {
    return op == IMP_OP_dots ? 2 * IMP_VECTORS : 1;
}

typedef struct imp_operand {
    const char *name;
    imp_role role;
    size_t c, h, w;
    imp_layout layout;
    float *values; /* c x h x w before the operation; owned; NULL when absent */
} imp_operand;

enum { IMP_OPERANDS = 7 };

typedef struct imp_operands {
    imp_case c;
    imp_operand operand[IMP_OPERANDS]; /* in the order of the slot's parameters */
    float *weights, *bias;             /* of a convolution; owned */
    imp_affine affine;
} imp_operands;

/* The operands of a case without numbers. Whoever allocates the values frees them. */
void imp_operands_describe(imp_operands *t, const imp_case *c);

/* Operands with numbers: the same for the same seed. IMP_ERR_MEMORY. */
imp_status imp_operands_init(imp_operands *t, const imp_case *c, uint64_t seed, imp_error *err);
void imp_operands_finish(imp_operands *t);

/* Elements of an operand. */
size_t imp_operand_count(const imp_operand *o);

typedef struct imp_launch {
    const imp_operands *operands; /* borrowed until closed, also its filters */
    imp_device *device;           /* borrowed */
    imp_memory *memory;
    imp_filter *filter;
    imp_tensor tensor[IMP_OPERANDS];
    imp_tensor guard[IMP_OPERANDS + 1]; /* before and behind every operand; must not change */
} imp_launch;

/* Copies operands to a device, from address origin on. err: the device's status and message. If an
 * operand fits nowhere, or all of them exceed the device's memory, *fits becomes false and the
 * status is IMP_OK. Close the launch in any case. */
imp_status imp_launch_open(imp_launch *l, const imp_operands *t, imp_device *device, size_t origin,
                           bool *fits, imp_error *err);
imp_status imp_launch_start(imp_launch *l, imp_error *err);
/* The Winograd matrices that the device's convolution uses, or NULL. */
const imp_winograd *imp_launch_winograd(const imp_launch *l);
/* The algorithm of the convolution. */
imp_algorithm imp_launch_algorithm(const imp_launch *l);
/* The name of algorithm 1, 2, ... (backend/operations.def); NULL: there is none, or it is not a
 * convolution. */
const char *imp_launch_algorithm_name(const imp_launch *l, unsigned algorithm);
/* Chooses the algorithm for convolutions like this one. */
void imp_launch_choose(imp_launch *l, unsigned algorithm);
/* Reads and writes operand i. */
imp_status imp_launch_read(imp_launch *l, size_t i, float *values, imp_error *err);
imp_status imp_launch_write(imp_launch *l, size_t i, const float *values, imp_error *err);
/* Checks that all guards and, if `inputs`, all inputs are unchanged. *what: the name of the operand
 * that was changed, or that stands before a guard that was; else NULL. */
imp_status imp_launch_intact(imp_launch *l, bool inputs, const char **what, imp_error *err);
void imp_launch_close(imp_launch *l);

#endif
