/* SPDX-License-Identifier: MIT
 *
 * What the readers of foreign formats share, and recognising a file's format.
 */
#include "weights/foreign.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

imp_status imp_foreign_fail(const imp_foreign *file, imp_error *err, imp_status status,
                            const char *format, ...) {
    char words[400];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return imp_fail(err, status, "weights '%s': %s", file->path, words);
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static imp_status make_room(imp_foreign *file, imp_error *err) {
    const size_t room = file->room ? 2 * file->room : 64;
    if (file->count == IMP_FOREIGN_TENSORS)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it has more than %d tensors, which no VGG has",
                                (int)IMP_FOREIGN_TENSORS);
    imp_foreign_tensor *const more = realloc(file->tensors, room * sizeof *more);
    if (!more)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    file->tensors = more;
    file->room = room;
    return IMP_OK;
}

imp_status imp_foreign_add(imp_foreign_tensor **out, imp_foreign *file, const char *name,
                           imp_error *err) {
    if (strlen(name) >= IMP_FOREIGN_NAME)
        return imp_foreign_fail(
            file, err, IMP_ERR_UNSUPPORTED,
            "the name of tensor '%.40s...' is longer than %d letters, which no layer of a VGG has",
            name, IMP_FOREIGN_NAME - 1);
    if (file->count == file->room)
        TRY(make_room(file, err));
    *out = &file->tensors[file->count++];
    **out = (imp_foreign_tensor){.dtype = IMP_DTYPE_OTHER};
    memcpy((*out)->name, name, strlen(name));
    return IMP_OK;
}

imp_status imp_foreign_shape(const imp_foreign *file, imp_foreign_tensor *t, const int64_t *sides,
                             size_t rank, imp_error *err) {
    static const uint64_t most = (uint64_t)1 << 40;
    uint64_t count = 1;
    t->rank = rank;
    for (size_t i = rank; i-- > 0;) {
        if (sides[i] < 0 || (sides[i] > 0 && count > most / (uint64_t)sides[i]))
            return imp_foreign_fail(
                file, err, IMP_ERR_FORMAT,
                "tensor %s: its shape has the invalid side %lld" IMP_FETCH_AGAIN, t->name,
                (long long)sides[i]);
        if (i < IMP_FOREIGN_RANK) {
            t->shape[i] = (size_t)sides[i];
            t->stride[i] = (size_t)count;
        }
        count *= (uint64_t)sides[i];
    }
    t->count = (size_t)count;
    return IMP_OK;
}

/* Reorders numbers to row-major order. */
static void gather(float *out, const float *in, const imp_foreign_tensor *t) {
    size_t n[IMP_FOREIGN_RANK] = {1, 1, 1, 1}, s[IMP_FOREIGN_RANK] = {0};
    for (size_t i = 0; i < t->rank; i++) {
        n[i] = t->shape[i];
        s[i] = t->stride[i];
    }
    for (size_t a = 0; a < n[0]; a++)
        for (size_t b = 0; b < n[1]; b++)
            for (size_t c = 0; c < n[2]; c++)
                for (size_t d = 0; d < n[3]; d++)
                    *out++ = in[a * s[0] + b * s[1] + c * s[2] + d * s[3]];
}

static bool is_row_major(const imp_foreign_tensor *t) {
    size_t step = 1;
    for (size_t i = t->rank; i-- > 0; step *= t->shape[i])
        if (t->shape[i] > 1 && t->stride[i] != step)
            return false;
    return true;
}

imp_status imp_foreign_load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                            imp_error *err) {
    if (t->dtype == IMP_DTYPE_OTHER)
        return imp_foreign_fail(
            file, err, IMP_ERR_UNSUPPORTED,
            "tensor %s: its numbers are not half, bfloat16, float or double: convert them",
            t->name);
    if (is_row_major(t))
        return file->load(file, t, out, err);
    float *const dense = malloc(t->count * sizeof *dense);
    if (!dense)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    const imp_status status = file->load(file, t, dense, err);
    if (status == IMP_OK)
        gather(out, dense, t);
    free(dense);
    return status;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

imp_status imp_foreign_read(const imp_foreign *file, void *out, uint64_t at, size_t size,
                            imp_error *err) {
    if (at > file->size || size > file->size - at)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it is cut off: it ends at byte %llu, but %zu bytes from byte %llu "
                                "on are needed" IMP_FETCH_AGAIN,
                                (unsigned long long)file->size, size, (unsigned long long)at);
    errno = 0;
    if (lseek(file->fd, (off_t)at, SEEK_SET) < 0 || imp_file_take(file->fd, out, size) != size)
        return imp_foreign_fail(file, err, IMP_ERR_IO, "byte %llu cannot be read: %s: try again",
                                (unsigned long long)at,
                                errno ? strerror(errno) : "the file shrank");
    return IMP_OK;
}

imp_status imp_foreign_numbers(const imp_foreign *file, float *out, imp_dtype dtype, uint64_t at,
                               size_t count, imp_error *err) {
    unsigned char block[1 << 15];
    const size_t item = imp_dtype_bytes(dtype), most = sizeof block / item;
    for (size_t n; count > 0; count -= n, out += n, at += n * item) {
        n = count < most ? count : most;
        TRY(imp_foreign_read(file, block, at, n * item, err));
        imp_dtype_read(out, dtype, block, n);
    }
    return IMP_OK;
}

/* ---- Formats --------------------------------------------------------------------------------- */

/* Recognises formats by their first bytes. A safetensors file begins with the length of its header
 * and a brace. A .caffemodel has no signature: it begins with a name or a layer, fields 1, 2 or
 * 100. */
static const struct format {
    const char *mark;
    size_t at, length;
    imp_status (*open)(imp_foreign *file, imp_error *err);
} formats[] = {
    {"PK\3\4", 0, 4, imp_foreign_zip},     {"\x89HDF\r\n\x1a\n", 0, 8, imp_foreign_hdf5},
    {"{", 8, 1, imp_foreign_safetensors},  {"\x80", 0, 1, imp_foreign_torch_stream},
    {"\x0a", 0, 1, imp_foreign_caffe},     {"\x12", 0, 1, imp_foreign_caffe},
    {"\xa2\x06", 0, 2, imp_foreign_caffe},
};

static imp_status open_format(imp_foreign *file, imp_error *err) {
    unsigned char first[16] = {0};
    TRY(imp_foreign_read(file, first, 0, file->size < sizeof first ? file->size : sizeof first,
                         err));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (memcmp(first + formats[i].at, formats[i].mark, formats[i].length) == 0)
            return formats[i].open(file, err);
    return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                            "its format is unknown: give a file of torch.save, safetensors, Keras "
                            "(.h5, .keras) or Caffe (.caffemodel)");
}

imp_status imp_foreign_open(imp_foreign *file, const char *path, imp_error *err) {
    size_t size;
    *file = (imp_foreign){.path = path};
    TRY(imp_file_open(&file->fd, &size, "weights", path, err));
    file->size = size;
    const imp_status status = open_format(file, err);
    if (status != IMP_OK)
        imp_foreign_close(file);
    return status;
}

void imp_foreign_close(imp_foreign *file) {
    if (file->close)
        file->close(file);
    free(file->tensors);
    close(file->fd);
    *file = (imp_foreign){.fd = -1};
}
