/* SPDX-License-Identifier: MIT
 *
 * Bytes in memory that grow: see buffer.h.
 */
#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(imp_buffer *b, size_t end) {
    enum { FIRST = 1 << 16 };
    size_t room = b->room ? b->room : FIRST;
    while (room < end && room <= SIZE_MAX / 2)
        room *= 2;
    if (room == b->room)
        return room >= end;
    unsigned char *const more = room >= end ? realloc(b->bytes, room) : NULL;
    if (!more)
        return false;
    b->bytes = more;
    b->room = room;
    return true;
}

bool imp_buffer_write(imp_buffer *b, size_t at, const void *bytes, size_t size) {
    if (size > SIZE_MAX - at || !make_room(b, at + size))
        return false;
    if (at > b->size)
        memset(b->bytes + b->size, 0, at - b->size);
    if (size > 0)
        memcpy(b->bytes + at, bytes, size);
    if (at + size > b->size)
        b->size = at + size;
    return true;
}

bool imp_buffer_append(imp_buffer *b, const void *bytes, size_t size) {
    return imp_buffer_write(b, b->size, bytes, size);
}
