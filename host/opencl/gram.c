/* SPDX-License-Identifier: MIT
 *
 * The slots gram and style_grad, and both by the project's own kernels (cl/gram.cl; in the wide
 * class style_grad is a 1 x 1 convolution with D as its filters). gemm.c makes them by CLBlast.
 */
#include "opencl/gram.h"

#include <assert.h>
#include <math.h>

#include "opencl/convolution.h"

/* RUN: positions of a first-level sum, GRAM_RUN of cl/gram.cl; stretches are multiples of it.
 * STRETCH, FEWEST: the most and the fewest positions of a stretch, wide and simt. CACHED: floats of
 * a stretch of all channels that a processor's cache holds. GROUPS: work-groups that keep a GPU
 * busy. */
enum { RUN = 64, CACHED = 256 << 10, GROUPS = 1024 };
static const size_t STRETCH[] = {[OCL_WIDE] = 4096, [OCL_SIMT] = 512};
static const size_t FEWEST[] = {[OCL_WIDE] = 256, [OCL_SIMT] = 64};
/* POSITION_TURNS: iterations of gram_block's loops for each position. TILE: channels, and
 * positions, of a work-group of the simt kernels. */
enum { BLOCK = 16, POSITION_TURNS = 64, TILE = 64 };

static imp_status no_space(ocl_device *cl, size_t channels) {
    return imp_fail(&cl->base.error, IMP_ERR_MEMORY,
                    "device '%s': the products of %zu channels do not fit its work space: choose "
                    "another device",
                    cl->base.info.name, channels);
}

/* ---- G = F F^T ---- */

/* How G between two runs of channels is divided into tiles. */
typedef struct tiling {
    size_t side;    /* of a tile, in channels */
    size_t x, y;    /* tiles of either run */
    size_t stretch; /* positions */
    size_t floats;  /* of all tiles for a stretch */
} tiling;

static size_t tile_side(const ocl_device *cl) {
    return cl->class == OCL_WIDE ? BLOCK : TILE;
}

static tiling tile_runs(const ocl_device *cl, const ocl_run *x, const ocl_run *y, size_t m) {
    tiling t = {.side = tile_side(cl)};
    t.x = imp_over(x->units * cl->block, t.side);
    t.y = imp_over(y->units * cl->block, t.side);
    t.floats = t.x * t.y * t.side * t.side;
    t.stretch =
        cl->class == OCL_WIDE ? CACHED / ((x->units + y->units) * BLOCK) : m * t.x * t.y / GROUPS;
    t.stretch =
        imp_min(imp_min(t.stretch, STRETCH[cl->class]), cl->turns / POSITION_TURNS) / RUN * RUN;
    t.stretch = imp_max(t.stretch, FEWEST[cl->class]);
    return t;
}

/* Makes the tiles of two runs, for as many stretches at a time as fit the work space. */
static imp_status gram_of_runs(ocl_device *cl, imp_tensor g, imp_tensor f, const ocl_run *x,
                               const ocl_run *y, bool accumulate) {
    const size_t m = f.h * f.w, wide = cl->class == OCL_WIDE;
    const size_t xs = imp_min(x->units * cl->block, f.c - x->unit * cl->block);
    const size_t ys = imp_min(y->units * cl->block, f.c - y->unit * cl->block);
    const tiling t = tile_runs(cl, x, y, m);
    const size_t triangle = x->unit == y->unit, all = imp_over(m, t.stretch);
    const size_t fit = cl->work_floats / t.floats;
    const ocl_span work = ocl_work(cl, 0);
    for (size_t k = 0, n; k < all; k += n) {
        n = imp_min(fit, all - k);
        const ocl_arg from = i32(k * t.stretch);
        if (wide)
            TRY(ocl_launch(cl, gram_block, grid3(imp_over(t.y, 2), t.x, n), at(work),
                           at(x->span[0]), at(y->span[0]), i32(t.y), i32(m), from, i32(t.stretch),
                           i32(triangle)));
        else
            TRY(ocl_launch(cl, gram_tile, groups3(t.y, t.x, n), at(work), at(x->span[0]),
                           at(y->span[0]), i32(m), from, i32(t.stretch), i32(triangle), i32(xs),
                           i32(ys)));
        TRY(ocl_launch(cl, gram_total, wide ? grid2(t.y, t.x) : grid2(ys, xs), at(ocl_unit(&g, 0)),
                       at(work), i32(f.c), i32(x->unit * cl->block), i32(xs),
                       i32(y->unit * cl->block), i32(ys), i32(n), i32(triangle),
                       i32(accumulate || k > 0)));
    }
    return IMP_OK;
}

/* Advances a run of f, by so few units that the tiles of two such runs fit the work space. */
static bool next_channels(const ocl_device *cl, ocl_run *run, const imp_tensor *f) {
    const size_t side = tile_side(cl);
    const size_t tiles = (size_t)sqrt((double)(cl->work_floats / (side * side)));
    if (!ocl_next(run, 1, f))
        return false;
    run->units = imp_min(run->units, tiles * side / cl->block);
    return true;
}

imp_status ocl_own_gram(ocl_device *cl, imp_tensor g, imp_tensor f, bool accumulate) {
    ocl_run x = {0};
    if (cl->work_floats < tile_side(cl) * tile_side(cl))
        return no_space(cl, f.c);
    while (next_channels(cl, &x, &f)) {
        ocl_run y = {0};
        while (next_channels(cl, &y, &f))
            if (y.unit >= x.unit)
                TRY(gram_of_runs(cl, g, f, &x, &y, accumulate));
    }
    return IMP_OK;
}

static imp_status sum_positions(ocl_device *cl, imp_tensor s, imp_tensor f, bool accumulate) {
    ocl_run run = {0};
    while (ocl_next(&run, 1, &f)) {
        const size_t first = run.unit * cl->block;
        ocl_span to = ocl_unit(&s, 0);
        to.at += first;
        TRY(ocl_launch(cl, gram_sum, groups2(1, run.units), at(to), at(run.span[0]), i32(f.h * f.w),
                       i32(imp_min(run.units * cl->block, f.c - first)), i32(accumulate)));
    }
    return IMP_OK;
}

imp_status ocl_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f, bool accumulate) {
    ocl_device *cl = ocl_enter(d, gram);
    bool blas = false;
    assert(f.layout == IMP_MAPS && g.h == f.c && g.w == f.c);
    TRY(ocl_blas_takes(cl, &blas, OCL_PRODUCT_GRAM, &f));
    TRY(blas ? ocl_blas_gram(cl, g, f, accumulate) : ocl_own_gram(cl, g, f, accumulate));
    return s.memory ? sum_positions(cl, s, f, accumulate) : IMP_OK;
}

/* ---- df += D F ---- */

/* Makes `outs` blocks of df from `out` on, with D's columns as filters of conv_point. */
static imp_status style_blocks(ocl_device *cl, imp_tensor dm, imp_tensor f, const ocl_run *run,
                               size_t out, size_t outs) {
    const size_t m = f.h * f.w, ins = imp_over(f.c, BLOCK), d_row = ins * BLOCK * BLOCK;
    ocl_point point = {.y = run->span[0],
                       .outputs = outs,
                       .positions = m,
                       .filters = ocl_work(cl, 0),
                       .f_row = d_row,
                       .kind = OCL_CONV_ACCUMULATE};
    point.y.at += (out - run->unit) * m * BLOCK;
    TRY(ocl_launch(cl, conv_filter, grid2(outs, ins), at(point.filters), at(ocl_unit(&dm, 0)),
                   i32(out * BLOCK), i32(0), i32(dm.w), i32(f.c), i32(1), i32(BLOCK), i32(BLOCK),
                   i32(d_row), i32(0), i32(f.c), i32(1)));
    ocl_run in = {0};
    while (ocl_next(&in, 1, &f)) {
        point.x = in.span[0];
        point.channels = imp_min(in.units * BLOCK, f.c - in.unit * BLOCK);
        point.filters.at = in.unit * BLOCK * BLOCK;
        TRY(ocl_points(cl, &point));
    }
    return IMP_OK;
}

static imp_status style_wide(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    const size_t fit = cl->work_floats / (imp_over(f.c, BLOCK) * BLOCK * BLOCK);
    ocl_run run = {0};
    if (fit == 0)
        return no_space(cl, f.c);
    while (ocl_next(&run, 1, &df))
        for (size_t done = 0, outs; done < run.units; done += outs) {
            outs = imp_min(fit, run.units - done);
            TRY(style_blocks(cl, dm, f, &run, run.unit + done, outs));
        }
    return IMP_OK;
}

/* Makes the units of one run from those of another, in launches that are not too long. */
static imp_status style_run(ocl_device *cl, imp_tensor dm, size_t m, const ocl_run *out,
                            const ocl_run *in) {
    const size_t most = imp_max(OCL_MOST_PRODUCTS / (out->units * in->units) / TILE, 1) * TILE;
    for (size_t first = 0, n; first < m; first += n) {
        n = imp_min(most, m - first);
        TRY(ocl_launch(cl, style_tile, groups2(imp_over(n, TILE), imp_over(out->units, TILE)),
                       at(out->span[0]), at(ocl_unit(&dm, 0)), at(in->span[0]), i32(m), i32(first),
                       i32(n), i32(dm.w), i32(out->unit), i32(out->units), i32(in->unit),
                       i32(in->units)));
    }
    return IMP_OK;
}

static imp_status style_simt(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    ocl_run out = {0};
    while (ocl_next(&out, 1, &df)) {
        ocl_run in = {0};
        while (ocl_next(&in, 1, &f))
            TRY(style_run(cl, dm, f.h * f.w, &out, &in));
    }
    return IMP_OK;
}

imp_status ocl_own_style_grad(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    return cl->class == OCL_WIDE ? style_wide(cl, df, dm, f) : style_simt(cl, df, dm, f);
}

imp_status ocl_style_grad(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f) {
    ocl_device *cl = ocl_enter(d, style_grad);
    bool blas = false;
    assert(df.layout == IMP_MAPS && f.layout == IMP_MAPS && df.h * df.w == f.h * f.w);
    assert(dm.h == f.c && dm.w == df.c);
    if (dm.h == dm.w)
        TRY(ocl_blas_takes(cl, &blas, OCL_PRODUCT_STYLE_GRAD, &f));
    return blas ? ocl_blas_style_grad(cl, df, dm, f) : ocl_own_style_grad(cl, df, dm, f);
}
