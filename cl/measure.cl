/* SPDX-License-Identifier: MIT
 *
 * The device's peak of multiply-adds, for `bench`. (The peak of bandwidth is measured with `copy`.)
 */

#define CHAINS 12 /* independent multiply-adds, which hide the latency of one */

/* CHAINS n multiply-adds of a vec for each work-item: x = a x + b, n times, from different start
 * values. The sum goes to y, one float a work-item, so that no compiler removes them. Grid: any
 * number of work-items. */
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
