/* SPDX-License-Identifier: MIT
 *
 * NumPy's file format: a magic number, a Python dictionary as header, padded to a multiple of 64
 * bytes, then the data. (Source: NumPy Enhancement Proposal 1.)
 */
#include "cli/npy.h"

#include <string.h>

#include "base/file.h"

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

typedef struct writing {
    const imp_array *array;
    unsigned dimensions;
} writing;

static imp_status fill(FILE *file, const void *user, imp_error *err) {
    const writing *w = user;
    const size_t *shape = w->array->shape, count = shape[0] * shape[1] * shape[2];
    (void)err;
    return write_header(file, shape + 3 - w->dimensions, w->dimensions) &&
                   fwrite(w->array->data, sizeof(float), count, file) == count
               ? IMP_OK
               : IMP_ERR_IO;
}

imp_status cli_npy_write(const char *path, const imp_array *array, unsigned dimensions,
                         imp_error *err) {
    return imp_file_replace(path, fill, &(writing){array, dimensions}, err);
}
