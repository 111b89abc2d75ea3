/* SPDX-License-Identifier: MIT
 *
 * The algorithms that a device has chosen for its layers, in a checkpoint.
 */
#ifndef IMP_ALGORITHMS_H
#define IMP_ALGORITHMS_H

#include <stdio.h>

#include "backend/ops.h"

/* Writes all choices of the device; false: the file could not be written. */
bool imp_algorithms_write(const imp_device *d, FILE *file);

/* Reads `count` choices, at most IMP_ALGORITHM_CHOICES_MAX. If they were made for the `same` device
 * they replace its choices, else the device keeps its own. *changed: some layers used another
 * algorithm until now. False: the file ends too early. */
bool imp_algorithms_read(imp_device *d, size_t count, bool same, FILE *file, bool *changed);

#endif
