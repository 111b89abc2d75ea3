/* SPDX-License-Identifier: MIT
 *
 * What a pickle that was read holds.
 */
#include <string.h>

#include "weights/pickle.h"

const imp_value *imp_pickle_item(const imp_pickle *pickle, const imp_value *value, size_t i) {
    uint32_t at = value->kind == IMP_VALUE_NAME ? IMP_VALUE_END : value->first;
    while (at != IMP_VALUE_END && i-- > 0)
        at = pickle->items[at].next;
    return at == IMP_VALUE_END ? NULL : &pickle->values[pickle->items[at].value];
}

bool imp_value_says(const imp_value *value, const char *text) {
    const size_t length = strlen(text);
    return value->kind == IMP_VALUE_TEXT && (size_t)value->number == length &&
           memcmp(value->text, text, length) == 0;
}

const imp_value *imp_pickle_find(const imp_pickle *pickle, const imp_value *dict, const char *key) {
    const imp_value *found = NULL;
    if (dict->kind != IMP_VALUE_DICT)
        return NULL;
    for (uint32_t at = dict->first; at != IMP_VALUE_END;) {
        const imp_item *const k = &pickle->items[at], *const v = &pickle->items[k->next];
        if (imp_value_says(&pickle->values[k->value], key))
            found = &pickle->values[v->value];
        at = v->next;
    }
    return found;
}
