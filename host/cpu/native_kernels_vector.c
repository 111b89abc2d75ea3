/* SPDX-License-Identifier: MIT
 *
 * Elementwise operations, reductions and pooling for one instruction set. Loops are plain where the
 * compiler vectorises them. Reductions keep SUMS vectors of sums, which are added up in double
 * after at most RUN elements.
 */
#include <math.h>
#include <string.h>

#include "cpu/native_simd.h"

enum { RUN = 1024, SUMS = 4 };

/* ---- elementwise ---- */

static void combine(float *z, float a, const float *x, float b, const float *y, size_t n) {
    INDEPENDENT
    for (size_t i = 0; i < n; i++)
        z[i] = a * x[i] + b * y[i];
}

static void clamp(float *x, float lo, float hi, size_t n) {
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const float raised = x[i] >= lo ? x[i] : lo;
        x[i] = raised > hi ? hi : raised;
    }
}

static void mask_by(float *to, const float *x, const float *positive, size_t n) {
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const float value = x[i];
        to[i] = positive[i] > 0 ? value : 0;
    }
}

static void axpy(float *y, float a, const float *x, size_t n) {
    INDEPENDENT
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static void adam(float *x, const float *g, float *m, float *v, const imp_adam *p, size_t n) {
    const float beta1 = p->beta1, beta2 = p->beta2, step = p->step, root = p->root,
                epsilon = p->epsilon;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        x[i] -= step * m[i] / (root * sqrtf(v[i]) + epsilon);
    }
}

/* The derivative of |d| or d^2. */
INLINE float derivative(float d, imp_tv_form form) {
    return form == IMP_TV_SQUARED ? 2 * d : (float)(d > 0) - (float)(d < 0);
}

INLINE void slope_of(float *d, const float *a, const float *b, const imp_tv_form form, float weight,
                     size_t n) {
    INDEPENDENT
    for (size_t i = 0; i < n; i++)
        d[i] += weight * derivative(a[i] - b[i], form);
}

static void slope(float *d, const float *a, const float *b, imp_tv_form form, float weight,
                  size_t n) {
    if (form == IMP_TV_SQUARED)
        slope_of(d, a, b, IMP_TV_SQUARED, weight, n);
    else
        slope_of(d, a, b, IMP_TV_ABSOLUTE, weight, n);
}

static void affine(float *y, const float *x, const imp_affine *a, bool add, size_t plane,
                   size_t n) {
    for (size_t c = 0; c < 3; c++) {
        const float *m = a->m[c], o = a->o[c];
        float *out = y + c * plane;
        INDEPENDENT
        for (size_t i = 0; i < n; i++)
            out[i] = (add ? out[i] : 0) + m[0] * x[i] + m[1] * x[plane + i] +
                     m[2] * x[2 * plane + i] + o;
    }
}

/* ---- reductions ---- */

enum term { DOT, NORM1, CONTENT, VARIATION_ABSOLUTE, VARIATION_SQUARED };

struct operands {
    float *out; /* written by CONTENT */
    const float *x, *y;
    float a;
};

/* The terms of a sum from element i on. CONTENT also writes these elements of out. */
INLINE vec terms(const enum term term, const struct operands *o, size_t i) {
    const vec x = load_any(o->x + i), y = load_any(o->y + i), difference = x - y;
    switch (term) {
    case DOT:
        return x * y;
    case NORM1:
        return absolute(x);
    case CONTENT:
        store_any(o->out + i, load_any(o->out + i) + o->a * difference);
        return difference * difference;
    case VARIATION_ABSOLUTE:
        return absolute(difference);
    default:
        return difference * difference;
    }
}

/* The same for the last n < LANES elements; missing elements count as zeros. */
INLINE vec last_terms(const enum term term, const struct operands *o, size_t i, size_t n) {
    float x[LANES] = {0}, y[LANES] = {0}, out[LANES] = {0};
    memcpy(x, o->x + i, n * sizeof *x);
    memcpy(y, o->y + i, n * sizeof *y);
    if (o->out)
        memcpy(out, o->out + i, n * sizeof *out);
    const vec sum = terms(term, &(struct operands){out, x, y, o->a}, 0);
    if (o->out)
        memcpy(o->out + i, out, n * sizeof *out);
    return sum;
}

INLINE double sum_of(const enum term term, const struct operands *o, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < RUN ? n : i + RUN;
        vec part[SUMS];
        UNROLL
            for (size_t s = 0; s < SUMS; s++)
                part[s] = splat(0);
        for (; i + SUMS * LANES <= end; i += SUMS * LANES) {
            UNROLL
                for (size_t s = 0; s < SUMS; s++)
                    part[s] += terms(term, o, i + s * LANES);
        }
        for (; i + LANES <= end; i += LANES)
            part[0] += terms(term, o, i);
        if (i < end)
            part[1] += last_terms(term, o, i, end - i);
        i = end;
        const vec sum = (part[0] + part[1]) + (part[2] + part[3]);
        for (size_t l = 0; l < LANES; l++)
            total += (double)sum[l];
    }
    return total;
}

static double dot(const float *x, const float *y, size_t n) {
    return sum_of(DOT, &(struct operands){.x = x, .y = y}, n);
}

static double norm1(const float *x, size_t n) {
    return sum_of(NORM1, &(struct operands){.x = x, .y = x}, n);
}

static double content(float *df, const float *f, const float *p, float factor, size_t n) {
    return sum_of(CONTENT, &(struct operands){.out = df, .x = f, .y = p, .a = factor}, n);
}

static double variation(const float *a, const float *b, imp_tv_form form, size_t n) {
    const struct operands o = {.x = a, .y = b};
    return form == IMP_TV_SQUARED ? sum_of(VARIATION_SQUARED, &o, n)
                                  : sum_of(VARIATION_ABSOLUTE, &o, n);
}

/* ---- pooling ---- */

/* LANES windows of 2 x 2: a upper left, b upper right, c lower left, d lower right. */
struct windows {
    vec a, b, c, d;
};

INLINE vec root_of(vec value) {
    vec root;
    for (size_t l = 0; l < LANES; l++)
        root[l] = sqrtf(value[l]);
    return root;
}

INLINE vec root_of_squares(const struct windows *x) {
    return root_of((x->a * x->a + x->b * x->b) + (x->c * x->c + x->d * x->d));
}

/* Of equal maxima the first in row-major order counts. The order also decides the result with NaN.
 */
INLINE vec pooled(const struct windows *x, const imp_pooling kind) {
    if (kind == IMP_POOL_AVERAGE)
        return ((x->a + x->b) + (x->c + x->d)) * 0.25f;
    if (kind == IMP_POOL_TWICE)
        return ((x->a + x->b) + (x->c + x->d)) * 0.5f;
    if (kind == IMP_POOL_L2)
        return root_of_squares(x) * (float)IMP_POOL_L2_SCALE;
    const vec ab = choose(x->b > x->a, x->b, x->a), abc = choose(x->c > ab, x->c, ab);
    return choose(x->d > abc, x->d, abc);
}

INLINE struct windows unpooled(vec dy, const struct windows *x, const imp_pooling kind) {
    if (kind == IMP_POOL_AVERAGE || kind == IMP_POOL_TWICE) {
        const vec part = dy * (kind == IMP_POOL_AVERAGE ? 0.25f : 0.5f);
        return (struct windows){part, part, part, part};
    }
    if (kind == IMP_POOL_L2) {
        const vec root = root_of_squares(x);
        const vec part = where(root > 0, dy * (float)IMP_POOL_L2_SCALE / root);
        return (struct windows){part * x->a, part * x->b, part * x->c, part * x->d};
    }
    const mask b = x->b > x->a;
    const vec ab = choose(b, x->b, x->a);
    const mask c = x->c > ab;
    const mask d = x->d > choose(c, x->c, ab);
    return (struct windows){where(~(b | c | d), dy), where(b & ~(c | d), dy), where(c & ~d, dy),
                            where(d, dy)};
}

INLINE struct windows load_windows(const float *x, size_t row) {
    return (struct windows){load(x), load(x + IMP_BLOCK), load(x + row), load(x + row + IMP_BLOCK)};
}

INLINE void pool_of(float *y, const float *x, size_t row, size_t pixels, const imp_pooling kind) {
    for (size_t p = 0; p < pixels; p++, x += 2 * IMP_BLOCK, y += IMP_BLOCK) {
        UNROLL
            for (size_t l = 0; l < IMP_BLOCK; l += LANES) {
                const struct windows in = load_windows(x + l, row);
                store(y + l, pooled(&in, kind));
            }
    }
}

static void pool(float *y, const float *x, size_t row, size_t pixels, imp_pooling kind) {
    if (kind == IMP_POOL_MAX)
        pool_of(y, x, row, pixels, IMP_POOL_MAX);
    else if (kind == IMP_POOL_AVERAGE)
        pool_of(y, x, row, pixels, IMP_POOL_AVERAGE);
    else if (kind == IMP_POOL_TWICE)
        pool_of(y, x, row, pixels, IMP_POOL_TWICE);
    else
        pool_of(y, x, row, pixels, IMP_POOL_L2);
}

INLINE void pool_grad_of(float *dx, const float *dy, const float *x, size_t row, size_t pixels,
                         const imp_pooling kind) {
    const size_t step = 2 * IMP_BLOCK;
    for (size_t p = 0; p < pixels; p++, dx += step, x += step, dy += IMP_BLOCK) {
        UNROLL
            for (size_t l = 0; l < IMP_BLOCK; l += LANES) {
                const struct windows in = load_windows(x + l, row);
                const struct windows out = unpooled(load(dy + l), &in, kind);
                store(dx + l, out.a);
                store(dx + l + IMP_BLOCK, out.b);
                store(dx + l + row, out.c);
                store(dx + l + row + IMP_BLOCK, out.d);
            }
    }
}

static void pool_grad(float *dx, const float *dy, const float *x, size_t row, size_t pixels,
                      imp_pooling kind) {
    if (kind == IMP_POOL_MAX)
        pool_grad_of(dx, dy, x, row, pixels, IMP_POOL_MAX);
    else if (kind == IMP_POOL_AVERAGE)
        pool_grad_of(dx, dy, x, row, pixels, IMP_POOL_AVERAGE);
    else if (kind == IMP_POOL_TWICE)
        pool_grad_of(dx, dy, x, row, pixels, IMP_POOL_TWICE);
    else
        pool_grad_of(dx, dy, x, row, pixels, IMP_POOL_L2);
}

/* ---- the table ---- */

const imp_vector_kernels IMP_KERNEL(vector_kernels) = {
    .combine = combine,
    .clamp = clamp,
    .mask = mask_by,
    .dot = dot,
    .norm1 = norm1,
    .axpy = axpy,
    .adam = adam,
    .content = content,
    .variation = variation,
    .slope = slope,
    .affine = affine,
    .pool = pool,
    .pool_grad = pool_grad,
};
