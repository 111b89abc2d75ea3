/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a pickle: they give values whose items and texts are within bounds, or one
 * line of error. The tensors in them are listed, too.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/torch.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_value(const imp_pickle *p, const imp_value *v, const unsigned char *bytes,
                        size_t size) {
    size_t count = 0;
    check(v->kind <= IMP_VALUE_TENSOR);
    if (v->kind == IMP_VALUE_TEXT)
        check(v->text >= bytes && v->number >= 0 &&
              (size_t)v->number <= size - (size_t)(v->text - bytes));
    while (count < size && imp_pickle_item(p, v, count))
        count++;
    check(v->kind < IMP_VALUE_TUPLE || v->kind == IMP_VALUE_NAME || count == v->count);
    check(v->kind != IMP_VALUE_DICT || count % 2 == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    imp_pickle p;
    imp_error err = {0};
    imp_storages storages = {0};
    imp_foreign file = {.path = "fuzz", .fd = -1};
    if (size > 4096) /* counting items takes quadratic time */
        return 0;
    imp_status status = imp_pickle_read(&p, bytes, size, "fuzz", &err);
    if (status == IMP_OK) {
        check(p.used <= size);
        check_value(&p, &p.values[p.root], bytes, size);
        for (size_t i = 0; imp_pickle_item(&p, &p.values[p.root], i); i++)
            check_value(&p, imp_pickle_item(&p, &p.values[p.root], i), bytes, size);
        status = imp_torch_list(&file, &storages, &p, &err);
    }
    check(status == err.status);
    check((status == IMP_OK) == (err.text[0] == '\0') && !strpbrk(err.text, "\r\n"));
    imp_storages_finish(&storages);
    imp_pickle_finish(&p);
    free(file.tensors);
    return 0;
}
