/* SPDX-License-Identifier: MIT
 *
 * The outputs of a launch, compared with the oracle.
 */
#include "selftest/outputs.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "selftest/bounds.h"

enum { TILE = 4 }; /* windows begin at its multiples: the largest tile of Winograd's algorithm */

/* A rectangle of the output that is compared. */
typedef struct window {
    size_t y, x, h, w;
    size_t margin; /* rows and columns that the oracle's output has before it */
} window;

static bool written(const imp_operand *o) {
    return o->role == IMP_OUTPUT || o->role == IMP_BOTH || o->role == IMP_SCALARS;
}

void imp_outputs_finish(imp_outputs *r) {
    for (size_t i = 0; i < IMP_OPERANDS; i++)
        free(r->values[i]);
    *r = (imp_outputs){0};
}

imp_status imp_outputs_read(imp_outputs *r, imp_launch *launch, imp_error *err) {
    r->winograd = imp_launch_winograd(launch);
    for (size_t i = 0; i < IMP_OPERANDS; i++) {
        const imp_operand *o = &launch->operands->operand[i];
        if (!written(o))
            continue;
        r->values[i] = malloc(imp_operand_count(o) * sizeof(float));
        if (!r->values[i])
            return imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
        TRY(imp_launch_read(launch, i, r->values[i], err));
    }
    return IMP_OK;
}

/* The oracle's outputs of operands. */
static imp_status oracle_outputs(imp_outputs *out, const imp_operands *t, imp_device *oracle,
                                 imp_error *err) {
    imp_launch launch;
    bool fits = true;
    imp_status status = imp_launch_open(&launch, t, oracle, 0, &fits, err);
    if (status == IMP_OK)
        status = imp_launch_start(&launch, err);
    if (status == IMP_OK)
        status = imp_outputs_read(out, &launch, err);
    imp_launch_close(&launch);
    return status;
}

/* wanted, and its sizes A (bounds.h). Turns t into its absolute twin. */
static imp_status oracle_both(imp_outputs *wanted, imp_outputs *sizes, imp_operands *t,
                              imp_device *oracle, imp_error *err) {
    TRY(oracle_outputs(wanted, t, oracle, err));
    imp_operands_absolute(t);
    return oracle_outputs(sizes, t, oracle, err);
}

/* Compares one number, element [c,y,x] of operand `name`. */
static void compare_number(imp_check *k, double wanted, double got, double bound, const char *name,
                           size_t c, size_t y, size_t x) {
    double ratio = fabs(got - wanted) / bound;
    if (got == wanted)
        ratio = 0;
    if (isnan(ratio) || !isfinite(bound))
        ratio = INFINITY;
    if (ratio > 1 && ratio > k->out->ratio) {
        k->out->outcome = IMP_FAILED;
        snprintf(k->out->reason, sizeof k->out->reason,
                 "%s[%zu,%zu,%zu]: wanted %.9g, got %.9g, bound %.3g, seed %llu", name, c, y, x,
                 wanted, got, bound, (unsigned long long)k->seed);
    }
    k->out->ratio = fmax(k->out->ratio, ratio);
}

/* size: of an absolute twin, whose terms may all be negative. Denormal results may be flushed to
 * zero. */
static double bound_of(double factor, double size) {
    return factor == 0 ? 0 : factor * 0x1p-24 * fabs(size) + FLT_MIN;
}

/* t: the oracle's operands, whose output has the window at its margin; got: the whole output of the
 * device. */
static void compare_window(imp_check *k, size_t i, const window *w, const imp_operands *t,
                           const float *got, const float *wanted, const float *sizes) {
    const imp_operand *big = &k->operands->operand[i], *small = &t->operand[i];
    for (size_t c = 0; c < big->c; c++)
        for (size_t y = 0; y < w->h; y++)
            for (size_t x = 0; x < w->w; x++) {
                const size_t at = (c * big->h + w->y + y) * big->w + w->x + x;
                const size_t from = (c * small->h + w->margin + y) * small->w + w->margin + x;
                const double factor = imp_bound_factor(&t->c, i, from);
                if (got[at] != wanted[from])
                    compare_number(k, wanted[from], got[at], bound_of(factor, sizes[from]),
                                   big->name, c, w->y + y, w->x + x);
            }
}

static double slot_value(const float *scalars, size_t i) {
    double sum = 0;
    for (size_t j = 0; j < IMP_PARTIALS; j++)
        sum += scalars[i * IMP_PARTIALS + j];
    return sum;
}

/* Compares the values of slots that are written. The others must be unchanged. */
static void compare_scalars(imp_check *k, size_t i, const float *got, const float *wanted,
                            const float *sizes) {
    const imp_case *c = &k->operands->c;
    const char *name = k->operands->operand[i].name;
    const double factor = imp_bound_factor(c, i, 0);
    const size_t behind = IMP_SLOT_OUT + imp_slots_written(c->op);
    for (size_t slot = IMP_SLOT_OUT; slot < behind; slot++) {
        const double value = slot_value(wanted, slot);
        /* total variation is a sum of exact absolute differences: it is its own size */
        const double size = c->op == IMP_OP_tv ? value : slot_value(sizes, slot);
        compare_number(k, value, slot_value(got, slot), bound_of(factor, size), name, slot, 0, 0);
    }
    for (size_t at = 0; at < IMP_SLOTS * IMP_PARTIALS; at++)
        if (at / IMP_PARTIALS < IMP_SLOT_OUT || at / IMP_PARTIALS >= behind)
            compare_number(k, wanted[at], got[at], 0, name, at / IMP_PARTIALS, 0,
                           at % IMP_PARTIALS);
}

/* Turns t into its absolute twin. w: NULL for the whole output. */
static imp_status compare(imp_check *k, imp_operands *t, const window *w, const imp_outputs *got,
                          imp_error *err) {
    imp_outputs wanted = {0}, sizes = {0};
    imp_status status = oracle_both(&wanted, &sizes, t, k->oracle, err);
    if (status == IMP_OK && got->winograd)
        status = imp_bound_winograd(sizes.values[0], t, got->winograd, w ? w->margin : 0, err);
    for (size_t i = 0; status == IMP_OK && i < IMP_OPERANDS; i++) {
        const imp_operand *o = &t->operand[i];
        const window whole = {0, 0, o->h, o->w, 0};
        if (o->role == IMP_SCALARS)
            compare_scalars(k, i, got->values[i], wanted.values[i], sizes.values[i]);
        else if (written(o))
            compare_window(k, i, w ? w : &whole, t, got->values[i], wanted.values[i],
                           sizes.values[i]);
    }
    imp_outputs_finish(&wanted);
    imp_outputs_finish(&sizes);
    return status;
}

/* ---- windows of convolutions ---- */

/* Copies rows from y on and columns from x on; beyond the border there are zeros. */
static void crop(imp_operand *to, const imp_operand *from, ptrdiff_t y, ptrdiff_t x) {
    float *out = to->values;
    for (size_t c = 0; c < to->c; c++)
        for (size_t p = 0; p < to->h; p++)
            for (size_t q = 0; q < to->w; q++) {
                const ptrdiff_t row = y + (ptrdiff_t)p, column = x + (ptrdiff_t)q;
                const bool inside = row >= 0 && row < (ptrdiff_t)from->h && column >= 0 &&
                                    column < (ptrdiff_t)from->w;
                *out++ = inside
                             ? from->values[(c * from->h + (size_t)row) * from->w + (size_t)column]
                             : 0;
            }
}

/* Operands whose output is window w of the whole output, with a margin: the same filters, without
 * padding, and the part of the input that w depends on. For zero padding, and gradients of
 * stride 1.
 */
static imp_status crop_operands(imp_operands *t, const imp_operands *whole, window *w,
                                imp_error *err) {
    imp_case c = whole->c;
    const ptrdiff_t before = (ptrdiff_t)c.conv.before, stride = (ptrdiff_t)c.conv.stride;
    const ptrdiff_t y = (ptrdiff_t)w->y, x = (ptrdiff_t)w->x;
    const size_t reach = c.conv.kernel - 1, filters = c.conv.out * c.conv.in;
    const bool gradient = c.op == IMP_OP_conv_grad;
    w->margin = gradient ? reach : 0;
    c.conv.before = c.conv.after = 0;
    c.h = (w->h - 1) * c.conv.stride + 1 + reach + w->margin;
    c.w = (w->w - 1) * c.conv.stride + 1 + reach + w->margin;
    TRY(imp_operands_init(t, &c, 0, err));
    memcpy(t->weights, whole->weights, filters * (reach + 1) * (reach + 1) * sizeof(float));
    if (t->bias)
        memcpy(t->bias, whole->bias, c.conv.out * sizeof(float));
    for (size_t i = 1; i < IMP_OPERANDS; i++)
        if (t->operand[i].role == IMP_INPUT && gradient)
            crop(&t->operand[i], &whole->operand[i], y + before - (ptrdiff_t)reach,
                 x + before - (ptrdiff_t)reach);
        else if (t->operand[i].role == IMP_INPUT)
            crop(&t->operand[i], &whole->operand[i], y * stride - before, x * stride - before);
    return IMP_OK;
}

static size_t at_most(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The window at (y, x), moved to where a tile of Winograd's algorithm begins, cut at the border. */
static window window_at(const imp_operand *o, size_t y, size_t x, size_t side) {
    y -= y % TILE;
    x -= x % TILE;
    return (window){y, x, at_most(side, o->h - y), at_most(side, o->w - x), 0};
}

/* In the interior, at the last and the first corner, in the middle of the upper and left borders.
 */
imp_status imp_compare_windows(imp_check *k, const imp_outputs *got, size_t count, double products,
                               imp_error *err) {
    const imp_operand *o = &k->operands->operand[0];
    const imp_conv *conv = &k->operands->c.conv;
    const double fitting = sqrt(products / (double)(conv->in * conv->out));
    const size_t side = (size_t)fmin(32, fmax(8, fitting)) / TILE * TILE;
    const size_t h = o->h - at_most(side, o->h), w = o->w - at_most(side, o->w);
    window windows[] = {window_at(o, h * 5 / 7, w * 3 / 7, side), window_at(o, h, w, side + TILE),
                        window_at(o, 0, 0, side), window_at(o, 0, w / 2, side),
                        window_at(o, h / 2, 0, side)};
    for (size_t i = 0; i < count && i < sizeof windows / sizeof *windows; i++) {
        imp_operands t = {0};
        imp_status status = crop_operands(&t, k->operands, &windows[i], err);
        if (status == IMP_OK)
            status = compare(k, &t, &windows[i], got, err);
        imp_operands_finish(&t);
        TRY(status);
    }
    return IMP_OK;
}

imp_status imp_compare(imp_check *k, imp_operands *t, const imp_outputs *got, imp_error *err) {
    return compare(k, t, NULL, got, err);
}
