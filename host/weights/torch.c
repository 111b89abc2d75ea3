/* SPDX-License-Identifier: MIT
 *
 * Making tensors from the values of a pickle: see torch.h.
 */
#include "weights/torch.h"

#include <stdlib.h>
#include <string.h>

bool imp_storage_key(char key[IMP_STORAGE_KEY], const imp_value *value) {
    if (value->kind == IMP_VALUE_WHOLE)
        return snprintf(key, IMP_STORAGE_KEY, "%lld", (long long)value->number) > 0;
    if (value->kind != IMP_VALUE_TEXT || value->number >= IMP_STORAGE_KEY ||
        memchr(value->text, '\0', (size_t)value->number))
        return false;
    memcpy(key, value->text, (size_t)value->number);
    key[value->number] = '\0';
    return true;
}

imp_storage *imp_storage_find(const imp_storages *storages, const char *key) {
    for (size_t i = 0; i < storages->count; i++)
        if (strcmp(storages->all[i].key, key) == 0)
            return &storages->all[i];
    return NULL;
}

void imp_storages_finish(imp_storages *storages) {
    free(storages->all);
    *storages = (imp_storages){0};
}

/* The state of listing tensors. */
typedef struct lister {
    imp_foreign *file;
    imp_storages *storages;
    const imp_pickle *pickle;
    imp_error *err;
} lister;

static imp_status bad(const lister *l, const imp_foreign_tensor *t, const char *what) {
    return imp_foreign_fail(l->file, l->err, IMP_ERR_FORMAT, "tensor %s: %s" IMP_FETCH_AGAIN,
                            t->name, what);
}

/* Reads ("storage", type, key, place, count[, None]). The old form of views has a tuple at the end.
 */
static imp_status read_storage(const lister *l, imp_foreign_tensor *t, const imp_value *v) {
    const imp_value *item[6];
    imp_storage s = {0};
    for (size_t i = 0; i < 6; i++)
        item[i] = imp_pickle_item(l->pickle, v, i);
    if (v->kind != IMP_VALUE_STORAGE || !item[4] || !imp_value_says(item[0], "storage") ||
        (s.item = imp_value_storage(item[1], &s.dtype)) == 0 || !imp_storage_key(s.key, item[2]) ||
        item[4]->kind != IMP_VALUE_WHOLE || item[4]->number < 0)
        return bad(l, t, "it has no storage");
    if (item[5] && item[5]->kind != IMP_VALUE_NONE)
        return imp_foreign_fail(l->file, l->err, IMP_ERR_UNSUPPORTED,
                                "tensor %s: it is an old-style view of another storage: load and "
                                "save it again with a newer PyTorch",
                                t->name);
    s.count = (uint64_t)item[4]->number;
    t->dtype = s.dtype;
    const imp_storage *const old = imp_storage_find(l->storages, s.key);
    if (old && (old->item != s.item || old->dtype != s.dtype || old->count != s.count))
        return bad(l, t, "its storage has two sizes");
    t->part = old ? (size_t)(old - l->storages->all) : l->storages->count;
    if (!old)
        l->storages->all[l->storages->count++] = s;
    return IMP_OK;
}

/* Reads a tuple of integers. */
static bool read_sides(const lister *l, int64_t *out, size_t *rank, const imp_value *tuple) {
    if (!tuple || tuple->kind != IMP_VALUE_TUPLE || tuple->count > 8)
        return false;
    *rank = tuple->count;
    for (size_t i = 0; i < *rank; i++) {
        const imp_value *const side = imp_pickle_item(l->pickle, tuple, i);
        out[i] = side->number;
        if (side->kind != IMP_VALUE_WHOLE)
            return false;
    }
    return true;
}

/* Whether the elements are dense in some order of the axes. */
static bool is_dense(const imp_foreign_tensor *t, const int64_t *strides) {
    bool done[8] = {false};
    uint64_t step = 1;
    for (size_t turn = 0; turn < t->rank; turn++) {
        size_t next = t->rank;
        for (size_t i = 0; i < t->rank; i++)
            if (!done[i] && (t->shape[i] == 1 || (uint64_t)strides[i] == step))
                next = i;
        if (next == t->rank)
            return false;
        done[next] = true;
        step *= t->shape[next];
    }
    return true;
}

/* Reads shape, strides and offset, and checks them against the storage. */
static imp_status read_layout(const lister *l, imp_foreign_tensor *t, const imp_value *v) {
    int64_t sides[8], strides[8] = {0};
    size_t rank, rank_of_strides;
    const imp_storage *const s = &l->storages->all[t->part];
    const imp_value *const offset = imp_pickle_item(l->pickle, v, 1);
    if (!offset || offset->kind != IMP_VALUE_WHOLE || offset->number < 0 ||
        !read_sides(l, sides, &rank, imp_pickle_item(l->pickle, v, 2)) ||
        !read_sides(l, strides, &rank_of_strides, imp_pickle_item(l->pickle, v, 3)) ||
        rank != rank_of_strides)
        return bad(l, t, "it has no shape");
    TRY(imp_foreign_shape(l->file, t, sides, rank, l->err));
    t->place = (uint64_t)offset->number;
    if (t->place > s->count || t->count > s->count - t->place)
        return bad(l, t, "it is larger than its storage");
    if (rank > IMP_FOREIGN_RANK || t->count == 0)
        return IMP_OK; /* not used */
    if (!is_dense(t, strides))
        return imp_foreign_fail(
            l->file, l->err, IMP_ERR_UNSUPPORTED,
            "tensor %s: its elements are not dense in memory: save it again with .contiguous()",
            t->name);
    for (size_t i = 0; i < rank; i++)
        t->stride[i] = (size_t)strides[i];
    return IMP_OK;
}

/* within: the name of the module that the tensor is in, with a dot behind it, or "". */
static imp_status add(const lister *l, const char *within, const imp_value *key,
                      const imp_value *v) {
    char name[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    if (key->kind != IMP_VALUE_TEXT || key->number + (int64_t)strlen(within) >= IMP_FOREIGN_NAME)
        return imp_foreign_fail(l->file, l->err, IMP_ERR_FORMAT,
                                "a tensor has no name, or a very long one" IMP_FETCH_AGAIN);
    const size_t before = strlen(within), length = (size_t)key->number;
    memcpy(name, within, before);
    memcpy(name + before, key->text, length);
    name[before + length] = '\0';
    TRY(imp_foreign_add(&t, l->file, name, l->err));
    const imp_value *const storage = imp_pickle_item(l->pickle, v, 0);
    if (!storage)
        return bad(l, t, "it has no storage");
    TRY(read_storage(l, t, storage));
    return read_layout(l, t, v);
}

/* ---- Where the tensors are ------------------------------------------------------------------- */

/* Of modules in modules, and of steps and modules in all: a file may be a circle, or name one part
 * many times. */
enum { DEPTH_MAX = 12, STEPS_MAX = 1 << 20, MODULES_MAX = 1 << 12 };

/* Calls visit for each entry of a dictionary, until it fails. */
typedef imp_status (*visitor)(void *user, const imp_value *key, const imp_value *v);
static imp_status each_entry(const imp_pickle *pickle, const imp_value *dict, visitor visit,
                             void *user) {
    for (uint32_t at = dict->first; at != IMP_VALUE_END;) {
        const imp_item *const key = &pickle->items[at], *const v = &pickle->items[key->next];
        TRY(visit(user, &pickle->values[key->value], &pickle->values[v->value]));
        at = v->next;
    }
    return IMP_OK;
}

/* What is found below a value. */
typedef struct search {
    const imp_pickle *pickle;
    const imp_value *found; /* a dictionary of tensors, or a model */
    size_t count;           /* of such values */
    unsigned depth;
    size_t steps;
    bool tensor, named; /* the last dictionary holds a tensor; found has a usual name */
} search;

static bool is_model(const imp_pickle *pickle, const imp_value *v) {
    const imp_value *const attributes =
        v->kind == IMP_VALUE_OBJECT ? imp_pickle_item(pickle, v, 0) : NULL;
    return attributes && imp_pickle_find(pickle, attributes, "_modules");
}

/* The tensors of an optimiser's state have names without a dot. */
static imp_status look_for_tensor(void *user, const imp_value *key, const imp_value *v) {
    search *const s = user;
    s->tensor |= key->kind == IMP_VALUE_TEXT && v->kind == IMP_VALUE_TENSOR &&
                 memchr(key->text, '.', (size_t)key->number);
    return s->tensor || ++s->steps > STEPS_MAX ? IMP_ERR_FORMAT : IMP_OK; /* to stop */
}

static bool holds_tensors(search *s, const imp_value *v) {
    s->tensor = false;
    if (v->kind == IMP_VALUE_DICT)
        each_entry(s->pickle, v, look_for_tensor, s);
    if (v->kind == IMP_VALUE_OBJECT)
        s->steps += 100;
    return s->tensor || is_model(s->pickle, v);
}

/* Visits what a checkpoint may hold beside other things. Of several finds the one with a usual name
 * counts, and no optimiser's. */
static imp_status look_inside(void *user, const imp_value *key, const imp_value *v) {
    static const char *const usual[] = {"state_dict", "model",  "model_state_dict", "net",
                                        "network",    "params", "weights",          "vgg"};
    search *const s = user;
    if (++s->steps > STEPS_MAX)
        return IMP_ERR_FORMAT;
    if (imp_value_says(key, "optimizer") || imp_value_says(key, "optimizer_state_dict"))
        return IMP_OK;
    if (holds_tensors(s, v)) {
        bool named = false;
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
            named |= imp_value_says(key, usual[i]);
        if (named == s->named)
            s->count++;
        if (named && !s->named)
            s->count = 1;
        if (!s->found || (named && !s->named))
            s->found = v;
        s->named |= named;
    } else if (v->kind == IMP_VALUE_DICT && s->depth < DEPTH_MAX / 4) {
        s->depth++;
        each_entry(s->pickle, v, look_inside, s);
        s->depth--;
    }
    return IMP_OK;
}

/* ---- Modules --------------------------------------------------------------------------------- */

/* A module, and its name with a dot behind it. */
typedef struct module {
    const lister *l;
    char name[IMP_FOREIGN_NAME];
    unsigned depth;
    size_t *modules; /* so many were visited */
} module;

static imp_status add_entry(void *user, const imp_value *key, const imp_value *v) {
    const module *const m = user;
    return v->kind == IMP_VALUE_TENSOR ? add(m->l, m->name, key, v) : IMP_OK;
}

static imp_status add_model(const module *m, const imp_value *model);

static imp_status add_module(void *user, const imp_value *key, const imp_value *v) {
    const module *const m = user;
    module inner = {.l = m->l, .depth = m->depth + 1, .modules = m->modules};
    if (++*m->modules > MODULES_MAX)
        return imp_foreign_fail(m->l->file, m->l->err, IMP_ERR_UNSUPPORTED,
                                "it has more than %d modules, which no VGG has", (int)MODULES_MAX);
    if (v->kind != IMP_VALUE_OBJECT || key->kind != IMP_VALUE_TEXT || inner.depth > DEPTH_MAX)
        return IMP_OK;
    const int length = key->number < IMP_FOREIGN_NAME ? (int)key->number : IMP_FOREIGN_NAME;
    if (snprintf(inner.name, sizeof inner.name, "%s%.*s.", m->name, length,
                 (const char *)key->text) >= IMP_FOREIGN_NAME)
        return imp_foreign_fail(m->l->file, m->l->err, IMP_ERR_FORMAT,
                                "a module has a very long name" IMP_FETCH_AGAIN);
    return add_model(&inner, v);
}

/* The parameters and buffers of a model, and those of its modules. */
static imp_status add_model(const module *m, const imp_value *model) {
    static const char *const parts[] = {"_parameters", "_buffers"};
    const imp_pickle *const pickle = m->l->pickle;
    const imp_value *const attributes = imp_pickle_item(pickle, model, 0);
    module here = *m;
    for (size_t i = 0; attributes && i < 2; i++) {
        const imp_value *const part = imp_pickle_find(pickle, attributes, parts[i]);
        if (part && part->kind == IMP_VALUE_DICT)
            TRY(each_entry(pickle, part, add_entry, &here));
    }
    const imp_value *const modules =
        attributes ? imp_pickle_find(pickle, attributes, "_modules") : NULL;
    return modules && modules->kind == IMP_VALUE_DICT
               ? each_entry(pickle, modules, add_module, &here)
               : IMP_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static imp_status count_tensor(void *user, const imp_value *key, const imp_value *v) {
    (void)key;
    *(size_t *)user += v->kind == IMP_VALUE_TENSOR;
    return IMP_OK;
}

imp_status imp_torch_list(imp_foreign *file, imp_storages *storages, const imp_pickle *pickle,
                          imp_error *err) {
    const lister l = {file, storages, pickle, err};
    const imp_value *const root = &pickle->values[pickle->root];
    search s = {.pickle = pickle, .found = root};
    size_t tensors = 0;
    if (root->kind == IMP_VALUE_DICT)
        each_entry(pickle, root, count_tensor, &tensors);
    if (tensors < 2 && root->kind == IMP_VALUE_DICT) {
        s.found = NULL;
        each_entry(pickle, root, look_inside, &s);
        s.found = s.found ? s.found : root;
    }
    if (s.count > 1)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it holds %zu dictionaries of tensors, and none is called "
                                "state_dict or model: save one of them",
                                s.count);
    if (s.found->kind != IMP_VALUE_DICT && !is_model(pickle, s.found))
        return imp_foreign_fail(
            file, err, IMP_ERR_UNSUPPORTED,
            "it has no dictionary of tensors: give a file of torch.save(model.state_dict(), ...)");
    storages->all = calloc(IMP_FOREIGN_TENSORS + 1, sizeof *storages->all);
    if (!storages->all)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    size_t modules = 0;
    module top = {.l = &l, .modules = &modules};
    return s.found->kind == IMP_VALUE_DICT ? each_entry(pickle, s.found, add_entry, &top)
                                           : add_model(&top, s.found);
}
