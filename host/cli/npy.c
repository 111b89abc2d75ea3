/* SPDX-License-Identifier: MIT
 *
 * NumPy's file format: a magic number, a header that is a Python dictionary padded to a multiple of
 * 64 bytes, then the bare numbers. (Source: NumPy's own description, "NEP 1".)
 */
#include "cli/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 10, ALIGNED = 64 }; /* bytes before the dictionary; of the whole header */

static char byte_order(void) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first ? '<' : '>';
}

static bool write_header(FILE *file, const size_t *shape, unsigned dimensions) {
    char text[3 * ALIGNED], sizes[96] = "";
    size_t used = 0;
    for (unsigned i = 0; i < dimensions; i++)
        used +=
            (size_t)snprintf(sizes + used, sizeof sizes - used, "%s%zu", i ? ", " : "", shape[i]);
    const int length =
        snprintf(text, sizeof text, "{'descr': '%cf4', 'fortran_order': False, 'shape': (%s), }",
                 byte_order(), sizes);
    const int whole = (PREFIX + length + 1 + ALIGNED - 1) / ALIGNED * ALIGNED;
    const int padded = whole - PREFIX;
    unsigned char prefix[PREFIX] = "\x93NUMPY\x01";
    prefix[PREFIX - 2] = (unsigned char)(padded & 255);
    prefix[PREFIX - 1] = (unsigned char)(padded >> 8);
    return fwrite(prefix, 1, PREFIX, file) == PREFIX &&
           fprintf(file, "%-*s\n", padded - 1, text) == padded;
}

static bool write_all(FILE *file, const imp_array *array, unsigned dimensions) {
    const size_t count = array->shape[0] * array->shape[1] * array->shape[2];
    return write_header(file, array->shape + 3 - dimensions, dimensions) &&
           fwrite(array->data, sizeof(float), count, file) == count;
}

bool cli_npy_write(const char *path, const imp_array *array, unsigned dimensions) {
    const size_t size = strlen(path) + sizeof ".part";
    char *part = malloc(size);
    if (!part)
        return false;
    snprintf(part, size, "%s.part", path);
    FILE *file = fopen(part, "wb");
    bool written = file && write_all(file, array, dimensions);
    if (file)
        written = fclose(file) == 0 && written;
    written = written && rename(part, path) == 0;
    const int reason = errno;
    if (!written && file)
        remove(part);
    free(part);
    errno = reason;
    return written;
}
