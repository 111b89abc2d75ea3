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

/* Files that people take for weights, by their first bytes, and what to do with them. */
static const struct other {
    const char *mark;
    size_t at, length;
    const char *is, *advice;
} others[] = {
    {"version https://git-lfs", 0, 23, "a pointer of Git LFS, not the file itself",
     "run 'git lfs pull', or download the file"},
    {"<!", 0, 2, "a web page", "download the file itself, not the page about it"},
    {"<html", 0, 5, "a web page", "download the file itself, not the page about it"},
    {"<HTML", 0, 5, "a web page", "download the file itself, not the page about it"},
    {"<?xml", 0, 5, "an XML document", "download the file itself"},
    {"\x1f\x8b", 0, 2, "a gzip archive", "unpack it with gunzip"},
    {"BZh", 0, 3, "a bzip2 archive", "unpack it with bunzip2"},
    {"\xfd"
     "7zXZ",
     0, 5, "an xz archive", "unpack it with unxz"},
    {"\x28\xb5\x2f\xfd", 0, 4, "a Zstandard archive", "unpack it with unzstd"},
    {"7z\xbc\xaf", 0, 4, "a 7-Zip archive", "unpack it"},
    {"Rar!", 0, 4, "a RAR archive", "unpack it"},
    {"ustar", 257, 5, "a tar archive", "unpack it with tar"},
    {"\x93NUMPY", 0, 6, "a NumPy array", "save all layers as safetensors"},
    {"GGUF", 0, 4, "a GGUF file of a language model", "give the weights of a VGG"},
    {"TFL3", 4, 4, "a TensorFlow Lite model", "save the Keras model as .h5 or .keras"},
    {"%PDF", 0, 4, "a PDF document", "give the file with the weights"},
    {"\xff\xd8\xff", 0, 3, "a JPEG picture", "give the file with the weights"},
    {"\x89PNG", 0, 4, "a PNG picture", "give the file with the weights"},
    {"import ", 0, 7, "a Python program", "give the file of weights that it saves"},
    {"#!", 0, 2, "a program", "give the file with the weights"},
    {"\x7f"
     "ELF",
     0, 4, "a program", "give the file with the weights"},
};

/* Fails with the kind of a file that is known, but holds no weights. IMP_OK: it is not known. */
static imp_status name_other(const imp_foreign *file, const unsigned char *bytes, size_t size,
                             imp_error *err) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].at + others[i].length <= size &&
            memcmp(bytes + others[i].at, others[i].mark, others[i].length) == 0)
            return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED, "it is %s: %s", others[i].is,
                                    others[i].advice);
    return IMP_OK;
}

/* Recognises formats by their first bytes. A safetensors file begins with the length of its header
 * and a brace. A .caffemodel has no signature: it begins with a name or a layer, fields 1, 2 or
 * 100. Nor has an ONNX model, which begins with its version, field 1 as a number. */
static const struct format {
    const char *mark;
    size_t at, length;
    imp_status (*open)(imp_foreign *file, imp_error *err);
} formats[] = {
    {"PK\3\4", 0, 4, imp_foreign_zip},
    {"\x89HDF\r\n\x1a\n", 0, 8, imp_foreign_hdf5},
    {"{", 8, 1, imp_foreign_safetensors},
    {"\x80", 0, 1, imp_foreign_torch_stream},
    {"\x0a", 0, 1, imp_foreign_caffe},
    {"\x12", 0, 1, imp_foreign_caffe},
    {"\xa2\x06", 0, 2, imp_foreign_caffe},
    {"\x08", 0, 1, imp_foreign_onnx},
    {"MATLAB 5.0 MAT", 0, 14, imp_foreign_mat},
    {"MATLAB 7.3 MAT", 0, 14, imp_foreign_mat},
    {"{", 0, 1, imp_foreign_shards},
};

static imp_status open_format(imp_foreign *file, imp_error *err) {
    unsigned char first[512] = {0};
    const size_t size = file->size < sizeof first ? (size_t)file->size : sizeof first;
    size_t blank = 0;
    TRY(imp_foreign_read(file, first, 0, size, err));
    while (blank < 16 && first[blank] && strchr(" \t\r\n", first[blank]))
        blank++;
    if (size >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        blank = 3;
    TRY(name_other(file, first + blank, size > blank ? size - blank : 0, err));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (memcmp(first + formats[i].at, formats[i].mark, formats[i].length) == 0)
            return formats[i].open(file, err);
    return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                            "its format is unknown: give a file of torch.save, safetensors, Keras "
                            "(.h5, .keras), Caffe (.caffemodel), ONNX or MATLAB 5 (.mat)");
}

/* A file that is one of several, "model-00001-of-00002.safetensors": the others have the rest. */
static imp_status check_whole(const imp_foreign *file, imp_error *err) {
    const char *const slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    unsigned part, parts;
    int end = 0;
    for (const char *dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-')) {
        if (sscanf(dash, "-%5u-of-%5u%n", &part, &parts, &end) == 2 && dash[end] == '.' &&
            parts > 1)
            return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                    "it is part %u of %u of a network: give its index, a file like "
                                    "'%.*s%s.index.json', beside all parts",
                                    part, parts, (int)(dash - name), name, dash + end);
    }
    return IMP_OK;
}

static imp_status open_any(imp_foreign *file, const char *path, bool whole, imp_error *err) {
    size_t size;
    *file = (imp_foreign){.path = path};
    TRY(imp_file_open(&file->fd, &size, "weights", path, err));
    file->size = size;
    imp_status status = whole ? check_whole(file, err) : IMP_OK;
    if (status == IMP_OK)
        status = open_format(file, err);
    if (status != IMP_OK)
        imp_foreign_close(file);
    return status;
}

imp_status imp_foreign_open(imp_foreign *file, const char *path, imp_error *err) {
    return open_any(file, path, true, err);
}

imp_status imp_foreign_open_part(imp_foreign *file, const char *path, imp_error *err) {
    return open_any(file, path, false, err);
}

void imp_foreign_close(imp_foreign *file) {
    if (file->close)
        file->close(file);
    free(file->tensors);
    close(file->fd);
    *file = (imp_foreign){.fd = -1};
}
