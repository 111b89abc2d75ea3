/* SPDX-License-Identifier: MIT
 *
 * The slots of the convolution: filters in the forms that kernels read, and a convolution and its
 * gradient as passes. convolution_choice.c chooses the algorithm of a pass; convolution_wide.c,
 * convolution_simt.c, winograd.c and winograd_simt.c make it.
 */
#include "opencl/convolution.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

struct imp_filter {
    imp_conv conv;
    const float *weights; /* borrowed */
    cl_mem bias;          /* of the outputs, then zeros for the inputs; both in whole blocks */
    size_t bias_bytes, zeros;
    ocl_form forms[2][OCL_FORMS]; /* convolution, gradient */
};

static size_t up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* ---- filters ---- */

static imp_status make_bias(ocl_device *cl, imp_filter *filter, const float *bias) {
    enum { BLOCK = 16 };
    filter->zeros = up(filter->conv.out, BLOCK);
    filter->bias_bytes = (filter->zeros + up(filter->conv.in, BLOCK)) * sizeof(float);
    float *values = calloc(1, filter->bias_bytes);
    if (!values)
        return imp_fail(&cl->base.error, IMP_ERR_MEMORY, "device '%s': out of host memory",
                        cl->base.info.name);
    if (bias)
        memcpy(values, bias, filter->conv.out * sizeof *bias);
    const imp_status status = ocl_buffer(cl, &filter->bias, filter->bias_bytes, values);
    free(values);
    return status;
}

imp_status ocl_filter_open(imp_device *d, imp_filter **out, const imp_conv *conv,
                           const float *weights, const float *bias) {
    ocl_device *cl = ocl_enter(d, filter_open);
    imp_filter *filter = calloc(1, sizeof *filter);
    *out = NULL;
    if (!filter)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "device '%s': out of host memory", d->info.name);
    filter->conv = *conv;
    filter->weights = weights;
    const imp_status status = make_bias(cl, filter, bias);
    if (status == IMP_OK)
        *out = filter;
    else
        ocl_filter_close(d, filter);
    return status;
}

void ocl_filter_close(imp_device *d, imp_filter *filter) {
    if (!filter)
        return;
    for (size_t flipped = 0; flipped < 2; flipped++)
        for (size_t kind = 0; kind < OCL_FORMS; kind++)
            ocl_release(d, filter->forms[flipped][kind].memory);
    ocl_sync(d);
    ocl_buffer_release((ocl_device *)d, filter->bias, filter->bias_bytes);
    free(filter);
}

ocl_span ocl_bias(const ocl_pass *pass, size_t channel) {
    const imp_filter *filter = pass->filter;
    return (ocl_span){filter->bias, pass->flipped ? filter->zeros : channel, 1};
}

/* Allocates memory for a tensor of units. */
static imp_status own_memory(ocl_device *cl, imp_memory **out, imp_tensor *units) {
    const size_t bytes = ocl_place(&cl->base, units, 0);
    if (bytes == SIZE_MAX)
        return imp_fail(&cl->base.error, IMP_ERR_MEMORY,
                        "device '%s': filters need %zu KiB in one piece, but it allocates at most "
                        "%zu KiB: choose another device",
                        cl->base.info.name, ocl_unit_floats(cl, units) * sizeof(float) >> 10,
                        cl->chunk >> 10);
    TRY(ocl_alloc(&cl->base, out, bytes));
    units->memory = *out;
    return IMP_OK;
}

ocl_span ocl_form_piece(const ocl_form *form, size_t out, size_t in, size_t *outs, size_t *ins) {
    const size_t whole = ocl_unit(&form->units, out * form->ins).units / form->ins;
    const ocl_span span = ocl_unit(&form->units, out * form->ins + in);
    if (*outs > whole)
        *outs = whole ? whole : 1;
    if (*ins > span.units)
        *ins = span.units;
    return span;
}

/* Fills a piece of a form from unit (out, in) on. raw: the weights, of which O from `first` to
 * first + count - 1 are present. */
static imp_status fill_piece(ocl_device *cl, const ocl_form *form, const ocl_pass *pass,
                             ocl_span piece, size_t out, size_t outs, size_t in, size_t ins,
                             ocl_span raw, size_t first, size_t count) {
    const ocl_arg row = i32(form->ins * form->units.w);
    if (form->points > 0 && cl->class == OCL_SIMT) /* a unit is two blocks */
        return ocl_launch(cl, winograd_filter_tile, grid2(outs * form->bo, form->bi), at(piece),
                          at(raw), i32(out * form->bo), i32(pass->out), i32(pass->in),
                          i32(form->units.w / 2), i32(first), i32(count), i32(pass->flipped),
                          i32(form->half));
    if (form->points > 0)
        return ocl_launch(cl, winograd_filter, grid2(outs, form->bi / 16), at(piece), at(raw),
                          i32(out * form->bo), i32(pass->out), i32(pass->in), row, i32(first),
                          i32(count), i32(pass->flipped), i32(form->half));
    return ocl_launch(cl, conv_filter, grid2(outs, ins), at(piece), at(raw), i32(out * form->bo),
                      i32(in * form->bi), i32(pass->out), i32(pass->in),
                      i32(pass->side * pass->side), i32(form->bo), i32(form->bi), row, i32(first),
                      i32(count), i32(pass->flipped));
}

static imp_status fill_form(ocl_device *cl, const ocl_form *form, const ocl_pass *pass,
                            ocl_span raw, size_t first, size_t count) {
    for (size_t out = 0, outs = 0; out < form->outs; out += outs)
        for (size_t in = 0, ins; in < form->ins; in += ins) {
            outs = form->outs - out;
            ins = form->ins - in;
            const ocl_span piece = ocl_form_piece(form, out, in, &outs, &ins);
            TRY(fill_piece(cl, form, pass, piece, out, outs, in, ins, raw, first, count));
        }
    return IMP_OK;
}

static imp_status make_form(ocl_device *cl, ocl_form *form, const ocl_pass *pass) {
    const imp_conv *conv = &pass->filter->conv;
    const size_t taps = pass->side * pass->side;
    imp_memory *memory = NULL;
    imp_tensor raw = {.c = conv->out, .h = 1, .w = conv->in * taps, .layout = IMP_PLANES};
    ocl_run run = {0};
    imp_status status = own_memory(cl, &memory, &raw);
    if (status == IMP_OK)
        status = ocl_write(&cl->base, raw, pass->filter->weights);
    if (status == IMP_OK)
        status = own_memory(cl, &form->memory, &form->units);
    while (status == IMP_OK && ocl_next(&run, 1, &raw))
        status = fill_form(cl, form, pass, run.span[0], run.unit, run.units);
    ocl_release(&cl->base, memory);
    return status;
}

/* The form of that kind of the pass's filters, without memory. */
static ocl_form describe_form(const ocl_device *cl, const ocl_pass *pass, ocl_form_kind kind) {
    const size_t all = (pass->in + 15) / 16 * 16; /* inputs */
    const size_t block = cl->class == OCL_WIDE ? 16 : OCL_WINOGRAD_SIDE;
    const struct {
        size_t bo, bi, points;
    } shapes[OCL_FORMS] = {[OCL_FORM_BLOCKS] = {16, 16, 0}, [OCL_FORM_PLANES] = {1, 16, 0},
                           [OCL_FORM_TILES] = {64, 1, 0},   [OCL_FORM_POINTS] = {32, 1, 0},
                           [OCL_FORM_ANY] = {8, 1, 0},      [OCL_FORM_WINOGRAD] = {block, all, 36}};
    ocl_form form = {.bo = shapes[kind].bo, .bi = shapes[kind].bi, .points = shapes[kind].points};
    form.outs = (pass->out + form.bo - 1) / form.bo;
    form.ins = (pass->in + form.bi - 1) / form.bi;
    form.half = form.points && pass->half;
    const size_t values = form.points ? form.points : pass->side * pass->side;
    form.units = (imp_tensor){.c = form.outs * form.ins,
                              .h = 1,
                              .w = values * form.bo * form.bi / (form.half ? 2 : 1),
                              .layout = IMP_PLANES};
    return form;
}

bool ocl_form_is_whole(const ocl_device *cl, const ocl_pass *pass, ocl_form_kind kind) {
    const ocl_form form = describe_form(cl, pass, kind);
    return form.units.c * form.units.w * sizeof(cl_float) <= cl->chunk;
}

imp_status ocl_form_get(ocl_device *cl, ocl_form **out, const ocl_pass *pass, ocl_form_kind kind) {
    const ocl_operation operation = cl->operation;
    ocl_form *form = *out = &pass->filter->forms[pass->flipped][kind];
    if (form->memory)
        return IMP_OK;
    *form = describe_form(cl, pass, kind);
    cl->operation = OCL_OP_filter_open;
    const imp_status status = make_form(cl, form, pass);
    cl->operation = operation;
    if (status != IMP_OK) {
        ocl_release(&cl->base, form->memory);
        form->memory = NULL;
    }
    return status;
}

/* ---- strips ---- */

bool ocl_next_strip(ocl_strip *strip, const ocl_pass *pass, size_t rows) {
    const imp_conv *fold = pass->fold;
    const size_t h = pass->y.h, first = strip->first + strip->rows;
    size_t last = first + rows;
    if (first >= h)
        return false;
    if (!fold) {
        last = last < h ? last : h;
        *strip = (ocl_strip){first, last - first, first, last - first};
        return true;
    }
    /* padding shows rows 0..before and h - 1 - after..h - 1: each group is one strip */
    if (last <= fold->before)
        last = fold->before + 1;
    if (last + fold->after + 1 > h)
        last = h;
    const size_t from = first ? first + fold->before : 0;
    const size_t to = last < h ? last + fold->before : h + fold->before + fold->after;
    *strip = (ocl_strip){first, last - first, from, to - from};
    return true;
}

bool ocl_next_output(const ocl_device *cl, ocl_run *run, const ocl_pass *pass) {
    const size_t width = pass->y.layout == IMP_MAPS ? cl->block : 1;
    const size_t least = 2 * pass->side * pass->w * width; /* of a unit's shortest strip */
    const size_t units = cl->work_floats / 2 / least;
    if (!ocl_next(run, 1, &pass->y))
        return false;
    if (pass->fold && run->units > units)
        run->units = units ? units : 1;
    return true;
}

imp_status ocl_fold_strip(ocl_device *cl, const ocl_pass *pass, const ocl_strip *strip,
                          const ocl_run *run) {
    const imp_tensor *y = &pass->y;
    const size_t width = y->layout == IMP_MAPS ? cl->block : 1;
    return ocl_launch(cl, conv_fold,
                      grid3(cl->class == OCL_WIDE ? 1 : y->w, strip->rows, run->units),
                      at(run->span[0]), at(ocl_work(cl, 0)), i32(y->h), i32(y->w), i32(width),
                      i32(strip->first), i32(strip->from), i32(strip->made),
                      i32(pass->fold->before), i32(pass->fold->after), i32(pass->fold->padding));
}

imp_status ocl_no_memory(ocl_device *cl, const ocl_pass *pass) {
    return imp_fail(&cl->base.error, IMP_ERR_MEMORY,
                    "device '%s': rows of %zu pixels do not fit its work space: choose a smaller "
                    "size or another device",
                    cl->base.info.name, pass->w);
}

size_t ocl_far(const ocl_pass *pass) {
    return pass->y.c * pass->y.h * pass->y.w * sizeof(float) >= IMP_FAR ? OCL_CONV_FAR : 0;
}

bool ocl_is_point(const ocl_pass *pass) {
    return pass->side == 1 && pass->stride == 1 && pass->step == 1 && pass->before == 0 &&
           pass->y.h == pass->x.h && pass->y.w == pass->x.w && !pass->fold;
}

/* ---- slots ---- */

static ocl_pass forward(imp_tensor y, imp_tensor x, imp_filter *filter) {
    const imp_conv *c = &filter->conv;
    return (ocl_pass){.y = y,
                      .x = x,
                      .filter = filter,
                      .conv = c,
                      .relu = c->relu,
                      .half = c->half,
                      .in = c->in,
                      .out = c->out,
                      .side = c->kernel,
                      .stride = c->stride,
                      .step = 1,
                      .h = y.h,
                      .w = y.w,
                      .before = (ptrdiff_t)c->before,
                      .mode = c->padding};
}

/* With stride - 1 zeros between the elements of dy, the gradient of the padded input at u is the
 * sum over taps t of w[t] dy[u - t]: a convolution with flipped filters that begins at u - (kernel
 * - 1). */
static ocl_pass backward(imp_tensor dx, imp_tensor dy, imp_tensor y, imp_filter *filter) {
    const imp_conv *c = &filter->conv;
    const bool fold = c->padding != IMP_PAD_ZERO && c->before + c->after > 0;
    const size_t border = fold ? c->before + c->after : 0;
    return (ocl_pass){.y = dx,
                      .x = dy,
                      .mask = c->relu ? y : (imp_tensor){0},
                      .filter = filter,
                      .conv = c,
                      .flipped = true,
                      .half = c->half,
                      .in = c->out,
                      .out = c->in,
                      .side = c->kernel,
                      .stride = 1,
                      .step = c->stride,
                      .h = dx.h + border,
                      .w = dx.w + border,
                      .before = (ptrdiff_t)c->kernel - 1 - (fold ? 0 : (ptrdiff_t)c->before),
                      .mode = IMP_PAD_ZERO,
                      .fold = fold ? c : NULL};
}

static imp_status make_pass(ocl_device *cl, const ocl_pass *pass) {
    const unsigned algorithm = ocl_algorithm_of(cl, pass);
    if (algorithm == OCL_ALGORITHM_DIRECT)
        return cl->class == OCL_WIDE ? ocl_pass_wide(cl, pass) : ocl_pass_simt(cl, pass);
    return (cl->class == OCL_WIDE ? ocl_winograd_wide : ocl_winograd_simt)(cl, pass, algorithm);
}

imp_status ocl_conv(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    const ocl_pass pass = forward(y, x, filter);
    assert(x.c == pass.in && y.c == pass.out);
    assert(y.h == imp_conv_side(&filter->conv, x.h) && y.w == imp_conv_side(&filter->conv, x.w));
    return make_pass(ocl_enter(d, conv), &pass);
}

imp_status ocl_conv_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                         imp_filter *filter) {
    const ocl_pass pass = backward(dx, dy, y, filter);
    assert(dx.c == pass.out && dy.c == pass.in);
    assert(dy.h == imp_conv_side(&filter->conv, dx.h));
    assert(dy.w == imp_conv_side(&filter->conv, dx.w));
    assert(!filter->conv.relu || !y.memory || ocl_alike(&y, &dy));
    return make_pass(ocl_enter(d, conv_grad), &pass);
}

/* ---- queries ---- */

/* The queries that need the pass do not change the filter. */
ocl_pass ocl_pass_of(imp_tensor y, imp_tensor x, const imp_filter *filter, bool back) {
    return back ? backward(y, x, x, (imp_filter *)filter) : forward(y, x, (imp_filter *)filter);
}

/* *work is 0: the work space belongs to the device and is allocated when it is opened. */
void ocl_workspace(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                   bool back, size_t *filters, size_t *work) {
    const ocl_device *cl = (const ocl_device *)d;
    const ocl_pass pass = ocl_pass_of(y, x, filter, back);
    ocl_form form = describe_form(cl, &pass, ocl_form_of(cl, &pass, ocl_algorithm_of(cl, &pass)));
    const size_t bytes = ocl_place(d, &form.units, 0);
    *filters = bytes == SIZE_MAX ? 0 : bytes;
    *work = 0;
}

/* ---- fused with a pooling ---- */

/* Makes a pass for which ocl_fuses_pool was true. If direct was chosen since then, Winograd's
 * algorithm still makes it. */
static imp_status make_fused(ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    if (pass->side == 1)
        return ocl_points_fused(cl, pass);
    return ocl_winograd_fused(
        cl, pass, algorithm == OCL_ALGORITHM_DIRECT ? OCL_ALGORITHM_WINOGRAD : algorithm);
}

imp_status ocl_conv_pool(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor x,
                         imp_filter *filter, imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, conv_pool);
    imp_tensor map = y;
    map.h = imp_conv_side(&filter->conv, x.h), map.w = imp_conv_side(&filter->conv, x.w);
    ocl_pass pass = forward(map, x, filter);
    const unsigned algorithm = ocl_algorithm_of(cl, &pass);
    assert(y.c == pass.out && y.h == map.h / 2 && y.w == map.w / 2);
    assert(indices.c == y.c && indices.h == y.h && indices.w == imp_over(y.w, IMP_INDICES));
    pass.y = y, pass.indices = indices, pass.average = kind == IMP_POOL_AVERAGE;
    return make_fused(cl, &pass, algorithm);
}

imp_status ocl_conv_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                              imp_filter *filter, imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, conv_pool_grad);
    imp_tensor map = dy;
    map.h = imp_conv_side(&filter->conv, dx.h), map.w = imp_conv_side(&filter->conv, dx.w);
    ocl_pass pass = backward(dx, map, (imp_tensor){0}, filter);
    const unsigned algorithm = ocl_algorithm_of(cl, &pass);
    assert(dy.c == pass.in && dy.h == map.h / 2 && dy.w == map.w / 2);
    assert(indices.c == dy.c && indices.h == dy.h && indices.w == imp_over(dy.w, IMP_INDICES));
    pass.x = dy, pass.indices = indices, pass.average = kind == IMP_POOL_AVERAGE;
    return make_fused(cl, &pass, algorithm);
}
