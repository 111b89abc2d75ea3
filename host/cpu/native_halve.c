/* SPDX-License-Identifier: MIT
 *
 * Halving of a picture and its adjoint on the cpu backend. One chunk of work is a row of the
 * result.
 */
#include <assert.h>

#include "cpu/native.h"

struct halve {
    imp_tensor y, x; /* the result, and what it is made of */
};

/* (a + 3 b + 3 c + d) / 8 */
static float filter(float a, float b, float c, float d) {
    return 0.125F * (a + d) + 0.375F * (b + c);
}

static void halve_row(void *context, size_t row, unsigned worker) {
    (void)worker;
    const struct halve *job = context;
    const imp_tensor x = job->x, y = job->y;
    const size_t p = row % y.h;
    const float *plane = imp_native_floats(x) + row / y.h * x.h * x.w, *rows[4];
    float *out = imp_native_floats(y) + row * y.w;
    for (size_t k = 0; k < 4; k++)
        rows[k] = plane + (2 * p + k == 0 ? 0 : imp_min(2 * p + k - 1, x.h - 1)) * x.w;
    for (size_t q = 0; q < y.w; q++) {
        const size_t before = q ? 2 * q - 1 : 0, behind = imp_min(2 * q + 2, x.w - 1);
        float line[4];
        for (size_t k = 0; k < 4; k++)
            line[k] = filter(rows[k][before], rows[k][2 * q], rows[k][2 * q + 1], rows[k][behind]);
        out[q] = filter(line[0], line[1], line[2], line[3]);
    }
}

/* Which outputs read position i of a side of n, and by which weights: `near` with 3/8, where there
 * is one, and `far` with 1/8. At a border an output reads i for the position beyond, too. */
struct readers {
    size_t near, far;
    float near_weight, far_weight;
};

static struct readers readers_of(size_t i, size_t n) {
    const size_t half = n / 2, near = i / 2;
    const size_t far = i % 2 ? near + 1 : near - 1; /* of 0: wraps, so it is beyond */
    const bool border = i == 0 || (i + 1 == n && n % 2 == 0);
    struct readers r = {0};
    if (near < half)
        r.near = near, r.near_weight = border ? 0.5F : 0.375F;
    if (far < half)
        r.far = far, r.far_weight = 0.125F;
    return r;
}

static void halve_grad_row(void *context, size_t row, unsigned worker) {
    (void)worker;
    const struct halve *job = context;
    const imp_tensor dy = job->x, dx = job->y;
    const float *plane = imp_native_floats(dy) + row / dx.h * dy.h * dy.w;
    float *out = imp_native_floats(dx) + row * dx.w;
    const struct readers r = readers_of(row % dx.h, dx.h);
    const float *near = plane + r.near * dy.w, *far = plane + r.far * dy.w;
    for (size_t j = 0; j < dx.w; j++) {
        const struct readers s = readers_of(j, dx.w);
        out[j] = s.near_weight * (r.near_weight * near[s.near] + r.far_weight * far[s.near]) +
                 s.far_weight * (r.near_weight * near[s.far] + r.far_weight * far[s.far]);
    }
}

imp_status imp_native_halve(imp_device *d, imp_tensor y, imp_tensor x) {
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2 && x.layout == IMP_PLANES);
    struct halve job = {.y = y, .x = x};
    imp_threads_run(imp_native_of(d)->threads, y.c * y.h, halve_row, &job);
    return IMP_OK;
}

imp_status imp_native_halve_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2 && dx.layout == IMP_PLANES);
    struct halve job = {.y = dx, .x = dy};
    imp_threads_run(imp_native_of(d)->threads, dx.c * dx.h, halve_grad_row, &job);
    return IMP_OK;
}
