/* SPDX-License-Identifier: MIT
 *
 * Vectors of n floats, element by element, and their reductions. Grids: a kernel without a slot
 * takes any number of work-items, one with a slot exactly PARTIALS groups. accumulate: add to the
 * slot's partial sums, for the later runs of a tensor in several pieces.
 */

/* x = value. */
__kernel GROUP(LANES, 1) void fill(__global float *x, ulong x_at, float value, ulong n) {
    x += x_at;
    EACH(i, n)
        store((vec)(value), x, i, n);
}

/* y = x. */
__kernel GROUP(LANES, 1) void copy(__global float *y, ulong y_at, __global const float *x,
                                   ulong x_at, ulong n) {
    y += y_at, x += x_at;
    EACH(i, n)
        store(load(x, i, n), y, i, n);
}

/* Sets the padding channels of wide maps to 0. x: the last unit of the maps, in which the first
 * `channels` of BLOCK are real; m positions. */
__kernel GROUP(LANES, 1) void padding(__global float *x, ulong x_at, uint channels, ulong m) {
    x += x_at;
    for (ulong p = get_global_id(0); p < m; p += get_global_size(0))
        for (uint c = channels; c < BLOCK; c++)
            x[p * BLOCK + c] = 0;
}

/* z = a x + b y; z may be x or y. */
__kernel GROUP(LANES, 1) void combine(__global float *z, ulong z_at, __global const float *x,
                                      ulong x_at, __global const float *y, ulong y_at, float a,
                                      float b, ulong n) {
    z += z_at, x += x_at, y += y_at;
    EACH(i, n)
        store(a * load(x, i, n) + b * load(y, i, n), z, i, n);
}

/* x = min(hi, max(lo, x)); lo where x is NaN. */
__kernel GROUP(LANES, 1) void clamp_to(__global float *x, ulong x_at, float lo, float hi, ulong n) {
    x += x_at;
    EACH(i, n) {
        const vec value = load(x, i, n);
        store(select((vec)(lo), fmin(value, (vec)(hi)), value >= (vec)(lo)), x, i, n);
    }
}

/* slot = [slot +] x . y; x may be y. */
__kernel GROUP(LANES, 1) void dot_of(__global const float *x, ulong x_at, __global const float *y,
                                     ulong y_at, __global float *slot, ulong slot_at,
                                     int accumulate, ulong n) {
    x += x_at, y += y_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    EACH(i, n)
        add(&sum, &carry, load(x, i, n) * load(y, i, n));
    leave(total(sum, sums), slot, accumulate);
}

/* slot = [slot +] sum of |x|. */
__kernel GROUP(LANES, 1) void norm1(__global const float *x, ulong x_at, __global float *slot,
                                    ulong slot_at, int accumulate, ulong n) {
    x += x_at, slot += slot_at;
    LANE_SUMS(sums);
    vec sum = 0, carry = 0;
    EACH(i, n)
        add(&sum, &carry, fabs(load(x, i, n)));
    leave(total(sum, sums), slot, accumulate);
}

/* m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; x -= step m / (root sqrt(v) + epsilon).
 */
__kernel GROUP(LANES, 1) void adam(__global float *x, ulong x_at, __global const float *g,
                                   ulong g_at, __global float *m, ulong m_at, __global float *v,
                                   ulong v_at, float step, float root, float beta1, float beta2,
                                   float epsilon, ulong n) {
    x += x_at, g += g_at, m += m_at, v += v_at;
    EACH(i, n) {
        const vec gradient = load(g, i, n);
        const vec mean = beta1 * load(m, i, n) + (1 - beta1) * gradient;
        const vec square = beta2 * load(v, i, n) + (1 - beta2) * gradient * gradient;
        store(mean, m, i, n);
        store(square, v, i, n);
        store(load(x, i, n) - step * mean / (root * sqrt(square) + epsilon), x, i, n);
    }
}
