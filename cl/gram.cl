/* SPDX-License-Identifier: MIT
 *
 * Gram matrices G = F F^T: tiles of G for stretches of positions, which gram_total adds up. The
 * sums have three levels: GRAM_RUN products in registers, then the stretch, then all stretches; so
 * the rounding error does not grow with the picture. In the simt class also the gradient of the
 * Gram loss, style_tile; the wide class uses conv_point for it.
 */

#define GRAM_RUN 64 /* products in a first-level sum */

#if BLOCK == 16

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
#define GRAM_DEPTH        16       /* positions in local memory at a time */
#define GRAM_PITCH        (64 + 4) /* keeps rows apart in the banks of local memory */

/* The same for planes, in tiles of 64 x 64; xs, ys: the planes of x and y. Grid: groups of 16 x 16:
 * blocks of y x blocks of x x stretches. */
__kernel GROUP(16, 16) void gram_tile(__global float *part, ulong part_at, __global const float *x,
                                      ulong x_at, __global const float *y, ulong y_at, int m,
                                      int start, int stretch, int triangle, int xs, int ys) {
    __local float4 xt[GRAM_DEPTH][GRAM_PITCH / 4], yt[GRAM_DEPTH][GRAM_PITCH / 4];
    const int tx = get_local_id(0), ty = get_local_id(1);
    const int xb = get_group_id(1), yb = get_group_id(0), k = get_group_id(2);
    const int first = start + k * stretch, last = min(first + stretch, m);
    if (triangle && yb < xb)
        return;
    float4 all[4], sum[4];
    REPEAT(4, i, 4, all[i] = sum[i] = 0.0f)
    for (int p = first; p < last; p += GRAM_DEPTH) {
        const int from = p + tx, there = from < last;
        for (int row = ty; row < 64; row += 16) {
            const int xr = xb * 64 + row, yr = yb * 64 + row;
            const float xv = x[x_at + (size_t)min(xr, xs - 1) * m + min(from, m - 1)];
            const float yv = y[y_at + (size_t)min(yr, ys - 1) * m + min(from, m - 1)];
            ((__local float *)xt[tx])[row] = there && xr < xs ? xv : 0.0f;
            ((__local float *)yt[tx])[row] = there && yr < ys ? yv : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int d = 0; d < GRAM_DEPTH; d++) {
            const float4 u = xt[d][ty], v = yt[d][tx];
            sum[0] = fma((float4)(u.x), v, sum[0]);
            sum[1] = fma((float4)(u.y), v, sum[1]);
            sum[2] = fma((float4)(u.z), v, sum[2]);
            sum[3] = fma((float4)(u.w), v, sum[3]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((p - first) % GRAM_RUN == GRAM_RUN - GRAM_DEPTH || p + GRAM_DEPTH >= last)
            REPEAT(4, i, 4, all[i] += sum[i]; sum[i] = 0.0f)
    }
    part += part_at + (((size_t)k * get_num_groups(1) + xb) * get_num_groups(0) + yb) * 64 * 64;
    REPEAT(4, i, 4, vstore4(all[i], (4 * ty + i) * 16 + tx, part))
}

/* df[c,p] += sum over d of dm[c,d] f[d,p], for `rows` planes of df from channel `row` on and
 * `inner` planes of f from channel `column` on. dm: side x side, symmetric. Grid: groups of 16 x
 * 16: stretches of 64 positions x blocks of 64 channels. */
__kernel GROUP(16, 16) void style_tile(__global float *df, ulong df_at, __global const float *dm,
                                       ulong dm_at, __global const float *f, ulong f_at, int m,
                                       int side, int row, int rows, int column, int inner) {
    __local float4 dt[GRAM_DEPTH][16], ft[GRAM_DEPTH][16];
    const int tx = get_local_id(0), ty = get_local_id(1), lane = ty * 16 + tx;
    const int p0 = get_group_id(0) * 64, c0 = get_group_id(1) * 64;
    float4 sum[4];
    REPEAT(4, i, 4, sum[i] = 0.0f)
    for (int d = 0; d < inner; d += GRAM_DEPTH) {
        for (int e = lane; e < GRAM_DEPTH * 64; e += 256) {
            const int k = d + e / 64, p = p0 + e % 64, c = c0 + e % 64, known = min(k, inner - 1);
            const float fv = f[f_at + (size_t)known * m + min(p, m - 1)];
            const float dv = dm[dm_at + (size_t)(column + known) * side + row + min(c, rows - 1)];
            ((__local float *)ft)[e] = k < inner && p < m ? fv : 0.0f;
            ((__local float *)dt)[e] = k < inner && c < rows ? dv : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < GRAM_DEPTH; k++) {
            const float4 u = dt[k][ty], v = ft[k][tx];
            sum[0] = fma((float4)(u.x), v, sum[0]);
            sum[1] = fma((float4)(u.y), v, sum[1]);
            sum[2] = fma((float4)(u.z), v, sum[2]);
            sum[3] = fma((float4)(u.w), v, sum[3]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    REPEAT(4, i, 4, {
        float out[4];
        vstore4(sum[i], 0, out);
        REPEAT(4, j, 4,
               if (c0 + 4 * ty + i < rows && p0 + 4 * tx + j < m)
                   df[df_at + (size_t)(c0 + 4 * ty + i) * m + p0 + 4 * tx + j] += out[j])
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
