/* SPDX-License-Identifier: MIT
 *
 * A pass by Winograd's F(4x4, 3x3) in the simt class: three kernels for each strip of tiles. The
 * work space holds the strip's transformed inputs of all channels and the products of as many
 * outputs as fit.
 */
#include "opencl/convolution.h"

/* DEPTH: channels come in multiples of it, as in cl/block.cl. BLOCK: outputs of a block of filters,
 * two of which are a unit. BROAD: the side of the largest tiles of winograd_products_*, and the
 * tiles of the map in the thinnest. ROUNDS: work-groups of large tiles for each compute unit that
 * keep it busy. */
enum {
    SIDE = OCL_WINOGRAD_SIDE,
    TILE = OCL_WINOGRAD_TILE,
    POINTS = OCL_WINOGRAD_POINTS,
    DEPTH = 8,
    BLOCK = 32,
    BROAD = 128,
    ROUNDS = 4
};

/* The state of a pass: the tiles of the strip. */
typedef struct strip {
    ocl_device *cl;
    const ocl_pass *pass;
    const ocl_form *form;
    size_t pitch;        /* tiles of a strip, a multiple of SIDE */
    size_t batch;        /* blocks of SIDE outputs whose products fit the work space */
    size_t first, count; /* tiles */
} strip;

static size_t across(const ocl_pass *pass) {
    return imp_over(pass->w, TILE);
}

/* Channels of the transformed inputs: there are zeros behind the last ones. */
static size_t channels(const ocl_pass *pass) {
    return imp_over(pass->in, DEPTH) * DEPTH;
}

/* Floats of the work space for `tiles` tiles of all inputs and `blocks` blocks of outputs. */
static size_t floats_of(const ocl_pass *pass, size_t blocks, size_t tiles) {
    return POINTS * (channels(pass) + blocks * SIDE) * tiles;
}

size_t ocl_winograd_simt_least(const ocl_pass *pass) {
    return floats_of(pass, 1, BROAD);
}

/* Floats from one of the 36 transformed inputs to the next. */
static size_t v_point(const strip *s) {
    return channels(s->pass) * s->pitch;
}

static imp_status transform_inputs(const strip *s) {
    const ocl_pass *pass = s->pass;
    const imp_tensor inputs[] = {pass->x, pass->mask};
    ocl_run in = {0};
    while (ocl_next(&in, pass->mask.memory ? 2 : 1, inputs))
        TRY(ocl_launch(s->cl, winograd_inputs,
                       grid2(s->pitch, in.units + (in.last ? channels(pass) - pass->in : 0)),
                       at(ocl_work(s->cl, in.unit * s->pitch)), at(in.span[0]),
                       at(in.span[pass->mask.memory ? 1 : 0]), i32(pass->x.h), i32(pass->x.w),
                       i32((size_t)pass->before), i32(pass->mode), i32(across(pass)), i32(s->first),
                       i32(s->count), i32(v_point(s)), i32(in.units),
                       i32(pass->mask.memory ? OCL_CONV_MASKED : 0)));
    return IMP_OK;
}

/* A kernel of the products, and outputs x tiles of the map of its work-groups. */
typedef struct tile {
    ocl_kernel kernel;
    size_t high, wide;
} tile;

/* For `blocks` blocks of BLOCK outputs. Small tiles where large ones would be too few, or none
 * would be full. */
static tile choose_tile(const strip *s, size_t blocks) {
    const size_t units = imp_max(s->cl->base.info.units, 1);
    const size_t large = POINTS * (s->pitch / BROAD) * (blocks * BLOCK / BROAD);
    const bool half = s->form->half;
    if (s->pitch % BROAD == 0 && blocks * BLOCK % BROAD == 0 && large >= ROUNDS * units)
        return (tile){half ? OCL_K_winograd_products_128_half : OCL_K_winograd_products_128, BROAD,
                      BROAD};
    if (s->pitch % BROAD == 0 && blocks % 2 == 1)
        return (tile){half ? OCL_K_winograd_products_32_half : OCL_K_winograd_products_32, BLOCK,
                      BROAD};
    return (tile){half ? OCL_K_winograd_products_64_half : OCL_K_winograd_products_64, SIDE, SIDE};
}

/* Makes the outputs of `blocks` units from unit `out` on, as far as they are in the run. */
static imp_status make_outputs(const strip *s, ocl_span filters, size_t out, size_t blocks,
                               const ocl_run *run) {
    const ocl_pass *pass = s->pass;
    const size_t f_row = s->form->units.w * BLOCK / SIDE;
    const size_t first = imp_max(out * SIDE, run->unit);
    const size_t end = imp_min((out + blocks) * SIDE, run->unit + run->units);
    const tile t = choose_tile(s, imp_over(end - out * SIDE, BLOCK));
    const size_t groups = imp_over(end - out * SIDE, t.high), s_point = groups * t.high * s->pitch;
    ocl_span sums = ocl_work(s->cl, POINTS * v_point(s)), y = run->span[0];
    const ocl_arg arguments[] = {
        at(sums),        at(ocl_work(s->cl, 0)), at(filters),         i32(channels(pass)),
        i32(v_point(s)), i32(s_point),           i32(f_row / POINTS), i32(f_row)};
    TRY(ocl_enqueue(s->cl, t.kernel, groups3(s->pitch / t.wide, groups, POINTS), arguments,
                    sizeof arguments / sizeof *arguments));
    sums.at += (first - out * SIDE) * s->pitch;
    y.at += (first - run->unit) * pass->h * pass->w;
    return ocl_launch(s->cl, winograd_outputs, grid2(s->count, end - first), at(y), at(sums),
                      at(ocl_bias(pass, first)), i32(pass->h), i32(pass->w), i32(across(pass)),
                      i32(s->first), i32(s->count), i32(s->pitch), i32(s_point),
                      i32(pass->relu ? OCL_CONV_RELU : 0));
}

static imp_status make_strip(const strip *s) {
    ocl_run run = {0};
    TRY(transform_inputs(s));
    while (ocl_next(&run, 1, &s->pass->y)) {
        const size_t end = imp_over(run.unit + run.units, SIDE);
        for (size_t out = run.unit / SIDE, blocks; out < end; out += blocks) {
            size_t ins = 1;
            blocks = imp_min(s->batch, end - out);
            const ocl_span filters = ocl_form_piece(s->form, out, 0, &blocks, &ins);
            TRY(make_outputs(s, filters, out, blocks, &run));
        }
    }
    return IMP_OK;
}

/* Chooses the tiles and outputs at a time that take at most `floats` floats, or the least possible:
 * all outputs if the least tiles fit then. */
static void share(strip *s, size_t floats) {
    const size_t tiles = ocl_winograd_tiles(s->pass), side = tiles > SIDE ? BROAD : SIDE;
    const size_t all = imp_over(tiles, side);
    s->batch = imp_over(s->pass->out, SIDE);
    while (s->batch > 1 && floats_of(s->pass, s->batch, side) > floats)
        s->batch = imp_over(s->batch, 2);
    const size_t fit = imp_max(floats / floats_of(s->pass, s->batch, side), 1);
    const size_t strips = imp_over(all, fit); /* of nearly equal length */
    s->pitch = imp_over(all, strips) * side;
}

imp_status ocl_winograd_simt(ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    ocl_form *form = NULL;
    strip s = {.cl = cl, .pass = pass};
    TRY(ocl_form_get(cl, &form, pass, OCL_FORM_WINOGRAD));
    s.form = form;
    share(&s, cl->work_floats >> 2 * (algorithm - OCL_ALGORITHM_WINOGRAD));
    for (; s.first < ocl_winograd_tiles(pass); s.first += s.pitch) {
        s.count = imp_min(s.pitch, ocl_winograd_tiles(pass) - s.first);
        TRY(make_strip(&s));
    }
    return IMP_OK;
}
