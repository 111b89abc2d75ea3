/* SPDX-License-Identifier: MIT
 *
 * What both formats of torch.save share: making tensors, and the storages of their numbers, from
 * the values of a pickle.
 */
#ifndef IMP_WEIGHTS_TORCH_H
#define IMP_WEIGHTS_TORCH_H

#include "weights/foreign.h"
#include "weights/pickle.h"

enum { IMP_STORAGE_KEY = 64 };

typedef struct imp_storage {
    char key[IMP_STORAGE_KEY];
    imp_dtype dtype;
    size_t item;    /* bytes per number */
    uint64_t count; /* numbers */
    uint64_t place; /* position of its bytes, in the format's terms */
    bool found;
} imp_storage;

typedef struct imp_storages {
    imp_storage *all;
    size_t count;
} imp_storages;

/* Adds the tensors of a pickled dictionary, of the one entry of it that holds tensors
 * ("state_dict", "model" ...), or of the modules of a whole model, and their storages. A tensor's
 * `part` is its storage, its `place` the index of its first element there. Values that are not
 * tensors are skipped. Errors: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED, IMP_ERR_MEMORY. */
imp_status imp_torch_list(imp_foreign *file, imp_storages *storages, const imp_pickle *pickle,
                          imp_error *err);
void imp_storages_finish(imp_storages *storages);

/* The storage of that key, or NULL. */
imp_storage *imp_storage_find(const imp_storages *storages, const char *key);

/* Writes a text or integer as a key; false where it is too long, or another value. */
bool imp_storage_key(char key[IMP_STORAGE_KEY], const imp_value *value);

#endif
