/* SPDX-License-Identifier: MIT
 *
 * A picture at half its sides, by the filter (1 3 3 1) / 8 in both directions, and the adjoint. One
 * plane each. Grids: any number of work-items.
 */

/* One row of x around column 2 q: before, 2 q, 2 q + 1 and behind. */
static inline float halve_line(__global const float *x, uint before, uint q, uint behind) {
    return 0.125f * (x[before] + x[behind]) + 0.375f * (x[2 * q] + x[2 * q + 1]);
}

/* y, h / 2 x w / 2, of x, h x w, whose borders are continued by their values. */
__kernel GROUP(LANES, 1) void halve(__global float *y, ulong y_at, __global const float *x,
                                    ulong x_at, uint h, uint w) {
    const uint half_w = w / 2;
    y += y_at, x += x_at;
    for (ulong i = get_global_id(0); i < (ulong)(h / 2) * half_w; i += get_global_size(0)) {
        const uint p = i / half_w, q = i % half_w;
        const uint before = q ? 2 * q - 1 : 0, behind = min(2 * q + 2, w - 1);
        __global const float *row = x + (ulong)(2 * p) * w;
        const float above = halve_line(p ? row - w : row, before, q, behind);
        const float below =
            halve_line(2 * p + 2 < h ? row + 2 * (ulong)w : row + w, before, q, behind);
        y[i] = 0.125f * (above + below) + 0.375f * (halve_line(row, before, q, behind) +
                                                    halve_line(row + w, before, q, behind));
    }
}

/* Which outputs read position i of a side of n: `near` and `far`, by these weights; 0 where there
 * is none. At a border an output reads i for the position beyond, too. */
typedef struct readers {
    uint near, far;
    float near_weight, far_weight;
} readers;

static inline readers readers_of(uint i, uint n) {
    const uint near = i / 2, far = i % 2 ? near + 1 : near - 1; /* of 0: wraps, so it is beyond */
    const int border = i == 0 || (i + 1 == n && n % 2 == 0);
    readers r;
    r.near = min(near, n / 2 - 1);
    r.far = min(far, n / 2 - 1);
    r.near_weight = near >= n / 2 ? 0 : border ? 0.5f : 0.375f;
    r.far_weight = far >= n / 2 ? 0 : 0.125f;
    return r;
}

/* dx, h x w, of dy, h / 2 x w / 2. */
__kernel GROUP(LANES, 1) void halve_grad(__global float *dx, ulong dx_at, __global const float *dy,
                                         ulong dy_at, uint h, uint w) {
    dx += dx_at, dy += dy_at;
    for (ulong i = get_global_id(0); i < (ulong)h * w; i += get_global_size(0)) {
        const readers r = readers_of(i / w, h), s = readers_of(i % w, w);
        __global const float *near = dy + (ulong)r.near * (w / 2),
                             *far = dy + (ulong)r.far * (w / 2);
        dx[i] = s.near_weight * (r.near_weight * near[s.near] + r.far_weight * far[s.near]) +
                s.far_weight * (r.near_weight * near[s.far] + r.far_weight * far[s.far]);
    }
}
