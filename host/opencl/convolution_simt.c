/* SPDX-License-Identifier: MIT
 *
 * A direct pass in the simt class: planes, one launch for a strip of rows and a piece of filters
 * (cl/convolution.cl, cl/point.cl). The work space holds the strip's result where it is to be
 * folded.
 */
#include "opencl/convolution.h"

/* TILE_COLUMNS, TILE_ROWS: positions that a work-group of conv_3x3 makes; FEW_COLUMNS, FEW_ROWS:
 * those of conv_few. SLOW: conv_any takes so many times as long. */
enum { TILE_COLUMNS = 16, TILE_ROWS = 8, FEW_COLUMNS = 64, FEW_ROWS = 16, SLOW = 8 };

/* The state of a pass: the run of y, the strip of its rows, the run of inputs. */
typedef struct simt {
    ocl_device *cl;
    const ocl_pass *pass;
    const ocl_form *form;
    bool point, three; /* by conv_1x1_*; by conv_3x3 or conv_few */
    ocl_run run, in;
    ocl_strip strip;
} simt;

/* ---- launches ---- */

/* Launches conv_1x1_* for outputs first..end-1, in `outs` blocks of filters from output `block` on:
 * in tiles of two blocks if there are two for each. */
static imp_status multiply_points(const simt *s, ocl_span y, ocl_span x, ocl_span mask,
                                  ocl_span filters, size_t block, size_t outs, size_t ins,
                                  size_t first, size_t end, size_t kind) {
    const ocl_pass *pass = s->pass;
    const bool two = outs % 2 == 0, masked = kind & OCL_CONV_MASKED;
    const size_t count = s->strip.made * pass->w, wide = two ? 64 : 128;
    const ocl_kernel kernel = two ? (masked ? OCL_K_conv_1x1_64_masked : OCL_K_conv_1x1_64)
                                  : (masked ? OCL_K_conv_1x1_32_masked : OCL_K_conv_1x1_32);
    const ocl_arg arguments[] = {at(y),
                                 at(x),
                                 at(mask),
                                 at(filters),
                                 at(ocl_bias(pass, block)),
                                 i32(ins),
                                 i32(first - block),
                                 i32(end - block),
                                 i32(pass->y.h * pass->y.w),
                                 i32(s->form->ins * s->form->units.w),
                                 i32(s->strip.first * pass->w),
                                 i32(count),
                                 i32(kind)};
    return ocl_enqueue(s->cl, kernel, groups2(imp_over(count, wide), two ? outs / 2 : outs),
                       arguments, sizeof arguments / sizeof *arguments);
}

/* Makes `outs` blocks of outputs from block `out` on, as far as they are in the run, from `ins`
 * inputs from `in` on. Their filters lie in one piece. */
static imp_status multiply_piece(const simt *s, ocl_span filters, size_t out, size_t outs,
                                 size_t in, size_t ins) {
    const ocl_pass *pass = s->pass;
    const size_t block = out * s->form->bo, first = imp_max(block, s->run.unit);
    const size_t end = imp_min(block + outs * s->form->bo, s->run.unit + s->run.units);
    const size_t y_plane = pass->fold ? s->strip.made * pass->w : pass->y.h * pass->y.w;
    const ptrdiff_t top = (ptrdiff_t)(s->strip.from * pass->stride) - pass->before;
    const size_t kind = (in > 0 ? OCL_CONV_ACCUMULATE : 0) |
                        (in + ins == pass->in && pass->relu ? OCL_CONV_RELU : 0) |
                        (pass->mask.memory ? OCL_CONV_MASKED : 0);
    const size_t skipped = (in - s->in.unit) * pass->x.h * pass->x.w;
    ocl_span y = pass->fold ? ocl_work(s->cl, 0) : s->run.span[0];
    ocl_span x = s->in.span[0], mask = s->in.span[pass->mask.memory ? 1 : 0];
    y.at += (first - s->run.unit) * y_plane;
    x.at += skipped;
    mask.at += skipped;
    const ocl_arg y_first = i32(pass->fold ? 0 : s->strip.first * pass->w);
    const ocl_arg row = i32(s->form->ins * s->form->units.w);
    if (s->point)
        return multiply_points(s, y, x, mask, filters, block, outs, ins, first, end, kind);
    const ocl_arg arguments[] = {at(y),
                                 at(x),
                                 at(mask),
                                 at(filters),
                                 at(ocl_bias(pass, block)),
                                 i32(ins),
                                 i32(first - block),
                                 i32(end - block),
                                 i32(pass->x.h),
                                 i32(pass->x.w),
                                 i32((size_t)top),
                                 i32((size_t)-pass->before),
                                 i32(pass->mode),
                                 row,
                                 i32(y_plane),
                                 y_first,
                                 i32(s->strip.made),
                                 i32(pass->w),
                                 i32(kind)};
    const size_t count = sizeof arguments / sizeof *arguments;
    if (s->three && pass->out <= OCL_FEW)
        return ocl_enqueue(
            s->cl, OCL_K_conv_few,
            groups2(imp_over(pass->w, FEW_COLUMNS), imp_over(s->strip.made, FEW_ROWS)), arguments,
            count);
    if (s->three)
        return ocl_enqueue(
            s->cl, OCL_K_conv_3x3,
            groups3(imp_over(pass->w, TILE_COLUMNS), imp_over(s->strip.made, TILE_ROWS), outs),
            arguments, count);
    return ocl_launch(s->cl, conv_any, grid3(pass->w, s->strip.made, outs), at(y), at(x), at(mask),
                      at(filters), at(ocl_bias(pass, block)), i32(ins), i32(first - block),
                      i32(end - block), i32(pass->x.h), i32(pass->x.w), i32((size_t)top),
                      i32((size_t)-pass->before), i32(pass->mode), i32(pass->side),
                      i32(pass->stride), i32(pass->step), row, i32(y_plane), y_first, i32(pass->w),
                      i32(kind));
}

/* Makes all outputs of the run from the run of inputs. */
static imp_status multiply(const simt *s) {
    const size_t end = (s->run.unit + s->run.units + s->form->bo - 1) / s->form->bo;
    const size_t last = s->in.unit + s->in.units;
    for (size_t out = s->run.unit / s->form->bo, outs = 0; out < end; out += outs)
        for (size_t in = s->in.unit, ins; in < last; in += ins) {
            outs = end - out;
            ins = last - in;
            const ocl_span filters = ocl_form_piece(s->form, out, in, &outs, &ins);
            TRY(multiply_piece(s, filters, out, outs, in, ins));
        }
    return IMP_OK;
}

static imp_status make_strip(simt *s) {
    const ocl_pass *pass = s->pass;
    const imp_tensor inputs[] = {pass->x, pass->mask};
    if (pass->fold && s->run.units * s->strip.made * pass->w > s->cl->work_floats)
        return ocl_no_memory(s->cl, pass);
    s->in = (ocl_run){0};
    while (ocl_next(&s->in, pass->mask.memory ? 2 : 1, inputs))
        TRY(multiply(s));
    return pass->fold ? ocl_fold_strip(s->cl, pass, &s->strip, &s->run) : IMP_OK;
}

/* ---- the pass ---- */

/* Rows of a strip: whole tiles, and few enough that the result fits the work space where it is to
 * be folded. */
static size_t strip_rows(const simt *s) {
    const ocl_pass *pass = s->pass;
    const size_t products = pass->w * pass->in * pass->out * pass->side * pass->side;
    const size_t most = s->three || s->point ? OCL_MOST_PRODUCTS : OCL_MOST_PRODUCTS / SLOW;
    const size_t rows = imp_max(most / products / FEW_ROWS, 1) * FEW_ROWS;
    const size_t border = 2 * pass->side; /* rows by which a folded strip may be longer */
    const size_t fit = s->cl->work_floats / (s->run.units * pass->w);
    return pass->fold ? imp_min(rows, fit > border ? fit - border : 1) : rows;
}

imp_status ocl_pass_simt(ocl_device *cl, const ocl_pass *pass) {
    ocl_form *form = NULL;
    simt s = {.cl = cl, .pass = pass};
    const ocl_form_kind kind = ocl_form_of(cl, pass, OCL_ALGORITHM_DIRECT);
    s.point = ocl_is_point(pass);
    s.three = pass->side == 3 && pass->stride == 1 && pass->step == 1;
    TRY(ocl_form_get(cl, &form, pass, kind));
    s.form = form;
    while (ocl_next_output(cl, &s.run, pass)) {
        const size_t rows = strip_rows(&s);
        s.strip = (ocl_strip){0};
        while (ocl_next_strip(&s.strip, pass, rows))
            TRY(make_strip(&s));
    }
    return IMP_OK;
}
