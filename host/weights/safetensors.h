/* SPDX-License-Identifier: MIT
 *
 * A reader of the safetensors format: eight bytes with the length N of the header (little-endian),
 * N bytes of JSON, then the tensors' bytes. The JSON names for each tensor its type, its shape and
 * where its bytes begin and end after the header; together the tensors cover all of them, without
 * overlap and without a hole. "__metadata__" maps names to strings. Nothing of the file is believed
 * before it is checked.
 */
#ifndef IMP_WEIGHTS_SAFETENSORS_H
#define IMP_WEIGHTS_SAFETENSORS_H

#include "impasto.h"
#include "weights/dtype.h"

enum { IMP_STORED_RANK_MAX = 8 };

/* A tensor as it lies in the file. */
typedef struct imp_stored {
    const char *name;  /* borrowed from the header */
    const char *dtype; /* "F32"; borrowed likewise */
    size_t rank, shape[IMP_STORED_RANK_MAX];
    size_t count;      /* of elements: the product of the shape, 1 for a scalar */
    size_t begin, end; /* in bytes from `data` */
} imp_stored;

typedef struct imp_safetensors {
    const char *source;        /* for messages; borrowed until finish */
    const unsigned char *data; /* behind the header; borrowed until finish */
    size_t size;               /* of data */
    struct json_t *header;
    imp_stored *tensors; /* by name */
    size_t count;
} imp_safetensors;

/* Reads the header and checks every tensor's place in a file of `size` bytes; only the header
 * itself is touched until a tensor is loaded. bytes and source stay borrowed until finish. Errors:
 * IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED (a type or a rank not known), IMP_ERR_MEMORY. */
imp_status imp_safetensors_init(imp_safetensors *out, const unsigned char *bytes, size_t size,
                                const char *source, imp_error *err);
void imp_safetensors_finish(imp_safetensors *file);

/* The tensor of that name, or the value of that key of the metadata; NULL where there is none. */
const imp_stored *imp_safetensors_find(const imp_safetensors *file, const char *name);
const char *imp_safetensors_metadata(const imp_safetensors *file, const char *key);

imp_dtype imp_safetensors_dtype(const imp_stored *tensor);

/* Writes the `count` values of a tensor of type F32, F16 or BF16. Errors: IMP_ERR_UNSUPPORTED
 * (another type), IMP_ERR_NUMBER (a value that is not finite). */
imp_status imp_safetensors_load(float *out, const imp_safetensors *file, const imp_stored *tensor,
                                imp_error *err);

#endif
