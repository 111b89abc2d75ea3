/* SPDX-License-Identifier: MIT
 *
 * A writer of the safetensors format: first the header, then the tensors one by one, so that only
 * one needs to be in memory.
 */
#ifndef IMP_WEIGHTS_SAFETENSORS_WRITE_H
#define IMP_WEIGHTS_SAFETENSORS_WRITE_H

#include "impasto.h"

/* A tensor to be written. */
typedef struct imp_written {
    char name[48];
    size_t rank, shape[4];
} imp_written;

typedef struct imp_fused {
    const char *key, *value; /* value NULL: omitted */
} imp_fused;

/* Writes the header of a file whose tensors follow in this order, all fp32 or all fp16. Metadata
 * that is not UTF-8 is cleaned. Errors: IMP_ERR_IO without a message (as imp_file_fill),
 * IMP_ERR_MEMORY. */
imp_status imp_safetensors_begin(FILE *file, const imp_fused *metadata, size_t pairs,
                                 const imp_written *tensors, size_t count, bool half,
                                 imp_error *err);

/* Writes the next tensor's numbers. Errors: IMP_ERR_IO likewise. */
imp_status imp_safetensors_put(FILE *file, const float *values, size_t count, bool half);

#endif
