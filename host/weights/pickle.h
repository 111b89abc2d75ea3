/* SPDX-License-Identifier: MIT
 *
 * A reader of Python's pickles, limited to dictionaries of tensors as torch.save writes them
 * (protocols 2 to 4), and to whole models, whose objects become their attributes. A pickle is a
 * program for a stack machine. This machine makes plain values, calls nothing, and refuses every
 * instruction and call that tensors do not need, so a malicious file can do nothing.
 */
#ifndef IMP_WEIGHTS_PICKLE_H
#define IMP_WEIGHTS_PICKLE_H

#include "impasto.h"
#include "weights/dtype.h"

/* Limit for a pickle in bytes: a network of hundreds of layers takes a tenth of it. */
enum { IMP_PICKLE_MAX = 1 << 18 };

typedef enum imp_value_kind {
    IMP_VALUE_NONE,
    IMP_VALUE_BOOL,
    IMP_VALUE_WHOLE,
    IMP_VALUE_REAL, /* the number itself is dropped */
    IMP_VALUE_TEXT, /* also an integer of more than 8 bytes, unconverted */
    IMP_VALUE_TUPLE,
    IMP_VALUE_LIST,
    IMP_VALUE_DICT,    /* items: key, value, key, value ... */
    IMP_VALUE_NAME,    /* `number` identifies one that tensors need; below 0: another one */
    IMP_VALUE_OBJECT,  /* of any class; item 0: its attributes, a dictionary, if it has any */
    IMP_VALUE_STORAGE, /* items of the persistent id: "storage", type, key, place, count */
    IMP_VALUE_TENSOR /* items: arguments of its constructor: storage, offset, sizes, strides ... */
} imp_value_kind;

enum { IMP_VALUE_END = 0xFFFFFFFF };

typedef struct imp_value {
    imp_value_kind kind;
    uint32_t first, last, count; /* of items: indices into `items`; IMP_VALUE_END: none */
    int64_t number;              /* an integer; a boolean as 0 or 1; the length of a text */
    const unsigned char *text;   /* not terminated; borrowed from the bytes; of another name, too */
} imp_value;

typedef struct imp_item {
    uint32_t value, next; /* next: an index into `items`, or IMP_VALUE_END */
} imp_item;

typedef struct imp_pickle {
    imp_value *values;
    imp_item *items;
    uint32_t root; /* the result */
    size_t used;   /* bytes that the pickle takes */
} imp_pickle;

/* Reads one pickle from the start of `size` bytes, of which at most IMP_PICKLE_MAX are used; bytes
 * after the pickle are ignored. The bytes are borrowed until imp_pickle_finish. source: for
 * messages. Errors, after which nothing is held: IMP_ERR_FORMAT, IMP_ERR_UNSUPPORTED (an
 * instruction or name that tensors do not need), IMP_ERR_MEMORY. */
imp_status imp_pickle_read(imp_pickle *out, const unsigned char *bytes, size_t size,
                           const char *source, imp_error *err);
void imp_pickle_finish(imp_pickle *pickle);

/* Item i of a value; NULL beyond the last. */
const imp_value *imp_pickle_item(const imp_pickle *pickle, const imp_value *value, size_t i);

/* Whether a value is this text. */
bool imp_value_says(const imp_value *value, const char *text);

/* The value of that key in a dictionary; NULL where there is none, or dict is not a dictionary. */
const imp_value *imp_pickle_find(const imp_pickle *pickle, const imp_value *dict, const char *key);

/* For the name of a storage type: its dtype, and the bytes per number. 0: some other name. */
size_t imp_value_storage(const imp_value *name, imp_dtype *dtype);

#endif
