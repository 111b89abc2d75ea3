/* SPDX-License-Identifier: MIT
 *
 * Vectors as wide as this compilation's instruction set has them, for native_kernels*.c only. Sums
 * written as a * b + c become one instruction where there is one (the build sets -ffp-contract=fast
 * for these files).
 */
#ifndef IMP_NATIVE_SIMD_H
#define IMP_NATIVE_SIMD_H

#include <stdint.h>

#if defined(__AVX512F__) || defined(__F16C__)
#include <immintrin.h>
#endif

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

/* Unrolls the next loop, of up to 36 iterations, so that arrays of vectors stay in registers. */
#if defined(__clang__)
#define UNROLL       _Pragma("clang loop unroll(full)")
#define UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL       _Pragma("GCC unroll 36")
#define UNROLL_TWICE _Pragma("GCC unroll 2")
#endif
/* The iterations of the next loop are independent, although its pointers may be equal. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline))

/* imp_NAME_ISA: names shared by the files of one instruction set. */
#define IMP_JOIN(name, isa)   imp_##name##_##isa
#define IMP_EXPAND(name, isa) IMP_JOIN(name, isa)
#define IMP_KERNEL(name)      IMP_EXPAND(name, IMP_ISA)

extern const imp_vector_kernels IMP_KERNEL(vector_kernels);
extern const imp_winograd_kernels IMP_KERNEL(winograd_kernels);
extern const imp_measure_kernels IMP_KERNEL(measure_kernels);
extern const imp_indices_kernels IMP_KERNEL(indices_kernels);

INLINE vec splat(float value) {
    return value - (vec){0};
}

INLINE vec load(const float *from) {
    return *(const vec *)from;
}

/* Load and store at any address aligned for floats. */
INLINE vec load_any(const float *from) {
    return *(const any_vec *)from;
}

INLINE void store(float *to, vec value) {
    *(vec *)to = value;
}

INLINE void store_any(float *to, vec value) {
    *(any_vec *)to = value;
}

/* Stores, bypassing the caches, if a vector is a whole cache line, so that the line is not read
 * first. Another thread sees the value after `flush`. */
INLINE void stream(float *to, vec value) {
#ifdef __AVX512F__
    _mm512_stream_ps(to, (__m512)value);
#else
    store(to, value);
#endif
}

INLINE void flush(void) {
#ifdef __AVX512F__
    _mm_sfence();
#endif
}

/* `value` where m is set, else 0. */
INLINE vec where(mask m, vec value) {
    return (vec)(m & (mask)value);
}

INLINE vec choose(mask m, vec yes, vec no) {
    return (vec)((m & (mask)yes) | (~m & (mask)no));
}

/* The exact values of LANES halves. */
#if defined(__AVX512F__)
INLINE vec load_half(const void *from) {
    return (vec)_mm512_cvtph_ps(_mm256_load_si256(from));
}
#elif defined(__F16C__)
INLINE vec load_half(const void *from) {
    return (vec)_mm256_cvtph_ps(_mm_load_si128(from));
}
#else
/* Shifted to their places in a float, exponent and fraction give a value too small by 2^112.
 * Numbers below 2^-14 are whole multiples of 2^-24. */
INLINE vec load_half(const void *from) {
    typedef uint16_t halves __attribute__((vector_size(LANES * sizeof(uint16_t)), may_alias));
    const mask bits = __builtin_convertvector(*(const halves *)from, mask);
    const mask size = bits & 0x7fff;
    const vec small = __builtin_convertvector(size, vec) * 0x1p-24f;
    const vec value = (vec)((size << 13) + (112 << 23));
    return (vec)((mask)choose(size < 0x400, small, value) | (bits & 0x8000) << 16);
}
#endif

/* The four bits of window q in a row of pooling indices, one for each position that receives the
 * gradient. */
INLINE mask bits_at(const float *indices, size_t q) {
    const mask bits = __builtin_convertvector(load(indices + q / IMP_INDICES * IMP_BLOCK), mask);
    return bits >> (int)(4 * (q % IMP_INDICES));
}

INLINE vec absolute(vec value) {
    return (vec)((mask)value & 0x7fffffff);
}

/* max(0, value); NaN remains NaN. */
INLINE vec relu(vec value) {
    return where(~(value < 0), value);
}

#endif
