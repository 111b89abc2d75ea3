/* SPDX-License-Identifier: MIT
 *
 * Arithmetic on counts.
 */
#ifndef IMP_ARITHMETIC_H
#define IMP_ARITHMETIC_H

#include <stddef.h>

static inline size_t imp_min(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t imp_max(size_t a, size_t b) {
    return a > b ? a : b;
}

/* a / b, rounded up. */
static inline size_t imp_over(size_t a, size_t b) {
    return (a + b - 1) / b;
}

/* The smallest power of two that is at least n. */
static inline size_t imp_next_power(size_t n) {
    size_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

#endif
