/* SPDX-License-Identifier: MIT
 *
 * The kinds of numbers that weights are stored as, and their way to and from fp32. All are
 * little-endian in a file.
 */
#ifndef IMP_WEIGHTS_DTYPE_H
#define IMP_WEIGHTS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum imp_dtype {
    IMP_DTYPE_F32,
    IMP_DTYPE_F16,
    IMP_DTYPE_BF16,
    IMP_DTYPE_F64,
    IMP_DTYPE_OTHER /* whole numbers and what else there is: never a weight */
} imp_dtype;

/* Bytes of one number; 0 for IMP_DTYPE_OTHER. */
size_t imp_dtype_bytes(imp_dtype dtype);

/* Reads `count` numbers. What fp32 cannot hold becomes an infinity or the nearest it holds. dtype
 * is not IMP_DTYPE_OTHER. */
void imp_dtype_read(float *out, imp_dtype dtype, const unsigned char *bytes, size_t count);

/* The nearest fp16, ties to even, as its bits; an infinity beyond 65504. */
uint16_t imp_half_from(float value);

#endif
