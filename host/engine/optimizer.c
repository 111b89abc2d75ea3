/* SPDX-License-Identifier: MIT
 *
 * L-BFGS (Nocedal 1980) with the conventions of torch.optim.LBFGS without line search, except for
 * the first step, whose length does not depend on the loss's unit, and for the second, whose length
 * is limited; and Adam (Kingma and Ba 2015).
 */
#include "engine/optimizer.h"

#include <math.h>
#include <stdlib.h>

enum { SETBACKS_MAX = 20 };

imp_status imp_optimizer_init(imp_optimizer_state *t, imp_objective *o, size_t *cursor,
                              imp_error *err) {
    *t = (imp_optimizer_state){.o = o, .shrink = 1, .first = INFINITY, .least = INFINITY};
    const imp_settings *s = o->settings;
    const imp_tensor x = o->x[0];
    const size_t slots = o->scalars.c;
    t->values = calloc(slots, sizeof *t->values);
    t->partials = calloc(slots * IMP_PARTIALS, sizeof *t->partials);
    t->before = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    t->best = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    if (s->optimizer == IMP_ADAM) {
        t->m = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
        t->v = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    } else {
        const size_t count = 2 * ((size_t)s->history + 1);
        TRY(imp_history_init(&t->history, s->history, err));
        t->vectors = calloc(count, sizeof *t->vectors);
        t->mixture = calloc(count, sizeof *t->mixture);
        t->factors = imp_place(o->device, cursor, IMP_PLANES, 1, 1, count);
        for (size_t i = 0; t->vectors && i < count; i++)
            t->vectors[i] = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    }
    const bool complete =
        t->values && t->partials && (s->optimizer == IMP_ADAM || (t->vectors && t->mixture));
    if (!complete)
        return imp_fail(err, IMP_ERR_MEMORY, "optimizer: out of host memory");
    return IMP_OK;
}

void imp_optimizer_finish(imp_optimizer_state *t) {
    imp_history_finish(&t->history);
    free(t->vectors);
    free(t->mixture);
    free(t->values);
    free(t->partials);
    *t = (imp_optimizer_state){0};
}

/* z = x, on the device. */
static imp_status copy(imp_device *d, imp_tensor z, imp_tensor x) {
    return d->ops->combine(d, z, 1, x, 0, x);
}

imp_status imp_optimizer_bind(imp_optimizer_state *t, imp_memory *memory) {
    const imp_objective *o = t->o;
    imp_device *const d = o->device;
    t->before.memory = t->best.memory = t->m.memory = t->v.memory = t->factors.memory = memory;
    if (o->settings->optimizer == IMP_ADAM) {
        TRY(d->ops->fill(d, t->m, 0));
        TRY(d->ops->fill(d, t->v, 0));
    } else {
        for (size_t i = 0; i < 2 * (size_t)t->history.places; i++)
            t->vectors[i].memory = memory;
    }
    t->evaluated = o->x[0];
    TRY(copy(d, t->best, o->x[0]));
    return copy(d, t->before, o->x[0]);
}

imp_status imp_optimizer_fill(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    imp_device *const d = o->device;
    const size_t count = 2 * (size_t)t->history.places;
    double *products = t->values + o->count + IMP_SCALAR_EXTRA;
    if (o->settings->optimizer != IMP_LBFGS)
        return IMP_OK;
    for (size_t i = 0; i < count; i++)
        TRY(d->ops->fill(d, t->vectors[i], 1));
    for (size_t i = 0; i < 2 * count; i++)
        products[i] = 3 * (double)o->x[0].h * (double)o->x[0].w;
    for (unsigned i = 0; i < o->settings->history; i++)
        imp_history_take(&t->history, products);
    t->steps = o->settings->history;
    return IMP_OK;
}

imp_status imp_optimizer_read(imp_optimizer_state *t) {
    const imp_tensor scalars = t->o->scalars;
    imp_device *const d = t->o->device;
    TRY(d->ops->read(d, t->partials, scalars));
    for (size_t i = 0; i < scalars.c; i++) {
        t->values[i] = 0;
        for (size_t k = 0; k < IMP_PARTIALS; k++)
            t->values[i] += (double)t->partials[i * IMP_PARTIALS + k];
    }
    return IMP_OK;
}

static double value(const imp_optimizer_state *t, size_t extra) {
    return t->values[t->o->count + extra];
}

/* The evaluation, and every scalar that the host needs. */
static imp_status enqueue_evaluation(imp_optimizer_state *t) {
    imp_objective *const o = t->o;
    imp_device *const d = o->device;
    const imp_tensor g = o->dx[0];
    TRY(imp_objective_evaluate(o));
    TRY(d->ops->dot(d, imp_objective_slot(o, IMP_SCALAR_GG), g, g));
    TRY(d->ops->norm1(d, imp_objective_slot(o, IMP_SCALAR_G1), g));
    if (o->settings->optimizer == IMP_ADAM || t->steps == 0)
        return IMP_OK;
    /* The place of y still holds the last step's gradient. */
    const unsigned next = t->history.next, filled = t->history.filled;
    const imp_tensor y = t->vectors[2 * next + 1];
    TRY(d->ops->combine(d, y, 1, g, -1, y));
    return d->ops->dots(d, imp_objective_slot(o, IMP_SCALAR_EXTRA), t->vectors,
                        2 * (size_t)(filled > next ? filled : next + 1), g, y);
}

imp_status imp_optimizer_evaluate(imp_optimizer_state *t, imp_error *err) {
    t->evaluated = t->o->x[0];
    if (enqueue_evaluation(t) != IMP_OK || imp_optimizer_read(t) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    return IMP_OK;
}

static bool all_finite(const imp_optimizer_state *t) {
    return isfinite(imp_optimizer_loss(t) + value(t, IMP_SCALAR_GG));
}

/* ---- Adam ---- */

static imp_status adam_step(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    const imp_settings *s = o->settings;
    imp_device *const d = o->device;
    const double lr = (double)s->learning_rate * t->shrink, n = t->steps + 1.0;
    const double c1 = 1 - pow((double)s->beta1, n), c2 = 1 - pow((double)s->beta2, n);
    imp_adam p = {.beta1 = s->beta1, .beta2 = s->beta2, .epsilon = s->epsilon};
    p.step = (float)(s->adam_form == IMP_ADAM_KERAS ? lr * sqrt(c2) / c1 : lr / c1);
    p.root = (float)(s->adam_form == IMP_ADAM_KERAS ? 1 : 1 / sqrt(c2));
    return d->ops->adam(d, o->x[0], o->dx[0], t->m, t->v, &p);
}

/* ---- L-BFGS ---- */

/* The longest second step, that is the first that knows a pair: a tenth of the range in the root
 * mean square. It knows the curvature over a tiny first step only; where rounding and the corners
 * of ReLUs make that look flat, the step would throw the picture far away. */
static double second_step_limit(const imp_objective *o) {
    const imp_tensor x = o->x[0];
    return (double)o->settings->range / 10 * sqrt((double)(x.c * x.h * x.w));
}

/* s = the step = -H g times a length, in the place of the next pair. The first step: -g with an L1
 * norm of the learning rate. */
static imp_status lbfgs_step(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    imp_device *const d = o->device;
    imp_history *h = &t->history;
    const imp_tensor g = o->dx[0];
    const double *products = t->values + o->count + IMP_SCALAR_EXTRA;
    const bool no_pairs = h->pairs == 0;
    if (t->steps > 0)
        imp_history_take(h, products);
    const double own = imp_history_direction(h, t->mixture, products);
    const double g1 = value(t, IMP_SCALAR_G1);
    double length = (double)o->settings->learning_rate * t->shrink;
    if (h->pairs == 0 && g1 > 0)
        length /= g1;
    else if (no_pairs)
        length =
            fmin(length, second_step_limit(o) / imp_history_length(h, t->mixture, own, products,
                                                                   value(t, IMP_SCALAR_GG)));
    const imp_tensor s = t->vectors[2 * h->next], y = t->vectors[2 * h->next + 1];
    for (size_t i = 0; i < 2 * (size_t)h->filled; i++)
        t->mixture[i] *= (float)length;
    if (h->pairs == 0) {
        TRY(d->ops->combine(d, s, (float)(own * length), g, 0, g));
    } else {
        TRY(d->ops->write(d, t->factors, t->mixture));
        TRY(d->ops->mix(d, s, (float)(own * length), g, t->factors, t->vectors,
                        2 * (size_t)h->filled));
    }
    TRY(copy(d, y, g));
    return d->ops->combine(d, o->x[0], 1, o->x[0], 1, s);
}

/* ---- The iteration ---- */

double imp_optimizer_loss(const imp_optimizer_state *t) {
    double sum = value(t, IMP_SCALAR_TV);
    for (size_t i = 0; i < t->o->edge_count; i++)
        sum += value(t, IMP_SCALAR_EDGES + i);
    for (size_t i = 0; i < t->o->count; i++)
        sum += t->values[i];
    return sum;
}

/* Without a line search the loss may rise for a while; ten times the least, and above the start, it
 * does not come back by itself. */
bool imp_optimizer_grown(const imp_optimizer_state *t, double loss) {
    return t->first > 0 && loss > t->first && loss > 10 * t->least;
}

/* Keeps the variable of least loss. While the loss falls that is `before` after each step, and
 * nothing is copied. */
static imp_status keep_best(imp_optimizer_state *t, double loss) {
    t->first = isfinite(t->first) ? t->first : loss;
    if (loss < t->least) {
        t->least = loss;
        t->best_is_before = true; /* once the step is done */
        return IMP_OK;
    }
    if (t->best_is_before)
        TRY(copy(t->o->device, t->best, t->before));
    t->best_is_before = false;
    return IMP_OK;
}

imp_status imp_optimizer_judge(imp_optimizer_state *t, imp_error *err) {
    t->evaluated = t->o->x[0];
    if (imp_objective_evaluate(t->o) != IMP_OK || imp_optimizer_read(t) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    return IMP_OK;
}

imp_status imp_optimizer_return(imp_optimizer_state *t, imp_error *err) {
    const imp_tensor best = t->best_is_before ? t->before : t->best;
    if (copy(t->o->device, t->o->x[0], best) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    return imp_optimizer_judge(t, err);
}

/* Goes back to `to`, and restarts the optimiser with half the step length. */
static imp_status set_back(imp_optimizer_state *t, imp_tensor to, imp_error *err) {
    imp_device *const d = t->o->device;
    if (t->steps == 0 && t->setbacks == 0)
        return imp_fail(err, IMP_ERR_NUMBER,
                        "the loss is not finite at the starting picture: the weights or the "
                        "network's values are too large; choose a smaller style-weight and "
                        "content-weight");
    if (t->setbacks++ == SETBACKS_MAX)
        return imp_fail(err, IMP_ERR_NUMBER,
                        "the loss is still not finite after %d setbacks; choose a smaller "
                        "learning-rate or style-weight",
                        SETBACKS_MAX);
    t->shrink /= 2;
    t->steps = 0;
    imp_history_clear(&t->history);
    imp_status status = copy(d, t->o->x[0], to);
    if (status == IMP_OK && t->o->settings->optimizer == IMP_ADAM)
        status = d->ops->fill(d, t->m, 0);
    if (status == IMP_OK && t->o->settings->optimizer == IMP_ADAM)
        status = d->ops->fill(d, t->v, 0);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, d);
}

static imp_status move(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    const imp_settings *s = o->settings;
    imp_device *const d = o->device;
    TRY(copy(d, t->before, o->x[0]));
    t->evaluated = t->before;
    TRY(s->optimizer == IMP_ADAM ? adam_step(t) : lbfgs_step(t));
    if (!s->clamp)
        return IMP_OK;
    TRY(d->ops->clamp(d, o->x[0], 0, s->range));
    if (s->optimizer == IMP_LBFGS)
        return d->ops->combine(d, t->vectors[2 * t->history.next], 1, o->x[0], -1, t->before);
    return IMP_OK;
}

imp_status imp_optimizer_step(imp_optimizer_state *t, bool *recovered, imp_error *err) {
    TRY(imp_optimizer_evaluate(t, err));
    *recovered = !all_finite(t);
    if (*recovered)
        return set_back(t, t->before, err);
    const double loss = imp_optimizer_loss(t);
    if (keep_best(t, loss) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    *recovered = imp_optimizer_grown(t, loss);
    if (*recovered)
        return set_back(t, t->best, err);
    if (move(t) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    t->steps++;
    t->setbacks = 0;
    return IMP_OK;
}
