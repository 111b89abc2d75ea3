/* SPDX-License-Identifier: MIT
 *
 * A reader of the safetensors format: eight bytes with the length N of the header (little-endian),
 * N bytes of JSON, then the tensors' bytes. The JSON gives each tensor's type, shape, and the begin
 * and end of its bytes after the header. The tensors cover all bytes without overlap or gap.
 * "__metadata__" maps names to strings. Everything is checked before use.
 */
#ifndef IMP_WEIGHTS_SAFETENSORS_H
#define IMP_WEIGHTS_SAFETENSORS_H

#include "impasto.h"
#include "weights/dtype.h"

enum { IMP_STORED_RANK_MAX = 8 };

/* A tensor in the file. */
typedef struct imp_stored {
    const char *name;  /* borrowed from the header */
    const char *dtype; /* "F32"; borrowed from the header */
    size_t rank, shape[IMP_STORED_RANK_MAX];
    size_t count;      /* elements: the product of the shape, 1 for a scalar */
    size_t begin, end; /* in bytes from `data` */
} imp_stored;

typedef struct imp_safetensors {
    const char *source;        /* for messages; borrowed until finish */
    const unsigned char *data; /* after the header; borrowed until finish */
    size_t size;               /* of data */
    struct json_t *header;
    imp_stored *tensors; /* sorted by name */
    size_t count;
} imp_safetensors;

/* Reads the header and checks every tensor's place in a file of `size` bytes. Bytes after the
 * header are not touched until a tensor is loaded. bytes and source are borrowed until
 * imp_safetensors_finish. Errors, after which nothing is held: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED
 * (an unknown type, or too high a rank), IMP_ERR_MEMORY. */
imp_status imp_safetensors_init(imp_safetensors *out, const unsigned char *bytes, size_t size,
                                const char *source, imp_error *err);
void imp_safetensors_finish(imp_safetensors *file);

/* The tensor of that name, or the metadata value of that key; NULL where there is none. */
const imp_stored *imp_safetensors_find(const imp_safetensors *file, const char *name);
const char *imp_safetensors_metadata(const imp_safetensors *file, const char *key);

imp_dtype imp_safetensors_dtype(const imp_stored *tensor);

/* Loads the `count` values of a tensor of type F32, F16 or BF16. Errors: IMP_ERR_UNSUPPORTED
 * (another type), IMP_ERR_NUMBER (a value that is not finite). */
imp_status imp_safetensors_load(float *out, const imp_safetensors *file, const imp_stored *tensor,
                                imp_error *err);

#endif
