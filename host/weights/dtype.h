/* SPDX-License-Identifier: MIT
 *
 * The number types of stored weights, and their conversion to and from fp32. All are little-endian
 * in a file.
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
    IMP_DTYPE_OTHER /* integers and all other types, which no weight has */
} imp_dtype;

/* Bytes per number; 0 for IMP_DTYPE_OTHER. */
size_t imp_dtype_bytes(imp_dtype dtype);

/* Converts `count` numbers of a type other than IMP_DTYPE_OTHER, rounding to fp32; values beyond
 * its range become infinite. */
void imp_dtype_read(float *out, imp_dtype dtype, const unsigned char *bytes, size_t count);

/* The bits of the nearest fp16, ties to even; infinity beyond its range. */
uint16_t imp_half_from(float value);

#endif
