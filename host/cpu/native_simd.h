/* SPDX-License-Identifier: MIT
 *
 * Vectors of the width that this compilation's instruction set has, for native_kernels*.c only.
 * Products and sums written as a * b + c become one instruction where there is one (the build sets
 * -ffp-contract=fast for these files).
 */
#ifndef IMP_NATIVE_SIMD_H
#define IMP_NATIVE_SIMD_H

#include "cpu/native_kernels.h"

#if defined(__AVX512F__)
enum { LANES = 16, REGISTERS = 32 };
#elif defined(__AVX2__)
enum { LANES = 8, REGISTERS = 16 };
#elif defined(__aarch64__)
enum { LANES = 4, REGISTERS = 32 };
#else
enum { LANES = 4, REGISTERS = 16 };
#endif

enum { PARTS = IMP_BLOCK / LANES }; /* vectors of a block's 16 channels */

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), may_alias));
typedef vec any_vec __attribute__((aligned(sizeof(float)), may_alias));
typedef int mask __attribute__((vector_size(LANES * sizeof(int)), may_alias));

/* Unrolls the next loop, of up to 36 rounds: arrays of vectors then live in registers. */
#if defined(__clang__)
#define UNROLL       _Pragma("clang loop unroll(full)")
#define UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL       _Pragma("GCC unroll 36")
#define UNROLL_TWICE _Pragma("GCC unroll 2")
#endif
/* The next loop's rounds do not depend on one another, though its pointers may be equal. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline))

/* imp_NAME_ISA: what the files of one instruction set give each other. */
#define IMP_JOIN(name, isa)   imp_##name##_##isa
#define IMP_EXPAND(name, isa) IMP_JOIN(name, isa)
#define IMP_KERNEL(name)      IMP_EXPAND(name, IMP_ISA)

extern const imp_vector_kernels IMP_KERNEL(vector_kernels);
extern const imp_winograd_kernels IMP_KERNEL(winograd_kernels);
extern const imp_measure_kernels IMP_KERNEL(measure_kernels);
extern const imp_choice_kernels IMP_KERNEL(choice_kernels);

INLINE vec splat(float value) {
    return value - (vec){0};
}

INLINE vec load(const float *from) {
    return *(const vec *)from;
}

/* Load and store at any address that floats may have. */
INLINE vec load_any(const float *from) {
    return *(const any_vec *)from;
}

INLINE void store(float *to, vec value) {
    *(vec *)to = value;
}

INLINE void store_any(float *to, vec value) {
    *(any_vec *)to = value;
}

/* value where m is set, else 0. */
INLINE vec where(mask m, vec value) {
    return (vec)(m & (mask)value);
}

INLINE vec choose(mask m, vec yes, vec no) {
    return (vec)((m & (mask)yes) | (~m & (mask)no));
}

INLINE vec absolute(vec value) {
    return (vec)((mask)value & 0x7fffffff);
}

/* max(0, value); NaN stays. */
INLINE vec relu(vec value) {
    return where(~(value < 0), value);
}

#endif
