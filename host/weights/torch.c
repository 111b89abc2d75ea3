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

static imp_status add(const lister *l, const imp_value *key, const imp_value *v) {
    char name[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    if (key->kind != IMP_VALUE_TEXT || key->number >= IMP_FOREIGN_NAME)
        return imp_foreign_fail(l->file, l->err, IMP_ERR_FORMAT,
                                "a tensor has no name, or a very long one" IMP_FETCH_AGAIN);
    snprintf(name, sizeof name, "%.*s", (int)key->number, (const char *)key->text);
    TRY(imp_foreign_add(&t, l->file, name, l->err));
    const imp_value *const storage = imp_pickle_item(l->pickle, v, 0);
    if (!storage)
        return bad(l, t, "it has no storage");
    TRY(read_storage(l, t, storage));
    return read_layout(l, t, v);
}

/* The dictionary of tensors: the root, or an entry of a checkpoint's dictionary. */
static const imp_value *find_tensors(const imp_pickle *pickle) {
    static const char *const keys[] = {"state_dict", "model"};
    const imp_value *const root = &pickle->values[pickle->root];
    for (size_t i = 0; i < 2; i++) {
        const imp_value *const inner = imp_pickle_find(pickle, root, keys[i]);
        if (inner && inner->kind == IMP_VALUE_DICT)
            return inner;
    }
    return root;
}

imp_status imp_torch_list(imp_foreign *file, imp_storages *storages, const imp_pickle *pickle,
                          imp_error *err) {
    const lister l = {file, storages, pickle, err};
    const imp_value *const dict = find_tensors(pickle);
    if (dict->kind != IMP_VALUE_DICT)
        return imp_foreign_fail(
            file, err, IMP_ERR_UNSUPPORTED,
            "it has no dictionary of tensors: give a file of torch.save(model.state_dict(), ...)");
    storages->all = calloc(dict->count / 2 + 1, sizeof *storages->all);
    if (!storages->all)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    for (uint32_t at = dict->first; at != IMP_VALUE_END;) {
        const imp_item *const key = &pickle->items[at], *const v = &pickle->items[key->next];
        if (pickle->values[v->value].kind == IMP_VALUE_TENSOR)
            TRY(add(&l, &pickle->values[key->value], &pickle->values[v->value]));
        at = v->next;
    }
    return IMP_OK;
}
