/* SPDX-License-Identifier: MIT
 *
 * Pooling, 2 x 2 with stride 2, and its gradient. The units of x are h x w positions of `width`
 * floats: 16 for wide maps, else 1. (With 1 the wide class uses one lane of its vectors; only
 * pictures are like that.) Rows and columns of x that fill no window are dropped, and their
 * gradient is 0.
 */

#if BLOCK == 16
#define POOL_GROUP GROUP(1, 1)
#else
#define POOL_GROUP GROUP(64, 1)
#endif

/* The kinds of imp_pooling in impasto.h, and IMP_POOL_L2_SCALE of backend/ops.h. */
enum { POOL_MAX, POOL_AVERAGE, POOL_TWICE, POOL_L2 };
#define POOL_L2_SCALE 0.78f

static inline vec pool_root(vec a, vec b, vec c, vec d) {
    return sqrt((a * a + b * b) + (c * c + d * d));
}

/* y[r,q] = the pooling of x[2r..2r+1, 2q..2q+1]: MAX, AVERAGE, TWICE (twice the average), L2
 * (POOL_L2_SCALE times the root of the sum of squares). Grid: columns of y (wide: 1) x rows of y x
 * units. */
__kernel POOL_GROUP void pool(__global float *y, ulong y_at, __global const float *x, ulong x_at,
                              int h, int w, int width, int kind) {
    const ulong row = (ulong)w * width, unit = get_global_id(2), r = get_global_id(1);
    y += y_at + (unit * (h / 2) + r) * (w / 2) * width;
    x += x_at + (unit * h + 2 * r) * row;
    for (ulong q = get_global_id(0) * width; q < (ulong)(w / 2) * width;
         q += get_global_size(0) * width) {
        const ulong i = 2 * q, j = i + width;
        const vec a = load(x, i, j), b = load(x, j, j + width);
        const vec c = load(x, i + row, j + row), d = load(x, j + row, j + width + row);
        vec result = pool_window(a, b, c, d, kind == POOL_AVERAGE);
        if (kind == POOL_L2)
            result = POOL_L2_SCALE * pool_root(a, b, c, d);
        else if (kind == POOL_TWICE)
            result = 0.5f * ((a + b) + (c + d));
        store(result, y, q, q + width);
    }
}

/* MAX: dx = dy at the first maximum of x in the window, row by row, else 0. AVERAGE, TWICE: dx = dy
 * / 4, dy / 2. L2: dx = POOL_L2_SCALE dy x / root, 0 where the root is 0. Grid: windows, partial
 * ones included: columns (wide: 1) x rows x units. */
__kernel POOL_GROUP void pool_grad(__global float *dx, ulong dx_at, __global const float *dy,
                                   ulong dy_at, __global const float *x, ulong x_at, int h, int w,
                                   int width, int kind) {
    const ulong row = (ulong)w * width, unit = get_global_id(2), r = get_global_id(1);
    const int two_rows = r < (ulong)h / 2;
    dx += dx_at + (unit * h + 2 * r) * row;
    x += x_at + (unit * h + 2 * r) * row;
    dy += dy_at + (unit * (h / 2) + min(r, (ulong)max(h / 2 - 1, 0))) * (w / 2) * width;
    for (ulong q = get_global_id(0) * width; 2 * q < row; q += get_global_size(0) * width) {
        const ulong i = 2 * q, j = i + width;
        const int two_columns = j < row;
        vec rest = 0.0f, second = 0.0f, third = 0.0f, fourth = 0.0f;
        if (two_rows && two_columns) {
            rest = load(dy, q, q + width);
            const vec a = load(x, i, j), b = load(x, j, j + width);
            const vec c = load(x, i + row, j + row), d = load(x, j + row, j + width + row);
            if (kind == POOL_L2) {
                const vec root = pool_root(a, b, c, d), none = 0.0f;
                const vec by = select(none, POOL_L2_SCALE * rest / root, root > none);
                rest = by * a, second = by * b, third = by * c, fourth = by * d;
            } else if (kind != POOL_MAX) {
                rest *= kind == POOL_AVERAGE ? 0.25f : 0.5f;
                second = third = fourth = rest;
            } else {
                const vec ab = pool_maximum(a, b), abc = pool_maximum(ab, c), zero = 0.0f;
                fourth = select(zero, rest, d > abc);
                rest = select(rest, zero, d > abc);
                third = select(zero, rest, c > ab);
                rest = select(rest, zero, c > ab);
                second = select(zero, rest, b > a);
                rest = select(rest, zero, b > a);
            }
        }
        store(rest, dx, i, j);
        if (two_columns)
            store(second, dx, j, j + width);
        if (2 * r + 1 < (ulong)h) {
            store(third, dx, i + row, j + row);
            if (two_columns)
                store(fourth, dx, j + row, j + width + row);
        }
    }
}
