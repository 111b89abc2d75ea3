/* SPDX-License-Identifier: MIT
 *
 * A pass by Winograd's F(4x4, 3x3), with a quarter of the products, in the wide class
 * (cl/winograd.cl): in strips of tiles that stay in a core's own cache from the transform of the
 * inputs to that of the outputs. convolution_choice.c decides where it is used; the simt class:
 * winograd_simt.c.
 */
#include "opencl/convolution.h"

/* UNIT: the number of tiles of a strip is a multiple of it. PAIR: blocks of outputs that a
 * work-item multiplies at a time. HEAD: floats of the work space before the slabs, as in
 * cl/winograd.cl. ELEMENT: tiles side by side whose pooling indices share an element. NARROW,
 * BROAD: tiles of a strip, for the two algorithms. In narrow strips the transformed inputs and
 * products stay in a core's cache beside the filters, and PAIR blocks of outputs are finished at a
 * time. In broad strips the products of all outputs wait in the work space, so that one point's
 * inputs stay in the cache while all of its filters are read. */
enum {
    BLOCK = 16,
    TILE = OCL_WINOGRAD_TILE,
    POINTS = OCL_WINOGRAD_POINTS,
    UNIT = 4,
    PAIR = 2,
    HEAD = 16,
    ELEMENT = IMP_INDICES * 2 / TILE,
    NARROW = 48,
    BROAD = 128
};

/* The matrices of the points 0, +-A, +-B and infinity, as in cl/winograd.cl. */
#define A 0.70710678118654752
#define B 1.41421356237309505
const imp_winograd ocl_winograd_f4x4 = {
    .out = TILE,
    .at = {{1, 1, 1, 1, 1, 0},
           {0, A, -A, B, -B, 0},
           {0, 1 / 2., 1 / 2., 2, 2, 0},
           {0, A / 2, -A / 2, 2 * B, -2 * B, 1}},
    .g = {{1, 0, 0},
          {-2 / 3., -2 / 3. * A, -1 / 3.},
          {-2 / 3., 2 / 3. * A, -1 / 3.},
          {1 / 6., B / 6, 1 / 3.},
          {1 / 6., -B / 6, 1 / 3.},
          {0, 0, 1}},
    .bt = {{1, 0, -5 / 2., 0, 1, 0},
           {0, -B, -2, A, 1, 0},
           {0, B, -2, -A, 1, 0},
           {0, -A, -1 / 2., B, 1, 0},
           {0, A, -1 / 2., -B, 1, 0},
           {0, 1, 0, -5 / 2., 0, 1}},
};

/* Filters in the place of a float. */
static size_t in_float(const ocl_pass *pass) {
    return pass->half ? 2 : 1;
}

size_t ocl_winograd_tiles(const ocl_pass *pass) {
    return imp_over(pass->h, TILE) * imp_over(pass->w, TILE);
}

/* Floats of the work space for slabs. */
static size_t slabs_floats(const ocl_device *cl) {
    return cl->work_floats - HEAD;
}

/* Floats of the slab of a work-item: transformed inputs and products. */
static size_t slab_floats(size_t blocks, size_t tiles, size_t batch) {
    return POINTS * BLOCK * ((blocks * tiles + 1) + (batch * tiles + 1));
}

size_t ocl_winograd_wide_least(size_t blocks) {
    return HEAD + slab_floats(blocks, UNIT, PAIR);
}

/* How a pass is divided: into strips of `tiles` tiles x groups of `group` blocks of outputs,
 * `batch` blocks at a time, among `items` work-items with slabs of `slab` floats. */
typedef struct sharing {
    size_t tiles, group, batch, slab, items;
} sharing;

/* Whether outputs are pooled. Then tiles whose indices share an element stay in one strip. */
static bool fuses_pool(const ocl_pass *pass) {
    return pass->indices.memory && !pass->flipped;
}

/* Elements of the pooling indices that the tiles make. */
static size_t elements(const ocl_pass *pass) {
    return imp_over(pass->h, TILE) * imp_over(imp_over(pass->w, TILE), ELEMENT);
}

/* The most tiles of a strip, for so many strips; narrow: of most strips a multiple of UNIT. */
static size_t strip_tiles(const ocl_pass *pass, bool narrow, size_t strips) {
    if (!fuses_pool(pass))
        return imp_over(imp_over(ocl_winograd_tiles(pass), strips), UNIT) * UNIT;
    const size_t each = imp_over(elements(pass), strips), even = each / UNIT * UNIT;
    return imp_over(ELEMENT * (narrow && even > 0 ? even : each), UNIT) * UNIT;
}

/* For `blocks` blocks of inputs and `outs` of outputs. */
static sharing share(const ocl_device *cl, const ocl_pass *pass, bool narrow, size_t blocks,
                     size_t outs) {
    const size_t all = ocl_winograd_tiles(pass),
                 units = cl->base.info.units ? cl->base.info.units : 1;
    size_t strips = imp_over(all, narrow ? NARROW : BROAD);
    strips = strips > units ? imp_over(strips, units) * units : strips; /* alike for every core */
    const size_t groups = imp_min(imp_over(units, strips), imp_over(outs, PAIR));
    sharing s = {.tiles = strip_tiles(pass, narrow, strips),
                 .group = imp_over(imp_over(outs, groups), PAIR) * PAIR};
    s.batch = narrow ? PAIR : s.group;
    while (s.tiles > UNIT && slab_floats(blocks, s.tiles, s.batch) > slabs_floats(cl) / units)
        s.tiles = imp_over(s.tiles / 2, UNIT) * UNIT;
    if (slab_floats(blocks, s.tiles, s.batch) > slabs_floats(cl))
        s.batch = PAIR;
    s.slab = slab_floats(blocks, s.tiles, s.batch);
    strips =
        fuses_pool(pass) ? imp_over(elements(pass), s.tiles / ELEMENT) : imp_over(all, s.tiles);
    s.items = imp_min(imp_min(strips * groups, units), slabs_floats(cl) / s.slab);
    return s;
}

/* Makes `outs` blocks of outputs from `out` on from `blocks` blocks of inputs from `in` on. x, and
 * the mask or indices `more`, begin at block `in`. */
static imp_status make_piece(ocl_device *cl, const ocl_pass *pass, bool narrow, ocl_span y,
                             size_t out, size_t outs, ocl_span x, ocl_span more, size_t in,
                             size_t blocks, ocl_span filters) {
    const sharing s = share(cl, pass, narrow, blocks, outs);
    const size_t all = imp_over(pass->in, BLOCK), unit = BLOCK * BLOCK / in_float(pass);
    const size_t point = all * unit;
    const size_t channels = imp_min(blocks * BLOCK, pass->in - in * BLOCK);
    const size_t kind =
        (pass->mask.memory ? OCL_CONV_MASKED : 0) | (in > 0 ? OCL_CONV_ACCUMULATE : 0) |
        (pass->half ? OCL_CONV_HALF : 0) | (in + blocks == all && pass->relu ? OCL_CONV_RELU : 0) |
        (pass->average ? OCL_CONV_AVERAGE : 0) | (in + blocks == all ? ocl_far(pass) : 0);
    filters.at += in * unit;
    const ocl_arg arguments[] = {at(y),
                                 at(x),
                                 at(more),
                                 at(filters),
                                 at(ocl_bias(pass, out * BLOCK)),
                                 at(ocl_work(cl, 0)),
                                 i32(channels),
                                 i32(outs),
                                 i32(pass->x.h),
                                 i32(pass->x.w),
                                 i32((size_t)pass->before),
                                 i32(pass->mode),
                                 i32(pass->h),
                                 i32(pass->w),
                                 i32(point),
                                 i32(POINTS * point),
                                 i32(s.tiles),
                                 i32(s.group),
                                 i32(s.batch),
                                 i32(s.slab),
                                 i32(kind)};
    const ocl_kernel fused = pass->flipped ? OCL_K_winograd_unpool : OCL_K_winograd_pool;
    TRY(ocl_launch(cl, fill, grid1(1), at(ocl_work(cl, 0)), f32(0), u64(1)));
    return ocl_enqueue(cl, pass->indices.memory ? fused : OCL_K_winograd, grid1(s.items), arguments,
                       sizeof arguments / sizeof *arguments);
}

/* Makes the outputs of a run, from as many inputs at a time as lie in one run and fit the work
 * space. */
static imp_status make_run(ocl_device *cl, const ocl_pass *pass, bool narrow, const ocl_run *out,
                           size_t unit, size_t units, ocl_span filters) {
    const imp_tensor inputs[] = {pass->x, pass->mask};
    const size_t y_unit = ocl_unit_floats(cl, &pass->y), x_unit = ocl_unit_floats(cl, &pass->x);
    ocl_span y = out->span[0];
    ocl_run in = {0};
    y.at += (unit - out->unit) * y_unit;
    while (ocl_next(&in, pass->mask.memory ? 2 : 1, inputs))
        for (size_t done = 0, blocks; done < in.units; done += blocks) {
            ocl_span x = in.span[0], mask = in.span[pass->mask.memory ? 1 : 0];
            blocks = in.units - done;
            while (slab_floats(blocks, UNIT, PAIR) > slabs_floats(cl))
                blocks = imp_over(blocks, 2);
            x.at += done * x_unit;
            mask.at += done * x_unit;
            TRY(make_piece(cl, pass, narrow, y, unit, units, x, mask, in.unit + done, blocks,
                           filters));
        }
    return IMP_OK;
}

imp_status ocl_winograd_wide(ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    const bool narrow = algorithm == OCL_ALGORITHM_WINOGRAD;
    ocl_form *form = NULL;
    ocl_run run = {0};
    TRY(ocl_form_get(cl, &form, pass, OCL_FORM_WINOGRAD));
    while (ocl_next(&run, 1, &pass->y)) {
        const size_t end = run.unit + run.units;
        for (size_t out = run.unit, outs; out < end; out += outs) {
            size_t ins = 1;
            outs = end - out;
            const ocl_span filters = ocl_form_piece(form, out, 0, &outs, &ins);
            TRY(make_run(cl, pass, narrow, &run, out, outs, filters));
        }
    }
    return IMP_OK;
}

imp_status ocl_winograd_fused(ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    ocl_form *form = NULL;
    TRY(ocl_form_get(cl, &form, pass, OCL_FORM_WINOGRAD));
    size_t outs = form->outs, ins = 1;
    const ocl_span filters = ocl_form_piece(form, 0, 0, &outs, &ins);
    return make_piece(cl, pass, algorithm == OCL_ALGORITHM_WINOGRAD, ocl_unit(&pass->y, 0), 0, outs,
                      ocl_unit(&pass->x, 0), ocl_unit(&pass->indices, 0), 0,
                      imp_over(pass->in, BLOCK), filters);
}
