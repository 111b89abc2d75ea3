/* SPDX-License-Identifier: MIT
 *
 * The style term of the cpu backend in its three steps. The Gram matrix is a sum over positions:
 * they are cut into slices by shape alone, and each slice into runs that are added up in registers;
 * runs add to the slice's own matrix, and these are added in order at the end. Matrices of C x C
 * are worked on by squares of 64 x 64, half of which follow by symmetry.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

enum {
    SQUARE = 4,       /* blocks of channels along a side */
    RUN = 128,        /* positions that registers add up */
    SLICE_MIN = 2048, /* positions of a slice, at least: below, adding matrices costs too much */
    CHUNKS = 128      /* squares of all slices, at least, where there are positions enough */
};

/* ---- accumulate ---- */

struct gram {
    imp_native *n;
    imp_tensor g, s, f;
    bool accumulate;
    size_t side;            /* channels, rounded up to whole blocks */
    size_t squares, slices; /* squares: along a side */
    float *parts;           /* [slice][side][side] and behind them [slice][side], the plain sums */
};

/* Rows i of blocks against columns first .. last, for one run of positions. */
static void add_run(const struct gram *job, float *part, size_t i, size_t first, size_t last,
                    size_t at, size_t count) {
    const size_t m = job->f.h * job->f.w * IMP_BLOCK, group = job->n->kernels->group / IMP_BLOCK;
    const float *f = imp_native_floats(job->f) + at * IMP_BLOCK;
    for (size_t j = first, step; j < last; j += step) {
        step = imp_min(group, last - j);
        job->n->kernels->outer(part + (i * job->side + j) * IMP_BLOCK, job->side, f + i * m,
                               f + j * m, m, count, step == group);
    }
}

/* The number of square (row, column <= row) among those of a triangle, row by row. */
static void square_at(size_t number, size_t *row, size_t *column) {
    *row = 0;
    while (number > *row) {
        number -= *row + 1;
        ++*row;
    }
    *column = number;
}

static void do_square(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct gram *job = context;
    const size_t triangle = job->squares * (job->squares + 1) / 2, slice = chunk / triangle;
    const size_t m = job->f.h * job->f.w, blocks = job->side / IMP_BLOCK;
    size_t row, column;
    square_at(chunk % triangle, &row, &column);
    const size_t i0 = row * SQUARE, i1 = imp_min(i0 + SQUARE, blocks);
    const size_t j0 = column * SQUARE, j1 = imp_min(j0 + SQUARE, blocks);
    float *part = job->parts + slice * job->side * job->side;
    for (size_t r = i0 * IMP_BLOCK; r < i1 * IMP_BLOCK; r++)
        memset(part + r * job->side + j0 * IMP_BLOCK, 0, (j1 - j0) * IMP_BLOCK * sizeof *part);
    const size_t end = m * (slice + 1) / job->slices;
    for (size_t at = m * slice / job->slices; at < end; at += RUN)
        for (size_t i = i0; i < i1; i++)
            add_run(job, part, i, j0, row == column ? i + 1 : j1, at, imp_min(RUN, end - at));
}

/* The sums of one slice over positions. */
static void do_sums(void *context, size_t slice, unsigned worker) {
    (void)worker;
    const struct gram *job = context;
    const size_t m = job->f.h * job->f.w, end = m * (slice + 1) / job->slices;
    float *sums = job->parts + (job->slices * job->side + slice) * job->side;
    memset(sums, 0, job->side * sizeof *sums);
    for (size_t at = m * slice / job->slices; at < end; at += RUN)
        for (size_t i = 0; i < job->side; i += IMP_BLOCK)
            job->n->kernels->sum_pixels(sums + i,
                                        imp_native_floats(job->f) + i * m + at * IMP_BLOCK,
                                        imp_min(RUN, end - at));
}

/* Row r of the matrix from the slices, as far as the diagonal, and by symmetry its column. */
static void finish_row(void *context, size_t r, unsigned worker) {
    (void)worker;
    const struct gram *job = context;
    const size_t c = job->f.c, matrix = job->side * job->side;
    float *g = imp_native_floats(job->g);
    for (size_t k = 0; k <= r; k++) {
        double sum = job->accumulate ? (double)g[r * c + k] : 0;
        for (size_t slice = 0; slice < job->slices; slice++)
            sum += (double)job->parts[slice * matrix + r * job->side + k];
        g[r * c + k] = g[k * c + r] = (float)sum;
    }
    if (!job->s.memory)
        return;
    float *s = imp_native_floats(job->s) + r;
    double sum = job->accumulate ? (double)*s : 0;
    for (size_t slice = 0; slice < job->slices; slice++)
        sum += (double)job->parts[job->slices * matrix + slice * job->side + r];
    *s = (float)sum;
}

imp_status imp_native_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f,
                           bool accumulate) {
    struct gram job = {.n = imp_native_of(d), .g = g, .s = s, .f = f, .accumulate = accumulate};
    assert(f.layout == IMP_MAPS && g.h == f.c && g.w == f.c);
    job.side = imp_native_blocks(f.c) * IMP_BLOCK;
    job.squares = imp_over(job.side, SQUARE * IMP_BLOCK);
    const size_t triangle = job.squares * (job.squares + 1) / 2;
    job.slices = imp_max(1, imp_min(imp_over(CHUNKS, triangle), f.h * f.w / SLICE_MIN));
    job.parts = imp_native_shared(job.n, job.slices * job.side * (job.side + 1));
    if (!job.parts)
        return IMP_ERR_MEMORY;
    imp_threads_run(job.n->threads, triangle * job.slices, do_square, &job);
    if (s.memory)
        imp_threads_run(job.n->threads, job.slices, do_sums, &job);
    imp_threads_run(job.n->threads, f.c, finish_row, &job);
    return IMP_OK;
}

/* ---- derive ---- */

imp_status imp_native_style(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                            imp_tensor target, imp_tensor metric, imp_tensor scratch, float scale,
                            float weight) {
    assert(g.h == g.w && target.w == g.w && dm.w == g.w);
    assert(!metric.memory || (metric.w == g.w && scratch.w == g.w));
    imp_tensor weighed = dm;
    TRY(imp_native_combine(d, dm, scale, g, -1, target)); /* E */
    if (metric.memory) {
        weighed = scratch;
        TRY(imp_native_multiply(d, scratch, 1, metric, dm, 0));
        TRY(imp_native_multiply(d, scratch, 1, scratch, metric, 0));
    }
    TRY(imp_native_dot(d, loss, dm, weighed));
    float *partial = imp_native_floats(loss.record) + loss.i * IMP_PARTIALS;
    for (size_t i = 0; i < IMP_PARTIALS; i++)
        partial[i] *= weight;
    return imp_native_combine(d, dm, 4 * weight * scale, weighed, 0, weighed);
}

/* ---- apply ---- */

imp_status imp_native_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f) {
    imp_native *n = imp_native_of(d);
    const imp_taps taps = imp_native_matrix_taps(imp_native_floats(dm), f.c);
    assert(imp_native_alike(df, f) && f.layout == IMP_MAPS && dm.h == f.c && dm.w == f.c);
    float *packed = imp_native_shared(n, imp_native_packed(&taps));
    if (!packed)
        return IMP_ERR_MEMORY;
    imp_native_pack(n, packed, &taps);
    const size_t block = f.h * f.w * IMP_BLOCK;
    imp_native_product(n, &(imp_product){.x = imp_native_floats(f),
                                         .weights = packed,
                                         .y = imp_native_floats(df),
                                         .x_block = block,
                                         .y_block = block,
                                         .inputs = f.c,
                                         .outputs = f.c,
                                         .pixels = f.h * f.w,
                                         .add = true});
    return IMP_OK;
}
