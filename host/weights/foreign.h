/* SPDX-License-Identifier: MIT
 *
 * A foreign file of weights as a list of named tensors, whatever its format, and how the formats
 * make one of it. Nothing of a file is believed before it is checked, and of its numbers only those
 * are read that are asked for.
 */
#ifndef IMP_WEIGHTS_FOREIGN_H
#define IMP_WEIGHTS_FOREIGN_H

#include "base/error.h"
#include "impasto.h"
#include "weights/dtype.h"

enum {
    IMP_FOREIGN_NAME = 160,    /* bytes of a tensor's name with its end */
    IMP_FOREIGN_RANK = 4,      /* sides kept of a shape */
    IMP_FOREIGN_TENSORS = 4096 /* a file may have */
};

/* Shapes are those of the mathematics (filters O x I x K x K), whatever the order in the file:
 * element (o, i, y, x) is number o stride[0] + i stride[1] + ... of the `count` that load gives. */
typedef struct imp_foreign_tensor {
    char name[IMP_FOREIGN_NAME]; /* LAYER.PART, "features.0.weight", "block1_conv1.bias" */
    imp_dtype dtype;
    size_t rank; /* may be larger than IMP_FOREIGN_RANK; shape then holds the first sides */
    size_t shape[IMP_FOREIGN_RANK], stride[IMP_FOREIGN_RANK];
    size_t count;
    size_t part;    /* where it lies, as its format counts: storage, dataset */
    uint64_t place; /* and where in that, in bytes or elements */
} imp_foreign_tensor;

typedef struct imp_foreign imp_foreign;
struct imp_foreign {
    const char *path;   /* borrowed until close */
    const char *format; /* for people; static */
    imp_input input;    /* what comes with the format, else AUTO */
    int fd;
    uint64_t size; /* of the file */
    imp_foreign_tensor *tensors;
    size_t count, room;
    /* Writes the tensor's count numbers in the order of the file. */
    imp_status (*load)(const imp_foreign *file, const imp_foreign_tensor *tensor, float *out,
                       imp_error *err);
    void (*close)(imp_foreign *file); /* releases `inside`; NULL: there is nothing */
    void *inside;                     /* the format's own */
    /* A value of the file's own metadata, NULL where it has none. NULL: the format has no such. */
    const char *(*metadata)(const imp_foreign *file, const char *key);
};

/* Recognises the file's format by its first bytes and lists its tensors. Errors: IMP_ERR_IO,
 * IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY. */
imp_status imp_foreign_open(imp_foreign *file, const char *path, imp_error *err);
void imp_foreign_close(imp_foreign *file);

/* Writes a tensor's numbers row-major in its shape; a rank above IMP_FOREIGN_RANK and kinds of
 * numbers that are no weights are refused. */
imp_status imp_foreign_load(const imp_foreign *file, const imp_foreign_tensor *tensor, float *out,
                            imp_error *err);

/* ---- For the formats ------------------------------------------------------------------------- */

/* Fail with "weights 'PATH': " before the words. */
__attribute__((format(printf, 4, 5))) imp_status imp_foreign_fail(const imp_foreign *file,
                                                                  imp_error *err, imp_status status,
                                                                  const char *format, ...);
/* The usual advice for what is damaged, as the end of such a line. */
#define IMP_FETCH_AGAIN ": fetch or save it again"

/* Adds an empty tensor of that name; *out is good until the next is added. */
imp_status imp_foreign_add(imp_foreign_tensor **out, imp_foreign *file, const char *name,
                           imp_error *err);

/* Sets shape, row-major strides and count; IMP_ERR_FORMAT for a side below 0 or more than 2^40
 * elements. */
imp_status imp_foreign_shape(const imp_foreign *file, imp_foreign_tensor *tensor,
                             const int64_t *sides, size_t rank, imp_error *err);

/* Reads `size` bytes from byte `at` on. */
imp_status imp_foreign_read(const imp_foreign *file, void *out, uint64_t at, size_t size,
                            imp_error *err);

/* The same for `count` numbers. */
imp_status imp_foreign_numbers(const imp_foreign *file, float *out, imp_dtype dtype, uint64_t at,
                               size_t count, imp_error *err);

/* The formats. Each takes a file whose path, fd and size are set and fills the rest; what it holds
 * on failure is released by imp_foreign_close. */
imp_status imp_foreign_safetensors(imp_foreign *file, imp_error *err);
imp_status imp_foreign_torch_stream(imp_foreign *file, imp_error *err);
imp_status imp_foreign_zip(imp_foreign *file, imp_error *err);
imp_status imp_foreign_hdf5(imp_foreign *file, imp_error *err);
/* The same where the bytes lie under another name than file->path. */
imp_status imp_foreign_hdf5_named(imp_foreign *file, const char *name, imp_error *err);
imp_status imp_foreign_caffe(imp_foreign *file, imp_error *err);

#endif
