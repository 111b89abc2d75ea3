/* SPDX-License-Identifier: MIT
 *
 * Reading the safetensors format: see safetensors.h.
 */
#include "weights/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"

enum { LENGTH_BYTES = 8 };
static const uint64_t header_max = 100000000; /* the limit of the format's own library */

#define AGAIN "fetch it again"

/* ---- Types ----------------------------------------------------------------------------------- */

/* The first entries are in the order of imp_dtype. */
static const struct dtype {
    const char *name;
    size_t bytes;
} dtypes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"BOOL", 1},   {"U8", 1},
              {"I8", 1},  {"U16", 2}, {"I16", 2},     {"U32", 4},     {"I32", 4},    {"U64", 8},
              {"I64", 8}, {"C64", 8}, {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}};

static size_t dtype_find(const char *name) {
    size_t i = 0;
    while (i < sizeof dtypes / sizeof *dtypes && strcmp(name, dtypes[i].name) != 0)
        i++;
    return i;
}

imp_dtype imp_safetensors_dtype(const imp_stored *tensor) {
    const size_t i = dtype_find(tensor->dtype);
    return i < IMP_DTYPE_OTHER ? (imp_dtype)i : IMP_DTYPE_OTHER;
}

imp_status imp_safetensors_load(float *out, const imp_safetensors *file, const imp_stored *tensor,
                                imp_error *err) {
    const imp_dtype dtype = imp_safetensors_dtype(tensor);
    if (dtype > IMP_DTYPE_BF16)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "network '%s': tensor %s is of type %s: convert it to F32, F16 or BF16",
                        file->source, tensor->name, tensor->dtype);
    imp_dtype_read(out, dtype, file->data + tensor->begin, tensor->count);
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(out[i]))
            return imp_fail(err, IMP_ERR_NUMBER,
                            "network '%s': tensor %s has %s at index %zu: " AGAIN, file->source,
                            tensor->name, isnan(out[i]) ? "NaN" : "an infinity", i);
    return IMP_OK;
}

/* ---- One tensor of the header ---------------------------------------------------------------- */

static imp_status bad_tensor(const imp_safetensors *file, const char *name, const char *what,
                             imp_error *err) {
    return imp_fail(err, IMP_ERR_FORMAT, "network '%s': tensor %s: %s: " AGAIN, file->source, name,
                    what);
}

/* Reads a non-negative integer that fits. */
static bool read_size(size_t *out, const json_t *number) {
    const json_int_t v = json_integer_value(number);
    *out = (size_t)v;
    return json_is_integer(number) && v >= 0 && (uintmax_t)v <= SIZE_MAX;
}

static bool multiply(size_t *product, size_t factor) {
    if (factor != 0 && *product > SIZE_MAX / factor)
        return false;
    *product *= factor;
    return true;
}

static imp_status read_shape(imp_stored *t, const imp_safetensors *file, const json_t *shape,
                             imp_error *err) {
    if (!json_is_array(shape))
        return bad_tensor(file, t->name, "it has no shape", err);
    t->rank = json_array_size(shape);
    if (t->rank > IMP_STORED_RANK_MAX)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "network '%s': tensor %s has %zu dimensions, more than %d: leave it out",
                        file->source, t->name, t->rank, (int)IMP_STORED_RANK_MAX);
    t->count = 1;
    for (size_t i = 0; i < t->rank; i++) {
        if (!read_size(&t->shape[i], json_array_get(shape, i)))
            return bad_tensor(file, t->name, "a side of its shape is not an integer", err);
        if (!multiply(&t->count, t->shape[i]))
            return bad_tensor(file, t->name, "its shape is too large", err);
    }
    return IMP_OK;
}

/* Checks that the tensor is within the file and has the length of its type and shape. */
static imp_status read_place(imp_stored *t, const imp_safetensors *file, const json_t *offsets,
                             size_t item, imp_error *err) {
    size_t bytes = t->count;
    if (json_array_size(offsets) != 2 || !read_size(&t->begin, json_array_get(offsets, 0)) ||
        !read_size(&t->end, json_array_get(offsets, 1)))
        return bad_tensor(file, t->name, "its data_offsets are not two integers", err);
    if (t->begin > t->end)
        return bad_tensor(file, t->name, "it ends before it begins", err);
    if (t->end > file->size)
        return imp_fail(err, IMP_ERR_FORMAT,
                        "network '%s': tensor %s ends at byte %zu of %zu, so the file is cut off "
                        "or damaged: " AGAIN,
                        file->source, t->name, t->end, file->size);
    if (!multiply(&bytes, item) || bytes != t->end - t->begin)
        return bad_tensor(file, t->name, "its type, its shape and its length disagree", err);
    return IMP_OK;
}

static imp_status read_tensor(imp_stored *t, const imp_safetensors *file, const char *name,
                              const json_t *about, imp_error *err) {
    *t = (imp_stored){.name = name, .dtype = json_string_value(json_object_get(about, "dtype"))};
    if (!t->dtype)
        return bad_tensor(file, name, "it has no dtype", err);
    const size_t dtype = dtype_find(t->dtype);
    if (dtype == sizeof dtypes / sizeof *dtypes)
        return imp_fail(
            err, IMP_ERR_UNSUPPORTED,
            "network '%s': tensor %s has the unknown type %s: convert it to F32, F16 or BF16",
            file->source, name, t->dtype);
    TRY(read_shape(t, file, json_object_get(about, "shape"), err));
    return read_place(t, file, json_object_get(about, "data_offsets"), dtypes[dtype].bytes, err);
}

/* ---- The header ------------------------------------------------------------------------------ */

static imp_status bad_file(const imp_safetensors *file, const char *what, imp_error *err) {
    return imp_fail(err, IMP_ERR_FORMAT, "network '%s': it is not a safetensors file (%s): " AGAIN,
                    file->source, what);
}

static imp_status parse_header(imp_safetensors *file, const unsigned char *text, size_t size,
                               imp_error *err) {
    json_error_t reason;
    file->header = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &reason);
    if (!file->header && reason.text[0] == '\0') /* empty: out of memory */
        return imp_fail(err, IMP_ERR_MEMORY,
                        "network '%s': out of memory for its header: close other programs",
                        file->source);
    if (!file->header)
        return imp_fail(err, IMP_ERR_FORMAT,
                        "network '%s': its header is damaged at byte %d (%s): " AGAIN, file->source,
                        reason.position + LENGTH_BYTES, reason.text);
    return IMP_OK;
}

static imp_status check_metadata(const imp_safetensors *file, json_t *metadata, imp_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return bad_file(file, "its metadata is not a JSON object", err);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return imp_fail(err, IMP_ERR_FORMAT,
                            "network '%s': metadata key '%s' is not a string: write it as one",
                            file->source, key);
    }
    return IMP_OK;
}

static imp_status read_entries(imp_safetensors *file, imp_error *err) {
    const char *key;
    json_t *value;
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "network '%s': out of memory for its header: close other programs",
                        file->source);
    json_object_foreach(file->header, key, value) {
        if (strcmp(key, "__metadata__") == 0)
            TRY(check_metadata(file, value, err));
        else
            TRY(read_tensor(&file->tensors[file->count++], file, key, value, err));
    }
    return IMP_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const imp_stored *)a)->name, ((const imp_stored *)b)->name);
}

static int by_place(const void *a, const void *b) {
    const imp_stored *s = a, *t = b;
    if (s->begin != t->begin)
        return s->begin < t->begin ? -1 : 1;
    return s->end < t->end ? -1 : s->end > t->end;
}

/* Checks that each tensor begins where the previous one ends, and the last one ends with the file.
 */
static imp_status check_cover(imp_safetensors *file, imp_error *err) {
    size_t end = 0;
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < file->count; i++) {
        const imp_stored *t = &file->tensors[i];
        if (t->begin < end)
            return bad_tensor(file, t->name, "it overlaps another tensor", err);
        if (t->begin > end)
            return bad_tensor(file, t->name, "there is a gap before it", err);
        end = t->end;
    }
    if (end != file->size)
        return imp_fail(err, IMP_ERR_FORMAT,
                        "network '%s': there are %zu bytes after its last tensor: " AGAIN,
                        file->source, file->size - end);
    return IMP_OK;
}

static imp_status read_all(imp_safetensors *file, const unsigned char *bytes, size_t size,
                           imp_error *err) {
    uint64_t length = 0;
    if (size < LENGTH_BYTES + 2)
        return bad_file(file, "it is too short", err);
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | bytes[i];
    if (length > header_max || bytes[LENGTH_BYTES] != '{')
        return imp_fail(err, IMP_ERR_FORMAT,
                        "network '%s': it is not a safetensors file (it does not begin with a "
                        "header): 'impasto weights import' converts other formats",
                        file->source);
    if (length > size - LENGTH_BYTES)
        return bad_file(file, "it ends within its header", err);
    file->data = bytes + LENGTH_BYTES + length;
    file->size = size - LENGTH_BYTES - (size_t)length;
    TRY(parse_header(file, bytes + LENGTH_BYTES, (size_t)length, err));
    TRY(read_entries(file, err));
    TRY(check_cover(file, err));
    qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    return IMP_OK;
}

imp_status imp_safetensors_init(imp_safetensors *out, const unsigned char *bytes, size_t size,
                                const char *source, imp_error *err) {
    *out = (imp_safetensors){.source = source};
    const imp_status status = read_all(out, bytes, size, err);
    if (status != IMP_OK)
        imp_safetensors_finish(out);
    return status;
}

void imp_safetensors_finish(imp_safetensors *file) {
    json_decref(file->header);
    free(file->tensors);
    *file = (imp_safetensors){0};
}

/* ---- Looking things up ----------------------------------------------------------------------- */

const imp_stored *imp_safetensors_find(const imp_safetensors *file, const char *name) {
    const imp_stored key = {.name = name};
    return bsearch(&key, file->tensors, file->count, sizeof key, by_name);
}

const char *imp_safetensors_metadata(const imp_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}
