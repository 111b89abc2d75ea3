/* SPDX-License-Identifier: MIT
 *
 * The passes of L-BFGS over its history in the cpu backend. A piece of the vectors that stays in
 * the cache is combined with all of them before the next piece.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native.h"

enum { PIECE = 2048 }; /* floats: of z and a vector, half of a first-level cache */

struct history {
    const imp_vector_kernels *kernels;
    const imp_tensor *vectors;
    size_t n, count; /* vectors; floats in each */
    const float *x, *y, *factors;
    float a, *z, *slots;
};

/* Span `span` of all vectors: partial sum `span` of each slot. */
static void dots_span(void *context, size_t span, unsigned worker) {
    (void)worker;
    const struct history *job = context;
    const size_t units = imp_over(job->count, IMP_BLOCK);
    const size_t at = imp_min(units * span / IMP_PARTIALS * IMP_BLOCK, job->count);
    const size_t n = imp_min(units * (span + 1) / IMP_PARTIALS * IMP_BLOCK, job->count) - at;
    for (size_t k = 0; k < job->n; k++) {
        const float *vector = imp_native_floats(job->vectors[k]) + at;
        float *partial = job->slots + 2 * k * IMP_PARTIALS + span;
        partial[0] = (float)job->kernels->dot(vector, job->x + at, n);
        partial[IMP_PARTIALS] = (float)job->kernels->dot(vector, job->y + at, n);
    }
}

imp_status imp_native_dots(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n,
                           imp_tensor x, imp_tensor y) {
    imp_native *native = imp_native_of(d);
    assert(imp_native_alike(x, y) && (n == 0 || imp_native_alike(x, vectors[0])));
    assert(x.layout == IMP_PLANES && out.i + 2 * n <= out.scalars.c);
    struct history job = {.kernels = native->kernels->vector,
                          .vectors = vectors,
                          .n = n,
                          .count = imp_native_count(x),
                          .x = imp_native_floats(x),
                          .y = imp_native_floats(y),
                          .slots = imp_native_floats(out.scalars) + out.i * IMP_PARTIALS};
    imp_threads_run(native->threads, IMP_PARTIALS, dots_span, &job);
    return IMP_OK;
}

static void mix_piece(void *context, size_t piece, unsigned worker) {
    (void)worker;
    const struct history *job = context;
    const size_t at = piece * PIECE, n = imp_min(PIECE, job->count - at);
    float *z = job->z + at;
    job->kernels->combine(z, job->a, job->x + at, 0, job->x + at, n);
    for (size_t k = 0; k < job->n; k++)
        if (job->factors[k] != 0)
            job->kernels->axpy(z, job->factors[k], imp_native_floats(job->vectors[k]) + at, n);
}

imp_status imp_native_mix(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                          const imp_tensor *vectors, size_t n) {
    imp_native *native = imp_native_of(d);
    assert(imp_native_alike(z, x) && (n == 0 || imp_native_alike(z, vectors[0])));
    assert(z.layout == IMP_PLANES && factors.w >= n);
    struct history job = {.kernels = native->kernels->vector,
                          .vectors = vectors,
                          .n = n,
                          .count = imp_native_count(z),
                          .x = imp_native_floats(x),
                          .factors = imp_native_floats(factors),
                          .a = a,
                          .z = imp_native_floats(z)};
    imp_threads_run(native->threads, imp_over(job.count, PIECE), mix_piece, &job);
    return IMP_OK;
}
