/* SPDX-License-Identifier: MIT
 *
 * Matching: maps on another grid, angles between columns, and the nearest of vectors
 * (backend/operations.def: regrid, regrid_grad, angle, nearest).
 */

/* Positions first .. end - 1 of a side of `from`, whose mean is position p of a side of `to`; with
 * the sides swapped, the means that a position is in. */
static inline uint range_first(uint p, uint from, uint to) {
    return (ulong)p * from / to;
}

static inline uint range_end(uint p, uint from, uint to) {
    return ((ulong)(p + 1) * from + to - 1) / to;
}

static inline uint range_length(uint p, uint from, uint to) {
    return range_end(p, from, to) - range_first(p, from, to);
}

/* y = the means of x, for units of y, yh x yw, and of x, h x w. Grid: work-items that share the
 * positions of y x units. */
__kernel GROUP(LANES, 1) void regrid(__global float *y, ulong y_at, __global const float *x,
                                     ulong x_at, uint yh, uint yw, uint h, uint w) {
    const ulong unit = get_global_id(1), n = (ulong)h * w * BLOCK, m = (ulong)yh * yw;
    y += y_at + unit * m * BLOCK, x += x_at + unit * n;
    for (ulong k = get_global_id(0); k < m; k += get_global_size(0)) {
        const uint p = k / yw, q = k % yw;
        vec sum = 0;
        for (uint i = range_first(p, h, yh); i < range_end(p, h, yh); i++)
            for (uint j = range_first(q, w, yw); j < range_end(q, w, yw); j++)
                sum += load(x, ((ulong)i * w + j) * VEC, n);
        store(sum / (float)(range_length(p, h, yh) * range_length(q, w, yw)), y, k * VEC,
              m * BLOCK);
    }
}

/* dx += the adjoint of that, for units of dx, h x w, and of dy, yh x yw. Grid: work-items that
 * share the positions of dx x units. */
__kernel GROUP(LANES, 1) void regrid_grad(__global float *dx, ulong dx_at, __global const float *dy,
                                          ulong dy_at, uint yh, uint yw, uint h, uint w) {
    const ulong unit = get_global_id(1), n = (ulong)h * w, m = (ulong)yh * yw * BLOCK;
    dx += dx_at + unit * n * BLOCK, dy += dy_at + unit * m;
    for (ulong k = get_global_id(0); k < n; k += get_global_size(0)) {
        const uint i = k / w, j = k % w;
        vec sum = 0;
        for (uint p = range_first(i, yh, h); p < range_end(i, yh, h); p++)
            for (uint q = range_first(j, yw, w); q < range_end(j, yw, w); q++)
                sum += load(dy, ((ulong)p * yw + q) * VEC, m) /
                       (float)(range_length(p, h, yh) * range_length(q, w, yw));
        store(load(dx, k * VEC, n * BLOCK) + sum, dx, k * VEC, n * BLOCK);
    }
}

#if BLOCK == 16
#define ALL_LANES(v) lane_sum(v)
#else
#define ALL_LANES(v) (v)
#endif

/* products[p] = [that +] sum_c f t, squares[p] = [that +] sum_c f^2, for `units` units of m
 * positions. Grid: any number of work-items. */
__kernel GROUP(LANES, 1) void angle_sums(__global float *products, ulong products_at,
                                         __global float *squares, ulong squares_at,
                                         __global const float *f, ulong f_at,
                                         __global const float *t, ulong t_at, ulong m, uint units,
                                         int add_up) {
    const ulong n = m * BLOCK;
    products += products_at, squares += squares_at, f += f_at, t += t_at;
    for (ulong p = get_global_id(0); p < m; p += get_global_size(0)) {
        vec product = 0, square = 0;
        for (uint u = 0; u < units; u++) {
            const vec v = load(f + u * n, p * VEC, n);
            product += v * load(t + u * n, p * VEC, n);
            square += v * v;
        }
        const float d = ALL_LANES(product), s = ALL_LANES(square);
        products[p] = add_up ? products[p] + d : d;
        squares[p] = add_up ? squares[p] + s : s;
    }
}

/* From these sums, in their places: along = weight d / n^3, pull = -weight / n, and slot = weight
 * sum_p (1 - d / n), n = sqrt(squares + epsilon). Grid: PARTIALS groups. */
__kernel GROUP(LANES, 1) void angle(__global float *along, ulong along_at, __global float *pull,
                                    ulong pull_at, __global float *slot, ulong slot_at, ulong m,
                                    float weight, float epsilon) {
#if BLOCK != 16
    LANE_SUMS(sums);
#endif
    along += along_at, pull += pull_at;
    float loss = 0, carry = 0;
    for (ulong p = get_global_id(0); p < m; p += get_global_size(0)) {
        const float square = pull[p] + epsilon, n = sqrt(square), cosine = along[p] / n;
        const float term = (1 - cosine) - carry, next = loss + term;
        carry = (next - loss) - term;
        loss = next;
        along[p] = weight * (cosine / square);
        pull[p] = -weight / n;
    }
#if BLOCK == 16
    leave(weight * loss, slot + slot_at, 0);
#else
    leave(weight * total(loss, sums), slot + slot_at, 0);
#endif
}

/* Where the largest of `channels` scores is above best, it becomes best, and index = first + its
 * channel. Grid: any number of work-items, which share the m positions. */
__kernel GROUP(LANES, 1) void nearest(__global float *best, ulong best_at, __global float *index,
                                      ulong index_at, __global const float *scores, ulong scores_at,
                                      ulong m, uint channels, uint first) {
    best += best_at, index += index_at, scores += scores_at;
    for (ulong p = get_global_id(0); p < m; p += get_global_size(0)) {
        float most = best[p], found = index[p];
        for (uint c = 0; c < channels; c++) {
            const float score = scores[(c / BLOCK * m + p) * BLOCK + c % BLOCK];
            found = score > most ? (float)(first + c) : found;
            most = score > most ? score : most;
        }
        best[p] = most;
        index[p] = found;
    }
}
