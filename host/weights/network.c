/* SPDX-License-Identifier: MIT
 *
 * Building the nodes of a network from the tensors of a file: see network.h.
 */
#include "weights/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "weights/builtin.h"
#include "weights/metadata.h"
#include "weights/random.h"
#include "weights/safetensors.h"

/* The state of reading one file. */
typedef struct builder {
    imp_network *n;
    imp_safetensors file;
    imp_error *err;
    size_t channels; /* channels of the node added last */
    size_t values;   /* floats of the nodes added so far */
    float *next;     /* position of the next tensor in n->values */
} builder;

/* ---- Names ----------------------------------------------------------------------------------- */

/* B and C of a layer convB_C, both from 1 to 99; conv0 is {0, 0}. */
typedef struct place {
    unsigned block, conv;
} place;

/* Tensors are named LAYER.weight, LAYER.bias, LAYER.reduce and LAYER.metric. */
static const imp_stored *tensor_of(const builder *b, const char *layer, const char *part) {
    char name[IMP_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s%s", layer, part);
    return imp_safetensors_find(&b->file, name);
}

static void print_layer(char layer[IMP_NAME_MAX], place p) {
    if (p.block == 0)
        snprintf(layer, IMP_NAME_MAX, "conv0");
    else
        snprintf(layer, IMP_NAME_MAX, "conv%u_%u", p.block, p.conv);
}

static bool has_layer(const builder *b, place p) {
    char layer[IMP_NAME_MAX];
    print_layer(layer, p);
    return tensor_of(b, layer, ".weight") != NULL;
}

/* "conv1_1" for the nodes "relu1_1" and "reduce1_1". */
static void print_layer_of(char layer[IMP_NAME_MAX], const imp_node *node) {
    snprintf(layer, IMP_NAME_MAX, "conv%s", node->name + strcspn(node->name, "0123456789"));
}

/* Whether the node is the first step of a layer in two steps. */
static bool reduces(const imp_node *node) {
    return strncmp(node->name, "reduce", strlen("reduce")) == 0;
}

/* Reads 1..99 without a leading zero and moves *text behind it; 0 where there is no such number. */
static unsigned read_number(const char **text) {
    unsigned v = 0;
    while (**text >= (v ? '0' : '1') && **text <= '9' && v < 10)
        v = 10 * v + (unsigned)(*(*text)++ - '0');
    return v;
}

/* The part of "convB_C.part" or "conv0.part" from the dot on; NULL for any other name. */
static const char *parse_name(place *out, const char *name) {
    *out = (place){0, 0};
    if (strncmp(name, "conv0.", 6) == 0)
        return name + 5;
    if (strncmp(name, "conv", 4) != 0)
        return NULL;
    name += 4;
    out->block = read_number(&name);
    if (*name++ != '_' || out->block == 0)
        return NULL;
    out->conv = read_number(&name);
    return out->conv && *name == '.' ? name : NULL;
}

static bool is_auxiliary(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot - name >= 4 && strncmp(dot - 4, "_aux", 4) == 0;
}

static bool is_part(const char *part, place p) {
    return strcmp(part, ".weight") == 0 || strcmp(part, ".bias") == 0 ||
           (p.block > 0 && (strcmp(part, ".reduce") == 0 || strcmp(part, ".metric") == 0));
}

/* A layer requires those before it: the first layer of each earlier block, and all earlier ones of
 * its own. */
static imp_status check_above(const builder *b, place p) {
    place m = {p.block ? 1 : 0, p.block ? 1 : 0};
    while (m.block < p.block && has_layer(b, m))
        m.block++;
    while (m.block == p.block && m.conv < p.conv && has_layer(b, m))
        m.conv++;
    if (has_layer(b, m))
        return IMP_OK;
    char layer[IMP_NAME_MAX];
    print_layer(layer, m);
    return imp_fail(b->err, IMP_ERR_FORMAT,
                    "network '%s': tensor %s.weight is missing: fetch or create the file again",
                    b->file.source, layer);
}

/* Checks that every tensor belongs to a layer or may be ignored, and that there is a first layer.
 */
static imp_status check_names(const builder *b) {
    for (size_t i = 0; i < b->file.count; i++) {
        place p;
        const char *const name = b->file.tensors[i].name;
        if (is_auxiliary(name))
            continue;
        const char *const part = parse_name(&p, name);
        if (!part || !is_part(part, p))
            return imp_fail(b->err, IMP_ERR_UNSUPPORTED,
                            "network '%s': tensor '%s' belongs to no layer: expected names like "
                            "conv1_1.weight, .bias, .reduce and .metric",
                            b->file.source, name);
        TRY(check_above(b, p));
    }
    return check_above(b, (place){1, 1});
}

/* ---- The list of nodes ----------------------------------------------------------------------- */

static const size_t any = SIZE_MAX; /* any side of a shape but 0 */

static void print_shape(char *out, size_t room, const size_t *shape, size_t rank) {
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rank && n < room; i++) {
        const char *times = i ? " x " : "";
        n += (size_t)(shape[i] == any ? snprintf(out + n, room - n, "%sO", times)
                                      : snprintf(out + n, room - n, "%s%zu", times, shape[i]));
    }
}

static imp_status check_shape(const builder *b, const imp_stored *t, const size_t *want,
                              size_t rank) {
    bool good = t->rank == rank;
    for (size_t i = 0; i < rank && good; i++)
        good = want[i] == any ? t->shape[i] > 0 : t->shape[i] == want[i];
    if (good)
        return IMP_OK;
    char is[128], wanted[128];
    print_shape(is, sizeof is, t->shape, t->rank);
    print_shape(wanted, sizeof wanted, want, rank);
    return imp_fail(
        b->err, IMP_ERR_FORMAT,
        "network '%s': tensor %s has the shape [%s], expected [%s]: fetch or create the file again",
        b->file.source, t->name, is, wanted);
}

/* Also counts the numbers that will be read for the layer. */
static imp_status check_layer(builder *b, const char *layer, size_t kernel) {
    const imp_stored *const weight = tensor_of(b, layer, ".weight");
    const imp_stored *const bias = tensor_of(b, layer, ".bias");
    const imp_stored *const reduce = tensor_of(b, layer, ".reduce");
    const imp_stored *const metric = tensor_of(b, layer, ".metric");
    size_t channels = b->channels;
    if (reduce) {
        TRY(check_shape(b, reduce, (const size_t[]){any, channels, kernel, kernel}, 4));
        channels = reduce->shape[0];
        kernel = 1;
    }
    TRY(check_shape(b, weight, (const size_t[]){any, channels, kernel, kernel}, 4));
    const size_t out = weight->shape[0];
    if (bias)
        TRY(check_shape(b, bias, &out, 1));
    if (metric)
        TRY(check_shape(b, metric, (const size_t[]){out, out}, 2));
    const size_t parameters =
        (reduce ? reduce->count : 0) + weight->count + (bias ? bias->count : 0);
    b->n->info.parameters += parameters;
    b->values += parameters + (metric ? metric->count : 0);
    return IMP_OK;
}

static imp_node *add_node(builder *b, imp_node_kind kind) {
    imp_node *node = &b->n->nodes[b->n->count];
    *node = (imp_node){.kind = kind, .input = b->n->count ? b->n->count - 1 : SIZE_MAX};
    b->n->count++;
    return node;
}

/* Adds a convolution from b->channels to the number of filters in the tensor. */
static void add_conv(builder *b, const char *kind, const char *layer, const imp_stored *weight,
                     bool relu) {
    imp_node *node = add_node(b, IMP_NODE_CONV);
    const size_t kernel = weight->shape[2];
    node->conv = (imp_conv){.in = b->channels,
                            .out = weight->shape[0],
                            .kernel = kernel,
                            .stride = 1,
                            .before = kernel / 2,
                            .after = kernel / 2,
                            .padding = b->n->padding,
                            .relu = relu};
    snprintf(node->name, sizeof node->name, "%s%s", kind, layer + strlen("conv"));
    b->channels = node->conv.out;
    b->n->info.layers++;
}

static imp_status add_layer(builder *b, place p) {
    char layer[IMP_NAME_MAX];
    print_layer(layer, p);
    TRY(check_layer(b, layer, p.block ? 3 : 1));
    const imp_stored *const reduce = tensor_of(b, layer, ".reduce");
    if (reduce)
        add_conv(b, "reduce", layer, reduce, false);
    add_conv(b, p.block ? "relu" : "conv", layer, tensor_of(b, layer, ".weight"), p.block > 0);
    return IMP_OK;
}

/* Adds the layers in order: the next one of the block, or the first one of the next block. */
static imp_status add_nodes(builder *b) {
    b->n->nodes = calloc(2 * b->file.count, sizeof *b->n->nodes);
    if (!b->n->nodes)
        return imp_fail(b->err, IMP_ERR_MEMORY, "network '%s': out of memory: close other programs",
                        b->file.source);
    if (has_layer(b, (place){0, 0}))
        TRY(add_layer(b, (place){0, 0}));
    for (place p = {1, 1}; has_layer(b, p);) {
        TRY(add_layer(b, p));
        p.conv++;
        if (has_layer(b, p) || !has_layer(b, (place){p.block + 1, 1}))
            continue;
        snprintf(add_node(b, IMP_NODE_POOL)->name, IMP_NAME_MAX, "pool%u", p.block);
        p = (place){p.block + 1, 1};
    }
    return IMP_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* *out: the tensor's values, or NULL where the file has no such tensor. */
static imp_status take(builder *b, const float **out, const char *layer, const char *part) {
    const imp_stored *const t = tensor_of(b, layer, part);
    *out = NULL;
    if (!t)
        return IMP_OK;
    TRY(imp_safetensors_load(b->next, &b->file, t, b->err));
    *out = b->next;
    b->next += t->count;
    return IMP_OK;
}

static imp_status check_symmetry(const builder *b, const imp_node *node) {
    const size_t c = node->conv.out;
    for (size_t i = 0; node->metric && i < c; i++)
        for (size_t j = 0; j < i; j++)
            if (node->metric[i * c + j] != node->metric[j * c + i])
                return imp_fail(b->err, IMP_ERR_FORMAT,
                                "network '%s': the metric of %s is not symmetric at [%zu, %zu]: "
                                "fetch or create the file again",
                                b->file.source, node->name, i, j);
    return IMP_OK;
}

static imp_status load_values(builder *b) {
    b->next = b->n->values = calloc(b->values, sizeof *b->n->values);
    if (!b->next)
        return imp_fail(b->err, IMP_ERR_MEMORY,
                        "network '%s': out of memory for its %zu numbers: close other programs",
                        b->file.source, b->values);
    for (size_t i = 0; i < b->n->count; i++) {
        imp_node *const node = &b->n->nodes[i];
        char layer[IMP_NAME_MAX];
        if (node->kind == IMP_NODE_POOL)
            continue;
        print_layer_of(layer, node);
        if (reduces(node)) {
            TRY(take(b, &node->weights, layer, ".reduce"));
            continue;
        }
        TRY(take(b, &node->weights, layer, ".weight"));
        TRY(take(b, &node->bias, layer, ".bias"));
        TRY(take(b, &node->metric, layer, ".metric"));
        TRY(check_symmetry(b, node));
    }
    return IMP_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static imp_status build(builder *b) {
    TRY(check_names(b));
    TRY(imp_metadata_read(b->n, &b->file, b->err));
    TRY(add_nodes(b));
    return load_values(b);
}

imp_status imp_network_parse(imp_network **out, const unsigned char *bytes, size_t size,
                             const char *source, imp_error *err) {
    builder b = {.n = calloc(1, sizeof *b.n), .err = err, .channels = 3};
    *out = NULL;
    if (!b.n)
        return imp_fail(err, IMP_ERR_MEMORY, "network '%s': out of memory: close other programs",
                        source);
    imp_status status = imp_safetensors_init(&b.file, bytes, size, source, err);
    if (status == IMP_OK)
        status = build(&b);
    if (status == IMP_OK && !imp_bytes_sha256(b.n->info.sha256, bytes, size))
        status = imp_fail(err, IMP_ERR_MEMORY,
                          "network '%s': out of memory to hash it: close other programs", source);
    imp_safetensors_finish(&b.file);
    if (status == IMP_OK)
        *out = b.n;
    else
        imp_network_close(b.n);
    return status;
}

/* Whether a file is not in our format, but surely in one that can be imported: by its first bytes
 * or, where a format has none, by its name. */
static bool is_foreign(const char *path) {
    static const char *const names[] = {".caffemodel", ".onnx", ".index.json"};
    static const char *const marks[] = {"PK\3\4", "\x89HDF", "\x80\2",
                                        "\x80\3", "\x80\4",  "MATLAB"};
    char first[8] = "";
    FILE *const file = fopen(path, "rb");
    const size_t size = file ? fread(first, 1, sizeof first, file) : 0, length = strlen(path);
    bool found = false;
    if (file)
        fclose(file);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        found |= size == sizeof first && memcmp(first, marks[i], strlen(marks[i])) == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        found |=
            length > strlen(names[i]) && strcmp(path + length - strlen(names[i]), names[i]) == 0;
    return found;
}

static imp_status open_foreign(imp_network **out, const char *path, imp_error *err) {
    char *bytes;
    size_t size;
    TRY(imp_network_convert(&bytes, &size, path, NULL, NULL, err));
    const imp_status status = imp_network_parse(out, (const unsigned char *)bytes, size, path, err);
    free(bytes);
    return status;
}

imp_status imp_network_open(imp_network **out, const char *name, imp_error *err) {
    unsigned char *bytes;
    size_t size;
    *out = NULL;
    if (!name)
        return imp_fail(err, IMP_ERR_ARGUMENT, "network: no name; 'builtin' is always there");
    if (strcmp(name, "builtin") == 0) {
        if (imp_builtin_network_size == 0)
            return imp_fail(err, IMP_ERR_UNSUPPORTED,
                            "network 'builtin': this build has none: name a file instead");
        return imp_network_parse(out, imp_builtin_network, imp_builtin_network_size, name, err);
    }
    if (strcmp(name, IMP_NETWORK_RANDOM) == 0)
        return imp_network_random(out, err);
    char here[IMP_PATH_MAX];
    const char *path = name;
    if (imp_weights_here(name) && imp_weights_path(here, sizeof here, name, err) == IMP_OK)
        path = here;
    else if (imp_weights_find(name) && access(name, F_OK) != 0)
        return imp_fail(err, IMP_ERR_IO,
                        "network '%s': not installed: run 'impasto weights fetch %s'", name, name);
    if (is_foreign(path))
        return open_foreign(out, path, err);
    TRY(imp_file_read(&bytes, &size, "network", path, err));
    const imp_status status = imp_network_parse(out, bytes, size, path, err);
    free(bytes);
    return status;
}

void imp_network_close(imp_network *network) {
    if (!network)
        return;
    free(network->nodes);
    free(network->values);
    free(network->texts);
    free(network);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

void imp_network_describe(const imp_network *network, imp_network_info *out) {
    *out = network->info;
}

imp_network_layer imp_network_layer_at(const imp_network *network, size_t i) {
    const imp_node *node = network->nodes;
    while (node->kind != IMP_NODE_CONV || i-- > 0)
        node++;
    char layer[IMP_NAME_MAX];
    const imp_conv *const c = &node->conv;
    const size_t count = c->out * c->in * c->kernel * c->kernel;
    imp_network_layer l = {.in = c->in,
                           .out = c->out,
                           .kernel = c->kernel,
                           .parameters = count + (node->bias ? c->out : 0),
                           .low = node->weights[0],
                           .high = node->weights[0]};
    for (size_t k = 1; k < count; k++) {
        l.low = fminf(l.low, node->weights[k]);
        l.high = fmaxf(l.high, node->weights[k]);
    }
    print_layer_of(layer, node);
    snprintf(l.name, sizeof l.name, "%.20s%s", layer, reduces(node) ? ".reduce" : "");
    return l;
}

const imp_node *imp_network_find(const imp_network *network, const char *layer) {
    for (size_t i = 0; i < network->count; i++)
        if (strcmp(network->nodes[i].name, layer) == 0)
            return &network->nodes[i];
    return NULL;
}
