/* SPDX-License-Identifier: MIT
 *
 * The Wasserstein form of style.
 */
#include "engine/style_wasserstein.h"

#include <stdlib.h>

#include "engine/objective.h"

enum { STEPS = 12 };                       /* of the iteration for a root */
static const float regularization = 1e-4F; /* added to the diagonal of every covariance */

void imp_wasserstein_place(imp_wasserstein *w, const imp_device *device, size_t *cursor,
                           size_t widest) {
    w->covariance = imp_place(device, cursor, IMP_PLANES, 1, widest, widest);
    for (size_t k = 0; k < 4; k++)
        w->matrix[k] = imp_place(device, cursor, IMP_PLANES, 1, widest, widest);
    w->v = imp_place(device, cursor, IMP_PLANES, 1, 1, widest);
}

void imp_wasserstein_bind(imp_wasserstein *w, imp_memory *memory) {
    w->covariance.memory = w->v.memory = memory;
    for (size_t k = 0; k < 4; k++)
        w->matrix[k].memory = memory;
}

/* Views of the working space for c channels. */
static imp_wasserstein space_of(const imp_objective *o, size_t c) {
    imp_wasserstein w = o->wasserstein;
    w.covariance.h = w.covariance.w = w.v.w = c;
    for (size_t k = 0; k < 4; k++)
        w.matrix[k].h = w.matrix[k].w = c;
    return w;
}

/* The root of matrix[0], a covariance or a product of such, and its inverse: matrix[0] and [1]; the
 * others are clobbered. From Y = A / n and Z = I, with n the Frobenius norm of A: T = (3 I - Z Y) /
 * 2, Y = Y T, Z = T Z; then the root is Y n^1/2, its inverse Z / n^1/2. */
static imp_status take_root(imp_objective *o, imp_wasserstein *w) {
    imp_device *const d = o->device;
    const imp_slot squares = imp_objective_slot(o, IMP_SCALAR_NORM); /* n^2 */
    imp_tensor y = w->matrix[0], z = w->matrix[1], next = w->matrix[2];
    const imp_tensor t = w->matrix[3];
    TRY(d->ops->dot(d, squares, y, y));
    TRY(d->ops->rescale(d, y, 1, squares, 0, -0.5F, y, false));
    TRY(d->ops->multiply(d, z, 0, y, y, 1));
    for (int step = 0; step < STEPS; step++) {
        TRY(d->ops->multiply(d, t, -0.5F, z, y, 1.5F));
        TRY(d->ops->multiply(d, next, 1, y, t, 0));
        TRY(d->ops->multiply(d, y, 1, t, z, 0)); /* Z into the place that Y leaves */
        const imp_tensor free_place = z;
        z = y, y = next, next = free_place;
    }
    TRY(d->ops->rescale(d, y, 1, squares, 0, 0.25F, y, false));
    TRY(d->ops->rescale(d, z, 1, squares, 0, -0.25F, z, false));
    w->matrix[0] = y, w->matrix[1] = z, w->matrix[2] = next;
    return IMP_OK;
}

/* The trace of the covariance in matrix[0], and what the distance to no features is: (|mean|^2 +
 * trace) / C. */
static imp_status measure(imp_device *d, imp_goal *goal, imp_tensor matrix) {
    const size_t n = matrix.w;
    float *values = malloc(n * (n + 1) * sizeof *values), *mean = values + n * n;
    if (!values)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "style: out of host memory");
    imp_status status = d->ops->read(d, values, matrix);
    if (status == IMP_OK)
        status = d->ops->read(d, mean, goal->mean);
    double trace = 0, squares = 0;
    for (size_t i = 0; status == IMP_OK && i < n; i++) {
        trace += (double)values[i * n + i];
        squares += (double)mean[i] * (double)mean[i];
    }
    goal->trace = (float)trace;
    goal->squares = (squares + trace) / (double)n;
    free(values);
    return status;
}

imp_status imp_wasserstein_target(imp_objective *o, imp_goal *goal) {
    imp_device *const d = o->device;
    imp_wasserstein w = space_of(o, goal->target.w);
    TRY(d->ops->covariance(d, w.matrix[0], goal->target, goal->mean, 1, regularization));
    TRY(measure(d, goal, w.matrix[0]));
    TRY(take_root(o, &w));
    return d->ops->combine(d, goal->target, 1, w.matrix[0], 0, w.matrix[0]);
}

imp_status imp_wasserstein_gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_goal *goal = &o->goals[i];
    const float scale = 1 / goal->positions, factor = 2 * goal->weight * scale / (float)f.c;
    imp_tensor dm = o->dm;
    imp_wasserstein w = space_of(o, f.c);
    dm.h = dm.w = f.c;
    TRY(d->ops->gram(d, goal->gram, goal->sum, f, false));
    TRY(d->ops->covariance(d, w.covariance, goal->gram, goal->sum, scale, regularization));
    TRY(d->ops->multiply(d, w.matrix[1], 1, goal->target, w.covariance, 0));
    TRY(d->ops->multiply(d, w.matrix[0], 1, w.matrix[1], goal->target, 0));
    TRY(take_root(o, &w));
    TRY(d->ops->multiply(d, w.matrix[2], 1, w.matrix[1], goal->target, 0));
    TRY(d->ops->multiply(d, dm, -factor, goal->target, w.matrix[2], factor));
    TRY(d->ops->transport(d, w.v, (imp_slot){o->scalars, i}, dm, w.covariance, w.matrix[0],
                          goal->sum, goal->mean, goal->trace, scale, goal->weight));
    TRY(d->ops->style_grad(d, df, dm, f));
    return d->ops->shift(d, df, w.v);
}
