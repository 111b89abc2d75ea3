/* SPDX-License-Identifier: MIT
 *
 * Caffe's .caffemodel: a NetParameter in the wire format of protocol buffers. Only the layers
 * (field 100, or 2 before 2015), their names and their blobs are read. Everything else is skipped;
 * numbers are read when a tensor is loaded.
 */
#include <string.h>

#include "weights/foreign.h"

/* Wire types. */
enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

/* A message is the bytes from `at` to `end` of the file. */
typedef struct message {
    uint64_t at, end;
} message;

typedef struct field {
    unsigned number, kind;
    uint64_t value; /* of VARINT */
    message body;   /* of all others */
} field;

typedef struct reader {
    imp_foreign *file;
    imp_error *err;
    unsigned char block[4096]; /* the file's bytes from `begin` on */
    uint64_t begin;
    size_t size;
} reader;

static imp_status damaged(const reader *r, uint64_t at, const char *what) {
    return imp_foreign_fail(
        r->file, r->err, IMP_ERR_FORMAT,
        "it is not a .caffemodel, or it is damaged at byte %llu: %s" IMP_FETCH_AGAIN,
        (unsigned long long)at, what);
}

static imp_status read_byte(reader *r, message *m, unsigned char *out) {
    if (m->at >= m->end)
        return damaged(r, m->at, "it is cut off");
    if (m->at < r->begin || m->at - r->begin >= r->size) {
        const uint64_t left = r->file->size - m->at;
        r->size = 0;
        const size_t size = left < sizeof r->block ? (size_t)left : sizeof r->block;
        TRY(imp_foreign_read(r->file, r->block, m->at, size, r->err));
        r->begin = m->at;
        r->size = size;
    }
    *out = r->block[m->at++ - r->begin];
    return IMP_OK;
}

static imp_status read_varint(reader *r, message *m, uint64_t *out) {
    const uint64_t begun = m->at;
    unsigned char byte = 0x80;
    *out = 0;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 63)
            return damaged(r, begun, "a number has no end");
        TRY(read_byte(r, m, &byte));
        *out |= (uint64_t)(byte & 0x7F) << shift;
    }
    return IMP_OK;
}

/* The next field of a message that is not at its end. */
static imp_status read_field(reader *r, message *m, field *out) {
    const uint64_t begun = m->at;
    uint64_t tag, length;
    TRY(read_varint(r, m, &tag));
    *out = (field){.number = (unsigned)(tag >> 3 & 0x1FFFFFFF), .kind = (unsigned)(tag & 7)};
    if (out->number == 0)
        return damaged(r, begun, "a field has no number");
    switch (out->kind) {
    case VARINT:
        return read_varint(r, m, &out->value);
    case FIXED64:
        length = 8;
        break;
    case FIXED32:
        length = 4;
        break;
    case LENGTH:
        TRY(read_varint(r, m, &length));
        break;
    default:
        return damaged(r, begun, "a field has an unknown type");
    }
    if (length > m->end - m->at)
        return damaged(r, begun,
                       "a field is longer than the message around it, so the file is cut off");
    out->body = (message){m->at, m->at + length};
    m->at += length;
    return IMP_OK;
}

/* ---- Blobs ----------------------------------------------------------------------------------- */

typedef struct blob {
    int64_t sides[8];
    size_t rank;
    bool old; /* its shape is num, channels, height, width */
    message numbers;
    imp_dtype dtype; /* OTHER: it has no numbers */
} blob;

static imp_status add_side(reader *r, blob *b, uint64_t side, uint64_t at) {
    if (b->rank == sizeof b->sides / sizeof *b->sides)
        return damaged(r, at, "a blob has more than eight dimensions");
    b->sides[b->rank++] = side > INT64_MAX ? -1 : (int64_t)side;
    return IMP_OK;
}

/* BlobShape: dim = 1, repeated or packed. */
static imp_status read_shape(reader *r, blob *b, message m) {
    field f;
    while (m.at < m.end) {
        TRY(read_field(r, &m, &f));
        if (f.number != 1)
            continue;
        if (f.kind == VARINT)
            TRY(add_side(r, b, f.value, m.at));
        else if (f.kind == LENGTH)
            while (f.body.at < f.body.end) {
                TRY(read_varint(r, &f.body, &f.value));
                TRY(add_side(r, b, f.value, f.body.at));
            }
    }
    return IMP_OK;
}

/* data = 5 or double_data = 8, packed, in one piece. */
static imp_status read_numbers(reader *r, blob *b, const field *f) {
    if (f->kind != LENGTH || b->dtype != IMP_DTYPE_OTHER)
        return imp_foreign_fail(r->file, r->err, IMP_ERR_UNSUPPORTED,
                                "the numbers of a blob are not packed in one field (byte %llu): "
                                "save it again with a newer Caffe",
                                (unsigned long long)f->body.at);
    b->dtype = f->number == 5 ? IMP_DTYPE_F32 : IMP_DTYPE_F64;
    b->numbers = f->body;
    return IMP_OK;
}

/* BlobProto: num, channels, height, width = 1..4, data = 5, shape = 7, double_data = 8. */
static imp_status read_blob(reader *r, blob *b, message m) {
    field f;
    *b = (blob){.dtype = IMP_DTYPE_OTHER};
    int64_t old[4] = {1, 1, 1, 1};
    while (m.at < m.end) {
        TRY(read_field(r, &m, &f));
        if (f.number <= 4 && f.kind == VARINT) {
            old[f.number - 1] = f.value > INT64_MAX ? -1 : (int64_t)f.value;
            b->old = true;
        } else if (f.number == 5 || f.number == 8) {
            TRY(read_numbers(r, b, &f));
        } else if (f.number == 7 && f.kind == LENGTH) {
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

static imp_status add_blob(reader *r, const char *layer, size_t index, message m) {
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

static imp_status read_name(reader *r, char name[IMP_FOREIGN_NAME - 32], message m) {
    const uint64_t begun = m.at;
    size_t n = 0;
    while (m.at < m.end && n < IMP_FOREIGN_NAME - 33)
        TRY(read_byte(r, &m, (unsigned char *)&name[n++]));
    name[n] = '\0';
    return m.at < m.end || strlen(name) < n ? damaged(r, begun, "a layer has no valid name")
                                            : IMP_OK;
}

/* name_field, blob_field: the fields of LayerParameter, or of the old form. The name may come after
 * the blobs. */
static imp_status read_layer(reader *r, message whole, unsigned name_field, unsigned blob_field) {
    char name[IMP_FOREIGN_NAME - 32] = "";
    field f;
    for (message m = whole; m.at < m.end;) {
        TRY(read_field(r, &m, &f));
        if (f.number == name_field && f.kind == LENGTH)
            TRY(read_name(r, name, f.body));
    }
    size_t index = 0;
    for (message m = whole; m.at < m.end;) {
        TRY(read_field(r, &m, &f));
        if (f.number == blob_field && f.kind == LENGTH)
            TRY(add_blob(r, name, index++, f.body));
    }
    return IMP_OK;
}

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    return imp_foreign_numbers(file, out, t->dtype, t->place, t->count, err);
}

imp_status imp_foreign_caffe(imp_foreign *file, imp_error *err) {
    reader r = {.file = file, .err = err};
    file->format = "Caffe";
    file->input = IMP_INPUT_CAFFE;
    file->load = load;
    for (message m = {0, file->size}; m.at < m.end;) {
        field f;
        TRY(read_field(&r, &m, &f));
        if (f.kind != LENGTH)
            continue;
        if (f.number == 100)
            TRY(read_layer(&r, f.body, 1, 7));
        else if (f.number == 2)
            TRY(read_layer(&r, f.body, 4, 6));
    }
    return IMP_OK;
}
