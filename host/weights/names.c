/* SPDX-License-Identifier: MIT
 *
 * Finding the layers of a VGG by foreign tensor names: see names.h.
 */
#include "weights/names.h"

#include <stdlib.h>
#include <string.h>

/* The parts that a name may end with; batch normalisation also has weight and bias. */
enum { WEIGHT, BIAS, REDUCE, METRIC, MEAN, VARIANCE, PARTS };
static const char *const part_names[PARTS] = {"weight", "bias",         "reduce",
                                              "metric", "running_mean", "running_var"};

/* The tensors of one layer, by number: block * 100 + conv, its position in the list, or its order.
 */
typedef struct slot {
    unsigned number;
    const imp_foreign_tensor *parts[PARTS];
} slot;

typedef struct finder {
    const imp_foreign *file;
    imp_error *err;
    imp_vgg *vgg;
    slot slots[2 * IMP_VGG_LAYERS];
    size_t count;
    size_t prefix; /* letters that all names begin with, and that are no part of a layer's */
} finder;

/* ---- Names ----------------------------------------------------------------------------------- */

static bool strip(const char **text, const char *prefix) {
    const size_t length = strlen(prefix);
    const bool there = strncmp(*text, prefix, length) == 0;
    *text += there ? length : 0;
    return there;
}

/* Removes a word wherever a name has it. */
static void remove_word(char *name, const char *word) {
    const size_t length = strlen(word);
    for (char *at; (at = strstr(name, word)) && (at == name || at[-1] == '.');)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* Removes a slice's name: a list that is cut into slices keeps its numbers. */
static void remove_slice(char *name) {
    char *const at = strstr(name, "slice");
    const size_t digits = at ? strspn(at + 5, "0123456789") : 0;
    if (digits > 0 && at[5 + digits] == '.' && (at == name || at[-1] == '.'))
        memmove(at, at + 6 + digits, strlen(at + 6 + digits) + 1);
}

/* Strips what wraps a VGG: the file's common prefix, and the names of modules that only forward.
 * room: IMP_FOREIGN_NAME bytes, which the result may point to. */
static const char *strip_wrappers(char *room, const finder *f, const char *full) {
    static const char *const wrappers[] = {"module.", "model.", "net.", "vgg.", "backbone."};
    snprintf(room, IMP_FOREIGN_NAME, "%s", full + f->prefix);
    remove_word(room, "_orig_mod.");
    remove_slice(room);
    const char *name = room;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (strip(&name, wrappers[i]))
            i = (size_t)-1;
    return name;
}

/* Fully connected layers and counters, by the beginning or end of their names. */
static bool is_left_out(const char *name) {
    static const char *const heads[] = {"classifier.", "head.", "pre_logits.", "predictions.",
                                        "prob.",       "fc",    "dense"};
    static const char *const tails[] = {".num_batches_tracked", "_aux.weight", "_aux.bias"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (length > strlen(tails[i]) && !strcmp(name + length - strlen(tails[i]), tails[i]))
            return true;
    return false;
}

/* The naming scheme and number of a layer's name; IMP_NAMING_NONE where it is unknown. */
static imp_naming read_layer(unsigned *number, const char *layer) {
    unsigned block, conv;
    int end = 0;
    if (strcmp(layer, "conv0") == 0)
        return *number = 0, IMP_NAMING_PLACES;
    if ((sscanf(layer, "conv%2u_%2u%n", &block, &conv, &end) == 2 && !layer[end]) ||
        (sscanf(layer, "block%2u_conv%2u%n", &block, &conv, &end) == 2 && !layer[end])) {
        *number = 100 * block + conv;
        return block - 1 < 99 && conv - 1 < 99 ? IMP_NAMING_PLACES : IMP_NAMING_NONE;
    }
    if (sscanf(layer, "conv%1u%1u%n", &block, &conv, &end) == 2 && !layer[end]) {
        *number = 100 * block + conv; /* conv11: block 1, convolution 1 */
        return block > 0 && conv > 0 ? IMP_NAMING_PLACES : IMP_NAMING_NONE;
    }
    *number = 0;
    if (strcmp(layer, "conv2d") == 0 ||
        (sscanf(layer, "conv2d_%6u%n", number, &end) == 1 && !layer[end]))
        return IMP_NAMING_ORDER;
    strip(&layer, "features.");
    strip(&layer, "module.");
    if (sscanf(layer, "%4u%n", number, &end) == 1 && !layer[end])
        return IMP_NAMING_FEATURES;
    return IMP_NAMING_NONE;
}

static imp_naming read_name(unsigned *number, unsigned *part, const char *name) {
    char layer[IMP_FOREIGN_NAME];
    const char *const dot = strrchr(name, '.');
    if (!dot)
        return IMP_NAMING_NONE;
    for (*part = 0; *part < PARTS && strcmp(dot + 1, part_names[*part]) != 0;)
        (*part)++;
    snprintf(layer, sizeof layer, "%.*s", (int)(dot - name), name);
    return *part < PARTS ? read_layer(number, layer) : IMP_NAMING_NONE;
}

static imp_status no_vgg(const finder *f, const char *name, const char *why) {
    const char *const other = imp_other_network(f->file);
    if (other)
        return imp_foreign_fail(f->file, f->err, IMP_ERR_UNSUPPORTED,
                                "it is %s: only the VGG family is read; 'impasto weights fetch "
                                "vgg19' gets one",
                                other);
    return imp_foreign_fail(f->file, f->err, IMP_ERR_UNSUPPORTED,
                            "tensor '%s': %s: only the VGG family is read", name, why);
}

/* Whether all tensors have names of layers, or of what is left out, once they lose `prefix`
 * letters.
 */
static bool all_known(finder *f, size_t prefix) {
    const char *const first = f->file->tensors[0].name;
    size_t layers = 0;
    f->prefix = prefix;
    for (size_t i = 0; i < f->file->count; i++) {
        char room[IMP_FOREIGN_NAME];
        unsigned number, part;
        const char *const full = f->file->tensors[i].name;
        if (strncmp(full, first, prefix) != 0)
            return false;
        const char *const name = strip_wrappers(room, f, full);
        const bool layer = read_name(&number, &part, name) != IMP_NAMING_NONE;
        layers += layer;
        if (!layer && !is_left_out(name))
            return false;
    }
    return layers > 0;
}

/* Finds the prefix that all names have and that is not a layer's: any number of words with dots. */
static void find_prefix(finder *f) {
    const char *const first = f->file->count ? f->file->tensors[0].name : "";
    for (const char *dot = first; dot; dot = strchr(dot, '.'), dot += dot ? 1 : 0)
        if (f->file->count && all_known(f, (size_t)(dot - first)))
            return;
    f->prefix = 0;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static slot *find_slot(finder *f, unsigned number) {
    size_t i = 0;
    while (i < f->count && f->slots[i].number != number)
        i++;
    if (i == sizeof f->slots / sizeof *f->slots)
        return NULL;
    if (i == f->count)
        f->slots[f->count++] = (slot){.number = number};
    return &f->slots[i];
}

static imp_status sort_in(finder *f, const imp_foreign_tensor *t) {
    unsigned number, part;
    char room[IMP_FOREIGN_NAME];
    const char *const name = strip_wrappers(room, f, t->name);
    if (is_left_out(name)) {
        f->vgg->skipped++;
        return IMP_OK;
    }
    const imp_naming naming = read_name(&number, &part, name);
    if (naming == IMP_NAMING_NONE)
        return no_vgg(f, t->name, "no layer of a VGG has such a name");
    if (f->vgg->naming != IMP_NAMING_NONE && f->vgg->naming != naming)
        return no_vgg(f, t->name, "other tensors follow another naming scheme");
    f->vgg->naming = naming;
    slot *const s = find_slot(f, number);
    if (!s)
        return no_vgg(f, t->name, "there are too many layers");
    if (s->parts[part])
        return no_vgg(f, t->name, "another tensor has the same place");
    s->parts[part] = t;
    return IMP_OK;
}

static int by_number(const void *a, const void *b) {
    const unsigned s = ((const slot *)a)->number, t = ((const slot *)b)->number;
    return s < t ? -1 : s > t;
}

/* ---- From slots to layers -------------------------------------------------------------------- */

static imp_status missing(const finder *f, const char *name, const char *what) {
    return imp_foreign_fail(f->file, f->err, IMP_ERR_FORMAT,
                            "%s of layer %s is missing" IMP_FETCH_AGAIN, what, name);
}

static void print_place(char *name, unsigned block, unsigned conv) {
    if (block == 0)
        snprintf(name, IMP_NAME_MAX, "conv0");
    else
        snprintf(name, IMP_NAME_MAX, "conv%u_%u", block, conv);
}

static imp_status add_layer(finder *f, const slot *s, unsigned block, unsigned conv) {
    imp_vgg_layer *const l = &f->vgg->layers[f->vgg->count];
    char name[IMP_NAME_MAX];
    print_place(name, block, conv);
    if (!s->parts[WEIGHT])
        return missing(f, name, "the weight");
    if (f->vgg->count == IMP_VGG_LAYERS)
        return no_vgg(f, s->parts[WEIGHT]->name, "there are too many layers");
    *l = (imp_vgg_layer){.block = block,
                         .conv = conv,
                         .weight = s->parts[WEIGHT],
                         .bias = s->parts[BIAS],
                         .reduce = s->parts[REDUCE],
                         .metric = s->parts[METRIC]};
    print_place(l->name, block, conv);
    f->vgg->count++;
    return IMP_OK;
}

/* A layer requires those before it: the first layer of each earlier block, and all earlier ones of
 * its own. */
static imp_status place_by_name(finder *f) {
    unsigned block = 1, conv = 1;
    for (size_t i = 0; i < f->count; i++) {
        const unsigned number = f->slots[i].number;
        char name[IMP_NAME_MAX];
        if (number == 0) {
            TRY(add_layer(f, &f->slots[i], 0, 0));
            continue;
        }
        if (number / 100 > block && conv > 1) {
            block++;
            conv = 1;
        }
        print_place(name, block, conv);
        if (number != 100 * block + conv)
            return missing(f, name, "the weight");
        TRY(add_layer(f, &f->slots[i], block, conv++));
    }
    return block == 1 && conv == 1 ? missing(f, "conv1_1", "the weight") : IMP_OK;
}

/* Attaches batch normalisation to the convolution before it. */
static imp_status add_norm(finder *f, const slot *s) {
    const char *const name = s->parts[WEIGHT] ? s->parts[WEIGHT]->name : "batch normalisation";
    imp_vgg_layer *const l = &f->vgg->layers[f->vgg->count - 1];
    if (l->mean)
        return no_vgg(f, name, "it does not follow a convolution");
    if (s->parts[REDUCE] || s->parts[METRIC])
        return no_vgg(f, name, "batch normalisation has no such part");
    if (!s->parts[MEAN] || !s->parts[VARIANCE])
        return missing(f, l->name, "a part of the batch normalisation");
    l->mean = s->parts[MEAN];
    l->variance = s->parts[VARIANCE];
    l->factor = s->parts[WEIGHT];
    l->summand = s->parts[BIAS];
    return IMP_OK;
}

static bool is_point(const imp_foreign_tensor *t) {
    return t && t->rank == 4 && t->shape[2] == 1 && t->shape[3] == 1;
}

/* A list that begins with a 1 x 1 convolution also has a padding before each other one: a
 * convolution comes 3 places after the previous one, and 1 more behind a pooling. */
static imp_status place_by_padded_list(finder *f) {
    unsigned block = 1, conv = 1, next = 2;
    TRY(add_layer(f, &f->slots[0], 0, 0));
    for (size_t i = 1; i < f->count; i++) {
        const slot *const s = &f->slots[i];
        if (i > 1 && s->number == next + 1) {
            block++;
            conv = 1;
        } else if (s->number != next) {
            return no_vgg(f, s->parts[WEIGHT] ? s->parts[WEIGHT]->name : "without a weight",
                          "no layer of a VGG has its number");
        }
        TRY(add_layer(f, s, block, conv++));
        next = s->number + 3;
    }
    return IMP_OK;
}

/* In the list, a convolution comes 2 places after the previous one (a ReLU is between them), 3
 * after one with batch normalisation, and 1 more where a pooling begins a new block. */
static imp_status place_by_list(finder *f) {
    unsigned block = 1, conv = 1, next = 0;
    for (size_t i = 0; i < f->count; i++) {
        const slot *const s = &f->slots[i];
        const imp_foreign_tensor *const weight = s->parts[WEIGHT];
        if (f->vgg->count > 0 && s->number == next - 1 && (!weight || weight->rank == 1)) {
            TRY(add_norm(f, s));
            next++;
            continue;
        }
        if (i > 0 && s->number == next + 1) {
            block++;
            conv = 1;
        } else if (s->number != next) {
            return no_vgg(f, weight ? weight->name : "without a weight",
                          "no layer of a VGG has its number");
        }
        TRY(add_layer(f, s, block, conv++));
        next = s->number + 2;
    }
    return IMP_OK;
}

/* Assigns blocks of 2, 2, n, n, n layers: n is 4 for VGG-19 and 3 for VGG-16. The third block ends
 * where the number of channels changes; if it does not, the number of layers decides. */
static imp_status place_by_order(finder *f) {
    size_t n = 0;
    unsigned block = 1, conv = 1;
    while (4 + n < f->count && f->slots[4 + n].parts[WEIGHT] &&
           f->slots[4 + n].parts[WEIGHT]->shape[0] == f->slots[4].parts[WEIGHT]->shape[0])
        n++;
    if (n > 4)
        n = f->count == 13 ? 3 : 4;
    for (size_t i = 0; i < f->count; i++) {
        TRY(add_layer(f, &f->slots[i], block, conv));
        if (conv++ == (block <= 2 ? 2 : n)) {
            block++;
            conv = 1;
        }
    }
    return IMP_OK;
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

enum { ELEMENTS_MAX = 1 << 26 }; /* numbers in a layer's filters; VGG's largest has 2^21.2 */

static imp_status bad_shape(const finder *f, const imp_foreign_tensor *t, const char *wanted) {
    char shape[128] = "";
    size_t n = 0;
    for (size_t i = 0; i < t->rank && i < IMP_FOREIGN_RANK && n < sizeof shape; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%zu", i ? " x " : "", t->shape[i]);
    return imp_foreign_fail(f->file, f->err, IMP_ERR_FORMAT,
                            "tensor %s has the shape [%s%s], expected [%s]" IMP_FETCH_AGAIN,
                            t->name, shape, t->rank > IMP_FOREIGN_RANK ? " ..." : "", wanted);
}

static imp_status check_vector(const finder *f, const imp_foreign_tensor *t, size_t out) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%zu", out);
    if (!t || (t->rank == 1 && t->shape[0] == out))
        return IMP_OK;
    return bad_shape(f, t, wanted);
}

/* Filters O x in x kernel x kernel. */
static imp_status check_filters(const finder *f, const imp_foreign_tensor *t, size_t in,
                                size_t kernel) {
    char wanted[64];
    if (imp_other_network(f->file))
        return no_vgg(f, t->name, "");
    snprintf(wanted, sizeof wanted, "O x %zu x %zu x %zu", in, kernel, kernel);
    if (t->rank != 4 || t->shape[0] == 0 || t->shape[1] != in || t->shape[2] != kernel ||
        t->shape[3] != kernel)
        return bad_shape(f, t, wanted);
    if (t->count <= ELEMENTS_MAX)
        return IMP_OK;
    return imp_foreign_fail(f->file, f->err, IMP_ERR_UNSUPPORTED,
                            "tensor %s has %zu elements, more than the limit of %d", t->name,
                            t->count, (int)ELEMENTS_MAX);
}

static imp_status check_layer(const finder *f, const imp_vgg_layer *l, size_t in) {
    const imp_foreign_tensor *const w = l->weight, *const m = l->metric;
    const size_t kernel = l->block ? 3 : 1;
    if (!l->block && (l->reduce || m))
        return no_vgg(f, l->reduce ? l->reduce->name : m->name, "conv0 has no such part");
    if (l->reduce)
        TRY(check_filters(f, l->reduce, in, kernel));
    TRY(check_filters(f, w, l->reduce ? l->reduce->shape[0] : in, l->reduce ? 1 : kernel));
    const size_t out = w->shape[0];
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%zu x %zu", out, out);
    if (m && (m->rank != 2 || m->shape[0] != out || m->shape[1] != out))
        return bad_shape(f, m, wanted);
    const imp_foreign_tensor *const vectors[] = {l->bias, l->mean, l->variance, l->factor,
                                                 l->summand};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        TRY(check_vector(f, vectors[i], out));
    return IMP_OK;
}

static imp_status place_all(finder *f) {
    if (f->vgg->naming == IMP_NAMING_PLACES)
        return place_by_name(f);
    if (f->vgg->naming == IMP_NAMING_ORDER)
        return place_by_order(f);
    const bool padded =
        is_point(f->slots[0].parts[WEIGHT]) && f->count > 1 && f->slots[1].number == 2;
    return padded ? place_by_padded_list(f) : place_by_list(f);
}

imp_status imp_vgg_find(imp_vgg *out, const imp_foreign *file, imp_error *err) {
    finder f = {.file = file, .err = err, .vgg = out};
    *out = (imp_vgg){.naming = IMP_NAMING_NONE};
    find_prefix(&f);
    for (size_t i = 0; i < file->count; i++)
        TRY(sort_in(&f, &file->tensors[i]));
    if (f.count == 0 && imp_other_network(file))
        return no_vgg(&f, "", "");
    if (f.count == 0)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it has no layers of a VGG: give a file with the weights of one");
    qsort(f.slots, f.count, sizeof *f.slots, by_number);
    TRY(place_all(&f));
    for (size_t i = 0, in = 3; i < out->count; in = out->layers[i++].weight->shape[0])
        TRY(check_layer(&f, &out->layers[i], in));
    return IMP_OK;
}
