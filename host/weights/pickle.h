/* SPDX-License-Identifier: MIT
 *
 * A reader of Python's pickles that knows only what dictionaries of tensors are made of, as
 * torch.save writes them (protocols 2 to 4). A pickle is a program for a machine with a stack; this
 * machine makes plain values, calls nothing, and refuses every instruction and every name that
 * tensors do not need, so that a malicious file can do nothing.
 */
#ifndef IMP_WEIGHTS_PICKLE_H
#define IMP_WEIGHTS_PICKLE_H

#include "impasto.h"
#include "weights/dtype.h"

/* Bytes that a pickle may have: a network of hundreds of layers takes a tenth of it. */
enum { IMP_PICKLE_MAX = 1 << 18 };

typedef enum imp_value_kind {
    IMP_VALUE_NONE,
    IMP_VALUE_BOOL,
    IMP_VALUE_WHOLE,
    IMP_VALUE_REAL, /* its number is not kept */
    IMP_VALUE_TEXT, /* also a whole number of more than 8 bytes, as it stands */
    IMP_VALUE_TUPLE,
    IMP_VALUE_LIST,
    IMP_VALUE_DICT,    /* items: key, value, key, value ... */
    IMP_VALUE_NAME,    /* one of those that tensors need; `number` says which */
    IMP_VALUE_STORAGE, /* items: those of the persistent id: "storage", type, key, place, count */
    IMP_VALUE_TENSOR   /* items: the arguments of its making: storage, offset, sizes, strides ... */
} imp_value_kind;

enum { IMP_VALUE_END = 0xFFFFFFFF };

typedef struct imp_value {
    imp_value_kind kind;
    uint32_t first, last, count; /* items: places in `items`; IMP_VALUE_END: none */
    int64_t number;              /* of a number; 0 or 1; length of a text */
    const unsigned char *text;   /* not ended by a zero; borrowed from the bytes */
} imp_value;

typedef struct imp_item {
    uint32_t value, next; /* next: a place in `items`, or IMP_VALUE_END */
} imp_item;

typedef struct imp_pickle {
    imp_value *values;
    imp_item *items;
    uint32_t root; /* the value that it is all about */
    size_t used;   /* bytes up to its end */
} imp_pickle;

/* Reads one pickle from the beginning of `size` bytes, at most IMP_PICKLE_MAX of which matter; what
 * follows it is left alone. The bytes stay borrowed until finish. source: for messages. Errors:
 * IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED (an instruction or a name that is not known here),
 * IMP_ERR_MEMORY. */
imp_status imp_pickle_read(imp_pickle *out, const unsigned char *bytes, size_t size,
                           const char *source, imp_error *err);
void imp_pickle_finish(imp_pickle *pickle);

/* Item i of a value with items, NULL beyond the last. */
const imp_value *imp_pickle_item(const imp_pickle *pickle, const imp_value *value, size_t i);

/* Whether a value is a text that says this. */
bool imp_value_says(const imp_value *value, const char *text);

/* The value of that key of a dictionary, NULL where it has none or the value is no dictionary. */
const imp_value *imp_pickle_find(const imp_pickle *pickle, const imp_value *dict, const char *key);

/* Of a name that is a type of storage: the numbers in it and their bytes each; 0: it is none. */
size_t imp_value_storage(const imp_value *name, imp_dtype *dtype);

#endif
