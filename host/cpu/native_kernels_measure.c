/* SPDX-License-Identifier: MIT
 *
 * The peak of multiply-adds with one instruction set.
 */
#include "cpu/native_simd.h"

enum { CHAINS = 12 }; /* independent multiply-adds, which hide the latency of one */

static void multiply(float *sum, float a, size_t n) {
    const vec factor = splat(a), term = splat(1 - a);
    vec x[CHAINS];
    UNROLL
        for (size_t k = 0; k < CHAINS; k++)
            x[k] = splat((float)k);
    for (size_t i = 0; i < n; i++) {
        UNROLL
            for (size_t k = 0; k < CHAINS; k++)
                x[k] = factor * x[k] + term;
    }
    vec all = splat(0);
    UNROLL
        for (size_t k = 0; k < CHAINS; k++)
            all += x[k];
    *sum = 0;
    for (size_t l = 0; l < LANES; l++)
        *sum += all[l];
}

const imp_measure_kernels IMP_KERNEL(measure_kernels) = {
    .multiply = multiply,
    .flop = 2 * CHAINS * LANES,
};
