/* SPDX-License-Identifier: MIT
 *
 * What both formats of torch.save share: from the values of a pickle to tensors and the storages
 * that their numbers lie in.
 */
#ifndef IMP_WEIGHTS_TORCH_H
#define IMP_WEIGHTS_TORCH_H

#include "weights/foreign.h"
#include "weights/pickle.h"

enum { IMP_STORAGE_KEY = 64 };

typedef struct imp_storage {
    char key[IMP_STORAGE_KEY];
    imp_dtype dtype;
    size_t item;    /* bytes of one number */
    uint64_t count; /* of numbers */
    uint64_t place; /* where its bytes begin, as the format counts */
    bool found;
} imp_storage;

typedef struct imp_storages {
    imp_storage *all;
    size_t count;
} imp_storages;

/* Adds the tensors of a pickled dictionary, or of the dictionary that it holds as "state_dict" or
 * "model", and the storages that they name; a tensor's `part` is its storage, `place` the number of
 * its first element there. What is no tensor is passed over. */
imp_status imp_torch_list(imp_foreign *file, imp_storages *storages, const imp_pickle *pickle,
                          imp_error *err);
void imp_storages_finish(imp_storages *storages);

/* The storage of that key, NULL where there is none. */
imp_storage *imp_storage_find(const imp_storages *storages, const char *key);

/* A text or a whole number as a key; false where it is too long or none of both. */
bool imp_storage_key(char key[IMP_STORAGE_KEY], const imp_value *value);

#endif
