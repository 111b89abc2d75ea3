/* SPDX-License-Identifier: MIT
 *
 * Elementwise operations and reductions of the cpu backend: vectors, optimiser updates, the entry
 * to the network, content and total variation. All are divided into IMP_PARTIALS spans. Span i
 * writes partial sum i.
 */
#include <assert.h>
#include <math.h>

#include "cpu/native.h"

enum { SMALL = 1 << 14 }; /* fewer floats are not worth waking other threads */

/* One operation on spans of floats. Its span function decides what the fields mean. */
struct spans {
    const imp_vector_kernels *kernels;
    void (*work)(const struct spans *job, size_t begin, size_t n, float *partial);
    size_t count, unit; /* of all spans together, in units of `unit` floats */
    float *out, *m, *v;
    const float *x, *y;
    float a, b;
    const void *more;
    float *partials; /* NULL: no sums */
};

static void do_span(void *context, size_t span, unsigned worker) {
    (void)worker;
    const struct spans *job = context;
    const size_t units = imp_over(job->count, job->unit);
    const size_t from = units * span / IMP_PARTIALS * job->unit;
    const size_t to = imp_min(units * (span + 1) / IMP_PARTIALS * job->unit, job->count);
    float none;
    float *partial = job->partials ? job->partials + span : &none;
    *partial = 0;
    if (from < to)
        job->work(job, from, to - from, partial);
}

static void do_all(void *context, size_t chunk, unsigned worker) {
    (void)chunk;
    for (size_t span = 0; span < IMP_PARTIALS; span++)
        do_span(context, span, worker);
}

/* unit: spans begin at its multiples. */
static imp_status run(imp_device *d, struct spans *job, size_t count, size_t unit) {
    imp_native *n = imp_native_of(d);
    job->kernels = n->kernels->vector;
    job->count = count;
    job->unit = unit;
    if (count < SMALL)
        imp_threads_run(n->threads, 1, do_all, job);
    else
        imp_threads_run(n->threads, IMP_PARTIALS, do_span, job);
    return IMP_OK;
}

static float *partials_of(imp_slot slot) {
    return slot.scalars.memory ? imp_native_floats(slot.scalars) + slot.i * IMP_PARTIALS : NULL;
}

/* ---- vectors ---- */

static void fill_span(const struct spans *job, size_t at, size_t n, float *partial) {
    (void)partial;
    for (size_t i = 0; i < n; i++)
        job->out[at + i] = job->a;
}

imp_status imp_native_fill(imp_device *d, imp_tensor x, float value) {
    struct spans job = {.work = fill_span, .out = imp_native_floats(x), .a = value};
    run(d, &job, imp_native_count(x), IMP_BLOCK);
    imp_native_seal(x);
    return IMP_OK;
}

static void combine_span(const struct spans *job, size_t at, size_t n, float *partial) {
    (void)partial;
    job->kernels->combine(job->out + at, job->a, job->x + at, job->b, job->y + at, n);
}

imp_status imp_native_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, float b,
                              imp_tensor y) {
    assert(imp_native_alike(z, x) && imp_native_alike(z, y));
    struct spans job = {.work = combine_span,
                        .out = imp_native_floats(z),
                        .x = imp_native_floats(x),
                        .y = imp_native_floats(y),
                        .a = a,
                        .b = b};
    run(d, &job, imp_native_count(z), IMP_BLOCK);
    imp_native_seal(z); /* for factors that are not finite */
    return IMP_OK;
}

static void clamp_span(const struct spans *job, size_t at, size_t n, float *partial) {
    (void)partial;
    job->kernels->clamp(job->out + at, job->a, job->b, n);
}

imp_status imp_native_clamp(imp_device *d, imp_tensor x, float lo, float hi) {
    struct spans job = {.work = clamp_span, .out = imp_native_floats(x), .a = lo, .b = hi};
    run(d, &job, imp_native_count(x), IMP_BLOCK);
    imp_native_seal(x);
    return IMP_OK;
}

static void dot_span(const struct spans *job, size_t at, size_t n, float *partial) {
    *partial = (float)job->kernels->dot(job->x + at, job->y + at, n);
}

imp_status imp_native_dot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y) {
    assert(imp_native_alike(x, y));
    struct spans job = {.work = dot_span,
                        .x = imp_native_floats(x),
                        .y = imp_native_floats(y),
                        .partials = partials_of(out)};
    return run(d, &job, imp_native_count(x), IMP_BLOCK);
}

static void norm1_span(const struct spans *job, size_t at, size_t n, float *partial) {
    *partial = (float)job->kernels->norm1(job->x + at, n);
}

imp_status imp_native_norm1(imp_device *d, imp_slot out, imp_tensor x) {
    struct spans job = {
        .work = norm1_span, .x = imp_native_floats(x), .partials = partials_of(out)};
    return run(d, &job, imp_native_count(x), IMP_BLOCK);
}

static double value_of(imp_slot slot) {
    const float *partials = partials_of(slot);
    double sum = 0;
    for (size_t i = 0; partials && i < IMP_PARTIALS; i++)
        sum += (double)partials[i];
    return partials ? sum : 1;
}

imp_status imp_native_rescale(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                              float power, imp_tensor x, bool add) {
    const double factor = (double)a * pow(value_of(by) + (double)epsilon, (double)power);
    return imp_native_combine(d, y, (float)factor, x, add ? 1 : 0, add ? y : x);
}

static void adam_span(const struct spans *job, size_t at, size_t n, float *partial) {
    (void)partial;
    job->kernels->adam(job->out + at, job->x + at, job->m + at, job->v + at, job->more, n);
}

imp_status imp_native_adam(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                           const imp_adam *p) {
    assert(imp_native_alike(x, g) && imp_native_alike(x, m) && imp_native_alike(x, v));
    struct spans job = {.work = adam_span,
                        .out = imp_native_floats(x),
                        .x = imp_native_floats(g),
                        .m = imp_native_floats(m),
                        .v = imp_native_floats(v),
                        .more = p};
    run(d, &job, imp_native_count(x), IMP_BLOCK);
    imp_native_seal(x); /* for an epsilon of 0 */
    return IMP_OK;
}

/* ---- content ---- */

static void content_span(const struct spans *job, size_t at, size_t n, float *partial) {
    *partial =
        job->b * (float)job->kernels->content(job->out + at, job->x + at, job->y + at, job->a, n);
}

imp_status imp_native_content(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f,
                              imp_tensor p, float weight) {
    assert(imp_native_alike(df, f) && imp_native_alike(p, f));
    struct spans job = {.work = content_span,
                        .out = imp_native_floats(df),
                        .x = imp_native_floats(f),
                        .y = imp_native_floats(p),
                        .a = 2 * weight,
                        .b = weight,
                        .partials = partials_of(loss)};
    return run(d, &job, imp_native_count(f), IMP_BLOCK);
}

/* ---- total variation ---- */

struct variation {
    size_t h, w;
    imp_tv_form form;
};

/* Adds the gradient of one row to d; returns the sum of its differences to the right and downwards.
 */
static double row_variation(const struct spans *job, size_t row) {
    const struct variation *tv = job->more;
    const imp_vector_kernels *k = job->kernels;
    const size_t w = tv->w, p = row % tv->h;
    const float *x = job->x + row * w;
    float *d = job->out + row * w;
    double sum = k->variation(x + 1, x, tv->form, w - 1);
    k->slope(d, x, x + 1, tv->form, job->a, w - 1);
    k->slope(d + 1, x + 1, x, tv->form, job->a, w - 1);
    if (p + 1 < tv->h) {
        sum += k->variation(x + w, x, tv->form, w);
        k->slope(d, x, x + w, tv->form, job->a, w);
    }
    if (p > 0)
        k->slope(d, x, x - w, tv->form, job->a, w);
    return sum;
}

static void tv_span(const struct spans *job, size_t at, size_t n, float *partial) {
    double sum = 0;
    for (size_t row = at / job->unit; row < (at + n) / job->unit; row++)
        sum += row_variation(job, row);
    *partial = (float)((double)job->a * sum);
}

imp_status imp_native_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                         imp_tv_form form, float weight) {
    assert(imp_native_alike(dx, x) && x.layout == IMP_PLANES);
    if (form == IMP_TV_NEIGHBOURS)
        return imp_native_neighbours(d, dx, loss, x, weight);
    const struct variation tv = {x.h, x.w, form};
    struct spans job = {.work = tv_span,
                        .out = imp_native_floats(dx),
                        .x = imp_native_floats(x),
                        .a = weight,
                        .more = &tv,
                        .partials = partials_of(loss)};
    return run(d, &job, x.c * x.h * x.w, x.w);
}

/* ---- entry ---- */

static void affine_span(const struct spans *job, size_t at, size_t n, float *partial) {
    (void)partial;
    job->kernels->affine(job->out + at, job->x + at, job->more, job->b != 0, job->count, n);
}

static imp_status run_affine(imp_device *d, imp_tensor to, imp_tensor from, const imp_affine *a,
                             bool add) {
    assert(to.c == 3 && imp_native_alike(to, from) && to.layout == IMP_PLANES);
    struct spans job = {.work = affine_span,
                        .out = imp_native_floats(to),
                        .x = imp_native_floats(from),
                        .b = add,
                        .more = a};
    return run(d, &job, to.h * to.w, IMP_BLOCK);
}

imp_status imp_native_affine(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a) {
    return run_affine(d, y, x, a, false);
}

imp_status imp_native_affine_grad(imp_device *d, imp_tensor dx, imp_tensor dy,
                                  const imp_affine *a) {
    imp_affine transposed = {0};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            transposed.m[i][j] = a->m[j][i];
    return run_affine(d, dx, dy, &transposed, true);
}
