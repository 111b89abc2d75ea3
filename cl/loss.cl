/* SPDX-License-Identifier: MIT
 *
 * Losses and their gradients. A kernel with a slot takes exactly PARTIALS groups. accumulate: add
 * to the slot's partial sums, for the later runs of a tensor in several pieces.
 */

/* slot = [slot +] weight sum (f - p)^2; df += 2 weight (f - p): n floats. */
__kernel GROUP(LANES, 1) void content(__global float *df, ulong df_at, __global const float *f,
                                      ulong f_at, __global const float *p, ulong p_at,
                                      __global float *slot, ulong slot_at, int accumulate,
                                      float weight, ulong n) {
    df += df_at, f += f_at, p += p_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    EACH(i, n) {
        const vec difference = load(f, i, n) - load(p, i, n);
        add(&sum, &carry, difference * difference);
        store(load(df, i, n) + 2 * weight * difference, df, i, n);
    }
    leave(weight * total(sum, sums), slot, accumulate);
}

/* |d| or d^2, and its derivative, which is 0 at 0. */
static inline vec variation(vec d, int squared) {
    return squared ? d * d : fabs(d);
}
static inline vec slope(vec d, int squared) {
    return squared ? 2 * d : sign(d);
}

/* Total variation and its gradient: slot = [slot +] weight (sum |right - here| + sum |below -
 * here|), or of squares; dx += its gradient. x, dx: `rows` = C * height rows of `width` elements. A
 * group takes every PARTIALS-th row, a work-item VEC columns of it at a time. Beyond the border the
 * border's value is repeated, so differences there are 0. */
__kernel GROUP(LANES, 1) void tv(__global float *dx, ulong dx_at, __global const float *x,
                                 ulong x_at, __global float *slot, ulong slot_at, int accumulate,
                                 uint squared, float weight, uint rows, uint height, uint width) {
    dx += dx_at, x += x_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    for (uint r = get_group_id(0); r < rows; r += PARTIALS) {
        const uint p = r % height;
        const __global float *row = x + (ulong)r * width;
        const __global float *above = p > 0 ? row - width : row;
        const __global float *below = p + 1 < height ? row + width : row;
        __global float *out = dx + (ulong)r * width;
        for (uint q = get_local_id(0) * VEC; q < width; q += LANES * VEC) {
            const vec here = load(row, q, width), edge = load_edge(row, q, width);
            const vec left = edge - load_edge(row, (int)q - 1, width);
            const vec right = load_edge(row, (int)q + 1, width) - edge;
            const vec up = here - load(above, q, width), down = load(below, q, width) - here;
            add(&sum, &carry, variation(right, squared) + variation(down, squared));
            const vec gradient = (slope(left, squared) - slope(right, squared)) +
                                 (slope(up, squared) - slope(down, squared));
            store(load(out, q, width) + weight * gradient, out, q, width);
        }
    }
    leave(weight * total(sum, sums), slot, accumulate);
}

/* y = a^T b for n x n matrices. Grid, rounded up: wide: groups (n / 64, n / 4), where a work-item
 * makes 4 rows x 64 columns; simt: groups (n / 16, n / 16), where a group makes a square. */
#if BLOCK == 16
#define ROWS 4
#define VECS 4
__kernel GROUP(1, 1) void product(__global float *y, ulong y_at, __global const float *a,
                                  ulong a_at, __global const float *b, ulong b_at, uint n) {
    y += y_at, a += a_at, b += b_at;
    const uint row = get_global_id(1) * ROWS, column = get_global_id(0) * VECS * 16;
    const bool whole = column + VECS * 16 <= n;
    float16 sum[ROWS][VECS];
    UNROLL(r, ROWS)
        UNROLL(v, VECS)
            sum[r][v] = 0;
    for (uint k = 0; k < n; k++, a += n, b += n) {
        float16 line[VECS];
        UNROLL(v, VECS)
            line[v] = whole ? vload16(v, b + column) : load(b, min(column + v * 16, n - 1), n);
        UNROLL(r, ROWS) {
            const float16 factor = a[min(row + r, n - 1)];
            UNROLL(v, VECS)
                sum[r][v] += factor * line[v];
        }
    }
    for (uint r = 0; r < ROWS && row + r < n; r++)
        for (uint v = 0; v < VECS && column + v * 16 < n; v++)
            store(sum[r][v], y + (ulong)(row + r) * n, column + v * 16, n);
}
#else
#define SIDE 16
__kernel GROUP(SIDE, SIDE) void product(__global float *y, ulong y_at, __global const float *a,
                                        ulong a_at, __global const float *b, ulong b_at, uint n) {
    y += y_at, a += a_at, b += b_at;
    const uint u = get_local_id(0), v = get_local_id(1);
    const uint column = get_global_id(0), row = get_global_id(1);
    const uint first = row - v; /* the square's first row */
    __local float of_a[SIDE][SIDE], of_b[SIDE][SIDE];
    float sum = 0;
    for (uint k = 0; k < n; k += SIDE) {
        const bool in = k + v < n;
        const ulong line = (ulong)min(k + v, n - 1) * n;
        const float from_a = a[line + min(first + u, n - 1)], from_b = b[line + min(column, n - 1)];
        of_a[v][u] = in ? from_a : 0;
        of_b[v][u] = in ? from_b : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint j = 0; j < SIDE; j++)
            sum += of_a[j][v] * of_b[j][u];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < n && column < n)
        y[(ulong)row * n + column] = sum;
}
#endif

/* The Gram loss: with E = scale g - target, and E' = what dm holds (has_metric) or E, slot = weight
 * sum E . E', dm = 4 weight scale E'. n elements each. */
__kernel GROUP(LANES, 1) void style(__global float *dm, ulong dm_at, __global const float *g,
                                    ulong g_at, __global const float *target, ulong target_at,
                                    __global float *slot, ulong slot_at, int has_metric,
                                    float scale, float weight, ulong n) {
    dm += dm_at, g += g_at, target += target_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    EACH(i, n) {
        const vec e = scale * load(g, i, n) - load(target, i, n);
        const vec weighed = has_metric ? load(dm, i, n) : e;
        add(&sum, &carry, e * weighed);
        store(4 * weight * scale * weighed, dm, i, n);
    }
    leave(weight * total(sum, sums), slot, 0);
}
