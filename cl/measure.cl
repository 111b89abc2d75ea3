/* SPDX-License-Identifier: MIT
 *
 * What the device can do at most. Grids: any number of work-items; the host counts.
 */

#define CHAINS 12 /* independent, to cover the latency of one multiply-add */

/* CHAINS * n multiply-adds of a vec for each work-item: x = a x + b, n times, from values that
 * differ; the sum goes to y, one float a work-item, so that no compiler leaves them out. */
__kernel GROUP(LANES, 1) void measure_flops(__global float *y, ulong y_at, float a, uint n) {
    y += y_at;
    const float b = 1 - a;
    vec x[CHAINS];
    UNROLL(k, CHAINS)
        x[k] = (float)(get_global_id(0) + k);
    for (uint i = 0; i < n; i++) {
        UNROLL(k, CHAINS)
            x[k] = a * x[k] + b;
    }
    vec sum = 0;
    UNROLL(k, CHAINS)
        sum += x[k];
#if LANES == 1
    y[get_global_id(0)] = lane_sum(sum);
#else
    y[get_global_id(0)] = sum;
#endif
}
