/* SPDX-License-Identifier: MIT
 *
 * ONNX models. Names differ with the program that wrote the file, but the nodes of a graph are in
 * the order in which they run: the n-th convolution is layer conv2d_n, whatever its name.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/proto.h"

enum { NAME = 200, TENSORS_MAX = 1024 };

/* An initializer: a TensorProto with numbers. */
typedef struct initializer {
    char name[NAME];
    int64_t sides[8];
    size_t rank;
    uint64_t kind; /* 1 float, 10 half, 11 double, 16 bfloat16 */
    imp_message numbers;
    bool outside; /* in another file */
} initializer;

typedef struct graph {
    imp_proto r;
    initializer *all;
    size_t count;
    unsigned convolutions;
} graph;

/* ---- Initializers ---------------------------------------------------------------------------- */

static imp_status add_side(graph *g, initializer *t, uint64_t side, uint64_t at) {
    if (t->rank == sizeof t->sides / sizeof *t->sides)
        return imp_proto_damaged(&g->r, at, "a tensor has more than eight dimensions");
    t->sides[t->rank++] = side > INT64_MAX ? -1 : (int64_t)side;
    return IMP_OK;
}

/* TensorProto: dims = 1, data_type = 2, float_data = 4, name = 8, raw_data = 9, double_data = 10,
 * external_data = 13, data_location = 14. */
static imp_status read_initializer(graph *g, initializer *t, imp_message m) {
    imp_field f;
    *t = (initializer){.name = ""};
    while (m.at < m.end) {
        TRY(imp_proto_field(&g->r, &m, &f));
        const bool long_one = f.kind == IMP_PROTO_LENGTH;
        if (f.number == 1 && f.kind == IMP_PROTO_VARINT)
            TRY(add_side(g, t, f.value, m.at));
        else if (f.number == 2 && f.kind == IMP_PROTO_VARINT)
            t->kind = f.value;
        else if (f.number == 8 && long_one)
            TRY(imp_proto_text(&g->r, t->name, sizeof t->name, f.body));
        else if ((f.number == 4 || f.number == 9 || f.number == 10) && long_one)
            t->numbers = f.body;
        else if (f.number == 13 || (f.number == 14 && f.value == 1))
            t->outside = true;
        while (f.number == 1 && long_one && f.body.at < f.body.end) {
            TRY(imp_proto_varint(&g->r, &f.body, &f.value));
            TRY(add_side(g, t, f.value, f.body.at));
        }
    }
    return IMP_OK;
}

static imp_status read_initializers(graph *g, imp_message m) {
    imp_field f;
    while (m.at < m.end) {
        TRY(imp_proto_field(&g->r, &m, &f));
        if (f.number != 5 || f.kind != IMP_PROTO_LENGTH)
            continue;
        if (g->count == TENSORS_MAX)
            return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                    "it has more than %d tensors, which no VGG has",
                                    (int)TENSORS_MAX);
        TRY(read_initializer(g, &g->all[g->count++], f.body));
    }
    return IMP_OK;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static const initializer *find(const graph *g, const char *name) {
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->all[i].name, name) == 0)
            return &g->all[i];
    return NULL;
}

static imp_status add(graph *g, const char *part, const initializer *from) {
    static const struct {
        uint64_t kind;
        imp_dtype dtype;
    } kinds[] = {
        {1, IMP_DTYPE_F32}, {10, IMP_DTYPE_F16}, {11, IMP_DTYPE_F64}, {16, IMP_DTYPE_BF16}};
    char name[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    if (g->convolutions == 0)
        snprintf(name, sizeof name, "conv2d.%s", part);
    else
        snprintf(name, sizeof name, "conv2d_%u.%s", g->convolutions, part);
    if (from->outside)
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                "tensor %s: its numbers are in another file: export the model as "
                                "one file",
                                name);
    TRY(imp_foreign_add(&t, g->r.file, name, g->r.err));
    TRY(imp_foreign_shape(g->r.file, t, from->sides, from->rank, g->r.err));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == from->kind)
            t->dtype = kinds[i].dtype;
    t->place = from->numbers.at;
    if (t->dtype != IMP_DTYPE_OTHER &&
        from->numbers.end - from->numbers.at != t->count * imp_dtype_bytes(t->dtype))
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_FORMAT,
                                "tensor %s: its shape and its length disagree" IMP_FETCH_AGAIN,
                                name);
    return IMP_OK;
}

/* A convolution's filters are its second input, its bias is the third. */
static imp_status add_convolution(graph *g, char inputs[3][NAME]) {
    const initializer *const weight = find(g, inputs[1]), *const bias = find(g, inputs[2]);
    if (!weight)
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                "its convolution %u has no filters of its own: export it with "
                                "constants folded",
                                g->convolutions + 1);
    TRY(add(g, "weight", weight));
    if (bias && *inputs[2])
        TRY(add(g, "bias", bias));
    g->convolutions++;
    return IMP_OK;
}

/* NodeProto: input = 1, op_type = 4. */
static imp_status read_node(graph *g, imp_message m) {
    char inputs[3][NAME] = {"", "", ""}, kind[64] = "";
    size_t count = 0;
    imp_field f;
    while (m.at < m.end) {
        TRY(imp_proto_field(&g->r, &m, &f));
        if (f.kind != IMP_PROTO_LENGTH)
            continue;
        if (f.number == 1 && count < 3)
            TRY(imp_proto_text(&g->r, inputs[count++], NAME, f.body));
        if (f.number == 4)
            TRY(imp_proto_text(&g->r, kind, sizeof kind, f.body));
    }
    if (strcmp(kind, "BatchNormalization") == 0)
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                "its batch normalisation is apart from its convolutions: export it "
                                "in eval mode, with constants folded");
    if (g->convolutions > 0 &&
        (strcmp(kind, "Add") == 0 || strcmp(kind, "Sum") == 0 || strcmp(kind, "Concat") == 0))
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                "its layers have branches (%s), like a ResNet's: only the VGG "
                                "family is read",
                                kind);
    return strcmp(kind, "Conv") == 0 ? add_convolution(g, inputs) : IMP_OK;
}

/* GraphProto: node = 1, initializer = 5. Only what comes before the fully connected layers counts.
 */
static imp_status read_graph(graph *g, imp_message whole) {
    imp_field f;
    TRY(read_initializers(g, whole));
    for (imp_message m = whole; m.at < m.end;) {
        TRY(imp_proto_field(&g->r, &m, &f));
        if (f.number == 1 && f.kind == IMP_PROTO_LENGTH)
            TRY(read_node(g, f.body));
    }
    return IMP_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    return imp_foreign_numbers(file, out, t->dtype, t->place, t->count, err);
}

/* ModelProto: graph = 7. */
static imp_status read_model(graph *g) {
    bool found = false;
    for (imp_message m = {0, g->r.file->size}; m.at < m.end;) {
        imp_field f;
        TRY(imp_proto_field(&g->r, &m, &f));
        if (f.number != 7 || f.kind != IMP_PROTO_LENGTH)
            continue;
        TRY(read_graph(g, f.body));
        found = true;
    }
    if (!found || g->convolutions == 0)
        return imp_foreign_fail(g->r.file, g->r.err, IMP_ERR_UNSUPPORTED,
                                "it is no ONNX model with convolutions; a TensorFlow SavedModel is "
                                "not read: save the Keras model as .h5 or .keras");
    return IMP_OK;
}

imp_status imp_foreign_onnx(imp_foreign *file, imp_error *err) {
    graph *const g = calloc(1, sizeof *g);
    if (g)
        g->all = calloc(TENSORS_MAX, sizeof *g->all);
    imp_status status = IMP_OK;
    file->format = "ONNX";
    file->input = IMP_INPUT_TORCHVISION;
    file->load = load;
    if (!g || !g->all)
        status = imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    if (g && status == IMP_OK) {
        g->r = (imp_proto){.file = file, .kind = "ONNX model", .err = err};
        status = read_model(g);
    }
    if (g)
        free(g->all);
    free(g);
    return status;
}
