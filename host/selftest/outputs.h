/* SPDX-License-Identifier: MIT
 *
 * The outputs of a launch, compared with the oracle. If the oracle is too slow for the whole output
 * of a convolution, it computes windows of it (corners, borders, interior) from the input around
 * them.
 */
#ifndef IMP_OUTPUTS_H
#define IMP_OUTPUTS_H

#include "selftest/operands.h"

typedef struct imp_outputs {
    float *values[IMP_OPERANDS];  /* owned; NULL for operands that are not written */
    const imp_winograd *winograd; /* if they were made by Winograd's algorithm, else NULL */
} imp_outputs;

/* Reads what was written. IMP_ERR_MEMORY, and the device's errors. Finish `out` in any case. */
imp_status imp_outputs_read(imp_outputs *out, imp_launch *launch, imp_error *err);
void imp_outputs_finish(imp_outputs *out);

typedef struct imp_check {
    const imp_operands *operands; /* borrowed, like all here */
    imp_device *oracle;
    uint64_t seed;   /* of the operands, for messages */
    imp_result *out; /* the worst of all comparisons; starts as passed */
} imp_check;

/* Compares every number of `got` with the oracle's. t: a copy of k->operands, which this turns into
 * its absolute twin. IMP_ERR_MEMORY. */
imp_status imp_compare(imp_check *k, imp_operands *t, const imp_outputs *got, imp_error *err);

/* Compares `count` windows, 1 to 5, of the output of a convolution, or of a gradient of stride 1,
 * with zero padding. Their size, from 8 x 8 to 32 x 32, is such that channels times positions are
 * about `products`. */
imp_status imp_compare_windows(imp_check *k, const imp_outputs *got, size_t count, double products,
                               imp_error *err);

/* Compares the outputs of a launch, started any number of times, with the oracle: some places of
 * convolutions and matrix products, all of other outputs. If the operation adds to an operand, this
 * is written again and the launch started once more. seed: of the operands. Errors of the device
 * are failures; the status is an error only if the host's memory ran out. */
imp_status imp_launch_check(imp_launch *launch, uint64_t seed, imp_result *out);

#endif
