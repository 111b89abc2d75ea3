/* SPDX-License-Identifier: MIT
 *
 * What a device made of a trial, held against the oracle. Where the oracle would be too slow for
 * the whole output of a convolution it computes windows of it (corners, borders, interior) from the
 * input around them.
 */
#ifndef IMP_OUTPUTS_H
#define IMP_OUTPUTS_H

#include "selftest/operands.h"

typedef struct imp_outputs {
    float *values[IMP_OPERANDS];  /* owned; NULL where nothing is written */
    const imp_winograd *winograd; /* what they were made by, or NULL */
} imp_outputs;

/* Reads what a run has written. IMP_ERR_MEMORY, and the device's errors. Finish it in any case. */
imp_status imp_outputs_read(imp_outputs *out, imp_launch *run, imp_error *err);
void imp_outputs_finish(imp_outputs *out);

typedef struct imp_check {
    const imp_operands *operands; /* borrowed, like all here */
    imp_device *oracle;
    uint64_t seed;   /* of the trial, for messages */
    imp_result *out; /* the worst of all comparisons; begins as passed */
} imp_check;

/* Compares every number that `got` holds with what the oracle makes of t, a trial that is equal to
 * k->trial and is made its absolute twin. IMP_ERR_MEMORY. */
imp_status imp_compare(imp_check *k, imp_operands *t, const imp_outputs *got, imp_error *err);

/* Compares `count` windows, 1 to 5, of a convolution's or gradient's output, as large as so many
 * products of channels allow (from 8 x 8 to 32 x 32): with zero padding, of a gradient stride 1. */
imp_status imp_compare_windows(imp_check *k, const imp_outputs *got, size_t count, double products,
                               imp_error *err);

/* Holds what a run, launched any number of times, has left in its outputs against the oracle: at
 * some places of convolutions and matrix products, as a whole elsewhere. What an operation adds to
 * is written anew, and the run launched once more. seed: what the trial was drawn from. Gives a
 * status only when the host's own memory ran out; errors of the device fail. */
imp_status imp_launch_check(imp_launch *run, uint64_t seed, imp_result *out);

#endif
