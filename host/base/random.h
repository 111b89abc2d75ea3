/* SPDX-License-Identifier: MIT
 *
 * Random numbers: splitmix64 (Steele, Lea, Flood 2014). *state is the seed, any number, and the
 * only state; equal seeds give equal numbers on every machine.
 */
#ifndef IMP_RANDOM_H
#define IMP_RANDOM_H

#include <stdint.h>

/* The next 64 random bits. */
static inline uint64_t imp_random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* Uniform in [0,1), a multiple of 2^-24. */
static inline float imp_random_unit(uint64_t *state) {
    return (float)(imp_random_bits(state) >> 40) * 0x1p-24F;
}

/* Uniform in [-1,1), a multiple of 2^-23. */
static inline float imp_random_signed(uint64_t *state) {
    return 2 * imp_random_unit(state) - 1;
}

/* Uniform in (0,1], a multiple of 2^-53: its logarithm is finite. */
static inline double imp_random_positive(uint64_t *state) {
    return (double)((imp_random_bits(state) >> 11) + 1) * 0x1p-53;
}

#endif
