/* SPDX-License-Identifier: MIT
 *
 * The oracle's convolution and pooling, forward and back.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "cpu/oracle.h"

struct imp_filter {
    imp_conv conv;
    const float *weights, *bias; /* O x I x K x K; O or NULL; borrowed */
};

imp_status imp_oracle_filter_open(imp_device *d, imp_filter **out, const imp_conv *conv,
                                  const float *weights, const float *bias) {
    imp_filter *filter = malloc(sizeof *filter);
    if (!filter)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "device 'oracle': no memory for filters");
    *filter = (imp_filter){*conv, weights, bias};
    *out = filter;
    return IMP_OK;
}

void imp_oracle_filter_close(imp_device *d, imp_filter *filter) {
    (void)d;
    free(filter);
}

/* ---- convolution ---- */

/* The position of a side of n that position k of the padded side is copied from; -1: it is zero. */
static ptrdiff_t source(const imp_conv *c, size_t k, size_t n) {
    const ptrdiff_t at = (ptrdiff_t)k - (ptrdiff_t)c->before, last = (ptrdiff_t)n - 1;
    if (at >= 0 && at <= last)
        return at;
    switch (c->padding) {
    case IMP_PAD_REFLECT:
        return at < 0 ? -at : 2 * last - at;
    case IMP_PAD_REPLICATE:
        return at < 0 ? 0 : last;
    default:
        return -1;
    }
}

/* padded: x.c planes of height x width, the sides of x with the padding around them. */
static void pad(float *padded, imp_tensor x, const imp_conv *c, size_t height, size_t width) {
    const float *plane = imp_oracle_floats(x);
    for (size_t i = 0; i < x.c; i++, plane += x.h * x.w)
        for (size_t p = 0; p < height; p++) {
            const ptrdiff_t row = source(c, p, x.h);
            for (size_t q = 0; q < width; q++) {
                const ptrdiff_t column = source(c, q, x.w);
                *padded++ = row < 0 || column < 0 ? 0 : plane[row * (ptrdiff_t)x.w + column];
            }
        }
}

imp_status imp_oracle_conv(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter) {
    const imp_conv *c = &filter->conv;
    const size_t height = x.h + c->before + c->after, width = x.w + c->before + c->after;
    const size_t k = c->kernel;
    assert(x.c == c->in && y.c == c->out);
    assert(y.h == imp_conv_side(c, x.h) && y.w == imp_conv_side(c, x.w));
    double *sum = imp_oracle_scratch(d, y.w * sizeof *sum + x.c * height * width * sizeof(float));
    if (!sum)
        return IMP_ERR_MEMORY;
    float *padded = (float *)(sum + y.w), *row = imp_oracle_floats(y);
    pad(padded, x, c, height, width);

    for (size_t o = 0; o < y.c; o++)
        for (size_t p = 0; p < y.h; p++, row += y.w) {
            const float *w = filter->weights + o * x.c * k * k;
            for (size_t q = 0; q < y.w; q++)
                sum[q] = filter->bias ? filter->bias[o] : 0;
            for (size_t i = 0; i < x.c; i++)
                for (size_t a = 0; a < k; a++)
                    for (size_t b = 0; b < k; b++)
                        imp_oracle_axpy(sum, 1, *w++,
                                        padded + (i * height + p * c->stride + a) * width + b,
                                        c->stride, y.w);
            for (size_t q = 0; q < y.w; q++)
                row[q] = (float)(c->relu && sum[q] < 0 ? 0 : sum[q]);
        }
    return IMP_OK;
}

/* row: the gradient of padded row r of input channel i. masked: dy * [y > 0], the shape of dy. */
static void grad_row(double *row, const float *masked, imp_tensor dy, const imp_filter *filter,
                     size_t i, size_t r) {
    const imp_conv *c = &filter->conv;
    const size_t k = c->kernel;
    for (size_t a = 0; a < k && a <= r; a++) {
        const size_t p = (r - a) / c->stride;
        if ((r - a) % c->stride != 0 || p >= dy.h)
            continue;
        for (size_t o = 0; o < dy.c; o++)
            for (size_t b = 0; b < k; b++)
                imp_oracle_axpy(row + b, c->stride,
                                filter->weights[((o * c->in + i) * k + a) * k + b],
                                masked + (o * dy.h + p) * dy.w, 1, dy.w);
    }
}

/* plane: the gradient of input channel i (H x W); row: space for one padded row of width. */
static void grad_plane(double *plane, double *row, size_t height, size_t width, imp_tensor dx,
                       const float *masked, imp_tensor dy, const imp_filter *filter, size_t i) {
    memset(plane, 0, dx.h * dx.w * sizeof *plane);
    for (size_t r = 0; r < height; r++) {
        const ptrdiff_t y = source(&filter->conv, r, dx.h);
        if (y < 0)
            continue;
        memset(row, 0, width * sizeof *row);
        grad_row(row, masked, dy, filter, i, r);
        for (size_t q = 0; q < width; q++) {
            const ptrdiff_t x = source(&filter->conv, q, dx.w);
            if (x >= 0)
                plane[y * (ptrdiff_t)dx.w + x] += row[q];
        }
    }
}

imp_status imp_oracle_conv_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                                imp_filter *filter) {
    const imp_conv *c = &filter->conv;
    const size_t height = dx.h + c->before + c->after, width = dx.w + c->before + c->after;
    const size_t inputs = dx.h * dx.w, outputs = imp_oracle_count(dy);
    assert(dx.c == c->in && dy.c == c->out);
    assert(dy.h == imp_conv_side(c, dx.h) && dy.w == imp_conv_side(c, dx.w));
    const bool masks = c->relu && y.memory;
    assert(!masks || imp_oracle_count(y) == outputs);
    double *plane =
        imp_oracle_scratch(d, (inputs + width) * sizeof *plane + outputs * sizeof(float));
    if (!plane)
        return IMP_ERR_MEMORY;
    double *row = plane + inputs;
    float *masked = (float *)(row + width);
    const float *gradient = imp_oracle_floats(dy);
    for (size_t j = 0; j < outputs; j++)
        masked[j] = !masks || imp_oracle_floats(y)[j] > 0 ? gradient[j] : 0;

    float *out = imp_oracle_floats(dx);
    for (size_t i = 0; i < dx.c; i++) {
        grad_plane(plane, row, height, width, dx, masked, dy, filter, i);
        for (size_t j = 0; j < inputs; j++)
            *out++ = (float)plane[j];
    }
    return IMP_OK;
}

imp_algorithm imp_oracle_algorithm(const imp_device *d, imp_tensor y, imp_tensor x,
                                   const imp_filter *filter, bool back) {
    (void)d;
    return imp_algorithm_by("direct", NULL, &filter->conv, y, x, back);
}

void imp_oracle_workspace(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                          bool back, size_t *filters, size_t *work) {
    (void)d, (void)filter;
    *filters = 0;
    *work = back ? (imp_oracle_count(x) + imp_oracle_count(y)) * sizeof(double) : 0;
}

/* ---- pooling ---- */

/* The place of the first maximum among the four of a window; corner: its first, in rows of w. */
static size_t first_maximum(const float *corner, size_t w) {
    const size_t offsets[4] = {0, 1, w, w + 1};
    size_t best = 0;
    for (size_t j = 1; j < 4; j++)
        if (corner[offsets[j]] > corner[best])
            best = offsets[j];
    return best;
}

static double pooled(double a, double b, double c, double d, imp_pooling kind) {
    if (kind == IMP_POOL_MAX) { /* and the first, where one is no number */
        const double ab = b > a ? b : a, abc = c > ab ? c : ab;
        return d > abc ? d : abc;
    }
    if (kind == IMP_POOL_L2)
        return IMP_POOL_L2_SCALE * sqrt(a * a + b * b + c * c + d * d);
    return (a + b + c + d) / (kind == IMP_POOL_AVERAGE ? 4 : 2);
}

/* dx = dy scale^2 x / y in a window of rows of w. */
static void squares_grad(float *dx, double dy, const float *x, double y, size_t w) {
    const double factor = y != 0 ? dy * (IMP_POOL_L2_SCALE * IMP_POOL_L2_SCALE) / y : 0;
    const size_t offsets[4] = {0, 1, w, w + 1};
    for (size_t j = 0; j < 4; j++)
        dx[offsets[j]] = (float)(factor * x[offsets[j]]);
}

imp_status imp_oracle_pool(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind) {
    (void)d;
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2);
    float *out = imp_oracle_floats(y);
    for (size_t c = 0; c < y.c; c++)
        for (size_t p = 0; p < y.h; p++)
            for (size_t q = 0; q < y.w; q++) {
                const float *in = imp_oracle_floats(x) + (c * x.h + 2 * p) * x.w + 2 * q;
                *out++ = (float)pooled(in[0], in[1], in[x.w], in[x.w + 1], kind);
            }
    return IMP_OK;
}

imp_status imp_oracle_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x,
                                imp_tensor y, imp_pooling kind) {
    (void)d;
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2);
    const float *in = imp_oracle_floats(dy), *result = imp_oracle_floats(y);
    memset(imp_oracle_floats(dx), 0, imp_oracle_count(dx) * sizeof(float));
    for (size_t c = 0; c < dy.c; c++)
        for (size_t p = 0; p < dy.h; p++)
            for (size_t q = 0; q < dy.w; q++, in++, result++) {
                const size_t corner = (c * dx.h + 2 * p) * dx.w + 2 * q;
                float *out = imp_oracle_floats(dx) + corner;
                const float *from = imp_oracle_floats(x) + corner;
                if (kind == IMP_POOL_MAX)
                    out[first_maximum(from, dx.w)] = *in;
                else if (kind == IMP_POOL_L2)
                    squares_grad(out, *in, from, *result, dx.w);
                else
                    out[0] = out[1] = out[dx.w] = out[dx.w + 1] =
                        *in / (kind == IMP_POOL_AVERAGE ? 4 : 2);
            }
    return IMP_OK;
}
