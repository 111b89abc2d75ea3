/* SPDX-License-Identifier: MIT
 *
 * Style as the squared 2-Wasserstein distance between normal distributions with the means and
 * covariances of two feature maps; README.md, Wasserstein style loss:
 *
 *     L = mean (mu - mu_t)^2 + (tr S_t + tr S - 2 tr (S_t^1/2 S S_t^1/2)^1/2) / C
 *     dL/dF = D F + v 1^T,  D = 2 / (M C) (I - S_t^1/2 R S_t^1/2),  R = (S_t^1/2 S S_t^1/2)^-1/2
 *
 * Roots by the Newton-Schulz iteration on the device (Higham 2008, chapter 6). The term's target is
 * S_t^1/2, its mean mu_t.
 */
#include <stdlib.h>

#include "engine/objective.h"

enum { STEPS = 12 };                       /* of Newton-Schulz */
static const float regularization = 1e-4F; /* added to the diagonal of every covariance */

enum { D, COVARIANCE, FREE, MATRICES = FREE + 4 }; /* workspace */

/* Matrices for a root; the root leaves its result in the first two. */
typedef struct rooting {
    imp_tensor m[4];
} rooting;

static rooting rooting_of(const imp_objective *o, size_t c) {
    rooting r;
    for (size_t k = 0; k < 4; k++)
        r.m[k] = imp_style_matrix(o, FREE + k, c);
    return r;
}

/* Replaces A in m[0], a covariance or a product of covariances, by its root and puts the inverse
 * root into m[1]; the others are clobbered. With n the Frobenius norm of A, Y = A / n and Z = I:
 * T = (3 I - Z Y) / 2, Y = Y T, Z = T Z, again and again; the root is Y n^1/2, its inverse
 * Z / n^1/2. */
static imp_status take_root(imp_objective *o, rooting *r) {
    imp_device *const d = o->device;
    const imp_slot squares = imp_objective_slot(o, IMP_SCALAR_NORM); /* n^2 */
    imp_tensor y = r->m[0], z = r->m[1], next = r->m[2];
    const imp_tensor t = r->m[3];
    TRY(d->ops->dot(d, squares, y, y));
    TRY(d->ops->rescale(d, y, 1, squares, 0, -0.5F, y, false));
    TRY(d->ops->multiply(d, z, 0, y, y, 1));
    for (int step = 0; step < STEPS; step++) {
        TRY(d->ops->multiply(d, t, -0.5F, z, y, 1.5F));
        TRY(d->ops->multiply(d, next, 1, y, t, 0));
        TRY(d->ops->multiply(d, y, 1, t, z, 0)); /* Z T goes where Y was: Y is not needed again */
        const imp_tensor free_matrix = z;
        z = y, y = next, next = free_matrix;
    }
    TRY(d->ops->rescale(d, y, 1, squares, 0, 0.25F, y, false));
    TRY(d->ops->rescale(d, z, 1, squares, 0, -0.25F, z, false));
    r->m[0] = y, r->m[1] = z, r->m[2] = next;
    return IMP_OK;
}

/* The trace of the target's covariance, and the loss of features that are all zero:
 * (|mean|^2 + trace) / C. */
static imp_status measure(imp_device *d, imp_loss_term *term, imp_tensor covariance) {
    const size_t n = covariance.w;
    float *values = malloc(n * (n + 1) * sizeof *values), *mean = values + n * n;
    if (!values)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "style: out of host memory");
    imp_status status = d->ops->read(d, values, covariance);
    if (status == IMP_OK)
        status = d->ops->read(d, mean, term->mean);
    double trace = 0, squares = 0;
    for (size_t i = 0; status == IMP_OK && i < n; i++) {
        trace += (double)values[i * n + i];
        squares += (double)mean[i] * (double)mean[i];
    }
    term->trace = (float)trace;
    term->squares = (squares + trace) / (double)n;
    free(values);
    return status;
}

static imp_status finish(imp_objective *o, size_t i) {
    imp_device *const d = o->device;
    imp_loss_term *term = &o->terms[i];
    rooting r = rooting_of(o, term->target.w);
    TRY(d->ops->covariance(d, r.m[0], term->target, term->mean, 1, 1, regularization));
    TRY(measure(d, term, r.m[0]));
    TRY(take_root(o, &r));
    return d->ops->combine(d, term->target, 1, r.m[0], 0, r.m[0]);
}

static float weigh(const imp_loss_term *term, imp_loss_form form) {
    (void)form;
    return term->strength;
}

static imp_status gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const float scale = 1 / term->positions, factor = 2 * term->weight * scale / (float)f.c;
    const imp_tensor dm = imp_style_matrix(o, D, f.c), v = imp_style_vector(o, f.c);
    const imp_tensor covariance = imp_style_matrix(o, COVARIANCE, f.c);
    rooting r = rooting_of(o, f.c);
    TRY(d->ops->gram(d, term->gram, term->sum, f, false));
    TRY(d->ops->covariance(d, covariance, term->gram, term->sum, scale, 1, regularization));
    TRY(d->ops->multiply(d, r.m[1], 1, term->target, covariance, 0));
    TRY(d->ops->multiply(d, r.m[0], 1, r.m[1], term->target, 0));
    TRY(take_root(o, &r));
    TRY(d->ops->multiply(d, r.m[2], 1, r.m[1], term->target, 0));
    TRY(d->ops->multiply(d, dm, -factor, term->target, r.m[2], factor));
    TRY(d->ops->transport(d, v, (imp_slot){o->scalars, i}, dm, covariance, r.m[0], term->sum,
                          term->mean, term->trace, scale, term->weight));
    TRY(d->ops->style_grad(d, df, dm, f));
    return d->ops->shift(d, df, v);
}

const imp_style_loss imp_style_wasserstein = {.matrices = MATRICES,
                                              .vector = true,
                                              .sums = true,
                                              .binary_mask = true,
                                              .place = imp_style_place_moments,
                                              .add = imp_style_add_moments,
                                              .finish = finish,
                                              .weigh = weigh,
                                              .gradient = gradient};
