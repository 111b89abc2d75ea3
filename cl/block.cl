/* SPDX-License-Identifier: MIT
 *
 * simt: tiles of products of matrices, for Gram matrices, 1 x 1 convolution and Winograd's
 * products. A work-group makes a tile of `high` x `wide` sums, 32 to 128 each way, from DEPTH rows
 * of both factors at a time, which are in local memory: a[DEPTH][high] and b[DEPTH][wide]. A
 * work-item makes 8 x 8 of the sums: sum[i] holds row 8 y + i at columns 4 x .. 4 x + 3 of the
 * tile's left half, and at those of its right half.
 *
 * The loops of such kernels have one form: the next rows are loaded into registers before these are
 * multiplied, and arrive meanwhile. Loads have no guards; indices are clamped, and what is too much
 * becomes 0 on the way into local memory. Compilers wait for each load behind a guard. All is
 * unrolled, so that offsets are constants and multiply-adds can be issued in pairs.
 */

#if BLOCK == 1

#define DEPTH 8 /* rows of the factors in local memory at a time */
#ifndef BUFFERS
#define BUFFERS 1 /* copies of local memory; 2: the next rows are written while others are read */
#endif

/* Work-items of a group, and floats of a factor that each of them loads; other: the side of the
 * other factor. */
#define BLOCK_ITEMS(high, wide) ((high) * (wide) / 64)
#define BLOCK_LOADS(other)      (DEPTH * 64 / (other))

typedef struct block_place {
    int x, y;
} block_place;

/* The place of a work-item. Squares of 8 x 8 neighbours share a wave, and so what it reads. */
INLINE block_place block_of(const int lane, const int high, const int wide) {
    const int rows = high < 64 ? high / 8 : 8, square = lane / (rows * 8), across = wide / 64;
    const block_place p = {lane % 8 + square % across * 8,
                           lane / 8 % rows + square / across * rows};
    return p;
}

INLINE void block_clear(float4 (*sum)[2]){REPEAT(8, i, 8, sum[i][0] = sum[i][1] = 0.0f)}

INLINE void block_row(float4 *sum, float v, float4 near, float4 far) {
    sum[0] = fma((float4)(v), near, sum[0]);
    sum[1] = fma((float4)(v), far, sum[1]);
}

/* Adds the products of DEPTH rows, `a_pitch` and `b_pitch` floats apart. */
INLINE void block_multiply(float4 (*sum)[2], __local const float4 *a, const int a_pitch,
                           __local const float4 *b, const int b_pitch, const int wide,
                           const block_place p) {
    a += p.y * 2;
    b += p.x;
    REPEAT(8, k, DEPTH, {
        const float4 lo = a[k * a_pitch / 4];
        const float4 hi = a[k * a_pitch / 4 + 1];
        const float4 near = b[k * b_pitch / 4];
        const float4 far = b[k * b_pitch / 4 + wide / 8];
        block_row(sum[0], lo.x, near, far);
        block_row(sum[1], lo.y, near, far);
        block_row(sum[2], lo.z, near, far);
        block_row(sum[3], lo.w, near, far);
        block_row(sum[4], hi.x, near, far);
        block_row(sum[5], hi.y, near, far);
        block_row(sum[6], hi.z, near, far);
        block_row(sum[7], hi.w, near, far);
    })
    if (BUFFERS == 1)
        barrier(CLK_LOCAL_MEM_FENCE);
}

/* The j-th column, 0 to 7, of a work-item's sums. */
INLINE int block_column(const block_place p, const int j, const int wide) {
    return p.x * 4 + j % 4 + j / 4 * (wide / 2);
}

/* ---- b from planes ---- */

/* The factors of block_planes. a: rows of a_step floats; a_lane: this work-item's column of them.
 * b: planes of `plane` floats, where `masked` times [m > 0]; b_lane: this work-item's columns of
 * them, 64 apart. Both have `channels` rows. */
typedef struct block_factors {
    __global const float *a, *b, *m;
    uint a_lane, b_lane[2];
    int a_step, channels;
    size_t plane;
} block_factors;

/* What a work-item has loaded. */
typedef struct block_ahead {
    float a[8], b[16], m[16];
} block_ahead;

/* Loads rows from c on. */
INLINE void block_load(block_ahead *n, const block_factors *f, int c, const int high,
                       const int wide, const int masked) {
    const int items = BLOCK_ITEMS(high, wide), last = f->channels - 1;
    REPEAT(8, e, BLOCK_LOADS(wide), {
        const int row = c + e * (items / high) + get_local_id(0) / high;
        n->a[e] = f->a[(uint)(min(row, last) * f->a_step) + f->a_lane];
    })
    REPEAT(16, e, BLOCK_LOADS(high), {
        const size_t row = min(c + e * items / wide, last) * f->plane;
        n->b[e] = (f->b + row)[f->b_lane[e * items % wide / 64]];
        if (masked)
            n->m[e] = (f->m + row)[f->b_lane[e * items % wide / 64]];
    })
}

/* sum = the products of a and b. as, bs: BUFFERS times DEPTH rows. */
INLINE void block_planes(float4 (*sum)[2], const block_factors *f, __local float4 *as,
                         __local float4 *bs, const int high, const int wide, const int masked) {
    const int items = BLOCK_ITEMS(high, wide), lane = get_local_id(0);
    const block_place p = block_of(lane, high, wide);
    block_ahead n;
    block_clear(sum);
    block_load(&n, f, 0, high, wide, masked);
    for (int c = 0, at = 0; c < f->channels; c += DEPTH, at ^= BUFFERS - 1) {
        __local float4 *a = as + at * (DEPTH * high / 4), *b = bs + at * (DEPTH * wide / 4);
        REPEAT(8, e, BLOCK_LOADS(wide), {
            const int there = c + e * (items / high) + lane / high < f->channels;
            ((__local float *)a)[e * items + lane] = there ? n.a[e] : 0.0f;
        })
        REPEAT(16, e, BLOCK_LOADS(high),
               ((__local float *)b)[e * items + lane] = !masked || n.m[e] > 0.0f ? n.b[e] : 0.0f)
        barrier(CLK_LOCAL_MEM_FENCE);
        block_load(&n, f, c + DEPTH, high, wide, masked);
        block_multiply(sum, a, high, b, wide, wide, p);
    }
}

#endif
