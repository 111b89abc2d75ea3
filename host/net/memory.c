/* SPDX-License-Identifier: MIT
 *
 * Downloads an address into memory.
 */
#include "net/transfer.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"

static imp_status fail(const char *address, imp_status status, const char *what, imp_error *err) {
    char shown[256];
    imp_http_show(shown, sizeof shown, address);
    return imp_fail(err, status, "'%s': %s", shown, what);
}

static imp_status take(imp_transfer *t, const void *bytes, size_t size, imp_error *err) {
    return imp_buffer_append(t->into, bytes, size)
               ? IMP_OK
               : fail(t->address, IMP_ERR_MEMORY, "out of memory: close other programs", err);
}

imp_status imp_http_read(unsigned char **bytes, size_t *size, const char *address,
                         const imp_http_terms *terms, imp_error *err) {
    static const imp_sink sink = {NULL, take};
    imp_buffer b = {0};
    imp_transfer t = {.address = address, .terms = terms, .sink = &sink, .into = &b};
    *bytes = NULL;
    *size = 0;
    imp_status status = imp_transfer_run(&t, err);
    if (status == IMP_OK && b.size == 0)
        status = fail(address, IMP_ERR_FORMAT, "the answer is empty: check the address", err);
    if (status == IMP_OK) {
        *bytes = b.bytes;
        *size = b.size;
        return IMP_OK;
    }
    free(b.bytes);
    return status;
}
