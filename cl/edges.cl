/* SPDX-License-Identifier: MIT
 *
 * The edges of a picture: the Laplacian of the sum of its colours. A group takes every PARTIALS-th
 * row, a work-item VEC columns of it at a time.
 */

/* The Laplacian of a plane at elements q, q + 1, ... of row p: of each, the sum of its differences
 * from its neighbours in row and column. Beyond the border the border's value is repeated, so
 * differences there are 0. */
static inline vec laplacian(const __global float *plane, uint p, int q, uint height, uint width) {
    const __global float *row = plane + (ulong)p * width;
    const __global float *above = p > 0 ? row - width : row;
    const __global float *below = p + 1 < height ? row + width : row;
    const vec here = load_edge(row, q, width);
    const vec left = here - load_edge(row, q - 1, width);
    const vec right = here - load_edge(row, q + 1, width);
    const vec up = here - load_edge(above, q, width), down = here - load_edge(below, q, width);
    return (left + right) + (up + down);
}

/* e = L (r + g + b) - target, or without it; slot = weight sum e^2. Planes of height x width. */
__kernel GROUP(LANES, 1) void edges(__global float *e, ulong e_at, __global const float *r,
                                    ulong r_at, __global const float *g, ulong g_at,
                                    __global const float *b, ulong b_at,
                                    __global const float *target, ulong target_at,
                                    __global float *slot, ulong slot_at, int has_target,
                                    float weight, uint height, uint width) {
    e += e_at, r += r_at, g += g_at, b += b_at, target += target_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    for (uint p = get_group_id(0); p < height; p += PARTIALS) {
        const ulong row = (ulong)p * width;
        for (uint q = get_local_id(0) * VEC; q < width; q += LANES * VEC) {
            vec edge = (laplacian(r, p, q, height, width) + laplacian(g, p, q, height, width)) +
                       laplacian(b, p, q, height, width);
            if (has_target)
                edge -= load(target + row, q, width);
            store(edge, e + row, q, width);
            edge = load(e + row, q, width); /* 0 beyond the row */
            add(&sum, &carry, edge * edge);
        }
    }
    leave(weight * total(sum, sums), slot, 0);
}

/* r, g, b += 2 weight L e. */
__kernel GROUP(LANES, 1) void edges_grad(__global float *r, ulong r_at, __global float *g,
                                         ulong g_at, __global float *b, ulong b_at,
                                         __global const float *e, ulong e_at, float weight,
                                         uint height, uint width) {
    r += r_at, g += g_at, b += b_at, e += e_at;
    for (uint p = get_group_id(0); p < height; p += PARTIALS) {
        const ulong row = (ulong)p * width;
        for (uint q = get_local_id(0) * VEC; q < width; q += LANES * VEC) {
            const vec slope = 2 * weight * laplacian(e, p, q, height, width);
            store(load(r + row, q, width) + slope, r + row, q, width);
            store(load(g + row, q, width) + slope, g + row, q, width);
            store(load(b + row, q, width) + slope, b + row, q, width);
        }
    }
}
