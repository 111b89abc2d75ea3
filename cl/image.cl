/* SPDX-License-Identifier: MIT
 *
 * From the picture to the network's input: three planes of m floats each, which may lie in
 * different buffers. Grids: any number of work-items.
 */

/* y_r = m_r . (x_0, x_1, x_2, 1) for r = 0, 1, 2. */
__kernel GROUP(LANES, 1) void affine(__global float *y0, ulong y0_at, __global float *y1,
                                     ulong y1_at, __global float *y2, ulong y2_at,
                                     __global const float *x0, ulong x0_at,
                                     __global const float *x1, ulong x1_at,
                                     __global const float *x2, ulong x2_at, float4 m0, float4 m1,
                                     float4 m2, ulong m) {
    y0 += y0_at, y1 += y1_at, y2 += y2_at;
    x0 += x0_at, x1 += x1_at, x2 += x2_at;
    EACH(i, m) {
        const vec a = load(x0, i, m), b = load(x1, i, m), c = load(x2, i, m);
        store(m0.x * a + m0.y * b + m0.z * c + m0.w, y0, i, m);
        store(m1.x * a + m1.y * b + m1.z * c + m1.w, y1, i, m);
        store(m2.x * a + m2.y * b + m2.z * c + m2.w, y2, i, m);
    }
}

/* dx_c += sum_r m_r[c] dy_r for c = 0, 1, 2. */
__kernel GROUP(LANES, 1) void affine_grad(__global float *dx0, ulong dx0_at, __global float *dx1,
                                          ulong dx1_at, __global float *dx2, ulong dx2_at,
                                          __global const float *dy0, ulong dy0_at,
                                          __global const float *dy1, ulong dy1_at,
                                          __global const float *dy2, ulong dy2_at, float4 m0,
                                          float4 m1, float4 m2, ulong m) {
    dx0 += dx0_at, dx1 += dx1_at, dx2 += dx2_at;
    dy0 += dy0_at, dy1 += dy1_at, dy2 += dy2_at;
    EACH(i, m) {
        const vec a = load(dy0, i, m), b = load(dy1, i, m), c = load(dy2, i, m);
        store(load(dx0, i, m) + (m0.x * a + m1.x * b + m2.x * c), dx0, i, m);
        store(load(dx1, i, m) + (m0.y * a + m1.y * b + m2.y * c), dx1, i, m);
        store(load(dx2, i, m) + (m0.z * a + m1.z * b + m2.z * c), dx2, i, m);
    }
}
