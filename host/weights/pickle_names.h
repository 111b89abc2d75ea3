/* SPDX-License-Identifier: MIT
 *
 * The names that a pickle of tensors may call, by number.
 */
#ifndef IMP_PICKLE_NAMES_H
#define IMP_PICKLE_NAMES_H

#include <stddef.h>

enum {
    IMP_PICKLE_ORDERED_DICT,
    IMP_PICKLE_TENSOR,
    IMP_PICKLE_TENSOR_V2,
    IMP_PICKLE_PARAMETER,
    IMP_PICKLE_PARAMETER_STATE,
    IMP_PICKLE_NEW_PARAMETER,
    IMP_PICKLE_TYPED,
    IMP_PICKLE_RECONSTRUCTOR,
    IMP_PICKLE_INERT, /* from here on: what models hold besides, and what makes no difference */
    IMP_PICKLE_STORAGES = IMP_PICKLE_INERT + 7
};

/* The number of any other name. */
enum { IMP_PICKLE_OTHER = -1 };

/* The number of MODULE.NAME. */
int imp_pickle_name(const unsigned char *module, size_t module_length, const unsigned char *name,
                    size_t name_length);

#endif
