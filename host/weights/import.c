/* SPDX-License-Identifier: MIT
 *
 * Imports foreign weights files as networks: finds the layers and the preparation of the input,
 * folds batch normalisation in, and writes layer by layer.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "weights/foreign.h"
#include "weights/names.h"
#include "weights/network.h"
#include "weights/safetensors_write.h"
#include "weights/trial.h"

/* ---- The input ------------------------------------------------------------------------------- */

typedef struct preparation {
    const char *order, *range, *mean, *deviation;
} preparation;

static const preparation preparations[] = {
    [IMP_INPUT_TORCHVISION] = {"RGB", "1", "0.485,0.456,0.406", "0.229,0.224,0.225"},
    [IMP_INPUT_CAFFE] = {"BGR", "255", "103.939,116.779,123.68", "1,1,1"},
};

/* Caffe's numbers with the channels of the first layer in the other order, as MatConvNet has them;
 * and that of networks whose first layer, conv0, does all of this. */
static const preparation caffe_rgb = {"RGB", "255", "123.68,116.779,103.939", "1,1,1"};
static const preparation in_network = {"RGB", "1", "0,0,0", "1,1,1"};

/* The first digits of the SHA-256 of published files, which are also part of their names.
 * Torchvision's files and those converted from Caffe's have the same tensor names and similar
 * filters; only these digits distinguish them. */
static const struct published {
    const char *digits;
    imp_input input;
} published[] = {
    {"dcbb9e9d", IMP_INPUT_TORCHVISION}, /* vgg19 */
    {"397923af", IMP_INPUT_TORCHVISION}, /* vgg16 */
    {"c79401a0", IMP_INPUT_TORCHVISION}, /* vgg19_bn */
    {"6c64b313", IMP_INPUT_TORCHVISION}, /* vgg16_bn */
    {"d01eb7cb", IMP_INPUT_CAFFE},       /* vgg19, from Caffe */
    {"00b39a1b", IMP_INPUT_CAFFE},       /* vgg16, from Caffe */
};

static imp_input input_of_published(const char *path, const char *sha256) {
    const char *const slash = strrchr(path, '/');
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (strncmp(sha256, published[i].digits, 8) == 0 ||
            strstr(slash ? slash + 1 : path, published[i].digits))
            return published[i].input;
    return IMP_INPUT_AUTO;
}

/* ---- What is at work ------------------------------------------------------------------------- */

/* A layer has a weight and perhaps a bias, filters of a first step and a metric. */
enum { WRITTEN_MAX = 4 * IMP_VGG_LAYERS, PAIRS_MAX = 9 };

typedef struct work {
    imp_foreign file;
    imp_vgg vgg;
    imp_import_options options;
    imp_import_report report;
    imp_written written[WRITTEN_MAX];
    size_t count;
    imp_fused metadata[PAIRS_MAX];
    char provenance[512];
} work;

static bool has_bias(const imp_vgg_layer *l) {
    return l->bias || l->mean;
}

/* ---- Metadata -------------------------------------------------------------------------------- */

static const char *own_words(const work *w, const char *key) {
    return w->file.metadata ? w->file.metadata(&w->file, key) : NULL;
}

/* Whether the file is one of ours, whose metadata is complete. */
static bool is_own(const work *w) {
    const char *const format = own_words(w, "format");
    return format && strcmp(format, "impasto-network-1") == 0;
}

/* Whether its first layer prepares the input. */
static bool has_own_input(const work *w) {
    return w->vgg.layers[0].block == 0 && !is_own(w);
}

static void choose_input(work *w) {
    imp_import_report *const r = &w->report;
    r->input = w->options.input;
    if (r->input != IMP_INPUT_AUTO || is_own(w) || has_own_input(w))
        return;
    r->input = w->file.input != IMP_INPUT_AUTO ? w->file.input
                                               : input_of_published(w->file.path, r->sha256);
    if (r->input != IMP_INPUT_AUTO)
        return;
    r->guessed = true;
    r->input = w->vgg.naming == IMP_NAMING_FEATURES ? IMP_INPUT_TORCHVISION : IMP_INPUT_CAFFE;
}

/* Names the network, for example "VGG-19 (torchvision)", by the number of layers in its third
 * block. */
static void name_network(work *w) {
    unsigned third = 0;
    const imp_vgg *const v = &w->vgg;
    for (size_t i = 0; i < v->count; i++)
        third += v->layers[i].block == 3;
    const bool ends_there = v->layers[v->count - 1].block <= 3;
    const char *const depth = third == 4 ? "VGG-19" : third == 3 && !ends_there ? "VGG-16" : "VGG";
    const char *const kind = w->report.input == IMP_INPUT_TORCHVISION ? " (torchvision)"
                             : w->report.input == IMP_INPUT_CAFFE     ? " (Caffe)"
                             : has_own_input(w)                       ? " (normalised)"
                                                                      : "";
    const char *given = w->options.name;
    if (!given && is_own(w))
        given = own_words(w, "name");
    if (given)
        snprintf(w->report.name, sizeof w->report.name, "%s", given);
    else
        snprintf(w->report.name, sizeof w->report.name, "%s%s", depth, kind);
}

static void put_words(work *w, size_t *n, const char *key, const char *value) {
    if (!value && is_own(w))
        value = own_words(w, key);
    w->metadata[(*n)++] = (imp_fused){key, value};
}

/* The keys that network.h describes. A file of ours keeps its values unless the options replace
 * them. */
static void fill_metadata(work *w) {
    size_t n = 0;
    const char *const slash = strrchr(w->file.path, '/');
    static const preparation none = {0};
    const bool zero = !has_own_input(w); /* those networks were made with reflected borders */
    const preparation *const p = w->report.input == IMP_INPUT_CAFFE && w->file.rgb ? &caffe_rgb
                                 : w->report.input != IMP_INPUT_AUTO
                                     ? &preparations[w->report.input]
                                 : has_own_input(w) ? &in_network
                                                    : &none;
    if (w->options.provenance)
        snprintf(w->provenance, sizeof w->provenance, "%s", w->options.provenance);
    else
        snprintf(w->provenance, sizeof w->provenance, "converted from %s (%s, SHA-256 %s)",
                 slash ? slash + 1 : w->file.path, w->file.format, w->report.sha256);
    put_words(w, &n, "format", "impasto-network-1");
    put_words(w, &n, "input", p->order);
    put_words(w, &n, "range", p->range);
    put_words(w, &n, "mean", p->mean);
    put_words(w, &n, "std", p->deviation);
    put_words(w, &n, "padding", is_own(w) ? NULL : zero ? "zero" : "reflect");
    put_words(w, &n, "name", w->report.name);
    put_words(w, &n, "licence", w->options.licence);
    put_words(w, &n, "provenance", w->provenance);
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static void plan_tensor(work *w, const char *layer, const char *part, size_t rank,
                        const size_t *shape) {
    imp_written *const t = &w->written[w->count++];
    *t = (imp_written){.rank = rank};
    snprintf(t->name, sizeof t->name, "%s.%s", layer, part);
    memcpy(t->shape, shape, rank * sizeof *shape);
}

static void plan_tensors(work *w) {
    imp_import_report *const r = &w->report;
    for (size_t i = 0; i < w->vgg.count; i++) {
        const imp_vgg_layer *const l = &w->vgg.layers[i];
        plan_tensor(w, l->name, "weight", 4, l->weight->shape);
        r->parameters += l->weight->count;
        if (has_bias(l)) {
            plan_tensor(w, l->name, "bias", 1, l->weight->shape);
            r->parameters += l->weight->shape[0];
        }
        if (l->reduce) {
            plan_tensor(w, l->name, "reduce", 4, l->reduce->shape);
            r->parameters += l->reduce->count;
        }
        if (l->metric)
            plan_tensor(w, l->name, "metric", 2, l->metric->shape);
        r->folded = r->folded || l->mean;
    }
    r->layers = w->vgg.count;
    r->skipped = w->vgg.skipped;
    snprintf(r->deepest, sizeof r->deepest, "%s", w->vgg.layers[w->vgg.count - 1].name);
}

static imp_status load(float *out, const work *w, const imp_foreign_tensor *t, imp_error *err) {
    TRY(imp_foreign_load(&w->file, t, out, err));
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(out[i]))
            return imp_foreign_fail(&w->file, err, IMP_ERR_NUMBER,
                                    "tensor %s has %s at index %zu" IMP_FETCH_AGAIN, t->name,
                                    isnan(out[i]) ? "NaN" : "an infinity", i);
    return IMP_OK;
}

/* Loads a vector of a layer, or fills it with `otherwise` where the file has none. */
static imp_status load_vector(float *out, const work *w, const imp_foreign_tensor *t, size_t count,
                              float otherwise, imp_error *err) {
    for (size_t i = 0; i < count; i++)
        out[i] = otherwise;
    return t ? load(out, w, t, err) : IMP_OK;
}

static imp_status write_tensor(FILE *to, const work *w, const float *values, size_t count,
                               const imp_vgg_layer *l, imp_error *err) {
    for (size_t i = 0; w->options.half && i < count; i++)
        if (fabsf(values[i]) >= 65520)
            return imp_foreign_fail(
                &w->file, err, IMP_ERR_NUMBER,
                "layer %s has the value %g, too large for fp16: import it without setting 'half'",
                l->name, (double)values[i]);
    return imp_safetensors_put(to, values, count, w->options.half);
}

/* Folds y = factor (x + bias - mean) / sqrt(variance + eps) + summand, with PyTorch's eps, into the
 * convolution. vectors holds bias, mean, variance, factor and summand, `out` numbers each; the new
 * bias replaces the old. */
static imp_status fold(float *weight, size_t each, float *vectors, size_t out, const work *w,
                       const imp_vgg_layer *l, imp_error *err) {
    static const double eps = 1e-5;
    for (size_t o = 0; o < out; o++) {
        const double variance = vectors[2 * out + o] + eps;
        if (!(variance > 0))
            return imp_foreign_fail(
                &w->file, err, IMP_ERR_NUMBER,
                "tensor %s has a negative variance at index %zu" IMP_FETCH_AGAIN, l->variance->name,
                o);
        const double by = vectors[3 * out + o] / sqrt(variance);
        for (size_t i = 0; i < each; i++)
            weight[o * each + i] = (float)(weight[o * each + i] * by);
        vectors[o] = (float)(((double)vectors[o] - vectors[out + o]) * by + vectors[4 * out + o]);
        for (size_t i = 0; i < each; i++)
            if (!isfinite(weight[o * each + i]) || !isfinite(vectors[o]))
                return imp_foreign_fail(&w->file, err, IMP_ERR_NUMBER,
                                        "layer %s exceeds fp32 once its batch normalisation is "
                                        "folded in: this network cannot be used",
                                        l->name);
    }
    return IMP_OK;
}

static imp_status write_convolution(FILE *to, const work *w, const imp_vgg_layer *l, float *weight,
                                    float *vectors, imp_error *err) {
    const size_t out = l->weight->shape[0];
    TRY(load(weight, w, l->weight, err));
    TRY(load_vector(vectors, w, l->bias, out, 0, err));
    if (l->mean) {
        TRY(load_vector(vectors + out, w, l->mean, out, 0, err));
        TRY(load_vector(vectors + 2 * out, w, l->variance, out, 1, err));
        TRY(load_vector(vectors + 3 * out, w, l->factor, out, 1, err));
        TRY(load_vector(vectors + 4 * out, w, l->summand, out, 0, err));
        TRY(fold(weight, l->weight->count / out, vectors, out, w, l, err));
    }
    TRY(write_tensor(to, w, weight, l->weight->count, l, err));
    return has_bias(l) ? write_tensor(to, w, vectors, out, l, err) : IMP_OK;
}

/* Writes a tensor unchanged; NULL: none. */
static imp_status write_as_is(FILE *to, const work *w, const imp_vgg_layer *l,
                              const imp_foreign_tensor *t, float *values, imp_error *err) {
    if (!t)
        return IMP_OK;
    TRY(load(values, w, t, err));
    return write_tensor(to, w, values, t->count, l, err);
}

/* `values` has room for the layer's largest tensor, followed by its vectors. */
static imp_status write_layer(FILE *to, const work *w, const imp_vgg_layer *l, imp_error *err) {
    const imp_foreign_tensor *const all[] = {l->weight, l->reduce, l->metric};
    size_t most = 0;
    assert(l->weight);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        most = all[i] && all[i]->count > most ? all[i]->count : most;
    float *const values = calloc(most + 5 * l->weight->shape[0] + 1, sizeof *values);
    if (!values)
        return imp_foreign_fail(&w->file, err, IMP_ERR_MEMORY,
                                "out of memory: close other programs");
    imp_status status = write_convolution(to, w, l, values, values + most, err);
    if (status == IMP_OK)
        status = write_as_is(to, w, l, l->reduce, values, err);
    if (status == IMP_OK)
        status = write_as_is(to, w, l, l->metric, values, err);
    free(values);
    return status;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static imp_status fill(FILE *to, const void *user, imp_error *err) {
    const work *const w = user;
    size_t pairs = 0;
    while (pairs < PAIRS_MAX && w->metadata[pairs].key)
        pairs++;
    TRY(imp_safetensors_begin(to, w->metadata, pairs, w->written, w->count, w->options.half, err));
    for (size_t i = 0; i < w->vgg.count; i++)
        TRY(write_layer(to, w, &w->vgg.layers[i], err));
    return IMP_OK;
}

/* Reads a temporary file whole. */
static imp_status read_back(FILE *from, const work *w, char **bytes, size_t *size, imp_error *err) {
    const long end = fflush(from) == 0 ? ftell(from) : -1;
    if (end < 0 || ferror(from))
        return IMP_ERR_IO;
    *size = (size_t)end;
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return imp_foreign_fail(&w->file, err, IMP_ERR_MEMORY,
                                "out of memory: close other programs");
    rewind(from);
    return fread(*bytes, 1, *size, from) == *size ? IMP_OK : IMP_ERR_IO;
}

/* The whole result in memory, 80 MB for VGG-19, by way of a temporary file without a name: streams
 * in memory do not tell when memory runs out. */
static imp_status write_memory(const work *w, char **bytes, size_t *size, imp_error *err) {
    errno = 0;
    FILE *const to = tmpfile();
    if (!to && errno == ENOMEM)
        return imp_foreign_fail(&w->file, err, IMP_ERR_MEMORY,
                                "out of memory: close other programs");
    imp_status status = to ? fill(to, w, err) : IMP_ERR_IO;
    if (status == IMP_OK)
        status = read_back(to, w, bytes, size, err);
    if (to)
        fclose(to);
    if (status == IMP_ERR_IO && (!err || !*err->text))
        status = imp_foreign_fail(&w->file, err, IMP_ERR_IO,
                                  "no temporary file can be written to convert it: free some space "
                                  "in /tmp");
    return status;
}

/* Opens the network and runs it, before it replaces anything. */
static imp_status check_network(const work *w, const char *bytes, size_t size, imp_error *err) {
    imp_network *network = NULL;
    imp_error why = {0};
    imp_network_parse(&network, (const unsigned char *)bytes, size, w->file.path, &why);
    /* The header was just made, and of a foreign file no value in it is the file's. That it cannot
     * be read means that memory ran out: the parser of JSON then loses letters. */
    if (why.status == IMP_ERR_FORMAT && (!is_own(w) || strstr(why.text, "its header is damaged")))
        return imp_foreign_fail(&w->file, err, IMP_ERR_MEMORY,
                                "out of memory: close other programs");
    if (why.status != IMP_OK)
        return imp_fail(err, why.status, "%s", why.text);
    const imp_status status = imp_network_try(network, w->file.path, err);
    imp_network_close(network);
    return status;
}

static imp_status convert(work *w, char **bytes, size_t *size, imp_error *err) {
    *bytes = NULL;
    *size = 0;
    snprintf(w->report.format, sizeof w->report.format, "%s", w->file.format);
    TRY(imp_vgg_find(&w->vgg, &w->file, err));
    TRY(imp_file_sha256(w->report.sha256, w->file.path, err));
    choose_input(w);
    name_network(w);
    plan_tensors(w);
    fill_metadata(w);
    TRY(write_memory(w, bytes, size, err));
    return check_network(w, *bytes, *size, err);
}

imp_status imp_network_convert(char **bytes, size_t *size, const char *from,
                               const imp_import_options *options, imp_import_report *report,
                               imp_error *err) {
    work *const w = calloc(1, sizeof *w);
    *bytes = NULL;
    if (!w)
        return imp_fail(err, IMP_ERR_MEMORY, "weights '%s': out of memory: close other programs",
                        from);
    if (options)
        w->options = *options;
    imp_status status = imp_foreign_open(&w->file, from, err);
    if (status == IMP_OK) {
        status = convert(w, bytes, size, err);
        imp_foreign_close(&w->file);
    }
    if (report)
        *report = w->report;
    free(w);
    if (status != IMP_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

imp_status imp_network_import(const char *from, const char *to, const imp_import_options *options,
                              imp_import_report *report, imp_error *err) {
    char *bytes;
    size_t size;
    if (!from || !to)
        return imp_fail(err, IMP_ERR_ARGUMENT, "weights: the path of a file is NULL");
    if (options && (unsigned)options->input > IMP_INPUT_CAFFE)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'input': invalid value '%d'; expected an imp_input",
                        (int)options->input);
    TRY(imp_network_convert(&bytes, &size, from, options, report, err));
    const imp_status status = imp_file_replace_bytes(to, bytes, size, err);
    free(bytes);
    return status;
}
