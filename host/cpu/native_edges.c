/* SPDX-License-Identifier: MIT
 *
 * The edges of a picture on the cpu backend. A chunk of work is a share of the rows.
 */
#include <assert.h>

#include "cpu/native.h"

struct edges {
    imp_tensor dx, e, x, target;
    float weight;
    float *partials;
};

/* A row of a plane, and the rows above and below it; at the border the row itself. */
struct rows {
    const float *up, *here, *down;
};

static struct rows rows_of(const float *plane, size_t row, size_t h, size_t w) {
    const float *here = plane + row * w;
    return (struct rows){row > 0 ? here - w : here, here, row + 1 < h ? here + w : here};
}

/* The Laplacian at position q, between positions left and right, of which one is q at the border.
 */
static inline float laplacian(const struct rows *r, size_t left, size_t q, size_t right) {
    const float here = r->here[q];
    return ((here - r->here[left]) + (here - r->here[right])) +
           ((here - r->up[q]) + (here - r->down[q]));
}

/* out = the Laplacians of a row, added to what is there if `add`. */
static void row_laplacians(float *out, const struct rows *r, bool add, size_t w) {
    for (size_t q = 0; q < w; q++) {
        const float l = laplacian(r, q > 0 ? q - 1 : 0, q, q + 1 < w ? q + 1 : q);
        out[q] = add ? out[q] + l : l;
    }
}

static void find_edges(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct edges *job = context;
    const size_t h = job->x.h, w = job->x.w;
    double sum = 0;
    for (size_t row = h * chunk / IMP_PARTIALS; row < h * (chunk + 1) / IMP_PARTIALS; row++) {
        float *e = imp_native_floats(job->e) + row * w, squares = 0;
        for (size_t c = 0; c < 3; c++) {
            const struct rows r = rows_of(imp_native_floats(job->x) + c * h * w, row, h, w);
            row_laplacians(e, &r, c > 0, w);
        }
        for (size_t q = 0; job->target.memory && q < w; q++)
            e[q] -= imp_native_floats(job->target)[row * w + q];
        for (size_t q = 0; q < w; q++) {
            squares += e[q] * e[q];
            if (q % IMP_BLOCK == IMP_BLOCK - 1 || q + 1 == w) {
                sum += (double)squares;
                squares = 0;
            }
        }
    }
    job->partials[chunk] = (float)((double)job->weight * sum);
}

static void add_gradient(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct edges *job = context;
    const size_t h = job->x.h, w = job->x.w;
    for (size_t row = h * chunk / IMP_PARTIALS; row < h * (chunk + 1) / IMP_PARTIALS; row++) {
        const struct rows r = rows_of(imp_native_floats(job->e), row, h, w);
        float *d = imp_native_floats(job->dx) + row * w;
        for (size_t q = 0; q < w; q++) {
            const float slope =
                2 * job->weight * laplacian(&r, q > 0 ? q - 1 : 0, q, q + 1 < w ? q + 1 : q);
            for (size_t c = 0; c < 3; c++)
                d[c * h * w + q] += slope;
        }
    }
}

imp_status imp_native_edges(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor e, imp_tensor x,
                            imp_tensor target, float weight) {
    assert(x.c == 3 && x.layout == IMP_PLANES && e.c == 1 && e.h == x.h && e.w == x.w);
    assert(!dx.memory || imp_native_alike(dx, x));
    struct edges job = {.dx = dx,
                        .e = e,
                        .x = x,
                        .target = target,
                        .weight = weight,
                        .partials = imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS};
    imp_threads *const threads = imp_native_of(d)->threads;
    imp_threads_run(threads, IMP_PARTIALS, find_edges, &job);
    if (dx.memory)
        imp_threads_run(threads, IMP_PARTIALS, add_gradient, &job);
    return IMP_OK;
}
