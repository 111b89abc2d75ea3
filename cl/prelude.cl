/* SPDX-License-Identifier: MIT
 *
 * What all kernels share: this file and then the others of cl/, by name, are one program. BLOCK,
 * from host/opencl/tiles.def, tells the two classes apart:
 *
 *   16  wide: processors. One work-item a work-group, float16 vectors, no local memory.
 *    1  simt: everything else. Groups of LANES work-items, one float at a time.
 *
 * A tensor comes as two parameters, `__global float *x, ulong x_at`, the second in floats. Code
 * that is right with `vec` as float and as float16 is written once, between EACH and store.
 */
#ifndef BLOCK
#define BLOCK 16 /* channels innermost in maps */
#endif
#ifndef NATIVE
#define NATIVE 16 /* floats in a vector register of the processor */
#endif

#define GROUP(x, y) __attribute__((reqd_work_group_size(x, y, 1)))

/* Brings the cache line of a __global address nearer to a processor. OpenCL's own prefetch does
 * nothing on most devices; before clang 8 the built-in function takes no pointer of OpenCL C. */
#if defined(__clang_major__) && __clang_major__ < 8
#define FETCH(address) ((void)(address))
#else
#define FETCH(address) __builtin_prefetch((const __private void *)(ulong)(address), 0, 2)
#endif

/* For arrays that are to stay in registers: loops over them are unrolled, and functions that take
 * their sizes inlined. */
#define UNROLL(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)
#define INLINE       __attribute__((always_inline)) static inline

/* For long functions of the wide class, once each in the program: Intel's compiler, left to itself,
 * copies them for every value of every flag that a kernel's loops pass on, for half a minute. */
#define OUTLINE __attribute__((noinline)) static

/* Writes `body` out for i = 0, 1, ... below limit, at most n times (2, 4, 8, 12 or 16, a literal).
 * Arrays that are indexed only in this way stay in registers, even with a compiler that unrolls no
 * loop. `body` may hold a comma only inside parentheses: OpenCL C 1.2 (6.9.e) has no variadic
 * macros, and compilers built on clang 7, NVIDIA's among them, refuse them. */
#define REPEAT(n, i, limit, body) REPEAT_##n(0, i, limit, body)
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

/* Partial sums that a reduction leaves in its slot of the scalars: IMP_PARTIALS of backend/ops.h.
 */
#define PARTIALS 64

/* The sum of 16 floats, pairwise. Not written as a sum of components: of those LLVM makes shuffles
 * with undefined lanes, at which Oclgrind 21.10 breaks down when it checks for uninitialised reads.
 */
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

/* vload16 and vstore16 of global memory in one instruction: PoCL makes its own of parts. But in
 * loops of products it joins the parts that it loads, and get16 is up to twice as slow. */
typedef float16 __attribute__((aligned(4))) anywhere16;
INLINE float16 get16(size_t i, const __global float *x) {
    return *(const __global anywhere16 *)(x + i * 16);
}
INLINE void put16(float16 v, size_t i, __global float *x) {
    *(__global anywhere16 *)(x + i * 16) = v;
}

/* put16 past the caches, where x is at a multiple of 16 floats: others see it after `flush_past`.
 */
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

/* What load gives and store does where not all of the 16 are below x[n]. */
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

/* x[i..i+15], and 0 from x[n] on. */
INLINE vec load(const __global float *x, ulong i, ulong n) {
    return i + 16 <= n ? vload16(0, x + i) : load_tail(x, i, n);
}

/* x[i..i+15] = v, as far as below x[n]. */
INLINE void store(vec v, __global float *x, ulong i, ulong n) {
    if (i + 16 <= n)
        put16(v, 0, x + i);
    else
        store_tail(v, x, i, n);
}

/* x[i..i+15] with the first and the last of the n repeated beyond the ends. */
static inline vec load_edge(const __global float *x, int i, int n) {
    if (i >= 0 && i + 16 <= n)
        return vload16(0, x + i);
    float row[16];
    for (int k = 0; k < 16; k++)
        row[k] = x[clamp(i + k, 0, n - 1)];
    return vload16(0, row);
}

/* i runs over this work-item's part of 0..n-1, VEC at a time: one stretch for each work-item. */
#define EACH(i, n)                                                                                 \
    for (ulong i = each_part(n) * get_global_id(0), each_end = min((ulong)(n), i + each_part(n));  \
         i < each_end; i += VEC)
static inline ulong each_part(ulong n) {
    const ulong items = get_global_size(0);
    return ((n + items - 1) / items + VEC - 1) / VEC * VEC;
}

/* Space of the work-group for total(), to be declared in the kernel itself: none is needed. */
#define LANE_SUMS(name) float *name = 0

/* The sum over all lanes of the work-group, in its first work-item, else 0. Every work-item must
 * call it. */
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

/* i runs over this work-item's part of 0..n-1: neighbours in memory go to neighbours. */
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

/* Adds a value to a running sum that carries its rounding error along (Kahan 1965): the error of
 * the whole does not grow with the number of terms. */
static inline void add(vec *sum, vec *carry, vec value) {
    const vec term = value - *carry, next = *sum + term;
    *carry = (next - *sum) - term;
    *sum = next;
}

/* Ends a reduction of PARTIALS work-groups: leaves a group's sum in its place of the scalars'
 * slot, or adds it there. sum: from total(). */
static inline void leave(float sum, __global float *slot, int accumulate) {
    if (get_local_id(0) == 0) {
        __global float *partial = slot + get_group_id(0);
        *partial = accumulate ? *partial + sum : sum;
    }
}

/* The value of a slot. */
static inline float slot_value(const __global float *slot) {
    float16 sum = 0;
    for (uint k = 0; k < PARTIALS / 16; k++)
        sum += vload16(k, slot);
    return lane_sum(sum);
}

static inline vec pool_maximum(vec a, vec b) { /* a, where neither is greater */
    return select(a, b, b > a);
}

/* The maximum or the average of a window. */
static inline vec pool_window(vec a, vec b, vec c, vec d, int average) {
    return average ? 0.25f * ((a + b) + (c + d))
                   : pool_maximum(pool_maximum(pool_maximum(a, b), c), d);
}

/* Pooling indices: the bits of INDICES windows share an element. */
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

/* bit where x > y, else 0. */
static inline bits indices_where(vec x, vec y, int bit) {
    return select((bits)(0), (bits)(bit), x > y);
}

/* The bits of a window. */
static inline bits indices_of(vec a, vec b, vec c, vec d, int average) {
    const vec zero = 0.0f;
    if (average)
        return indices_where(a, zero, 1) | indices_where(b, zero, 2) | indices_where(c, zero, 4) |
               indices_where(d, zero, 8);
    const vec ab = select(a, b, b > a), abc = select(ab, c, c > ab);
    bits chosen = select((bits)(1), (bits)(2), b > a);
    chosen = select(chosen, (bits)(4), c > ab);
    chosen = select(chosen, (bits)(8), d > abc);
    return select((bits)(0), chosen, select(abc, d, d > abc) > zero);
}
