/* SPDX-License-Identifier: MIT
 *
 * Arrays in NumPy's file format, version 1.0.
 */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include <impasto.h>

/* Writes the array as float32 in row-major order with the last `dimensions` (2 or 3) of its shape,
 * through imp_file_replace. */
imp_status cli_npy_write(const char *path, const imp_array *array, unsigned dimensions,
                         imp_error *err);

#endif
