/* SPDX-License-Identifier: MIT
 *
 * L-BFGS (Nocedal 1980, two-loop recursion; the conventions of torch.optim.LBFGS without line
 * search) and Adam (Kingma and Ba 2015).
 */
#include "engine/optimizer.h"

#include <math.h>
#include <stdlib.h>

enum { SETBACKS_MAX = 20 };

/* One place more than pairs are kept: a new pair is written before it is known to be good. */
static unsigned ring_size(const imp_optimizer_state *t) {
    return t->o->settings->history + 1;
}

imp_status imp_optimizer_init(imp_optimizer_state *t, imp_objective *o, size_t *cursor,
                              imp_error *err) {
    *t = (imp_optimizer_state){.o = o, .shrink = 1};
    const imp_settings *s = o->settings;
    const imp_tensor x = o->x[0];
    const size_t slots = o->record.c;
    t->values = calloc(slots, sizeof *t->values);
    t->partials = calloc(slots * IMP_PARTIALS, sizeof *t->partials);
    t->before = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    if (s->optimizer == IMP_ADAM) {
        t->m = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
        t->v = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
    } else {
        const unsigned ring = ring_size(t);
        t->s = calloc(ring, sizeof *t->s);
        t->y = calloc(ring, sizeof *t->y);
        t->rho = calloc(ring, sizeof *t->rho);
        t->q = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
        t->gradient_before = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
        t->dots = imp_place(o->device, cursor, IMP_PLANES, 2 * (size_t)ring, 1, IMP_PARTIALS);
        for (unsigned i = 0; t->s && t->y && i < ring; i++) {
            t->s[i] = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
            t->y[i] = imp_place(o->device, cursor, IMP_PLANES, x.c, x.h, x.w);
        }
    }
    const bool complete =
        t->values && t->partials && (s->optimizer == IMP_ADAM || (t->s && t->y && t->rho));
    if (!complete)
        return imp_fail(err, IMP_ERR_MEMORY, "optimizer: out of host memory");
    return IMP_OK;
}

void imp_optimizer_finish(imp_optimizer_state *t) {
    free(t->s);
    free(t->y);
    free(t->rho);
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
    t->before.memory = t->m.memory = t->v.memory = t->q.memory = memory;
    t->gradient_before.memory = t->dots.memory = memory;
    if (o->settings->optimizer == IMP_ADAM) {
        TRY(d->ops->fill(d, t->m, 0));
        TRY(d->ops->fill(d, t->v, 0));
    } else {
        for (unsigned i = 0; i < ring_size(t); i++)
            t->s[i].memory = t->y[i].memory = memory;
    }
    t->evaluated = o->x[0];
    return copy(d, t->before, o->x[0]);
}

imp_status imp_optimizer_fill(imp_optimizer_state *t) {
    imp_device *const d = t->o->device;
    if (t->o->settings->optimizer != IMP_LBFGS)
        return IMP_OK;
    for (unsigned i = 0; i < ring_size(t); i++) {
        TRY(d->ops->fill(d, t->s[i], 1));
        TRY(d->ops->fill(d, t->y[i], 1));
        t->rho[i] = 1 / ((double)t->q.c * (double)t->q.h * (double)t->q.w);
    }
    t->gamma = 1;
    t->pairs = t->o->settings->history;
    return IMP_OK;
}

static imp_status read_record(imp_optimizer_state *t, imp_error *err) {
    const imp_tensor record = t->o->record;
    imp_device *const d = t->o->device;
    if (d->ops->read(d, t->partials, record) != IMP_OK)
        return imp_fail_device(err, d);
    for (size_t i = 0; i < record.c; i++) {
        t->values[i] = 0;
        for (size_t k = 0; k < IMP_PARTIALS; k++)
            t->values[i] += (double)t->partials[i * IMP_PARTIALS + k];
    }
    return IMP_OK;
}

static double value(const imp_optimizer_state *t, size_t extra) {
    return t->values[t->o->count + extra];
}

/* Everything that the host wants to know, enqueued; then the iteration's one read-back. */
static imp_status enqueue_evaluation(imp_optimizer_state *t) {
    imp_objective *const o = t->o;
    imp_device *const d = o->device;
    const imp_tensor g = o->dx[0];
    TRY(imp_objective_evaluate(o));
    TRY(d->ops->dot(d, imp_objective_slot(o, IMP_RECORD_GG), g, g));
    TRY(d->ops->norm1(d, imp_objective_slot(o, IMP_RECORD_G1), g));
    if (o->settings->optimizer == IMP_ADAM || t->steps == 0)
        return IMP_OK;
    const imp_tensor y = t->y[t->next], s = t->s[t->next];
    TRY(d->ops->combine(d, y, 1, g, -1, t->gradient_before));
    TRY(d->ops->dot(d, imp_objective_slot(o, IMP_RECORD_YS), y, s));
    return d->ops->dot(d, imp_objective_slot(o, IMP_RECORD_YY), y, y);
}

imp_status imp_optimizer_evaluate(imp_optimizer_state *t, imp_error *err) {
    if (enqueue_evaluation(t) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    t->evaluated = t->o->x[0];
    return read_record(t, err);
}

static bool all_finite(const imp_optimizer_state *t) {
    double sum = value(t, IMP_RECORD_TV) + value(t, IMP_RECORD_GG);
    for (size_t i = 0; i < t->o->count; i++)
        sum += t->values[i];
    return isfinite(sum);
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

/* Takes the newest pair into the ring where y.s > 1e-10. */
static void keep_pair(imp_optimizer_state *t) {
    const double ys = value(t, IMP_RECORD_YS), yy = value(t, IMP_RECORD_YY);
    if (t->steps == 0 || !(ys > 1e-10))
        return;
    t->rho[t->next] = 1 / ys;
    t->gamma = ys / yy;
    t->next = (t->next + 1) % ring_size(t);
    t->pairs += t->pairs < t->o->settings->history;
}

/* The pair that came `age` pairs before the next free place; 1 is the newest. */
static unsigned pair_at(const imp_optimizer_state *t, unsigned age) {
    return (t->next + ring_size(t) - age) % ring_size(t);
}

/* q = -H g. Products stay on the device: slot i of dots is s_i.q of the first loop (from the newest
 * pair to the oldest), slot ring + i is y_i.q of the second. */
static imp_status direction(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    imp_device *const d = o->device;
    const unsigned ring = ring_size(t);
    const imp_slot none = {0};
    const imp_tensor no_tensor = {0};
    TRY(d->ops->combine(d, t->q, -1, o->dx[0], 0, o->dx[0]));
    if (t->pairs == 0)
        return IMP_OK;
    unsigned i = pair_at(t, 1);
    TRY(d->ops->dot(d, (imp_slot){t->dots, i}, t->s[i], t->q));
    for (unsigned age = 1; age <= t->pairs;
         age++) { /* q -= alpha_i y_i; then the older pair's s.q */
        const bool last = age == t->pairs;
        const unsigned older = pair_at(t, age + 1);
        i = pair_at(t, age);
        TRY(d->ops->axpy_dot(d, t->q, (float)-t->rho[i], (imp_slot){t->dots, i}, 0, none, t->y[i],
                             last ? no_tensor : t->s[older],
                             last ? none : (imp_slot){t->dots, older}));
    }
    TRY(d->ops->combine(d, t->q, (float)t->gamma, t->q, 0, t->q));
    TRY(d->ops->dot(d, (imp_slot){t->dots, ring + i}, t->y[i], t->q));
    for (unsigned age = t->pairs; age >= 1; age--) { /* q += (alpha_i - beta_i) s_i; newer y.q */
        const bool last = age == 1;
        const unsigned newer = pair_at(t, age - 1);
        i = pair_at(t, age);
        TRY(d->ops->axpy_dot(d, t->q, (float)t->rho[i], (imp_slot){t->dots, i}, (float)-t->rho[i],
                             (imp_slot){t->dots, ring + i}, t->s[i], last ? no_tensor : t->y[newer],
                             last ? none : (imp_slot){t->dots, ring + newer}));
    }
    return IMP_OK;
}

static imp_status lbfgs_step(imp_optimizer_state *t) {
    const imp_objective *o = t->o;
    imp_device *const d = o->device;
    keep_pair(t);
    TRY(direction(t));
    const double g1 = value(t, IMP_RECORD_G1);
    const double first = t->steps == 0 && g1 > 1 ? 1 / g1 : 1;
    const double length = (double)o->settings->learning_rate * first * t->shrink;
    TRY(copy(d, t->gradient_before, o->dx[0]));
    /* s is the direction times its length; where clamping bends the step, what is left of it. */
    TRY(d->ops->combine(d, t->s[t->next], (float)length, t->q, 0, t->q));
    return d->ops->combine(d, o->x[0], 1, o->x[0], 1, t->s[t->next]);
}

/* ---- The iteration ---- */

/* Takes the last step back and forgets what led to it. */
static imp_status set_back(imp_optimizer_state *t, imp_error *err) {
    imp_device *const d = t->o->device;
    if (t->steps == 0 && t->setbacks == 0)
        return imp_fail(err, IMP_ERR_NUMBER,
                        "the loss is not finite at the starting picture; the weights are too large "
                        "or the network's values are: choose smaller --style-weight and "
                        "--content-weight");
    if (t->setbacks++ == SETBACKS_MAX)
        return imp_fail(err, IMP_ERR_NUMBER,
                        "the loss stayed non-finite after %d setbacks; choose a smaller "
                        "--learning-rate or --style-weight",
                        SETBACKS_MAX);
    t->shrink /= 2;
    t->steps = t->pairs = t->next = 0;
    imp_status status = copy(d, t->o->x[0], t->before);
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
        return d->ops->combine(d, t->s[t->next], 1, o->x[0], -1, t->before);
    return IMP_OK;
}

imp_status imp_optimizer_step(imp_optimizer_state *t, bool *recovered, imp_error *err) {
    TRY(imp_optimizer_evaluate(t, err));
    *recovered = !all_finite(t);
    if (*recovered)
        return set_back(t, err);
    if (move(t) != IMP_OK)
        return imp_fail_device(err, t->o->device);
    t->steps++;
    t->setbacks = 0;
    return IMP_OK;
}
