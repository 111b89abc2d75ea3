/* SPDX-License-Identifier: MIT
 *
 * A trial is a case with its numbers: the operands of one operation on the host. A run is a trial
 * that stands in the memory of a device, ready to be launched any number of times.
 */
#ifndef IMP_OPERANDS_H
#define IMP_OPERANDS_H

#include "selftest/cases.h"

typedef enum imp_role {
    IMP_ABSENT,   /* no tensor */
    IMP_INPUT,    /* must come out as it went in */
    IMP_OUTPUT,   /* starts as NaN, so that what is not written shows */
    IMP_BOTH,     /* read and written */
    IMP_SCALARS,  /* several slots, of which IMP_SLOT_OUT, or some from it on, start as NaN */
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

/* The operands of a case without numbers: whoever fills them in owns them. */
void imp_operands_describe(imp_operands *t, const imp_case *c);

/* Numbers for a case, the same for the same seed. IMP_ERR_MEMORY. */
imp_status imp_operands_init(imp_operands *t, const imp_case *c, uint64_t seed, imp_error *err);
void imp_operands_finish(imp_operands *t);

/* Elements of an operand. */
size_t imp_operand_count(const imp_operand *o);

typedef struct imp_launch {
    const imp_operands *operands; /* borrowed until closed, filters too */
    imp_device *device;           /* borrowed */
    imp_memory *memory;
    imp_filter *filter;
    imp_tensor tensor[IMP_OPERANDS];
    imp_tensor guard[IMP_OPERANDS + 1]; /* around every operand: nothing may write there */
} imp_launch;

/* Brings a trial to a device, from address origin on. The device's status and message come back in
 * err. *fits turns false (and IMP_OK comes back) where an operand can lie nowhere, or all of them
 * are more than the device's memory. The run is to be closed in any case. */
imp_status imp_launch_open(imp_launch *r, const imp_operands *t, imp_device *device, size_t origin,
                           bool *fits, imp_error *err);
imp_status imp_launch_start(imp_launch *r, imp_error *err);
/* The matrices that the device's convolution goes by, or NULL. */
const imp_winograd *imp_launch_winograd(const imp_launch *r);
/* How the device goes about the convolution. */
imp_algorithm imp_launch_algorithm(const imp_launch *r);
/* The name of another way to make it, from 1 on (backend/ops.h), or NULL: there is none, or it is
 * no convolution. */
const char *imp_launch_algorithm_name(const imp_launch *r, unsigned algorithm);
/* Lets the device prefer a way for convolutions like this one from now on. */
void imp_launch_choose(imp_launch *r, unsigned algorithm);
/* Operand i as it is now; and as it shall be. */
imp_status imp_launch_read(imp_launch *r, size_t i, float *values, imp_error *err);
imp_status imp_launch_write(imp_launch *r, size_t i, const float *values, imp_error *err);
/* Whether all guards and, when inputs is true, all inputs are as they were; *what: the operand that
 * is not, or the one before a guard that is not. */
imp_status imp_launch_intact(imp_launch *r, bool inputs, const char **what, imp_error *err);
void imp_launch_close(imp_launch *r);

#endif
