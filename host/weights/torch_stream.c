/* SPDX-License-Identifier: MIT
 *
 * torch.save before 2020: five pickles (a magic number, the protocol, the machine, the object, the
 * keys of its storages), then each storage as its number of elements in eight bytes and the
 * elements.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/torch.h"

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const imp_storages *const storages = file->inside;
    const imp_storage *const s = &storages->all[t->part];
    return imp_foreign_numbers(file, out, t->dtype, s->place + s->item * t->place, t->count, err);
}

static void close_inside(imp_foreign *file) {
    imp_storages_finish(file->inside);
    free(file->inside);
}

static imp_status foreign_pickle(const imp_foreign *file, imp_error *err) {
    return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                            "it is a pickle, but not by torch.save: give a file of "
                            "torch.save(model.state_dict(), ...)");
}

/* Reads the pickle at *at and moves *at behind it; `bytes` is a buffer of IMP_PICKLE_MAX bytes. */
static imp_status read_pickle(imp_pickle *out, unsigned char *bytes, const imp_foreign *file,
                              uint64_t *at, imp_error *err) {
    const uint64_t left = file->size - *at;
    const size_t size = left < IMP_PICKLE_MAX ? (size_t)left : IMP_PICKLE_MAX;
    TRY(imp_foreign_read(file, bytes, *at, size, err));
    TRY(imp_pickle_read(out, bytes, size, file->path, err));
    *at += out->used;
    return IMP_OK;
}

typedef imp_status (*reader)(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                             imp_error *err);

static imp_status read_magic(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                             imp_error *err) {
    static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    (void)at;
    return imp_value_says(&pickle->values[pickle->root], magic) ? IMP_OK
                                                                : foreign_pickle(file, err);
}

static imp_status read_protocol(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                                imp_error *err) {
    const imp_value *const v = &pickle->values[pickle->root];
    (void)at;
    return v->kind == IMP_VALUE_WHOLE && v->number == 1001 ? IMP_OK : foreign_pickle(file, err);
}

static imp_status read_machine(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                               imp_error *err) {
    const imp_value *const little =
        imp_pickle_find(pickle, &pickle->values[pickle->root], "little_endian");
    (void)at;
    if (!little)
        return foreign_pickle(file, err);
    if (little->number != 1)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it was written on a big-endian machine: save it again on another");
    return IMP_OK;
}

static imp_status read_object(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                              imp_error *err) {
    (void)at;
    return imp_torch_list(file, file->inside, pickle, err);
}

/* Finds where each storage begins. */
static imp_status read_keys(imp_foreign *file, const imp_pickle *pickle, uint64_t *at,
                            imp_error *err) {
    const imp_value *const list = &pickle->values[pickle->root];
    if (list->kind != IMP_VALUE_LIST)
        return foreign_pickle(file, err);
    for (uint32_t i = list->first; i != IMP_VALUE_END; i = pickle->items[i].next) {
        char key[IMP_STORAGE_KEY];
        unsigned char bytes[8];
        uint64_t count = 0;
        imp_storage *const s = imp_storage_key(key, &pickle->values[pickle->items[i].value])
                                   ? imp_storage_find(file->inside, key)
                                   : NULL;
        if (!s || s->found)
            return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                    "it has storages that belong to no tensor: give a file of "
                                    "torch.save(model.state_dict(), ...)");
        TRY(imp_foreign_read(file, bytes, *at, sizeof bytes, err));
        for (size_t k = sizeof bytes; k-- > 0;)
            count = count << 8 | bytes[k];
        if (count != s->count)
            return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                    "storage %s has %llu numbers, expected %llu" IMP_FETCH_AGAIN,
                                    key, (unsigned long long)count, (unsigned long long)s->count);
        s->found = true;
        s->place = *at + sizeof bytes;
        *at = s->place + s->item * s->count;
    }
    return IMP_OK;
}

/* Checks that no storage is missing, and that the last one ends with the file. */
static imp_status check_end(const imp_foreign *file, uint64_t at, imp_error *err) {
    const imp_storages *const storages = file->inside;
    for (size_t i = 0; i < storages->count; i++)
        if (!storages->all[i].found)
            return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                    "storage %s is missing" IMP_FETCH_AGAIN, storages->all[i].key);
    if (at != file->size)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it has %llu bytes, expected %llu" IMP_FETCH_AGAIN,
                                (unsigned long long)file->size, (unsigned long long)at);
    return IMP_OK;
}

imp_status imp_foreign_torch_stream(imp_foreign *file, imp_error *err) {
    static const reader readers[] = {read_magic, read_protocol, read_machine, read_object,
                                     read_keys};
    unsigned char *const bytes = malloc(IMP_PICKLE_MAX);
    uint64_t at = 0;
    file->format = "PyTorch, stream format";
    file->load = load;
    file->inside = calloc(1, sizeof(imp_storages));
    imp_status status = IMP_OK;
    if (file->inside)
        file->close = close_inside;
    if (!file->inside || !bytes)
        status = imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    for (size_t i = 0; i < sizeof readers / sizeof *readers && status == IMP_OK; i++) {
        imp_pickle pickle;
        status = read_pickle(&pickle, bytes, file, &at, err);
        if (status != IMP_OK)
            break;
        status = readers[i](file, &pickle, &at, err);
        imp_pickle_finish(&pickle);
    }
    free(bytes);
    return status == IMP_OK ? check_end(file, at, err) : status;
}
