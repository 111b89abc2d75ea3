/* SPDX-License-Identifier: MIT
 *
 * Weights files of other programs as lists of named tensors, and the interface of the formats'
 * readers. Everything in a file is checked before use. Numbers are read only when a tensor is
 * loaded.
 */
#ifndef IMP_WEIGHTS_FOREIGN_H
#define IMP_WEIGHTS_FOREIGN_H

#include "base/error.h"
#include "impasto.h"
#include "weights/dtype.h"

enum {
    IMP_FOREIGN_NAME = 160,    /* bytes of a tensor's name, with its terminator */
    IMP_FOREIGN_RANK = 4,      /* stored dimensions of a shape */
    IMP_FOREIGN_TENSORS = 4096 /* limit per file */
};

/* Filters have the shape O x I x K x K, whatever their order in the file: element (o, i, y, x) is
 * number o stride[0] + i stride[1] + ... of the `count` numbers that `load` reads. */
typedef struct imp_foreign_tensor {
    char name[IMP_FOREIGN_NAME]; /* LAYER.PART, "features.0.weight", "block1_conv1.bias" */
    imp_dtype dtype;
    size_t rank; /* may exceed IMP_FOREIGN_RANK; shape then has the first sides */
    size_t shape[IMP_FOREIGN_RANK], stride[IMP_FOREIGN_RANK];
    size_t count;
    size_t part;    /* which part of the file: storage, dataset */
    uint64_t place; /* its position there, in bytes or elements */
} imp_foreign_tensor;

typedef struct imp_foreign imp_foreign;
struct imp_foreign {
    const char *path;   /* borrowed until close */
    const char *format; /* the format's name; static */
    imp_input input;    /* the format's usual input, or AUTO */
    bool rgb;           /* it takes RGB where that input has BGR */
    int fd;
    uint64_t size; /* of the file */
    imp_foreign_tensor *tensors;
    size_t count, room;
    /* Reads the tensor's numbers in the file's order. */
    imp_status (*load)(const imp_foreign *file, const imp_foreign_tensor *tensor, float *out,
                       imp_error *err);
    void (*close)(imp_foreign *file); /* releases `inside`; NULL: nothing to release */
    void *inside;                     /* the format's state */
    /* A value of the file's metadata, or NULL. NULL: the format has no metadata. */
    const char *(*metadata)(const imp_foreign *file, const char *key);
};

/* Recognises the file's format and lists its tensors; imp_foreign_close releases the file. path is
 * borrowed until then. Errors, after which nothing is held: IMP_ERR_IO, IMP_ERR_FORMAT,
 * IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY. */
imp_status imp_foreign_open(imp_foreign *file, const char *path, imp_error *err);
void imp_foreign_close(imp_foreign *file);

/* The same for a file that is one of several. */
imp_status imp_foreign_open_part(imp_foreign *file, const char *path, imp_error *err);

/* Loads a tensor's numbers in row-major order. Errors: IMP_ERR_UNSUPPORTED (a rank above
 * IMP_FOREIGN_RANK, IMP_DTYPE_OTHER), IMP_ERR_IO, IMP_ERR_FORMAT, IMP_ERR_MEMORY. */
imp_status imp_foreign_load(const imp_foreign *file, const imp_foreign_tensor *tensor, float *out,
                            imp_error *err);

/* ---- For the formats ------------------------------------------------------------------------- */

/* imp_fail with "weights 'PATH': " before the message. */
__attribute__((format(printf, 4, 5))) imp_status imp_foreign_fail(const imp_foreign *file,
                                                                  imp_error *err, imp_status status,
                                                                  const char *format, ...);
/* The usual advice for a damaged file, as the end of a message. */
#define IMP_FETCH_AGAIN ": fetch or save it again"

/* Adds an empty tensor of that name. *out is valid until the next one is added. Errors:
 * IMP_ERR_UNSUPPORTED (too many, or a name too long), IMP_ERR_MEMORY. */
imp_status imp_foreign_add(imp_foreign_tensor **out, imp_foreign *file, const char *name,
                           imp_error *err);

/* Sets shape, row-major strides and count. Errors: IMP_ERR_FORMAT (a negative side, or more than
 * 2^40 elements). */
imp_status imp_foreign_shape(const imp_foreign *file, imp_foreign_tensor *tensor,
                             const int64_t *sides, size_t rank, imp_error *err);

/* Reads `size` bytes at position `at`. Errors: IMP_ERR_FORMAT (beyond the end), IMP_ERR_IO. */
imp_status imp_foreign_read(const imp_foreign *file, void *out, uint64_t at, size_t size,
                            imp_error *err);

/* Reads `count` numbers at position `at` likewise. */
imp_status imp_foreign_numbers(const imp_foreign *file, float *out, imp_dtype dtype, uint64_t at,
                               size_t count, imp_error *err);

/* The formats' readers. Each takes a file whose path, fd and size are set, and fills in the rest.
 * imp_foreign_close releases what it holds, also after an error. Errors: as imp_foreign_open. */
imp_status imp_foreign_safetensors(imp_foreign *file, imp_error *err);
imp_status imp_foreign_torch_stream(imp_foreign *file, imp_error *err);
imp_status imp_foreign_zip(imp_foreign *file, imp_error *err);
imp_status imp_foreign_hdf5(imp_foreign *file, imp_error *err);
/* Likewise for a file whose bytes have another name than file->path, which messages use. */
imp_status imp_foreign_hdf5_named(imp_foreign *file, const char *name, imp_error *err);
/* The same in this process, where a damaged file may make the library crash. */
imp_status imp_foreign_hdf5_direct(imp_foreign *file, const char *name, imp_error *err);
imp_status imp_foreign_caffe(imp_foreign *file, imp_error *err);
imp_status imp_foreign_onnx(imp_foreign *file, imp_error *err);
imp_status imp_foreign_mat(imp_foreign *file, imp_error *err);
imp_status imp_foreign_shards(imp_foreign *file, imp_error *err);

#endif
