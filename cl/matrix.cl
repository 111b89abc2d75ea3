/* SPDX-License-Identifier: MIT
 *
 * n x n matrices in rows, the style terms of means and covariances (backend/operations.def:
 * multiply, covariance, transport, means, shift), and rescale, which normalizes gradients.
 */

/* y = alpha a b + beta I. Grid, rounded up: wide: groups (n / 64, n / 4), where a work-item makes 4
 * rows x 64 columns; simt: groups (n / 32, n / 32), where a group makes a square and a work-item 2
 * x 2 of it. */
#if BLOCK == 16
#define MATRIX_ROWS 4
#define MATRIX_VECS 4
__kernel GROUP(1, 1) void multiply(__global float *y, ulong y_at, __global const float *a,
                                   ulong a_at, __global const float *b, ulong b_at, float alpha,
                                   float beta, uint n) {
    y += y_at, a += a_at, b += b_at;
    const uint row = get_global_id(1) * MATRIX_ROWS, column = get_global_id(0) * MATRIX_VECS * 16;
    const bool whole = column + MATRIX_VECS * 16 <= n;
    float16 sum[MATRIX_ROWS][MATRIX_VECS];
    UNROLL(r, MATRIX_ROWS)
        UNROLL(v, MATRIX_VECS)
            sum[r][v] = 0;
    for (uint k = 0; k < n; k++, b += n) {
        float16 line[MATRIX_VECS];
        UNROLL(v, MATRIX_VECS)
            line[v] = whole ? vload16(v, b + column) : load(b, min(column + v * 16, n - 1), n);
        UNROLL(r, MATRIX_ROWS) {
            const float16 factor = a[(ulong)min(row + r, n - 1) * n + k];
            UNROLL(v, MATRIX_VECS)
                sum[r][v] += factor * line[v];
        }
    }
    for (uint r = 0; r < MATRIX_ROWS && row + r < n; r++) {
        __global float *line = y + (ulong)(row + r) * n;
        for (uint v = 0; v < MATRIX_VECS && column + v * 16 < n; v++)
            store(alpha * sum[r][v], line, column + v * 16, n);
        if (row + r >= column && row + r < column + MATRIX_VECS * 16)
            line[row + r] += beta;
    }
}
#else
#define MATRIX_SIDE 32
__kernel GROUP(16, 16) void multiply(__global float *y, ulong y_at, __global const float *a,
                                     ulong a_at, __global const float *b, ulong b_at, float alpha,
                                     float beta, uint n) {
    __local float of_a[16][MATRIX_SIDE + 1], of_b[16][MATRIX_SIDE];
    y += y_at, a += a_at, b += b_at;
    const uint tx = get_local_id(0), ty = get_local_id(1), last = n - 1;
    const uint row = get_group_id(1) * MATRIX_SIDE, column = get_group_id(0) * MATRIX_SIDE;
    float upper_left = 0, upper_right = 0, lower_left = 0, lower_right = 0;
    for (uint k = 0; k < n; k += 16) {
        for (uint side = 0; side < MATRIX_SIDE; side += 16) {
            const float from_a = a[(ulong)min(row + side + ty, last) * n + min(k + tx, last)];
            const float from_b = b[(ulong)min(k + ty, last) * n + min(column + side + tx, last)];
            of_a[tx][side + ty] = k + tx < n ? from_a : 0;
            of_b[ty][side + tx] = k + ty < n ? from_b : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint j = 0; j < 16; j++) {
            const float upper = of_a[j][ty], lower = of_a[j][16 + ty];
            const float left = of_b[j][tx], right = of_b[j][16 + tx];
            upper_left += upper * left;
            upper_right += upper * right;
            lower_left += lower * left;
            lower_right += lower * right;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint side = 0; side < MATRIX_SIDE; side += 16) {
        const uint r = row + side + ty, c = column + tx;
        const float first = alpha * (side ? lower_left : upper_left);
        const float second = alpha * (side ? lower_right : upper_right);
        if (r < n && c < n)
            y[(ulong)r * n + c] = r == c ? first + beta : first;
        if (r < n && c + 16 < n)
            y[(ulong)r * n + c + 16] = r == c + 16 ? second + beta : second;
    }
}
#endif

/* y = factor (scale g - (scale s)(scale s)^T) + shift I. Grid: work-items that share a
 * row x n rows. */
__kernel GROUP(LANES, 1) void covariance(__global float *y, ulong y_at, __global const float *g,
                                         ulong g_at, __global const float *s, ulong s_at,
                                         float scale, float factor, float shift, uint n) {
    const ulong row = get_global_id(1);
    y += y_at + row * n, g += g_at + row * n, s += s_at;
    const float mean = scale * s[row];
    for (ulong j = get_global_id(0) * VEC; j < n; j += get_global_size(0) * VEC) {
        store(factor * (scale * load(g, j, n) - mean * (scale * load(s, j, n))), y, j, n);
        if (row >= j && row < j + VEC)
            y[row] += shift;
    }
}

/* With e = scale s - mean: v = (2 weight scale / n) e - scale (dm s), and slot = weight / n (sum
 * e^2 + trace + tr cov - 2 tr root), with dm, cov and root n x n. Grid: PARTIALS groups, each of
 * which takes every PARTIALS-th row. */
__kernel GROUP(LANES,
               1) void transport(__global float *v, ulong v_at, __global float *slot, ulong slot_at,
                                 __global const float *dm, ulong dm_at, __global const float *cov,
                                 ulong cov_at, __global const float *root, ulong root_at,
                                 __global const float *s, ulong s_at, __global const float *mean,
                                 ulong mean_at, float trace, float scale, float weight, uint n) {
    LANE_SUMS(sums);
    v += v_at, slot += slot_at, dm += dm_at, cov += cov_at, root += root_at;
    s += s_at, mean += mean_at;
    float loss = get_group_id(0) == 0 ? trace : 0;
    for (ulong row = get_group_id(0); row < n; row += PARTIALS) {
        vec sum = 0;
        for (ulong j = get_local_id(0) * VEC; j < n; j += LANES * VEC)
            sum += load(dm + row * n, j, n) * load(s, j, n);
        const float product = total(sum, sums), e = scale * s[row] - mean[row];
        loss += e * e + (cov[row * n + row] - 2 * root[row * n + row]);
        if (get_local_id(0) == 0)
            v[row] = scale * (2 * weight / n * e - product);
#if BLOCK != 16
        barrier(CLK_LOCAL_MEM_FENCE); /* before total() writes sums again */
#endif
    }
    leave(weight / n * loss, slot, 0);
}

/* With e = scale s - mean, e' = metric e or, without a metric, e: v = 2 weight scale e' - scale
 * (dm s), slot = rest + weight sum e e', with dm and metric n x n. Grid: PARTIALS groups, each of
 * which takes every PARTIALS-th row and one of rest's partial sums. */
__kernel GROUP(LANES, 1) void means(__global float *v, ulong v_at, __global float *slot,
                                    ulong slot_at, __global const float *rest, ulong rest_at,
                                    __global const float *dm, ulong dm_at,
                                    __global const float *metric, ulong metric_at, int has_metric,
                                    __global const float *s, ulong s_at, __global const float *mean,
                                    ulong mean_at, float scale, float weight, uint n) {
    LANE_SUMS(sums);
    v += v_at, slot += slot_at, rest += rest_at, dm += dm_at, metric += metric_at;
    s += s_at, mean += mean_at;
    float loss = 0;
    for (ulong row = get_group_id(0); row < n; row += PARTIALS) {
        const float e = scale * s[row] - mean[row];
        vec product = 0, weighed = 0;
        for (ulong j = get_local_id(0) * VEC; j < n; j += LANES * VEC) {
            const vec sum = load(s, j, n);
            product += load(dm + row * n, j, n) * sum;
            if (has_metric)
                weighed += load(metric + row * n, j, n) * (scale * sum - load(mean, j, n));
        }
        const float moved = total(product, sums);
#if BLOCK != 16
        barrier(CLK_LOCAL_MEM_FENCE); /* before total() writes sums again */
#endif
        const float pull = has_metric ? total(weighed, sums) : e;
        loss += e * pull;
        if (get_local_id(0) == 0)
            v[row] = scale * (2 * weight * pull - moved);
#if BLOCK != 16
        barrier(CLK_LOCAL_MEM_FENCE);
#endif
    }
    leave(rest[get_group_id(0)] + weight * loss, slot, 0);
}

/* f[c,p] += v[c], for units of f with `channels` channels and m positions; v begins at their first
 * channel. Grid: work-items that share the positions x units. */
__kernel GROUP(LANES, 1) void shift(__global float *f, ulong f_at, __global const float *v,
                                    ulong v_at, ulong m, uint channels) {
    const ulong unit = get_global_id(1);
    const vec by = load(v + v_at, unit * VEC, channels);
    f += f_at + unit * m * VEC;
    for (ulong p = get_global_id(0) * VEC; p < m * VEC; p += get_global_size(0) * VEC)
        store(load(f, p, m * VEC) + by, f, p, m * VEC);
}

/* y = [y +] a (value + epsilon)^power x, with the value of a slot; y may be x. Grid: any number of
 * work-items; each adds up the slot's partial sums. */
__kernel GROUP(LANES, 1) void rescale(__global float *y, ulong y_at, __global const float *x,
                                      ulong x_at, __global const float *slot, ulong slot_at,
                                      float a, float epsilon, float power, int add_up, ulong n) {
    y += y_at, x += x_at;
    const vec by = a * pow(slot_value(slot + slot_at) + epsilon, power);
    EACH(i, n) {
        const vec scaled = by * load(x, i, n);
        store(add_up ? load(y, i, n) + scaled : scaled, y, i, n);
    }
}
