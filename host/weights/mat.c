/* SPDX-License-Identifier: MIT
 *
 * MATLAB 5 files (.mat) of MatConvNet, such as imagenet-vgg-verydeep-19.mat: a cell array `layers`
 * of structures with a name and weights, H x W x I x O by columns. A variable may be compressed.
 * Then its tensors are found by unpacking it, once to list them and once for each tensor.
 */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "weights/foreign.h"

/* Types of data elements, and classes of arrays. */
enum { INT8 = 1, INT32 = 5, UINT32 = 6, SINGLE = 7, DOUBLE = 9, MATRIX = 14, COMPRESSED = 15 };
enum { CELL = 1, STRUCTURE = 2, OBJECT = 3, TEXT = 4, FIRST_NUMBERS = 6, LAST_NUMBERS = 15 };
enum { HEADER = 128, DEPTH_MAX = 16, ARRAYS_MAX = 1 << 16, VARIABLES_MAX = 64, RANK_MAX = 8 };

typedef struct inside {
    uint64_t places[VARIABLES_MAX]; /* of the variables, by `part` */
    size_t count;
} inside;

/* The contents of a variable: bytes of the file, or what is unpacked from them. */
typedef struct stream {
    const imp_foreign *file;
    imp_error *err;
    uint64_t at, end; /* positions in the contents; unpacked ones have no end */
    uint64_t from;    /* position in the file */
    uint64_t left;    /* packed bytes that were not read */
    bool packed, open;
    z_stream z;
    unsigned char in[1 << 14];
} stream;

static imp_status damaged(const stream *s, const char *what) {
    return imp_foreign_fail(s->file, s->err, IMP_ERR_FORMAT,
                            "it is a MATLAB file, but damaged: %s" IMP_FETCH_AGAIN, what);
}

/* ---- The contents ---------------------------------------------------------------------------- */

static imp_status unpack(stream *s, unsigned char *out, size_t size) {
    s->z.next_out = out;
    s->z.avail_out = (uInt)size;
    while (s->z.avail_out > 0) {
        if (s->z.avail_in == 0 && s->left > 0) {
            const size_t n = s->left < sizeof s->in ? (size_t)s->left : sizeof s->in;
            TRY(imp_foreign_read(s->file, s->in, s->from, n, s->err));
            s->from += n;
            s->left -= n;
            s->z.next_in = s->in;
            s->z.avail_in = (uInt)n;
        }
        const int code = inflate(&s->z, Z_NO_FLUSH);
        if (s->z.avail_out > 0 && (code != Z_OK || (s->z.avail_in == 0 && s->left == 0)))
            return damaged(s, "a compressed variable is cut off");
    }
    return IMP_OK;
}

static imp_status take(stream *s, void *out, size_t size) {
    if (!s->packed && size > s->end - s->at)
        return damaged(s, "an element is longer than the one around it");
    TRY(s->packed ? unpack(s, out, size)
                  : imp_foreign_read(s->file, out, s->from + s->at, size, s->err));
    s->at += size;
    return IMP_OK;
}

static imp_status skip(stream *s, uint64_t size) {
    unsigned char block[1 << 14];
    if (!s->packed) {
        if (size > s->end - s->at)
            return damaged(s, "an element is longer than the one around it");
        s->at += size;
        return IMP_OK;
    }
    for (uint64_t n; size > 0; size -= n) {
        n = size < sizeof block ? size : sizeof block;
        TRY(take(s, block, (size_t)n));
    }
    return IMP_OK;
}

static uint32_t number_at(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Opens the variable whose element begins at that position of the file; close_stream releases it.
 */
static imp_status open_stream(stream *s, const imp_foreign *file, uint64_t place, imp_error *err) {
    unsigned char tag[8];
    *s = (stream){.file = file, .err = err, .from = place};
    TRY(imp_foreign_read(file, tag, place, sizeof tag, err));
    const uint64_t size = number_at(tag + 4);
    s->packed = number_at(tag) == COMPRESSED;
    if (size > file->size - place - 8)
        return damaged(s, "it is cut off");
    s->end = 8 + size;
    if (!s->packed)
        return IMP_OK;
    s->from = place + 8;
    s->left = size;
    s->open = inflateInit(&s->z) == Z_OK;
    return s->open
               ? IMP_OK
               : imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
}

static void close_stream(stream *s) {
    if (s->open)
        inflateEnd(&s->z);
    s->open = false;
}

/* ---- Elements -------------------------------------------------------------------------------- */

/* A tag: the type and size of an element whose data follow, and `pad` bytes behind them. Small
 * elements have tag and data in eight bytes. */
typedef struct element {
    unsigned type;
    uint64_t size, pad;
} element;

static imp_status take_tag(stream *s, element *e) {
    unsigned char tag[4], size[4];
    TRY(take(s, tag, sizeof tag));
    const uint32_t word = number_at(tag);
    if (word >> 16) {
        *e = (element){.type = word & 0xFFFF, .size = word >> 16};
        if (e->size > 4)
            return damaged(s, "an element has an invalid size");
        e->pad = 4 - e->size;
        return IMP_OK;
    }
    TRY(take(s, size, sizeof size));
    *e = (element){.type = word, .size = number_at(size)};
    e->pad = e->type == MATRIX ? 0 : (8 - e->size % 8) % 8;
    return IMP_OK;
}

/* An element of at most `room` bytes; *size: its bytes. */
static imp_status take_small(stream *s, unsigned type, void *out, size_t room, size_t *size) {
    element e;
    TRY(take_tag(s, &e));
    if (e.type != type || e.size > room)
        return damaged(s, "an element has an unexpected type");
    TRY(take(s, out, (size_t)e.size));
    *size = (size_t)e.size;
    return skip(s, e.pad);
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

/* Numbers in the file. */
typedef struct numbers {
    int64_t sides[RANK_MAX];
    size_t rank;
    imp_dtype dtype;
    uint64_t place;
    bool here;
} numbers;

/* What a layer's structure says. */
typedef struct layer {
    char name[64];
    numbers weight, bias;
} layer;

/* The state of listing. */
typedef struct walk {
    imp_foreign *file;
    stream s;
    size_t part, arrays;
    unsigned depth;
} walk;

static imp_status add_part(walk *w, const char *name, const char *part, const numbers *n) {
    char full[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    snprintf(full, sizeof full, "%s.%s", name, part);
    TRY(imp_foreign_add(&t, w->file, full, w->s.err));
    if (strcmp(part, "bias") == 0) {
        int64_t count = 1;
        for (size_t i = 0; i < n->rank && count < (int64_t)1 << 32; i++)
            count *= n->sides[i];
        TRY(imp_foreign_shape(w->file, t, &count, 1, w->s.err));
    } else {
        /* by columns: the first side varies fastest; sides of 1 at the end are left out */
        int64_t sides[4] = {1, 1, 1, 1};
        for (size_t i = 0; i < n->rank && i < 4; i++)
            sides[i] = n->sides[i];
        const int64_t turned[4] = {sides[3], sides[2], sides[0], sides[1]};
        TRY(imp_foreign_shape(w->file, t, turned, 4, w->s.err));
        t->stride[2] = 1;
        t->stride[3] = (size_t)sides[0];
        t->stride[1] = (size_t)(sides[0] * sides[1]);
        t->stride[0] = (size_t)(sides[0] * sides[1] * sides[2]);
    }
    t->dtype = n->dtype;
    t->part = w->part;
    t->place = n->place;
    return IMP_OK;
}

/* Adds the tensors of a structure that is a layer with weights. */
static imp_status add_layer(walk *w, const layer *l) {
    if (!*l->name || !l->weight.here || l->weight.rank > 4)
        return IMP_OK;
    TRY(add_part(w, l->name, "weight", &l->weight));
    return l->bias.here ? add_part(w, l->name, "bias", &l->bias) : IMP_OK;
}

static imp_status take_array(walk *w, const char *field, size_t index, layer *into);

static imp_status take_cells(walk *w, size_t count, const char *field, layer *into) {
    for (size_t i = 0; i < count; i++)
        TRY(take_array(w, field, i, into));
    return IMP_OK;
}

static imp_status take_structures(walk *w, size_t count) {
    enum { FIELDS_MAX = 64, FIELD_NAME = 64 };
    char names[FIELDS_MAX * FIELD_NAME + 1];
    unsigned char length[4] = {0};
    size_t size = 0;
    TRY(take_small(&w->s, INT32, length, sizeof length, &size));
    const size_t each = number_at(length);
    TRY(take_small(&w->s, INT8, names, sizeof names - 1, &size));
    names[size] = '\0';
    if (each == 0 || each > FIELD_NAME || size % each != 0)
        return damaged(&w->s, "a structure has invalid names");
    for (size_t i = 0; i < count; i++) {
        layer here = {.name = ""};
        for (size_t k = 0; k < size / each; k++) {
            char name[FIELD_NAME + 1];
            snprintf(name, sizeof name, "%.*s", (int)each, names + k * each);
            TRY(take_array(w, name, 0, &here));
        }
        TRY(add_layer(w, &here));
    }
    return IMP_OK;
}

static imp_status take_text(walk *w, const char *field, layer *into) {
    element e;
    char text[64] = "";
    TRY(take_tag(&w->s, &e));
    const bool wanted = into && strcmp(field, "name") == 0 && e.size < sizeof text;
    if (wanted) {
        TRY(take(&w->s, text, (size_t)e.size));
        size_t n = 0; /* of two bytes a letter, the zeros are dropped */
        for (size_t i = 0; i < e.size; i++)
            if (text[i] > ' ' && text[i] < 127)
                into->name[n++] = text[i];
        into->name[n] = '\0';
    } else {
        TRY(skip(&w->s, e.size));
    }
    return skip(&w->s, e.pad);
}

/* index: among the cells of the field `weights`, filters are the first and a bias the second. */
static imp_status take_numbers(walk *w, const numbers *shape, const char *field, size_t index,
                               layer *into) {
    element e;
    TRY(take_tag(&w->s, &e));
    const bool list = strcmp(field, "weights") == 0;
    numbers *const to = !into                                                   ? NULL
                        : strcmp(field, "filters") == 0 || (list && index == 0) ? &into->weight
                        : strcmp(field, "biases") == 0 || (list && index == 1)  ? &into->bias
                                                                                : NULL;
    uint64_t count = 1;
    for (size_t i = 0; i < shape->rank; i++)
        count = shape->sides[i] > 0 && count < (uint64_t)1 << 31 ? count * (uint64_t)shape->sides[i]
                                                                 : 0;
    if (to && count > 0) {
        *to = *shape;
        to->here = true;
        to->dtype = e.type == SINGLE   ? IMP_DTYPE_F32
                    : e.type == DOUBLE ? IMP_DTYPE_F64
                                       : IMP_DTYPE_OTHER;
        to->place = w->s.at;
        if (to->dtype != IMP_DTYPE_OTHER && e.size != count * imp_dtype_bytes(to->dtype))
            return damaged(&w->s, "an array's shape and its length disagree");
    }
    TRY(skip(&w->s, e.size));
    return skip(&w->s, e.pad);
}

/* One array after its tag, by its class. */
static imp_status take_contents(walk *w, const char *field, size_t index, layer *into) {
    unsigned char flags[8] = {0}, sides[4 * RANK_MAX] = {0}, name[256];
    numbers shape = {.dtype = IMP_DTYPE_OTHER};
    size_t size = 0, cells = 1;
    TRY(take_small(&w->s, UINT32, flags, sizeof flags, &size));
    TRY(take_small(&w->s, INT32, sides, sizeof sides, &size));
    shape.rank = size / 4;
    for (size_t i = 0; i < shape.rank; i++) {
        shape.sides[i] = (int32_t)number_at(sides + 4 * i);
        if (shape.sides[i] < 0)
            return damaged(&w->s, "an array has an invalid side");
        cells = cells <= ARRAYS_MAX ? cells * (size_t)shape.sides[i] : cells;
    }
    TRY(take_small(&w->s, INT8, name, sizeof name, &size));
    switch (flags[0]) {
    case CELL:
        return take_cells(w, cells, field, into);
    case OBJECT:
        TRY(take_small(&w->s, INT8, name, sizeof name, &size));
        return take_structures(w, cells);
    case STRUCTURE:
        return take_structures(w, cells);
    case TEXT:
        return take_text(w, field, into);
    default:
        break;
    }
    if (flags[0] < FIRST_NUMBERS || flags[0] > LAST_NUMBERS)
        return damaged(&w->s, "an array has an unknown class");
    TRY(take_numbers(w, &shape, field, index, into));
    return flags[1] & 8 ? take_numbers(w, &shape, "", 0, NULL) : IMP_OK; /* imaginary parts */
}

/* field: the name of the structure's field that the array is in; into: what it tells. */
static imp_status take_array(walk *w, const char *field, size_t index, layer *into) {
    element e;
    TRY(take_tag(&w->s, &e));
    if (e.type != MATRIX || ++w->arrays > ARRAYS_MAX || w->depth >= DEPTH_MAX)
        return damaged(&w->s, "its arrays make no sense");
    if (e.size == 0) /* an empty array */
        return IMP_OK;
    const uint64_t end = w->s.at + e.size;
    w->depth++;
    TRY(take_contents(w, field, index, into));
    w->depth--;
    return w->s.at <= end ? skip(&w->s, end - w->s.at)
                          : damaged(&w->s, "an array is longer than it says");
}

/* ---- Opening --------------------------------------------------------------------------------- */

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const inside *const in = file->inside;
    unsigned char block[1 << 12];
    stream *const s = malloc(sizeof *s);
    if (!s)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    imp_status status = open_stream(s, file, in->places[t->part], err);
    if (status == IMP_OK)
        status = skip(s, t->place);
    const size_t item = imp_dtype_bytes(t->dtype);
    for (size_t left = t->count, n; status == IMP_OK && left > 0; left -= n, out += n) {
        n = left < sizeof block / item ? left : sizeof block / item;
        status = take(s, block, n * item);
        if (status == IMP_OK)
            imp_dtype_read(out, t->dtype, block, n);
    }
    close_stream(s);
    free(s);
    return status;
}

static void close_inside(imp_foreign *file) {
    free(file->inside);
}

static imp_status list_variable(imp_foreign *file, walk *w, uint64_t place, imp_error *err) {
    inside *const in = file->inside;
    if (in->count == VARIABLES_MAX)
        return IMP_OK;
    in->places[in->count] = place;
    *w = (walk){.file = file, .part = in->count++};
    imp_status status = open_stream(&w->s, file, place, err);
    if (status == IMP_OK)
        status = take_array(w, "", 0, NULL);
    close_stream(&w->s);
    return status;
}

static imp_status list_variables(imp_foreign *file, imp_error *err) {
    walk *const w = calloc(1, sizeof *w);
    imp_status status = IMP_OK;
    if (!w)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    for (uint64_t at = HEADER; status == IMP_OK && at + 8 <= file->size;) {
        unsigned char tag[8];
        status = imp_foreign_read(file, tag, at, sizeof tag, err);
        const uint32_t type = number_at(tag), size = number_at(tag + 4);
        if (status == IMP_OK && type != MATRIX && type != COMPRESSED)
            status =
                imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                 "it is a MATLAB file, but damaged: it has no variable at byte "
                                 "%llu" IMP_FETCH_AGAIN,
                                 (unsigned long long)at);
        if (status == IMP_OK)
            status = list_variable(file, w, at, err);
        at += 8 + (uint64_t)size;
    }
    free(w);
    return status;
}

imp_status imp_foreign_mat(imp_foreign *file, imp_error *err) {
    unsigned char header[HEADER];
    file->format = "MATLAB 5";
    file->input = IMP_INPUT_CAFFE;
    file->rgb = true;
    file->load = load;
    TRY(imp_foreign_read(file, header, 0, sizeof header, err));
    if (header[7] == '7')
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it is a MATLAB 7.3 file: save it with the option -v7");
    if (memcmp(header + 126, "IM", 2) != 0)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it was written on a big-endian machine: save it again on another");
    file->inside = calloc(1, sizeof(inside));
    if (!file->inside)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    file->close = close_inside;
    return list_variables(file, err);
}
