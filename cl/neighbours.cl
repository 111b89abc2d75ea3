/* SPDX-License-Identifier: MIT
 *
 * Total variation over the eight neighbours of a pixel, and its gradient.
 */

#if BLOCK == 16
#define LANE_NUMBERS ((vec)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#else
#define LANE_NUMBERS 0
#endif

/* slot = [slot +] straight sum (Dx^2 + Dy^2) + diagonal sum (D1^2 + D2^2), with the border's values
 * repeated beyond the border; dx += its gradient. Every pixel gathers its own gradient. A diagonal
 * difference that leaves the plane on one side only counts twice: for the pixel and for its copy
 * beyond the border. Rows and grid as for tv (loss.cl). */
__kernel GROUP(LANES, 1) void neighbours(__global float *dx, ulong dx_at, __global const float *x,
                                         ulong x_at, __global float *slot, ulong slot_at,
                                         int accumulate, float straight, float diagonal, uint rows,
                                         uint height, uint width) {
    dx += dx_at, x += x_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    for (uint r = get_group_id(0); r < rows; r += PARTIALS) {
        const uint p = r % height;
        const bool first = p == 0, final = p + 1 == height;
        const __global float *row = x + (ulong)r * width;
        const __global float *above = first ? row : row - width;
        const __global float *below = final ? row : row + width;
        __global float *out = dx + (ulong)r * width;
        for (int q = get_local_id(0) * VEC; q < (int)width; q += LANES * VEC) {
            const vec number = (float)q + LANE_NUMBERS, once = 1, twice = 2, zero = 0;
            const vec left = select(once, twice, number == 0);
            const vec right = select(once, twice, number == (float)(width - 1));
            const vec here = load_edge(row, q, width);
            const vec a = here - load_edge(row, q - 1, width);
            const vec b = here - load_edge(row, q + 1, width);
            const vec c = here - load_edge(above, q, width);
            const vec d = here - load_edge(below, q, width);
            const vec e = here - load_edge(above, q - 1, width);
            const vec f = here - load_edge(above, q + 1, width);
            const vec g = here - load_edge(below, q - 1, width);
            const vec h = here - load_edge(below, q + 1, width);
            const vec up = first ? 2 : 1, down = final ? 2 : 1;
            const vec squares = straight * ((a * a + b * b) + (c * c + d * d)) +
                                diagonal * (up * (left * e * e + right * f * f) +
                                            down * (left * g * g + right * h * h));
            const vec slopes =
                straight * ((a + b) + (c + d)) +
                diagonal * (up * (left * e + right * f) + down * (left * g + right * h));
            add(&sum, &carry, select(zero, squares, number < (float)width));
            store(load(out, q, width) + 2 * slopes, out, q, width);
        }
    }
    leave(total(sum, sums) / 2, slot, accumulate);
}
