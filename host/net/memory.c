/* SPDX-License-Identifier: MIT
 *
 * An address read into memory.
 */
#include "net/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct block {
    unsigned char *bytes;
    size_t size, room;
} block;

static imp_status fail_here(const char *address, imp_status status, const char *what,
                            imp_error *err) {
    char shown[256];
    imp_http_show(shown, sizeof shown, address);
    return imp_fail(err, status, "'%s': %s", shown, what);
}

/* Doubles the room, so that what a server claims costs nothing before it comes. */
static imp_status take(imp_transfer *t, const void *bytes, size_t size, imp_error *err) {
    enum { FIRST = 1 << 16 };
    block *const b = t->into;
    size_t room = b->room ? b->room : FIRST;
    while (room - b->size < size && room <= SIZE_MAX / 2)
        room *= 2;
    if (room != b->room) {
        unsigned char *const more = room - b->size >= size ? realloc(b->bytes, room) : NULL;
        if (!more)
            return fail_here(t->address, IMP_ERR_MEMORY, "no memory for it: close other programs",
                             err);
        b->bytes = more;
        b->room = room;
    }
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    return IMP_OK;
}

imp_status imp_http_read(unsigned char **bytes, size_t *size, const char *address,
                         const imp_http_terms *terms, imp_error *err) {
    static const imp_sink sink = {NULL, take};
    block b = {0};
    imp_transfer t = {.address = address, .terms = terms, .sink = &sink, .into = &b};
    *bytes = NULL;
    *size = 0;
    imp_status status = imp_transfer_run(&t, err);
    if (status == IMP_OK && b.size == 0)
        status = fail_here(address, IMP_ERR_FORMAT, "it is empty: check the address", err);
    if (status == IMP_OK) {
        *bytes = b.bytes;
        *size = b.size;
        return IMP_OK;
    }
    free(b.bytes);
    return status;
}
