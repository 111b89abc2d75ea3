/* SPDX-License-Identifier: MIT
 *
 * A direct pass in the wide class: a strip of rows at a time is packed into the work space and
 * multiplied from there (cl/convolution.cl). The work space holds the strip's result, where it is
 * to be folded, and then the packed strip. 1 x 1 filters (cl/point.cl) and few outputs (conv_thin)
 * take one launch, with a slab of the work space for each work-item.
 */
#include "opencl/convolution.h"

#include <assert.h>

/* PACKED: floats of a packed strip that a processor's cache holds beside the filters. TILE: the
 * most columns that a kernel reads at a time. PAIR: blocks of outputs that a work-item makes. */
enum { BLOCK = 16, PACKED = 512 << 10, TILE = 12, PAIR = 2 };
/* conv_thin: the most outputs, and work-items for each core. */
enum { THIN = 3, ITEMS = 4 };
/* conv_point: floats of a stretch's inputs that a core's cache holds, and work-items for each core
 * where each has a slab. */
enum { POINT = 6 << 10, POINT_ITEMS = 16 };
/* Where cl->turns is limited: columns that a work-item makes, and iterations of its loops for each
 * tap of each input of their tile. */
enum { FEW_COLUMNS = 6, TAP_TURNS = 48 };

/* The state of a pass: the run of y, the strip of its rows, the packed inputs. */
typedef struct wide {
    ocl_device *cl;
    const ocl_pass *pass;
    const ocl_form *form;
    size_t width;      /* channels in a unit of y */
    size_t half_pitch; /* columns of one phase of a packed row */
    size_t line;       /* floats of a packed row of a block */
    size_t columns;    /* that a work-item makes of a row */
    ocl_run run;
    ocl_strip strip;
    size_t block, blocks; /* packed blocks of inputs */
    size_t lo, hi;        /* channels in them: 0 and all; for planes, part of one block */
} wide;

static size_t packed_rows(const ocl_pass *pass, size_t rows) {
    return (rows - 1) * pass->stride + pass->side;
}

/* Floats of a packed block. */
static size_t packed_plane(const wide *w) {
    return packed_rows(w->pass, w->strip.made) * w->line;
}

/* Floats of a strip's result that is to be folded. */
static size_t folded_floats(const wide *w) {
    return w->pass->fold ? w->run.units * w->strip.made * w->pass->w * w->width : 0;
}

/* ---- multiplying ---- */

/* Makes output units out..out+outs-1 from input blocks in..in+ins-1. Their filters lie in one
 * piece. */
static imp_status multiply_piece(const wide *w, ocl_span filters, size_t out, size_t outs,
                                 size_t in, size_t ins) {
    const ocl_pass *pass = w->pass;
    const size_t channels = imp_min(ins * BLOCK, w->hi - (in - w->block) * BLOCK);
    const bool first = in == 0 && w->lo == 0, last = in * BLOCK + channels == pass->in;
    const size_t plane = packed_plane(w), row = w->form->ins * w->form->units.w;
    const size_t y_plane = pass->fold ? w->strip.made * pass->w : pass->y.h * pass->y.w;
    ocl_span y = pass->fold ? ocl_work(w->cl, 0) : w->run.span[0];
    y.at += (out - w->run.unit) * y_plane * w->width;
    const ocl_span p = ocl_work(w->cl, folded_floats(w) + (in - w->block) * plane);
    const size_t stretches = (pass->w + w->columns - 1) / w->columns;
    const ocl_arg arguments[] = {
        at(y),
        at(p),
        at(filters),
        at(ocl_bias(pass, out * w->width)),
        i32(channels),
        i32(outs),
        i32(pass->side),
        i32(pass->stride),
        i32(w->half_pitch),
        i32(plane / BLOCK),
        i32(row),
        i32(y_plane),
        i32(pass->fold ? 0 : w->strip.first * pass->w),
        i32(pass->w),
        i32(w->columns),
        i32((first ? 0 : OCL_CONV_ACCUMULATE) | (last && pass->relu ? OCL_CONV_RELU : 0) |
            (last && !pass->fold ? ocl_far(pass) : 0)),
    };
    const size_t count = sizeof arguments / sizeof *arguments;
    if (w->width == 1)
        return ocl_enqueue(w->cl, OCL_K_conv_planes, grid3(w->strip.made, stretches, outs),
                           arguments, count);
    return ocl_enqueue(w->cl, OCL_K_conv_product,
                       grid3(w->strip.made, stretches, (outs + PAIR - 1) / PAIR), arguments, count);
}

/* Makes all outputs of the run from the packed inputs. */
static imp_status multiply(const wide *w) {
    const size_t end = w->run.unit + w->run.units, last = w->block + w->blocks;
    for (size_t out = w->run.unit, outs = 0; out < end; out += outs)
        for (size_t in = w->block, ins; in < last; in += ins) {
            outs = end - out;
            ins = last - in;
            const ocl_span filters = ocl_form_piece(w->form, out, in, &outs, &ins);
            TRY(multiply_piece(w, filters, out, outs, in, ins));
        }
    return IMP_OK;
}

/* ---- packing ---- */

static imp_status pack(const wide *w, ocl_span x, ocl_span mask) {
    const ocl_pass *pass = w->pass;
    const ptrdiff_t top = (ptrdiff_t)(w->strip.from * pass->stride) - pass->before;
    return ocl_launch(w->cl, conv_pack, grid2(packed_rows(pass, w->strip.made), w->blocks),
                      at(ocl_work(w->cl, folded_floats(w))), at(x), at(mask), i32(w->lo),
                      i32(w->hi), i32(pass->x.h), i32(pass->x.w), i32((size_t)top),
                      i32((size_t)-pass->before), i32(pass->stride), i32(w->half_pitch),
                      i32(pass->step), i32(pass->mode),
                      i32((pass->x.layout == IMP_PLANES ? OCL_CONV_PLANES : 0) |
                          (pass->mask.memory ? OCL_CONV_MASKED : 0)));
}

/* Takes the next piece of an input run from its unit `done` on: at most `most` blocks, or the
 * planes that lie in one block. Returns its units. */
static size_t next_input(wide *w, const ocl_run *run, size_t done, size_t most) {
    const size_t unit = run->unit + done, units = run->units - done;
    if (w->pass->x.layout == IMP_MAPS) {
        w->block = unit;
        w->blocks = imp_min(units, most);
        w->lo = 0;
        w->hi = imp_min(w->blocks * BLOCK, w->pass->in - unit * BLOCK);
        return w->blocks;
    }
    w->block = unit / BLOCK;
    w->blocks = 1;
    w->lo = unit % BLOCK;
    w->hi = imp_min(BLOCK, w->lo + units);
    return w->hi - w->lo;
}

/* Makes a strip of the run's outputs, from as many inputs at a time as fit the work space. */
static imp_status make_strip(wide *w) {
    const ocl_pass *pass = w->pass;
    const imp_tensor inputs[] = {pass->x, pass->mask};
    const size_t floats = ocl_unit_floats(w->cl, &pass->x), folded = folded_floats(w);
    const size_t fit = w->cl->work_floats > folded ? w->cl->work_floats - folded : 0;
    const size_t turns = TAP_TURNS * pass->side * pass->side * BLOCK;
    const size_t most = imp_min(fit / packed_plane(w), w->cl->turns / turns);
    if (most == 0)
        return ocl_no_memory(w->cl, pass);
    ocl_run run = {0};
    while (ocl_next(&run, pass->mask.memory ? 2 : 1, inputs))
        for (size_t done = 0, units; done < run.units; done += units) {
            units = next_input(w, &run, done, most);
            ocl_span x = run.span[0], mask = run.span[pass->mask.memory ? 1 : 0];
            x.at += done * floats;
            mask.at += done * floats;
            TRY(pack(w, x, mask));
            TRY(multiply(w));
        }
    return pass->fold ? ocl_fold_strip(w->cl, pass, &w->strip, &w->run) : IMP_OK;
}

/* ---- the pass ---- */

/* Rows of y, at least 1, whose packed strip of `blocks` blocks takes at most `floats` floats. */
static size_t rows_within(const wide *w, size_t floats, size_t blocks) {
    const size_t packed = floats / (blocks * w->line), side = w->pass->side;
    return packed > side ? (packed - side) / w->pass->stride + 1 : 1;
}

/* Rows of a strip whose packed inputs stay in the cache; about equal for all strips. */
static size_t strip_rows(const wide *w) {
    const ocl_pass *pass = w->pass;
    const size_t work = w->cl->work_floats, blocks = (pass->in + BLOCK - 1) / BLOCK;
    size_t rows = imp_min(pass->h, rows_within(w, PACKED, blocks));
    rows = imp_min(rows, rows_within(w, pass->fold ? work / 2 : work, 1));
    if (pass->fold) {
        const size_t fit = work / 2 / (w->run.units * pass->w * w->width);
        const size_t border = 2 * pass->side; /* rows by which a folded strip may be longer */
        rows = imp_min(rows, fit > border ? fit - border : 1);
    }
    assert(rows > 0);
    const size_t strips = (pass->h + rows - 1) / rows;
    return (pass->h + strips - 1) / strips;
}

/* ---- 1 x 1 ---- */

/* Positions of a stretch of conv_point: whole tiles. */
static size_t point_row(const ocl_device *cl, size_t channels) {
    const size_t fit = POINT / imp_over(channels, BLOCK) / BLOCK / TILE * TILE;
    return cl->turns < SIZE_MAX ? FEW_COLUMNS : imp_max(fit, TILE);
}

static size_t point_slab(const ocl_device *cl, size_t channels) {
    return point_row(cl, channels) * imp_over(channels, BLOCK) * BLOCK;
}

imp_status ocl_points(ocl_device *cl, const ocl_point *point) {
    const bool few = cl->turns < SIZE_MAX, masked = point->kind & OCL_CONV_MASKED;
    const size_t cores = cl->base.info.units ? cl->base.info.units : 1;
    const size_t row = point_row(cl, point->channels), slab = point_slab(cl, point->channels);
    const size_t group = few ? PAIR : point->outputs, stretches = imp_over(point->positions, row);
    const size_t most = masked ? cl->work_floats / slab : stretches;
    const size_t items = few ? stretches : imp_min(imp_min(POINT_ITEMS * cores, most), stretches);
    const size_t share = imp_over(stretches, items) * row;
    return ocl_launch(
        cl, conv_point, grid2(imp_over(point->positions, share), imp_over(point->outputs, group)),
        at(point->y), at(point->x), at(masked ? point->mask : point->x), at(point->filters),
        at(point->kind & OCL_CONV_ACCUMULATE ? point->filters : point->bias), at(ocl_work(cl, 0)),
        i32(point->positions), i32(point->channels), i32(point->outputs), i32(group),
        i32(point->f_row), i32(share), i32(row), i32(slab), i32(point->kind));
}

/* Whether all units of the pass's inputs lie in one piece. */
static bool inputs_are_whole(const ocl_pass *pass) {
    const size_t units = imp_over(pass->in, BLOCK);
    return ocl_unit(&pass->x, 0).units == units &&
           (!pass->mask.memory || ocl_unit(&pass->mask, 0).units == units);
}

/* Whether conv_point makes the pass. Its tensors must lie in one piece, as they nearly always do.
 */
static bool is_point(const ocl_device *cl, const ocl_pass *pass) {
    return pass->y.layout == IMP_MAPS && pass->x.layout == IMP_MAPS && ocl_is_point(pass) &&
           cl->turns == SIZE_MAX && ocl_unit(&pass->y, 0).units == imp_over(pass->out, BLOCK) &&
           inputs_are_whole(pass) && point_slab(cl, pass->in) <= cl->work_floats;
}

static imp_status make_points(ocl_device *cl, const ocl_pass *pass, const ocl_form *form,
                              ocl_span filters) {
    const bool masked = pass->mask.memory;
    const ocl_point point = {.y = ocl_unit(&pass->y, 0),
                             .x = ocl_unit(&pass->x, 0),
                             .mask = ocl_unit(masked ? &pass->mask : &pass->x, 0),
                             .filters = filters,
                             .bias = ocl_bias(pass, 0),
                             .outputs = form->outs,
                             .channels = pass->in,
                             .positions = pass->h * pass->w,
                             .f_row = form->ins * form->units.w,
                             .kind = (masked ? OCL_CONV_MASKED : 0) |
                                     (pass->relu ? OCL_CONV_RELU : 0) | ocl_far(pass)};
    return ocl_points(cl, &point);
}

/* ---- 1 x 1 fused with a pooling ---- */

/* Positions in each of a stretch's two rows; a multiple of TILE, whose pooling indices share an
 * element. */
static size_t windows_row(const ocl_device *cl, const ocl_pass *pass) {
    return point_row(cl, 2 * pass->in);
}

size_t ocl_points_fused_least(const ocl_device *cl, const ocl_pass *pass) {
    const size_t kept = pass->flipped ? imp_over(pass->in, BLOCK) : PAIR;
    return 2 * kept * windows_row(cl, pass) * BLOCK;
}

imp_status ocl_points_fused(ocl_device *cl, const ocl_pass *pass) {
    const size_t cores = cl->base.info.units ? cl->base.info.units : 1;
    const size_t row = windows_row(cl, pass), slab = ocl_points_fused_least(cl, pass);
    const size_t rows = pass->flipped ? imp_over(pass->h, 2) : pass->h / 2;
    const size_t stretches = rows * imp_over(pass->w, row);
    const size_t items = imp_min(POINT_ITEMS * cores, cl->work_floats / slab);
    const size_t share = imp_over(stretches, items);
    const ocl_kernel kernel = pass->flipped ? OCL_K_point_unpool : OCL_K_point_pool;
    ocl_form *form = NULL;
    TRY(ocl_form_get(cl, &form, pass, OCL_FORM_BLOCKS));
    const ocl_arg arguments[] = {
        at(ocl_unit(&pass->y, 0)),
        at(ocl_unit(&pass->x, 0)),
        at(ocl_unit(&pass->indices, 0)),
        at(ocl_unit(&form->units, 0)),
        at(ocl_bias(pass, 0)),
        at(ocl_work(cl, 0)),
        i32(pass->h),
        i32(pass->w),
        i32(pass->in),
        i32(form->outs),
        i32(form->ins * form->units.w),
        i32(share),
        i32(row),
        i32(slab),
        i32((pass->relu ? OCL_CONV_RELU : 0) | (pass->average ? OCL_CONV_AVERAGE : 0))};
    return ocl_enqueue(cl, kernel, grid1(imp_over(stretches, share)), arguments,
                       sizeof arguments / sizeof *arguments);
}

/* ---- few outputs ---- */

/* Floats of the work space for each work-item of conv_thin. */
static size_t thin_slab(const ocl_pass *pass) {
    const size_t channels = (pass->in + BLOCK - 1) / BLOCK * BLOCK;
    return channels * 2 * BLOCK + channels * TILE + 4 * 2 * BLOCK * (pass->w + 2);
}

/* Whether conv_thin makes the pass. Its tensors must lie in one piece, as they nearly always do. */
static bool is_thin(const ocl_device *cl, const ocl_pass *pass) {
    return pass->y.layout == IMP_PLANES && pass->x.layout == IMP_MAPS && pass->out <= THIN &&
           pass->side == 3 && pass->stride == 1 && pass->step == 1 && pass->before == 1 &&
           pass->y.h == pass->x.h && pass->y.w == pass->x.w && !pass->fold &&
           cl->turns == SIZE_MAX && ocl_unit(&pass->y, 0).units == pass->out &&
           inputs_are_whole(pass) && thin_slab(pass) <= cl->work_floats;
}

static imp_status make_thin(ocl_device *cl, const ocl_pass *pass, const ocl_form *form,
                            ocl_span filters) {
    const size_t cores = cl->base.info.units ? cl->base.info.units : 1, slab = thin_slab(pass);
    const size_t items = imp_min(imp_min(ITEMS * cores, cl->work_floats / slab), pass->h);
    const size_t rows = (pass->h + items - 1) / items;
    const ocl_span x = ocl_unit(&pass->x, 0);
    return ocl_launch(
        cl, conv_thin, grid1((pass->h + rows - 1) / rows), at(ocl_unit(&pass->y, 0)), at(x),
        at(pass->mask.memory ? ocl_unit(&pass->mask, 0) : x), at(filters), at(ocl_bias(pass, 0)),
        at(ocl_work(cl, 0)), i32(pass->in), i32(pass->out), i32(pass->h), i32(pass->w),
        i32(pass->mode), i32(form->ins * form->units.w), i32(rows), i32(slab),
        i32((pass->mask.memory ? OCL_CONV_MASKED : 0) | (pass->relu ? OCL_CONV_RELU : 0)));
}

imp_status ocl_pass_wide(ocl_device *cl, const ocl_pass *pass) {
    const bool planes = pass->y.layout == IMP_PLANES;
    const size_t tiles = (pass->w + TILE - 1) / TILE;
    ocl_form *form = NULL;
    wide w = {.cl = cl, .pass = pass, .width = planes ? 1 : BLOCK};
    w.half_pitch = tiles * TILE + (pass->side - 1) / pass->stride;
    w.line = pass->stride * w.half_pitch * BLOCK;
    w.columns = cl->turns < SIZE_MAX ? FEW_COLUMNS : pass->w;
    TRY(ocl_form_get(cl, &form, pass, ocl_form_of(cl, pass, OCL_ALGORITHM_DIRECT)));
    w.form = form;
    size_t outs = form->outs, ins = form->ins;
    const ocl_span filters = ocl_form_piece(form, 0, 0, &outs, &ins);
    if (outs == form->outs && ins == form->ins && is_thin(cl, pass))
        return make_thin(cl, pass, form, filters);
    if (outs == form->outs && ins == form->ins && is_point(cl, pass))
        return make_points(cl, pass, form, filters);
    while (ocl_next_output(cl, &w.run, pass)) {
        const size_t rows = strip_rows(&w);
        w.strip = (ocl_strip){0};
        while (ocl_next_strip(&w.strip, pass, rows))
            TRY(make_strip(&w));
    }
    return IMP_OK;
}
