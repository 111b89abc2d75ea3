/* SPDX-License-Identifier: MIT
 *
 * Safetensors files, of other programs and our own.
 */
#include "weights/foreign.h"

#include <stdlib.h>

#include "weights/safetensors.h"

enum { LENGTH_BYTES = 8, HEADER_MAX = 1 << 24 };

typedef struct inside {
    imp_safetensors file;
    unsigned char *header; /* owned; begins with the length of the header */
    uint64_t data;         /* position of the first tensor */
} inside;

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    return imp_foreign_numbers(file, out, t->dtype, t->place, t->count, err);
}

static const char *metadata(const imp_foreign *file, const char *key) {
    return imp_safetensors_metadata(&((const inside *)file->inside)->file, key);
}

static void close_inside(imp_foreign *file) {
    inside *const in = file->inside;
    imp_safetensors_finish(&in->file);
    free(in->header);
    free(in);
}

static imp_status add(imp_foreign *file, const imp_stored *stored, uint64_t data, imp_error *err) {
    imp_foreign_tensor *t;
    int64_t sides[IMP_STORED_RANK_MAX];
    TRY(imp_foreign_add(&t, file, stored->name, err));
    for (size_t i = 0; i < stored->rank; i++)
        sides[i] = (int64_t)stored->shape[i];
    t->dtype = imp_safetensors_dtype(stored);
    t->place = data + stored->begin;
    return imp_foreign_shape(file, t, sides, stored->rank, err);
}

imp_status imp_foreign_safetensors(imp_foreign *file, imp_error *err) {
    unsigned char length[LENGTH_BYTES];
    uint64_t bytes = 0;
    file->format = "safetensors";
    TRY(imp_foreign_read(file, length, 0, sizeof length, err));
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        bytes = bytes << 8 | length[i];
    if (bytes > HEADER_MAX)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "its header has an invalid length of %llu bytes" IMP_FETCH_AGAIN,
                                (unsigned long long)bytes);
    inside *const in = file->inside = calloc(1, sizeof *in);
    /* one byte more: the parser looks at the first behind the length */
    unsigned char *const header = calloc(1, LENGTH_BYTES + (size_t)bytes + 1);
    if (!in || !header) {
        free(header);
        free(in);
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    }
    *in = (inside){.header = header, .data = LENGTH_BYTES + bytes};
    file->load = load;
    file->metadata = metadata;
    file->close = close_inside;
    TRY(imp_foreign_read(file, header, 0, LENGTH_BYTES + (size_t)bytes, err));
    TRY(imp_safetensors_init(&in->file, header, file->size, file->path, err));
    for (size_t i = 0; i < in->file.count; i++)
        TRY(add(file, &in->file.tensors[i], in->data, err));
    return IMP_OK;
}
