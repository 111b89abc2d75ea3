/* SPDX-License-Identifier: MIT
 *
 * How a device makes its layers, on disk: what it prefers, for a run that goes on later.
 */
#ifndef IMP_ALGORITHMS_H
#define IMP_ALGORITHMS_H

#include <stdio.h>

#include "backend/ops.h"

/* Writes all the device's preferences; false: the file could not take them. */
bool imp_algorithms_write(const imp_device *d, FILE *file);

/* Reads `count` preferences, at most IMP_ALGORITHM_CHOICES_MAX. Where they were the `same` device's
 * they become all that this one has; another one keeps its own. *changed: some layers were made
 * otherwise till now. False: the file ends. */
bool imp_algorithms_read(imp_device *d, size_t count, bool same, FILE *file, bool *changed);

#endif
