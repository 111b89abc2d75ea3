/* SPDX-License-Identifier: MIT
 *
 * The size A of Winograd's algorithm: |A^T| [ (|G| |g| |G^T|) . (|B^T| |d| |B|) ] |A|, summed over
 * input channels, for every tile. It corresponds to the sum of absolute products of the direct
 * algorithm, but depends on the whole tile, not only on the inputs of one output.
 */
#include <math.h>
#include <stdlib.h>

#include "selftest/bounds.h"

enum { SIDE = IMP_WINOGRAD_SIDE, POINTS = SIDE * SIDE };

/* A correlation of 3 x 3, stride 1, of absolute values: the convolution itself, or its gradient as
 * a correlation of dy with the flipped filters. */
struct correlation {
    const imp_winograd *w;
    size_t inputs, outputs;
    const imp_operand *d, *positive; /* d counts only where positive is above 0; NULL: everywhere */
    imp_padding padding;
    ptrdiff_t first; /* the row and column of d at the first output's first tap */
    const float *weights;
    bool flipped; /* weights[i,o,2-a,2-b] are used */
    float *u;     /* [outputs][inputs][POINTS] */
    double *v;    /* [inputs][POINTS] */
};

/* out = |l| in |l|^T; in: n x n; l: m x n, its rows l_row apart. */
static void transform(double *out, size_t m, const double *l, size_t l_row, const double *in,
                      size_t n) {
    double half[POINTS] = {0}; /* |l| in */
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                half[r * n + j] += fabs(l[r * l_row + i]) * in[i * n + j];
    for (size_t r = 0; r < m; r++)
        for (size_t s = 0; s < m; s++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++)
                sum += half[r * n + j] * fabs(l[s * l_row + j]);
            out[r * m + s] = sum;
        }
}

/* What rounding to half precision adds to a transformed filter of size u. The rounding is off by at
 * most half of the last of 11 bits, or by half of the smallest step, 2^-24. The sizes are
 * multiplied by the factor and by 2^-24 later, so both are divided out here. */
static double rounded(double u, double factor) {
    return (u * 0x1p-11 + 0x1p-25) / (factor * 0x1p-24);
}

static void transform_filters(struct correlation *c, double half_factor) {
    for (size_t o = 0; o < c->outputs; o++)
        for (size_t i = 0; i < c->inputs; i++) {
            double g[9], u[POINTS];
            for (size_t k = 0; k < 9; k++)
                g[k] = c->flipped ? c->weights[(i * c->outputs + o) * 9 + 8 - k]
                                  : c->weights[(o * c->inputs + i) * 9 + k];
            transform(u, SIDE, &c->w->g[0][0], 3, g, 3);
            for (size_t p = 0; p < POINTS; p++)
                c->u[(o * c->inputs + i) * POINTS + p] =
                    (float)(half_factor > 0 ? u[p] + rounded(u[p], half_factor) : u[p]);
        }
}

/* The position that position k of a padded side is copied from; -1: it is zero. */
static ptrdiff_t source(imp_padding padding, ptrdiff_t k, size_t n) {
    const ptrdiff_t last = (ptrdiff_t)n - 1;
    if (padding == IMP_PAD_REPLICATE)
        k = k < 0 ? 0 : k > last ? last : k;
    if (padding == IMP_PAD_REFLECT)
        k = k < 0 ? -k : k > last ? 2 * last - k : k;
    return k < 0 || k > last ? -1 : k;
}

static double input_at(const struct correlation *c, size_t i, ptrdiff_t p, ptrdiff_t q) {
    const ptrdiff_t row = source(c->padding, p, c->d->h);
    const ptrdiff_t column = source(c->padding, q, c->d->w);
    if (row < 0 || column < 0)
        return 0;
    const size_t at = (i * c->d->h + (size_t)row) * c->d->w + (size_t)column;
    return !c->positive || c->positive->values[at] > 0 ? c->d->values[at] : 0;
}

/* The inputs of the tile whose first output is at (p, q). */
static void transform_inputs(struct correlation *c, size_t p, size_t q) {
    const size_t side = c->w->out + 2;
    for (size_t i = 0; i < c->inputs; i++) {
        double d[POINTS] = {0};
        for (size_t k = 0; k < side * side; k++)
            d[k] = input_at(c, i, (ptrdiff_t)(p + k / side) + c->first,
                            (ptrdiff_t)(q + k % side) + c->first);
        transform(c->v + i * POINTS, SIDE, &c->w->bt[0][0], SIDE, d, side);
    }
}

/* Adds to sizes the tile of output channel o whose first output is at (p, q). */
static void add_tile(float *sizes, const struct correlation *c, const imp_operand *out, size_t o,
                     size_t p, size_t q) {
    double m[POINTS] = {0}, y[POINTS];
    for (size_t i = 0; i < c->inputs; i++)
        for (size_t k = 0; k < POINTS; k++)
            m[k] += c->u[(o * c->inputs + i) * POINTS + k] * c->v[i * POINTS + k];
    transform(y, c->w->out, &c->w->at[0][0], SIDE, m, SIDE);
    for (size_t a = 0; a < c->w->out && p + a < out->h; a++)
        for (size_t b = 0; b < c->w->out && q + b < out->w; b++)
            sizes[(o * out->h + p + a) * out->w + q + b] += (float)y[a * c->w->out + b];
}

static struct correlation correlation_of(const imp_operands *t, const imp_winograd *w) {
    const imp_conv *conv = &t->c.conv;
    const bool back = t->c.op == IMP_OP_conv_grad;
    return (struct correlation){.w = w,
                                .inputs = back ? conv->out : conv->in,
                                .outputs = back ? conv->in : conv->out,
                                .d = &t->operand[1],
                                .positive = back && conv->relu ? &t->operand[2] : NULL,
                                .padding = back ? IMP_PAD_ZERO : conv->padding,
                                .first =
                                    back ? (ptrdiff_t)conv->before - 2 : -(ptrdiff_t)conv->before,
                                .weights = t->weights,
                                .flipped = back};
}

imp_status imp_bound_winograd(float *sizes, const imp_operands *t, const imp_winograd *w,
                              size_t margin, imp_error *err) {
    const imp_operand *out = &t->operand[0];
    struct correlation c = correlation_of(t, w);
    c.u = malloc(c.outputs * c.inputs * POINTS * sizeof *c.u);
    c.v = malloc(c.inputs * POINTS * sizeof *c.v);
    imp_status status = IMP_OK;
    if (!c.u || !c.v) {
        status = imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
        goto done;
    }
    transform_filters(&c, t->c.conv.half ? imp_bound_factor(&t->c, 0, 0) : 0);
    for (size_t p = margin; p < out->h; p += w->out)
        for (size_t q = margin; q < out->w; q += w->out) {
            transform_inputs(&c, p, q);
            for (size_t o = 0; o < c.outputs; o++)
                add_tile(sizes, &c, out, o, p, q);
        }
done:
    free(c.u);
    free(c.v);
    return status;
}
