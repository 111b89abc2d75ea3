/* SPDX-License-Identifier: MIT
 *
 * What all kernels share. One program consists of this file and then of the other files of cl/ in
 * the order of their names. BLOCK, from host/opencl/tiles.def, selects the class of devices:
 *
 *   16  wide: processors. One work-item a work-group, float16 vectors, no local memory.
 *    1  simt: everything else. Groups of LANES work-items, one float at a time.
 *
 * A tensor is two parameters, `__global float *x, ulong x_at`; the offset counts floats. Code that
 * is right with `vec` as float and as float16 is written once, with EACH, load and store.
 */
#ifndef BLOCK
#define BLOCK 16 /* channels innermost in maps */
#endif
#ifndef NATIVE
#define NATIVE 16 /* floats in a vector register of the processor */
#endif

#define GROUP(x, y) __attribute__((reqd_work_group_size(x, y, 1)))

/* Prefetches the cache line of a __global address. OpenCL's own prefetch does nothing on most
 * devices. Before clang 8 the built-in function does not accept a pointer of OpenCL C. */
#if defined(__clang_major__) && __clang_major__ < 8
#define FETCH(address) ((void)(address))
#else
#define FETCH(address) __builtin_prefetch((const __private void *)(ulong)(address), 0, 2)
#endif

/* Keep arrays in registers: loops over such arrays are unrolled, and functions that take their
 * sizes as parameters are inlined. Some of these only serve later files. */
#define UNROLL(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)
#define INLINE       __attribute__((always_inline, unused)) static inline

/* For long functions of the wide class. Left to itself, Intel's compiler copies them for every
 * value of every flag that a kernel's loops pass on, which takes half a minute. */
#define OUTLINE __attribute__((noinline)) static

/* Repeats `body` in the source for i = 0, 1, ... below limit, at most n times (n: 2, 4, 8, 12 or
 * 16, a literal). Arrays indexed only in this way stay in registers even if the compiler unrolls no
 * loop. `body` may contain a comma only inside parentheses: OpenCL C 1.2 (6.9.e) has no variadic
 * macros, and compilers built on clang 7, NVIDIA's among them, reject them. */
#ifdef ROLLED /* for compilers that take minutes for long code */
#define REPEAT(n, i, limit, body)                                                                  \
    for (int i = 0; i < (limit); i++) {                                                            \
        body;                                                                                      \
    }
#else
#define REPEAT(n, i, limit, body) REPEAT_##n(0, i, limit, body)
#endif
#define REPEAT_1(k, i, limit, body)                                                                \
    {                                                                                              \
        enum { i = k };                                                                            \
        if (i < (limit)) {                                                                         \
            body;                                                                                  \
        }                                                                                          \
    }
#define REPEAT_2(k, i, limit, body)  REPEAT_1(k, i, limit, body) REPEAT_1(k + 1, i, limit, body)
#define REPEAT_4(k, i, limit, body)  REPEAT_2(k, i, limit, body) REPEAT_2(k + 2, i, limit, body)
#define REPEAT_8(k, i, limit, body)  REPEAT_4(k, i, limit, body) REPEAT_4(k + 4, i, limit, body)
#define REPEAT_12(k, i, limit, body) REPEAT_8(k, i, limit, body) REPEAT_4(k + 8, i, limit, body)
#define REPEAT_16(k, i, limit, body) REPEAT_8(k, i, limit, body) REPEAT_8(k + 8, i, limit, body)

/* The number of partial sums that a reduction leaves in a slot of scalars: IMP_PARTIALS of
 * backend/ops.h. */
#define PARTIALS 64

/* The pairwise sum of 16 floats. It is not written as a sum of components: from those LLVM makes
 * shuffles with undefined lanes, on which Oclgrind 21.10 fails when it checks for uninitialised
 * reads. */
static inline float lane_sum(float16 v) {
    float lane[16];
    vstore16(v, 0, lane);
    for (uint step = 8; step > 0; step /= 2)
        for (uint k = 0; k < step; k++)
            lane[k] += lane[k + step];
    return lane[0];
}

#if BLOCK == 16

#define LANES 1
#define VEC   16
typedef float16 vec;

/* vload16 and vstore16 of global memory as one instruction; PoCL's own consist of several parts. In
 * loops of products, though, PoCL merges the parts it loads, and there get16 is up to twice as slow
 * as vload16. */
typedef float16 __attribute__((aligned(4))) anywhere16;
INLINE float16 get16(size_t i, const __global float *x) {
    return *(const __global anywhere16 *)(x + i * 16);
}
INLINE void put16(float16 v, size_t i, __global float *x) {
    *(__global anywhere16 *)(x + i * 16) = v;
}

/* put16 that bypasses the caches; x at a multiple of 16 floats. Others see it after flush_past. */
INLINE void put16_past(float16 v, size_t i, __global float *x) {
#if __has_builtin(__builtin_nontemporal_store)
    __builtin_nontemporal_store(v, (__global float16 *)x + i);
#else
    put16(v, i, x);
#endif
}

INLINE void flush_past(void) {
#if __has_builtin(__sync_synchronize)
    __sync_synchronize();
#endif
}

/* load and store where not all 16 elements are below x[n]. */
OUTLINE vec load_tail(const __global float *x, ulong i, ulong n) {
    float tail[16];
    for (uint k = 0; k < 16; k++)
        tail[k] = i + k < n ? x[min(i + k, n - 1)] : 0.0f;
    return vload16(0, tail);
}

OUTLINE void store_tail(vec v, __global float *x, ulong i, ulong n) {
    float tail[16];
    vstore16(v, 0, tail);
    for (uint k = 0; i + k < n; k++)
        x[i + k] = tail[k];
}

/* x[i..i+15], with 0 for elements from x[n] on. */
INLINE vec load(const __global float *x, ulong i, ulong n) {
    return i + 16 <= n ? vload16(0, x + i) : load_tail(x, i, n);
}

/* x[i..i+15] = v, for elements below x[n]. */
INLINE void store(vec v, __global float *x, ulong i, ulong n) {
    if (i + 16 <= n)
        put16(v, 0, x + i);
    else
        store_tail(v, x, i, n);
}

/* x[i..i+15], with the first and the last of the n elements repeated beyond the ends. */
static inline vec load_edge(const __global float *x, int i, int n) {
    if (i >= 0 && i + 16 <= n)
        return vload16(0, x + i);
    float row[16];
    for (int k = 0; k < 16; k++)
        row[k] = x[clamp(i + k, 0, n - 1)];
    return vload16(0, row);
}

/* Loops over this work-item's part of 0..n-1, VEC elements at a time; the part is one stretch. */
#define EACH(i, n)                                                                                 \
    for (ulong i = each_part(n) * get_global_id(0), each_end = min((ulong)(n), i + each_part(n));  \
         i < each_end; i += VEC)
static inline ulong each_part(ulong n) {
    const ulong items = get_global_size(0);
    return ((n + items - 1) / items + VEC - 1) / VEC * VEC;
}

/* Declares total()'s local memory, in the kernel itself. Here none is needed. */
#define LANE_SUMS(name) float *name = 0

/* The sum over all lanes of the work-group in its first work-item, 0 in the others. Every work-item
 * must call it. */
static inline float total(vec v, float *sums) {
    (void)sums;
    return lane_sum(v);
}

#else

#define LANES      256
#define VEC        1
typedef float vec;

static inline vec load(const __global float *x, ulong i, ulong n) {
    (void)n;
    return x[i];
}

static inline void store(vec v, __global float *x, ulong i, ulong n) {
    (void)n;
    x[i] = v;
}

static inline vec load_edge(const __global float *x, int i, int n) {
    return x[clamp(i, 0, n - 1)];
}

/* Loops over this work-item's part of 0..n-1; neighbouring work-items take neighbouring elements.
 */
#define EACH(i, n) for (ulong i = get_global_id(0); i < (n); i += get_global_size(0))

#define LANE_SUMS(name) __local float name[LANES]

static inline float total(vec v, __local float *sums) {
    const uint lane = get_local_id(0);
    sums[lane] = v;
    for (uint step = LANES / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < step)
            sums[lane] += sums[lane + step];
    }
    return lane == 0 ? sums[0] : 0;
}

#endif

/* Adds a value to a compensated sum (Kahan 1965), whose error does not grow with the number of
 * terms. */
static inline void add(vec *sum, vec *carry, vec value) {
    const vec term = value - *carry, next = *sum + term;
    *carry = (next - *sum) - term;
    *sum = next;
}

/* Ends a reduction by PARTIALS work-groups: writes this group's sum, from total(), to its partial
 * sum in the slot, or adds it there. */
static inline void leave(float sum, __global float *slot, int accumulate) {
    if (get_local_id(0) == 0) {
        __global float *partial = slot + get_group_id(0);
        *partial = accumulate ? *partial + sum : sum;
    }
}

/* The value of a slot: the sum of its partial sums. */
static inline float slot_value(const __global float *slot) {
    float16 sum = 0;
    for (uint k = 0; k < PARTIALS / 16; k++)
        sum += vload16(k, slot);
    return lane_sum(sum);
}

static inline vec pool_maximum(vec a, vec b) { /* a where neither is greater */
    return select(a, b, b > a);
}

/* The maximum or the average of the window a b / c d. */
static inline vec pool_window(vec a, vec b, vec c, vec d, int average) {
    return average ? 0.25f * ((a + b) + (c + d))
                   : pool_maximum(pool_maximum(pool_maximum(a, b), c), d);
}

/* Windows whose pooling indices share an element. */
enum { INDICES = 6 }; /* IMP_INDICES of backend/ops.h */

#if BLOCK == 16
#define INDICES_GROUP GROUP(1, 1)
typedef int16 bits;
#define bits_from convert_int16
#define bits_to   convert_float16
#else
#define INDICES_GROUP GROUP(64, 1)
typedef int bits;
#define bits_from     convert_int
#define bits_to       convert_float
#endif

/* `bit` where x > y, else 0. */
static inline bits indices_where(vec x, vec y, int bit) {
    return select((bits)(0), (bits)(bit), x > y);
}

/* The four bits of the window a b / c d: 1, 2, 4, 8 for the positions that pass a gradient on. */
static inline bits indices_of(vec a, vec b, vec c, vec d, int average) {
    const vec zero = 0.0f;
    if (average)
        return indices_where(a, zero, 1) | indices_where(b, zero, 2) | indices_where(c, zero, 4) |
               indices_where(d, zero, 8);
    const vec ab = select(a, b, b > a), abc = select(ab, c, c > ab);
    bits set = select((bits)(1), (bits)(2), b > a);
    set = select(set, (bits)(4), c > ab);
    set = select(set, (bits)(8), d > abc);
    return select((bits)(0), set, select(abc, d, d > abc) > zero);
}
