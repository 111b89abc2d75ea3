/* SPDX-License-Identifier: MIT
 *
 * Bytes in memory that grow as they are written.
 */
#ifndef IMP_BUFFER_H
#define IMP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
typedef struct imp_buffer {
    unsigned char *bytes; /* owned: the caller frees, also after an error */
    size_t size, room;    /* bytes in use, and allocated */
} imp_buffer;

/* Writes `size` bytes from position `at` on, over what is there or beyond it; a gap reads as zeros.
 * The allocation doubles, so it grows only with what is really written. False, and nothing is
 * written: out of memory. */
bool imp_buffer_write(imp_buffer *buffer, size_t at, const void *bytes, size_t size);

/* Writes at the end. */
bool imp_buffer_append(imp_buffer *buffer, const void *bytes, size_t size);

#endif
