/* SPDX-License-Identifier: MIT
 *
 * Gram matrices G = F F^T: tiles of G for stretches of positions, which gram_total adds up. The
 * sums have levels, so the rounding error does not grow with the picture: in the wide class
 * GRAM_RUN products in registers, then the stretch, then all stretches; in the simt class, where
 * stretches are short, the stretch and then all of them. In the simt class also the gradient of the
 * Gram loss, style_tile; the wide class uses conv_point for it.
 */

#if BLOCK == 16

#define GRAM_RUN 64 /* products in a first-level sum */

#define GRAM_TILE         16
#define GRAM_LANES        1  /* work-items in a group of gram_total */
#define GRAM_SHARE        16 /* channels of x for each of them */
#define GRAM_SPREAD(v, x) vstore16(v, 0, x)
#if NATIVE == 16
#define GRAM_ROWS 8 /* rows of two tiles side by side in registers at a time */
#else
#define GRAM_ROWS 2
#endif
#define GRAM_STEPS 8 /* positions in one iteration of the loop */

/* sum[i * blocks + j] += x[i] y_j at position p, for `rows` rows of x and `blocks` blocks y_j,
 * `plane` floats apart. */
INLINE void gram_step(float16 *sum, __global const float *x, __global const float *y, size_t plane,
                      size_t p, const int rows, const int blocks) {
    float16 v[2];
    UNROLL(j, blocks)
        v[j] = vload16(p, y + j * plane);
    UNROLL(i, rows * blocks)
        sum[i] = fma((float16)(x[p * 16 + i / blocks]), v[i % blocks], sum[i]);
}

/* all[2 * i + j] += the sums over positions p .. end - 1. */
INLINE void gram_rows(float16 *all, __global const float *x, __global const float *y, size_t plane,
                      size_t p, size_t end, const int rows, const int blocks) {
    float16 sum[2 * GRAM_ROWS];
    UNROLL(i, rows * blocks)
        sum[i] = 0.0f;
    for (; p + GRAM_STEPS <= end; p += GRAM_STEPS)
        UNROLL(i, GRAM_STEPS)
            gram_step(sum, x, y, plane, p + i, rows, blocks);
    for (; p < end; p++)
        gram_step(sum, x, y, plane, p, rows, blocks);
    UNROLL(i, rows * blocks)
        all[i / blocks * 2 + i % blocks] += sum[i];
}

/* part[stretch][block of x][block of y][16][16] = x y^T over stretches of the m positions of maps x
 * and y, from position `start` on, for `ys` blocks of y. triangle: x is y, and only blocks of y
 * from that of x on are made. Grid: pairs of blocks of y x blocks of x x stretches. */
__kernel GROUP(1, 1) void gram_block(__global float *part, ulong part_at, __global const float *x,
                                     ulong x_at, __global const float *y, ulong y_at, int ys, int m,
                                     int start, int stretch, int triangle) {
    const size_t xb = get_global_id(1), k = get_global_id(2), plane = m * 16ul;
    const size_t first = start + k * stretch, last = min(first + stretch, (size_t)m);
    const size_t from = max(get_global_id(0) * 2, triangle ? xb : 0);
    const size_t to = min(get_global_id(0) * 2 + 2, (size_t)ys);
    float16 all[32];
    if (from >= to)
        return;
    for (int i = 0; i < 32; i++)
        all[i] = 0.0f;
    part += part_at + ((k * get_global_size(1) + xb) * ys + from) * 256;
    x += x_at + xb * plane;
    y += y_at + from * plane;
    for (size_t p = first, end; p < last; p = end) {
        end = min(p + GRAM_RUN, last);
        if (to - from == 2)
            for (int row = 0; row < 16; row += GRAM_ROWS)
                gram_rows(all + row * 2, x + row, y, plane, p, end, GRAM_ROWS, 2);
        else
            for (int row = 0; row < 16; row += 2 * GRAM_ROWS)
                gram_rows(all + row * 2, x + row, y, plane, p, end, 2 * GRAM_ROWS, 1);
    }
    for (int j = 0; j < (int)(to - from); j++)
        for (int row = 0; row < 16; row++)
            put16(all[row * 2 + j], row, part + j * 256);
}

#else

#define GRAM_TILE         64
#define GRAM_LANES        64
#define GRAM_SHARE        1
#define GRAM_SPREAD(v, x) (*(x) = (v))
#define GRAM_PITCH        (64 + 8) /* keeps rows apart in the banks of local memory */

/* DEPTH positions from p on, of this work-item's channels: x[e] is channel e * 8 + lane / 8, as far
 * as there are so many; position lane % 8. */
INLINE void gram_load(float *xn, __global const float *x, uint lane, int m,
                      int rest){REPEAT(8, e, 8, xn[e] = (x + min(e * 8, rest) * (size_t)m)[lane])}

/* The same into local memory: a[position][channel]. */
INLINE void gram_keep(__local float4 *a, const float *xn, int there, int rest) {
    const int lane = get_local_id(0);
    __local float *to = (__local float *)a + lane % 8 * GRAM_PITCH + lane / 8;
    REPEAT(8, e, 8, to[min(e * 8, rest)] = there ? xn[e] : 0.0f)
}

/* The same for planes, in tiles of 64 x 64; xs, ys: the planes of x and y. Grid: groups: blocks of
 * y x blocks of x x stretches. */
__kernel GROUP(64, 1) void gram_tile(__global float *part, ulong part_at, __global const float *x,
                                     ulong x_at, __global const float *y, ulong y_at, int m,
                                     int start, int stretch, int triangle, int xs, int ys) {
    __local float4 xt[BUFFERS * DEPTH * GRAM_PITCH / 4], yt[BUFFERS * DEPTH * GRAM_PITCH / 4];
    const int lane = get_local_id(0), row = lane / DEPTH;
    const int xb = get_group_id(1), yb = get_group_id(0), k = get_group_id(2);
    const int first = start + k * stretch, last = min(first + stretch, m);
    const int x_rows = xs - xb * 64, y_rows = ys - yb * 64;
    const int x_rest = max(x_rows - 8, 0), y_rest = max(y_rows - 8, 0);
    const uint x_lane = (uint)min(row, x_rows - 1) * m, y_lane = (uint)min(row, y_rows - 1) * m;
    const block_place p = block_of(lane, 64, 64);
    float4 sum[8][2];
    float xn[8], yn[8];
    if (triangle && yb < xb)
        return;
    x += x_at + (size_t)xb * 64 * m;
    y += y_at + (size_t)yb * 64 * m;
    if (x_rows < 64 || y_rows < 64) /* channels that do not exist */
        for (int i = lane; i < BUFFERS * DEPTH * GRAM_PITCH / 4; i += 64)
            xt[i] = yt[i] = 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    block_clear(sum);
    uint next = min(first + lane % DEPTH, last - 1);
    gram_load(xn, x, x_lane + next, m, x_rest);
    gram_load(yn, y, y_lane + next, m, y_rest);
    for (int c = first, at = 0; c < last; c += DEPTH, at ^= BUFFERS - 1) {
        __local float4 *a = xt + at * (DEPTH * GRAM_PITCH / 4);
        __local float4 *b = yt + at * (DEPTH * GRAM_PITCH / 4);
        gram_keep(a, xn, c + lane % DEPTH < last, x_rest);
        gram_keep(b, yn, 1, y_rest);
        barrier(CLK_LOCAL_MEM_FENCE);
        next = min(c + DEPTH + lane % DEPTH, last - 1);
        gram_load(xn, x, x_lane + next, m, x_rest);
        gram_load(yn, y, y_lane + next, m, y_rest);
        block_multiply(sum, a, GRAM_PITCH, b, GRAM_PITCH, 64, p);
    }
    part += part_at + (((size_t)k * get_num_groups(1) + xb) * get_num_groups(0) + yb) * 64 * 64;
    REPEAT(8, i, 8, {
        vstore4(sum[i][0], (8 * p.y + i) * 16 + p.x, part);
        vstore4(sum[i][1], (8 * p.y + i) * 16 + p.x + 8, part);
    })
}

/* df[c,p] += sum over d of dm[d,c] f[d,p], for `rows` planes of df from channel `row` on, `inner`
 * planes of f from channel `column` on, and `count` of the m positions from `first` on. dm: rows of
 * `side` floats. Grid: groups: stretches of 64 positions x blocks of 64 channels. */
__kernel GROUP(64, 1) void style_tile(__global float *df, ulong df_at, __global const float *dm,
                                      ulong dm_at, __global const float *f, ulong f_at, int m,
                                      int first, int count, int side, int row, int rows, int column,
                                      int inner) {
    __local float4 dt[BUFFERS * DEPTH * 16], ft[BUFFERS * DEPTH * 16];
    const int lane = get_local_id(0), p0 = get_group_id(0) * 64, c0 = get_group_id(1) * 64;
    const block_place p = block_of(lane, 64, 64);
    const block_factors factors = {.a = dm + dm_at + (size_t)column * side + row,
                                   .b = f + f_at + first,
                                   .m = f,
                                   .a_lane = min(c0 + lane, rows - 1),
                                   .b_lane = {min(p0 + lane, count - 1), 0},
                                   .a_step = side,
                                   .channels = inner,
                                   .plane = m};
    float4 sum[8][2];
    block_planes(sum, &factors, dt, ft, 64, 64, 0);
    df += df_at + first;
    REPEAT(8, i, 8, {
        const int c = c0 + 8 * p.y + i;
        float out[8];
        vstore4(sum[i][0], 0, out);
        vstore4(sum[i][1], 1, out);
        REPEAT(8, j, 8, {
            const int q = p0 + block_column(p, j, 64);
            if (c < rows && q < count)
                df[(size_t)c * m + q] += out[j];
        })
    })
}

#endif

/* g[x0+c, y0+d] = [that +] the sum over stretches of part, for xs channels c and ys channels d; g:
 * side x side. Tiles below the diagonal are mirrored from those above. Grid: VEC channels d x
 * GRAM_SHARE channels c for each work-item. */
__kernel GROUP(GRAM_LANES, 1) void gram_total(__global float *g, ulong g_at,
                                              __global const float *part, ulong part_at, int side,
                                              int x0, int xs, int y0, int ys, int stretches,
                                              int triangle, int accumulate) {
    const int c0 = get_global_id(1) * GRAM_SHARE, d = get_global_id(0) * VEC;
    const int xb = c0 / GRAM_TILE, yb = d / GRAM_TILE;
    const size_t wide = (ys + GRAM_TILE - 1) / GRAM_TILE, high = (xs + GRAM_TILE - 1) / GRAM_TILE;
    if (d >= ys || (triangle && yb < xb))
        return;
    part += part_at + (xb * wide + yb) * GRAM_TILE * GRAM_TILE + d % GRAM_TILE;
    for (int c = c0; c < min(c0 + GRAM_SHARE, xs); c++) {
        __global const float *row = part + c % GRAM_TILE * GRAM_TILE;
        vec sum = 0.0f;
        for (int k = 0; k < stretches; k++, row += high * wide * GRAM_TILE * GRAM_TILE)
            sum += load(row, 0, GRAM_TILE);
        const size_t at = g_at + (size_t)(x0 + c) * side + y0 + d;
        store(accumulate ? sum + load(g, at, at + ys - d) : sum, g, at, at + ys - d);
        float flipped[VEC];
        GRAM_SPREAD(sum, flipped);
        for (int k = 0; k < min(VEC, ys - d) && !(triangle && xb == yb); k++) {
            __global float *mirror = g + g_at + (size_t)(y0 + d + k) * side + x0 + c;
            *mirror = accumulate ? *mirror + flipped[k] : flipped[k];
        }
    }
}

/* s[c] = [s[c] +] the sum of f[c,p] over m positions p. Grid: groups of LANES: 1 x units of f. */
__kernel GROUP(LANES, 1) void gram_sum(__global float *s, ulong s_at, __global const float *f,
                                       ulong f_at, int m, int channels, int accumulate) {
    LANE_SUMS(sums);
    const ulong unit = get_global_id(1);
    vec sum = 0.0f, carry = 0.0f;
    s += s_at;
    f += f_at + unit * m * VEC;
    for (ulong p = get_local_id(0); p < (ulong)m; p += LANES)
        add(&sum, &carry, load(f, p * VEC, (p + 1) * VEC));
#if BLOCK == 16
    const vec all = sum;
    (void)sums;
#else
    const vec all = total(sum, sums);
#endif
    if (get_local_id(0) == 0)
        store(accumulate ? all + load(s, unit * VEC, channels) : all, s, unit * VEC, channels);
}
