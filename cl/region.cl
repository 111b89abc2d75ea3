/* SPDX-License-Identifier: MIT
 *
 * Regions of a map and periodic borders of a picture.
 */

/* y[c,p] = [y[c,p] +] t[p] x[c,p] for units of y and x with m positions. Grid: work-items that
 * share the positions x units. */
__kernel GROUP(LANES, 1) void mask(__global float *y, ulong y_at, __global const float *x,
                                   ulong x_at, __global const float *t, ulong t_at, ulong m,
                                   int add_up) {
    const ulong unit = get_global_id(1) * m * BLOCK, n = m * BLOCK;
    y += y_at + unit, x += x_at + unit, t += t_at;
    for (ulong i = get_global_id(0) * VEC; i < n; i += get_global_size(0) * VEC) {
        const vec masked = t[i / BLOCK] * load(x, i, n);
        store(add_up ? load(y, i, n) + masked : masked, y, i, n);
    }
}

/* The first position that shows position i of a side of n which is continued periodically to
 * `wrapped` positions. */
static inline uint shown(uint i, uint n, uint wrapped) {
    return (i + (wrapped - n) / 2) % n;
}

/* y = one plane x, h x w, continued periodically to yh x yw. Grid: any number of work-items. */
__kernel GROUP(LANES, 1) void wrap(__global float *y, ulong y_at, __global const float *x,
                                   ulong x_at, uint yh, uint yw, uint h, uint w) {
    y += y_at, x += x_at;
    const uint up = h - shown(0, h, yh), left = w - shown(0, w, yw);
    for (ulong i = get_global_id(0); i < (ulong)yh * yw; i += get_global_size(0)) {
        const uint p = i / yw, q = i % yw;
        y[i] = x[(ulong)((p + up) % h) * w + (q + left) % w];
    }
}

/* dx, h x w: the sums of one plane dy, yh x yw, over the positions that show the same pixel. Grid:
 * as above. */
__kernel GROUP(LANES, 1) void wrap_grad(__global float *dx, ulong dx_at, __global const float *dy,
                                        ulong dy_at, uint yh, uint yw, uint h, uint w) {
    dx += dx_at, dy += dy_at;
    for (ulong i = get_global_id(0); i < (ulong)h * w; i += get_global_size(0)) {
        float sum = 0;
        for (uint p = shown(i / w, h, yh); p < yh; p += h)
            for (uint q = shown(i % w, w, yw); q < yw; q += w)
                sum += dy[(ulong)p * yw + q];
        dx[i] = sum;
    }
}
