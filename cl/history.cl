/* SPDX-License-Identifier: MIT
 *
 * What L-BFGS computes from its history: vectors of n floats that begin `step` floats apart.
 */

/* Elements that a work-item of the wide class takes through all vectors at a time. */
#define MIX_PIECE 2048

/* For each vector v_k: partial sum p of slot 2 k of by_x = [that +] v_k . x, and of slot 2 k of
 * by_y = [that +] v_k . y, over the p-th of PARTIALS stretches. Grid: groups: vectors x PARTIALS,
 * so that groups that share a stretch of x and y are neighbours. The sums are not compensated: a
 * lane adds n / (PARTIALS VEC LANES) terms at most. */
__kernel GROUP(LANES, 1) void dots(__global const float *v, ulong v_at, ulong step,
                                   __global const float *x, ulong x_at, __global const float *y,
                                   ulong y_at, __global float *by_x, ulong by_x_at,
                                   __global float *by_y, ulong by_y_at, int accumulate, ulong n) {
    const ulong p = get_group_id(1),
                stretch = ((n + PARTIALS - 1) / PARTIALS + VEC - 1) / VEC * VEC;
    const ulong first = min(n, p * stretch), last = min(n, first + stretch);
    v += v_at + get_group_id(0) * step, x += x_at, y += y_at;
    LANE_SUMS(sums);
    vec with_x = 0, with_y = 0;
    for (ulong i = first + get_local_id(0) * VEC; i < last; i += LANES * VEC) {
        const vec value = load(v, i, last);
        with_x += value * load(x, i, last);
        with_y += value * load(y, i, last);
    }
    const float of_x = total(with_x, sums);
#if LANES > 1
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    const float of_y = total(with_y, sums);
    if (get_local_id(0) == 0) {
        by_x += by_x_at + 2 * get_group_id(0) * PARTIALS + p;
        by_y += by_y_at + 2 * get_group_id(0) * PARTIALS + p;
        *by_x = accumulate ? *by_x + of_x : of_x;
        *by_y = accumulate ? *by_y + of_y : of_y;
    }
}

/* z = a x + the sum over k of factors[k] v_k, for `count` vectors; those with a factor of 0 are not
 * read. z may be x. Grid: any number of work-items. */
__kernel GROUP(LANES,
               1) void mix_of(__global float *z, ulong z_at, float a, __global const float *x,
                              ulong x_at, __global const float *factors, ulong factors_at,
                              __global const float *v, ulong v_at, ulong step, int count, ulong n) {
    z += z_at, x += x_at, factors += factors_at, v += v_at;
#if LANES > 1
    EACH(i, n) {
        float sum = a * x[i];
        for (int k = 0; k < count; k++)
            if (factors[k] != 0)
                sum += factors[k] * v[k * step + i];
        z[i] = sum;
    }
#else
    const ulong items = get_global_size(0), pieces = (n + MIX_PIECE - 1) / MIX_PIECE;
    for (ulong piece = get_global_id(0); piece < pieces; piece += items) {
        const ulong first = piece * MIX_PIECE, last = min(n, first + MIX_PIECE);
        for (ulong i = first; i < last; i += VEC)
            store(a * load(x, i, last), z, i, last);
        for (int k = 0; k < count; k++) {
            const float factor = factors[k];
            if (factor != 0)
                for (ulong i = first; i < last; i += VEC)
                    store(load(z, i, last) + factor * load(v + k * step, i, last), z, i, last);
        }
    }
#endif
}
