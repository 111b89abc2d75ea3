/* SPDX-License-Identifier: MIT
 *
 * The style term of the cpu backend in its three steps. The Gram matrix is a sum over positions,
 * which are divided into slices, by shape alone, and slices into runs. A run is added up in
 * registers, while the next is fetched, and then added to the matrix of its slice. The matrices of
 * the slices are added in order at the end. C x C matrices are computed by squares, half of them by
 * symmetry.
 */
#include <assert.h>
#include <string.h>

#include "cpu/native_conv.h"

enum {
    SQUARE = 8,            /* blocks of channels along a side, at most */
    RUN = 128,             /* positions that registers add up */
    SLICE_MIN = 512,       /* positions of a slice, at least, */
    SLICES_SIZE = 1 << 19, /* most floats of all slices' matrices: adding them takes time */
    CHUNKS = 48,           /* squares of all slices, if there is enough work */
    STRIP = 64             /* sums of slices that are made at a time */
};

/* ---- accumulate ---- */

struct gram {
    imp_native *n;
    imp_tensor g, s, f;
    bool accumulate;
    size_t side;            /* channels, rounded up to whole blocks */
    size_t squares, slices; /* squares: along a side */
    float *parts;           /* [slice][side][side], followed by [slice][side], the plain sums */
};

/* Blocks of channels: rows i0 .. i1 times columns j0 .. j1, without those beyond the diagonal.
 * `blocks` in all, made by `calls` calls of the kernel. */
struct square {
    size_t i0, i1, j0, j1, blocks, calls;
};

/* Square (row, column <= row) among those of a triangle, row by row. */
static struct square square_at(const struct gram *job, size_t number) {
    const size_t blocks = job->side / IMP_BLOCK, group = job->n->kernels->group / IMP_BLOCK;
    size_t row = 0;
    while (number > row)
        number -= ++row;
    struct square s = {.i0 = row * blocks / job->squares,
                       .i1 = (row + 1) * blocks / job->squares,
                       .j0 = number * blocks / job->squares,
                       .j1 = (number + 1) * blocks / job->squares};
    s.blocks = s.i1 - s.i0 + (number == row ? 0 : s.j1 - s.j0);
    for (size_t j = s.j0; j < s.j1; j += group)
        s.calls += s.i1 - imp_max(j, s.i0);
    return s;
}

/* Positions at .. at + count of a square; as many from `next` on are fetched, block after block. */
static void add_run(const struct gram *job, float *part, const struct square *s, size_t at,
                    size_t count, size_t next) {
    const size_t m = job->f.h * job->f.w * IMP_BLOCK, group = job->n->kernels->group / IMP_BLOCK;
    const float *f = imp_native_floats(job->f) + at * IMP_BLOCK;
    const float *then = imp_native_floats(job->f) + next * IMP_BLOCK;
    size_t call = 0, fetched = 0;
    for (size_t j = s->j0; j < s->j1; j += group)
        for (size_t i = imp_max(j, s->i0); i < s->i1; i++, call++) {
            const size_t width = imp_min(imp_min(group, s->j1 - j), i + 1 - j);
            const float *ahead = f + i * m; /* is there already */
            if (fetched < s->blocks && fetched * s->calls <= call * s->blocks) {
                const size_t row = s->i0 + fetched;
                ahead = then + (row < s->i1 ? row : s->j0 + row - s->i1) * m;
                fetched++;
            }
            job->n->kernels->outer(part + (i * job->side + j) * IMP_BLOCK, job->side, f + i * m,
                                   f + j * m, m, count, ahead, width == group);
        }
}

static void do_square(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct gram *job = context;
    const size_t triangle = job->squares * (job->squares + 1) / 2, slice = chunk / triangle;
    const struct square s = square_at(job, chunk % triangle);
    float *part = job->parts + slice * job->side * job->side;
    for (size_t r = s.i0 * IMP_BLOCK; r < s.i1 * IMP_BLOCK; r++)
        memset(part + r * job->side + s.j0 * IMP_BLOCK, 0,
               (s.j1 - s.j0) * IMP_BLOCK * sizeof *part);
    const size_t m = job->f.h * job->f.w, end = m * (slice + 1) / job->slices;
    for (size_t at = m * slice / job->slices, count; at < end; at += count) {
        count = imp_min(RUN, end - at);
        add_run(job, part, &s, at, count, imp_min(at + count, end - count));
    }
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

/* to[k] = [to[k] +] the sum over slices of part[k], k < n. */
static void add_slices(const struct gram *job, float *to, const float *part, size_t step,
                       size_t n) {
    double sum[STRIP];
    for (size_t first = 0, width; first < n; first += width, to += width, part += width) {
        width = imp_min(STRIP, n - first);
        for (size_t k = 0; k < width; k++)
            sum[k] = job->accumulate ? (double)to[k] : 0;
        for (size_t slice = 0; slice < job->slices; slice++)
            for (size_t k = 0; k < width; k++)
                sum[k] += (double)part[slice * step + k];
        for (size_t k = 0; k < width; k++)
            to[k] = (float)sum[k];
    }
}

/* A block of rows of the matrix up to the diagonal, its columns by symmetry, and its sums. */
static void finish_rows(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct gram *job = context;
    const size_t c = job->f.c, matrix = job->side * job->side;
    const size_t first = block * IMP_BLOCK, end = imp_min(first + IMP_BLOCK, c);
    float *g = imp_native_floats(job->g);
    for (size_t r = first; r < end; r++)
        add_slices(job, g + r * c, job->parts + r * job->side, matrix, end);
    for (size_t k = 0; k < first; k++)
        for (size_t r = first; r < end; r++)
            g[k * c + r] = g[r * c + k];
    if (job->s.memory)
        add_slices(job, imp_native_floats(job->s) + first,
                   job->parts + job->slices * matrix + first, job->side, end - first);
}

imp_status imp_native_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f,
                           bool accumulate) {
    struct gram job = {.n = imp_native_of(d), .g = g, .s = s, .f = f, .accumulate = accumulate};
    assert(f.layout == IMP_MAPS && g.h == f.c && g.w == f.c);
    job.side = imp_native_blocks(f.c) * IMP_BLOCK;
    job.squares = imp_over(job.side, SQUARE * IMP_BLOCK);
    const size_t triangle = job.squares * (job.squares + 1) / 2;
    const size_t most = imp_min(f.h * f.w / SLICE_MIN, SLICES_SIZE / (job.side * job.side));
    job.slices = imp_max(1, imp_min(imp_over(CHUNKS, triangle), most));
    job.parts = imp_native_shared(job.n, job.slices * job.side * (job.side + 1));
    if (!job.parts)
        return IMP_ERR_MEMORY;
    imp_threads_run(job.n->threads, triangle * job.slices, do_square, &job);
    if (s.memory)
        imp_threads_run(job.n->threads, job.slices, do_sums, &job);
    imp_threads_run(job.n->threads, job.side / IMP_BLOCK, finish_rows, &job);
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
    float *partial = imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS;
    for (size_t i = 0; i < IMP_PARTIALS; i++)
        partial[i] *= weight;
    return imp_native_combine(d, dm, 4 * weight * scale, weighed, 0, weighed);
}

/* ---- apply ---- */

imp_status imp_native_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f) {
    imp_native *n = imp_native_of(d);
    const imp_taps taps = imp_native_matrix_taps(imp_native_floats(dm), f.c, df.c);
    assert(df.layout == IMP_MAPS && f.layout == IMP_MAPS && df.h * df.w == f.h * f.w);
    assert(dm.h == f.c && dm.w == df.c);
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
                                         .outputs = df.c,
                                         .pixels = f.h * f.w,
                                         .add = true});
    return IMP_OK;
}
