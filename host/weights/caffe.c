/* SPDX-License-Identifier: MIT
 *
 * Caffe's .caffemodel: a NetParameter in the wire format of protocol buffers. Only the layers
 * (field 100, or 2 before 2015), their names and their blobs are read. Everything else is skipped;
 * numbers are read when a tensor is loaded.
 */
#include <string.h>

#include "weights/proto.h"

/* ---- Blobs ----------------------------------------------------------------------------------- */

typedef struct blob {
    int64_t sides[8];
    size_t rank;
    bool old; /* its shape is num, channels, height, width */
    imp_message numbers;
    imp_dtype dtype; /* OTHER: it has no numbers */
} blob;

static imp_status add_side(imp_proto *r, blob *b, uint64_t side, uint64_t at) {
    if (b->rank == sizeof b->sides / sizeof *b->sides)
        return imp_proto_damaged(r, at, "a blob has more than eight dimensions");
    b->sides[b->rank++] = side > INT64_MAX ? -1 : (int64_t)side;
    return IMP_OK;
}

/* BlobShape: dim = 1, repeated or packed. */
static imp_status read_shape(imp_proto *r, blob *b, imp_message m) {
    imp_field f;
    while (m.at < m.end) {
        TRY(imp_proto_field(r, &m, &f));
        if (f.number != 1)
            continue;
        if (f.kind == IMP_PROTO_VARINT)
            TRY(add_side(r, b, f.value, m.at));
        else if (f.kind == IMP_PROTO_LENGTH)
            while (f.body.at < f.body.end) {
                TRY(imp_proto_varint(r, &f.body, &f.value));
                TRY(add_side(r, b, f.value, f.body.at));
            }
    }
    return IMP_OK;
}

/* data = 5 or double_data = 8, packed, in one piece. */
static imp_status read_numbers(imp_proto *r, blob *b, const imp_field *f) {
    if (f->kind != IMP_PROTO_LENGTH || b->dtype != IMP_DTYPE_OTHER)
        return imp_foreign_fail(r->file, r->err, IMP_ERR_UNSUPPORTED,
                                "the numbers of a blob are not packed in one field (byte %llu): "
                                "save it again with a newer Caffe",
                                (unsigned long long)f->body.at);
    b->dtype = f->number == 5 ? IMP_DTYPE_F32 : IMP_DTYPE_F64;
    b->numbers = f->body;
    return IMP_OK;
}

/* BlobProto: num, channels, height, width = 1..4, data = 5, shape = 7, double_data = 8. */
static imp_status read_blob(imp_proto *r, blob *b, imp_message m) {
    imp_field f;
    *b = (blob){.dtype = IMP_DTYPE_OTHER};
    int64_t old[4] = {1, 1, 1, 1};
    while (m.at < m.end) {
        TRY(imp_proto_field(r, &m, &f));
        if (f.number <= 4 && f.kind == IMP_PROTO_VARINT) {
            old[f.number - 1] = f.value > INT64_MAX ? -1 : (int64_t)f.value;
            b->old = true;
        } else if (f.number == 5 || f.number == 8) {
            TRY(read_numbers(r, b, &f));
        } else if (f.number == 7 && f.kind == IMP_PROTO_LENGTH) {
            TRY(read_shape(r, b, f.body));
        }
    }
    if (b->rank > 0 || !b->old)
        return IMP_OK;
    b->rank = 4;
    memcpy(b->sides, old, sizeof old);
    return IMP_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static imp_status add_blob(imp_proto *r, const char *layer, size_t index, imp_message m) {
    static const char *const parts[] = {"weight", "bias"};
    char name[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    blob b;
    TRY(read_blob(r, &b, m));
    if (index < 2)
        snprintf(name, sizeof name, "%s.%s", layer, parts[index]);
    else
        snprintf(name, sizeof name, "%s.%zu", layer, index);
    TRY(imp_foreign_add(&t, r->file, name, r->err));
    /* In the old form a bias is 1 x 1 x 1 x O. */
    const bool bias =
        b.old && index == 1 && b.rank == 4 && b.sides[0] == 1 && b.sides[1] == 1 && b.sides[2] == 1;
    TRY(imp_foreign_shape(r->file, t, bias ? b.sides + 3 : b.sides, bias ? 1 : b.rank, r->err));
    t->dtype = b.dtype;
    t->place = b.numbers.at;
    const uint64_t bytes = b.numbers.end - b.numbers.at;
    if (b.dtype != IMP_DTYPE_OTHER && bytes != t->count * imp_dtype_bytes(b.dtype))
        return imp_foreign_fail(r->file, r->err, IMP_ERR_FORMAT,
                                "tensor %s: its shape and its length disagree" IMP_FETCH_AGAIN,
                                t->name);
    return IMP_OK;
}

/* name_field, blob_field: the fields of LayerParameter, or of the old form. The name may come after
 * the blobs. */
static imp_status read_layer(imp_proto *r, imp_message whole, unsigned name_field,
                             unsigned blob_field) {
    char name[IMP_FOREIGN_NAME - 32] = "";
    imp_field f;
    for (imp_message m = whole; m.at < m.end;) {
        TRY(imp_proto_field(r, &m, &f));
        if (f.number == name_field && f.kind == IMP_PROTO_LENGTH)
            TRY(imp_proto_text(r, name, sizeof name, f.body));
    }
    size_t index = 0;
    for (imp_message m = whole; m.at < m.end;) {
        TRY(imp_proto_field(r, &m, &f));
        if (f.number == blob_field && f.kind == IMP_PROTO_LENGTH)
            TRY(add_blob(r, name, index++, f.body));
    }
    return IMP_OK;
}

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    return imp_foreign_numbers(file, out, t->dtype, t->place, t->count, err);
}

imp_status imp_foreign_caffe(imp_foreign *file, imp_error *err) {
    imp_proto r = {.file = file, .kind = ".caffemodel", .err = err};
    file->format = "Caffe";
    file->input = IMP_INPUT_CAFFE;
    file->load = load;
    for (imp_message m = {0, file->size}; m.at < m.end;) {
        imp_field f;
        TRY(imp_proto_field(&r, &m, &f));
        if (f.kind != IMP_PROTO_LENGTH)
            continue;
        if (f.number == 100)
            TRY(read_layer(&r, f.body, 1, 7));
        else if (f.number == 2)
            TRY(read_layer(&r, f.body, 4, 6));
    }
    return IMP_OK;
}
