/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a foreign weights file of one format: they give tensors that can be loaded, or
 * one line of error.
 */
#ifndef IMP_FUZZ_FOREIGN_H
#define IMP_FUZZ_FOREIGN_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weights/foreign.h"
#include "weights/names.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

/* Checks what the import relies on: shapes, and strides that stay within the numbers. */
static void check_tensor(const imp_foreign *file, const imp_foreign_tensor *t) {
    enum { MOST = 1 << 12 };
    static float values[MOST];
    imp_error err = {0};
    size_t last = 0;
    for (size_t i = 0; i < t->rank && i < IMP_FOREIGN_RANK && t->count > 0; i++)
        last += (t->shape[i] - 1) * t->stride[i];
    check(t->rank > IMP_FOREIGN_RANK || t->count == 0 || last == t->count - 1);
    if (t->rank > IMP_FOREIGN_RANK || t->count > MOST)
        return;
    const imp_status status = imp_foreign_load(file, t, values, &err);
    check(status == err.status);
}

/* open: the format's reader. */
static int fuzz_foreign(const unsigned char *bytes, size_t size,
                        imp_status (*open)(imp_foreign *, imp_error *)) {
    char path[] = "/tmp/impasto-fuzz-XXXXXX";
    imp_foreign file = {.path = path, .fd = mkstemp(path), .size = size};
    imp_error err = {0};
    check(file.fd >= 0 && write(file.fd, bytes, size) == (ssize_t)size);
    imp_status status = open(&file, &err);
    for (size_t i = 0; i < file.count && status == IMP_OK; i++)
        check_tensor(&file, &file.tensors[i]);
    imp_vgg *const vgg = malloc(sizeof *vgg);
    check(vgg);
    if (status == IMP_OK)
        status = imp_vgg_find(vgg, &file, &err);
    check(status == err.status);
    check((status == IMP_OK) == (err.text[0] == '\0') && !strpbrk(err.text, "\r\n"));
    free(vgg);
    imp_foreign_close(&file);
    check(unlink(path) == 0);
    return 0;
}

#endif
