/* SPDX-License-Identifier: MIT
 *
 * The device's measured roofs: multiply-adds (cl/measure.cl) and memory bandwidth (`copy`).
 */
#include "backend/profile.h"
#include "base/clock.h"
#include "opencl/ocl.h"
#include "opencl/opencl.h"

enum { CHAINS = 12 }; /* as in cl/measure.cl */
enum { COPY_BYTES = 64 << 20, STEP_FLOATS = 1 << 18, TRIES = 3 };
static const double SECONDS = 0.01; /* of a timed run, at least */

typedef struct roof {
    ocl_device *cl;
    ocl_span y, x;
    size_t items, floats; /* work-items that multiply; floats of a copy */
} roof;

/* n rounds of CHAINS multiply-adds. */
static imp_status multiply(const roof *r, size_t n) {
    return ocl_launch(r->cl, measure_flops, grid1(r->items), at(r->y), f32(0.5f), u32(n));
}

/* Copies n STEP_FLOATS floats, as many at once as the buffers hold. */
static imp_status copy(const roof *r, size_t n) {
    for (size_t left = n * STEP_FLOATS, floats; left > 0; left -= floats) {
        floats = left < r->floats ? left : r->floats;
        TRY(ocl_launch(r->cl, copy, ocl_each(r->cl, floats), at(r->y), at(r->x), u64(floats)));
    }
    return IMP_OK;
}

typedef imp_status (*job)(const roof *r, size_t n);

static imp_status time_job(double *seconds, const roof *r, job work, size_t n) {
    const double begin = imp_now();
    TRY(work(r, n));
    TRY(ocl_finish(r->cl));
    *seconds = imp_now() - begin;
    return IMP_OK;
}

/* The best rate, n per second, of TRIES runs, after one run to warm up and some to find n. */
static imp_status best_rate(double *rate, const roof *r, job work) {
    size_t n = 1;
    double seconds = 0;
    *rate = 0;
    TRY(time_job(&seconds, r, work, n));
    TRY(time_job(&seconds, r, work, n));
    while (seconds < SECONDS && n < (size_t)1 << 28) {
        n *= seconds < SECONDS / 16 ? 8 : 2;
        TRY(time_job(&seconds, r, work, n));
    }
    for (int i = 0; i < TRIES; i++) {
        if (seconds > 0 && (double)n / seconds > *rate)
            *rate = (double)n / seconds;
        TRY(time_job(&seconds, r, work, n));
    }
    return IMP_OK;
}

imp_status imp_opencl_measure(imp_device *device, double *gflops, double *gbs) {
    ocl_device *cl = ocl_enter(device, measure);
    const bool wide = cl->class == OCL_WIDE;
    const size_t bytes = cl->chunk < COPY_BYTES ? cl->chunk : COPY_BYTES;
    const size_t items = device->info.units * (wide ? 8 : 4096);
    cl_mem from = NULL, to = NULL;
    double rate = 0;
    imp_status status = ocl_buffer(cl, &from, bytes, NULL);
    if (status == IMP_OK)
        status = ocl_buffer(cl, &to, bytes, NULL);
    const roof r = {cl,
                    {to, 0, 1},
                    {from, 0, 1},
                    items < bytes / 2048 ? items : bytes / 2048,
                    bytes / sizeof(cl_float)};
    *gflops = *gbs = 0;
    if (status == IMP_OK && (status = best_rate(&rate, &r, multiply)) == IMP_OK) {
        *gflops = 2e-9 * CHAINS * (wide ? 16 : 1) * (double)r.items * rate;
        if ((status = best_rate(&rate, &r, copy)) == IMP_OK)
            *gbs = 2e-9 * STEP_FLOATS * sizeof(cl_float) * rate;
    }
    ocl_finish(cl);
    ocl_buffer_release(cl, from, bytes);
    ocl_buffer_release(cl, to, bytes);
    return status;
}
