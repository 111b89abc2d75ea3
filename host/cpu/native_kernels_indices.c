/* SPDX-License-Identifier: MIT
 *
 * Pooling indices: which positions of 2 x 2 windows pass a gradient on, in four bits for each
 * window, and the gradient unpooled by them. A float holds the bits of six windows as a whole
 * number.
 */
#include "cpu/native_simd.h"

/* The bits of LANES windows at x. */
INLINE mask bits_of(const float *x, size_t row, const imp_pooling kind) {
    const vec a = load(x), b = load(x + IMP_BLOCK);
    const vec c = load(x + row), d = load(x + row + IMP_BLOCK);
    if (kind == IMP_POOL_AVERAGE)
        return ((a > 0) & 1) | ((b > 0) & 2) | ((c > 0) & 4) | ((d > 0) & 8);
    const mask right = b > a;
    const vec ab = choose(right, b, a);
    const mask below = c > ab;
    const vec abc = choose(below, c, ab);
    const mask last = d > abc;
    const mask bits = (right & 2) | (~right & 1);
    const mask three = (below & 4) | (~below & bits);
    return ((last & 8) | (~last & three)) & (choose(last, d, abc) > 0);
}

INLINE void pool_indices_of(float *indices, const float *x, size_t row, size_t windows,
                            const imp_pooling kind) {
    for (size_t first = 0; first < windows; first += IMP_INDICES, indices += IMP_BLOCK) {
        const size_t count = windows - first < IMP_INDICES ? windows - first : IMP_INDICES;
        for (size_t l = 0; l < IMP_BLOCK; l += LANES) {
            mask bits = {0};
            for (size_t j = 0; j < count; j++)
                bits |= bits_of(x + 2 * (first + j) * IMP_BLOCK + l, row, kind) << (int)(4 * j);
            store(indices + l, __builtin_convertvector(bits, vec));
        }
    }
}

static void pool_indices(float *indices, const float *x, size_t row, size_t windows,
                         imp_pooling kind) {
    if (kind == IMP_POOL_MAX)
        pool_indices_of(indices, x, row, windows, IMP_POOL_MAX);
    else
        pool_indices_of(indices, x, row, windows, IMP_POOL_AVERAGE);
}

static void unpool(float *dx, const float *dy, const float *indices, size_t row, size_t first,
                   size_t windows, imp_pooling kind) {
    const vec share = splat(kind == IMP_POOL_MAX ? 1.0f : 0.25f);
    dy += first * IMP_BLOCK;
    for (size_t q = 0; q < windows; q++, dx += 2 * IMP_BLOCK, dy += IMP_BLOCK)
        for (size_t l = 0; l < IMP_BLOCK; l += LANES) {
            const mask bits = bits_at(indices + l, first + q);
            const vec value = share * load(dy + l);
            store(dx + l, where((bits & 1) != 0, value));
            store(dx + l + IMP_BLOCK, where((bits & 2) != 0, value));
            store(dx + l + row, where((bits & 4) != 0, value));
            store(dx + l + row + IMP_BLOCK, where((bits & 8) != 0, value));
        }
}

const imp_indices_kernels IMP_KERNEL(indices_kernels) = {.pool = pool_indices, .unpool = unpool};
