/* SPDX-License-Identifier: MIT
 *
 * The table of cases: operation x shape x kind of data. The self-test of devices, the tests and the
 * benchmark share it. A case runs on a device and on the oracle with the same numbers. The two
 * results may differ by a bound that is derived, never tuned (bounds.h).
 */
#ifndef IMP_CASES_H
#define IMP_CASES_H

#include "backend/ops.h"

/* The operations of operations.def, and a copy. Optional ones are tested by their parts (fused.c).
 */
typedef enum imp_op {
    IMP_OP_copy, /* write and read: to the device's layout and back */
#define OP(name, parameters) IMP_OP_##name,
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
    IMP_OPS
} imp_op;

typedef enum imp_data {
    IMP_SIGNED,      /* uniform in (-1,1) */
    IMP_NONNEGATIVE, /* uniform in [0,1), filters too */
    IMP_CONSTANT,    /* one value over a whole tensor; filters as for signed */
    IMP_SPARSE,      /* half of it zero, the rest multiples of 1/4: zeros and ties */
    IMP_LARGE,       /* uniform in (-1e4,1e4) */
    IMP_DATA
} imp_data;

typedef enum imp_level {
    IMP_LEVEL_TINY,   /* for an interpreter of kernels */
    IMP_LEVEL_NORMAL, /* shapes that no tile divides */
    IMP_LEVEL_FULL    /* the layers of VGG-19 at 512 pixels */
} imp_level;

/* Variants: how an operation is called. Bits where they combine, else alternatives from 0. Variants
 * of pooling are imp_pooling, those of total variation imp_tv_form. */
enum {
    IMP_GRAM_ADDS = 1, /* accumulate */
    IMP_GRAM_SUMS = 2, /* with s */
    IMP_STYLE_HAS_METRIC = 1,
    IMP_STYLE_GRAD_VECTORS = 1, /* dm is not square */
    IMP_COMBINE_INTO_X = 1,     /* z is x */
    IMP_COMBINE_INTO_Y = 2,
    IMP_DOT_WITH_ITSELF = 1,
    IMP_ADAM_IS_KERAS = 1,
    IMP_MASK_ADDS = 1,
    IMP_WRAP_COLUMNS = 1, /* only columns are continued */
    IMP_RESCALE_ADDS = 1,
    IMP_RESCALE_IN_PLACE = 2 /* y is x */
};

typedef struct imp_case {
    imp_op op;
    unsigned variant; /* of the enum above */
    imp_data data;
    imp_level level;
    bool quick;            /* in the self-test */
    bool every_algorithm;  /* convolution: with each algorithm of the device, not only with its own
                              choice */
    size_t c, h, w;        /* of the operation's input x or f; matrices are c x c */
    imp_layout layout;     /* of it */
    imp_layout out_layout; /* convolution: of its output */
    imp_conv conv;         /* convolution */
    bool bias;
} imp_case;

/* The number of cases, and case i of them. */
size_t imp_case_count(void);
imp_case imp_case_at(size_t i);

/* The name of the slot, and of the case: "conv 3x3 s1 zero relu 64>64 37x29 signed". */
const char *imp_op_name(imp_op op);
void imp_case_name(const imp_case *c, char *out, size_t size);

typedef enum imp_outcome { IMP_PASSED, IMP_FAILED, IMP_SKIPPED } imp_outcome;

typedef struct imp_result {
    imp_outcome outcome;
    imp_status error; /* of the device, where that is why it failed; else the numbers are wrong */
    double ratio;     /* the worst |got - wanted| / bound; infinite if exact numbers differ */
    char reason[512]; /* unless passed, one line: what, index, wanted, got, bound, seed */
} imp_result;

/* Runs a case on a device and compares it with the oracle. seed: of its numbers. origin: the device
 * address at which its tensors begin; a large one tests large offsets. A case that does not fit the
 * device's memory is skipped. Errors of the device are failures; the status is an error only if the
 * host's memory ran out. */
imp_status imp_case_run(const imp_case *c, imp_device *device, uint64_t seed, size_t origin,
                        imp_result *out);

/* Cases of convolution fused with the pooling behind it: it must give the same bits as the separate
 * steps. Skipped if the device does not fuse them. quick: in the self-test. Errors as above. */
size_t imp_fused_count(void);
bool imp_fused_quick(size_t i);
void imp_fused_name(size_t i, char *name, size_t size);
imp_status imp_fused_run(size_t i, imp_device *device, imp_result *out);

/* The separate steps of conv_pool and conv_pool_grad. map: takes the result of the convolution. */
imp_status imp_fused_forward(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor map,
                             imp_tensor x, imp_filter *filter, imp_pooling kind);
imp_status imp_fused_back(imp_device *d, imp_tensor dx, imp_tensor map, imp_tensor dy,
                          imp_tensor indices, imp_filter *filter, imp_pooling kind);

/* Runs the quick cases of every operation or, on a device opened with IMP_FP16, those that this
 * changes. reason: the first failure in one line. Errors: IMP_ERR_NUMBER (wrong numbers), those of
 * the device, IMP_ERR_MEMORY (a case does not fit; or the host's memory ran out, without a reason).
 */
imp_status imp_selftest(imp_device *device, char *reason, size_t size);

#endif
