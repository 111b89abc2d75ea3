/* SPDX-License-Identifier: MIT
 *
 * A trial in the memory of a device: placed, written, launched, read back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "selftest/operands.h"

/* What the operations are called with. All positive, so that absolute operands make all terms of a
 * formula add up (bounds.h). */
static const float weight = 2.5f, scale = 0.37f, filled = -1.75f, low = -0.25f, high = 0.625f;
static const float combine_a = 1.7f, combine_b = 0.6f, mix_a = 0.8f;
static const imp_adam adam[2] = {
    {.step = 0.02f, .root = 1.5f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f},
    {.step = 0.03f, .root = 1, .beta1 = 0.99f, .beta2 = 0.999f, .epsilon = 0.1f}};

static const float trace = 1.2f, powers[3] = {-0.5f, -1, 0.25f}; /* of rescale's variants */

enum { GUARD = 16 }; /* floats */

static float guard_value(size_t k) {
    return 1234.5f + (float)k;
}

/* The device's error in err, whether or not it left a message. */
static imp_status checked(imp_launch *r, imp_status status, imp_error *err) {
    if (status == IMP_OK)
        return IMP_OK;
    imp_fail_device(err, r->device);
    return imp_fail(err, status, "device '%s': %s failed without a message", r->device->info.name,
                    imp_op_name(r->operands->c.op));
}

static imp_tensor tensor_of(const imp_operand *o) {
    return (imp_tensor){.c = o->c, .h = o->h, .w = o->w, .layout = o->layout};
}

/* Places the guards and operands from cursor on; SIZE_MAX: one of them can lie nowhere. */
static size_t place_all(imp_launch *r, size_t cursor) {
    const imp_ops *ops = r->device->ops;
    for (size_t i = 0; i <= IMP_OPERANDS && cursor != SIZE_MAX; i++) {
        r->guard[i] = (imp_tensor){.c = 1, .h = 1, .w = GUARD, .layout = IMP_PLANES};
        cursor = ops->place(r->device, &r->guard[i], cursor);
        if (i == IMP_OPERANDS || cursor == SIZE_MAX || r->operands->operand[i].role == IMP_ABSENT)
            continue;
        r->tensor[i] = tensor_of(&r->operands->operand[i]);
        cursor = ops->place(r->device, &r->tensor[i], cursor);
    }
    return cursor;
}

static imp_status write_all(imp_launch *r, imp_error *err) {
    const imp_ops *ops = r->device->ops;
    float pattern[GUARD];
    for (size_t k = 0; k < GUARD; k++)
        pattern[k] = guard_value(k);
    for (size_t i = 0; i <= IMP_OPERANDS; i++) {
        r->guard[i].memory = r->memory;
        TRY(checked(r, ops->write(r->device, r->guard[i], pattern), err));
        if (i == IMP_OPERANDS || r->operands->operand[i].role == IMP_ABSENT)
            continue;
        r->tensor[i].memory = r->memory;
        TRY(checked(r, ops->write(r->device, r->tensor[i], r->operands->operand[i].values), err));
    }
    return IMP_OK;
}

imp_status imp_launch_open(imp_launch *r, const imp_operands *t, imp_device *device, size_t origin,
                           bool *fits, imp_error *err) {
    *r = (imp_launch){.operands = t, .device = device};
    const size_t end = place_all(r, origin), memory = device->info.memory_bytes;
    *fits = end != SIZE_MAX && (memory == 0 || end - origin <= memory);
    if (!*fits)
        return IMP_OK;
    TRY(checked(r, device->ops->alloc(device, &r->memory, end), err));
    if (t->weights)
        TRY(checked(
            r, device->ops->filter_open(device, &r->filter, &t->c.conv, t->weights, t->bias), err));
    return write_all(r, err);
}

/* ---- launching ---- */

static imp_slot slot(imp_tensor scalars, size_t i) {
    return (imp_slot){scalars, i};
}

static imp_status launch_network(imp_launch *r) {
    const imp_tensor *t = r->tensor;
    const imp_ops *ops = r->device->ops;
    const imp_pooling pooling = (imp_pooling)r->operands->c.variant;
    switch (r->operands->c.op) {
    case IMP_OP_CONV:
        return ops->conv(r->device, t[0], t[1], r->filter);
    case IMP_OP_CONV_GRAD:
        return ops->conv_grad(r->device, t[0], t[1], t[2], r->filter);
    case IMP_OP_POOL:
        return ops->pool(r->device, t[0], t[1], pooling);
    case IMP_OP_POOL_INDICES:
        return ops->pool_indices(r->device, t[0], t[1], pooling);
    case IMP_OP_UNPOOL:
        return ops->unpool(r->device, t[0], t[1], t[2], pooling);
    default: /* IMP_OP_POOL_GRAD */
        return ops->pool_grad(r->device, t[0], t[1], t[2], t[3], pooling);
    }
}

static imp_status launch_losses(imp_launch *r) {
    const imp_tensor *t = r->tensor;
    const imp_ops *ops = r->device->ops;
    const unsigned variant = r->operands->c.variant;
    switch (r->operands->c.op) {
    case IMP_OP_GRAM:
        return ops->gram(r->device, t[0], t[1], t[2], variant & IMP_GRAM_ADDS);
    case IMP_OP_STYLE:
        return ops->style(r->device, t[0], slot(t[1], IMP_SLOT_OUT), t[2], t[3], t[4], t[5], scale,
                          weight);
    case IMP_OP_STYLE_GRAD:
        return ops->style_grad(r->device, t[0], t[1], t[2]);
    case IMP_OP_CONTENT:
        return ops->content(r->device, t[0], slot(t[1], IMP_SLOT_OUT), t[2], t[3], weight);
    default: /* IMP_OP_TV */
        return ops->tv(r->device, t[0], slot(t[1], IMP_SLOT_OUT), t[2], (imp_tv_form)variant,
                       weight);
    }
}

static imp_status launch_vectors(imp_launch *r) {
    const imp_tensor *t = r->tensor;
    const imp_ops *ops = r->device->ops;
    const unsigned variant = r->operands->c.variant;
    switch (r->operands->c.op) {
    case IMP_OP_COPY:
        return IMP_OK;
    case IMP_OP_AFFINE:
        return ops->affine(r->device, t[0], t[1], &r->operands->affine);
    case IMP_OP_AFFINE_GRAD:
        return ops->affine_grad(r->device, t[0], t[1], &r->operands->affine);
    case IMP_OP_FILL:
        return ops->fill(r->device, t[0], filled);
    case IMP_OP_COMBINE:
        return ops->combine(r->device, t[variant], combine_a, t[1], combine_b, t[2]);
    case IMP_OP_CLAMP:
        return ops->clamp(r->device, t[0], low, high);
    case IMP_OP_DOT:
        return ops->dot(r->device, slot(t[0], IMP_SLOT_OUT), t[1],
                        t[variant == IMP_DOT_WITH_ITSELF ? 1 : 2]);
    case IMP_OP_NORM1:
        return ops->norm1(r->device, slot(t[0], IMP_SLOT_OUT), t[1]);
    case IMP_OP_DOTS:
        return ops->dots(r->device, slot(t[0], IMP_SLOT_OUT), t + 3, IMP_VECTORS, t[1], t[2]);
    case IMP_OP_MIX:
        return ops->mix(r->device, t[0], mix_a, t[1], t[2], t + 3, IMP_VECTORS);
    default: /* IMP_OP_ADAM */
        return ops->adam(r->device, t[0], t[1], t[2], t[3], &adam[variant]);
    }
}

static imp_status launch_matrices(imp_launch *r) {
    const imp_tensor *t = r->tensor;
    const imp_ops *ops = r->device->ops;
    const unsigned variant = r->operands->c.variant;
    switch (r->operands->c.op) {
    case IMP_OP_MULTIPLY:
        return ops->multiply(r->device, t[0], scale, t[1], t[2], weight);
    case IMP_OP_COVARIANCE: /* g comes negative to the twin: then this, too, adds up */
        return ops->covariance(r->device, t[0], t[1], t[2], scale, -weight);
    case IMP_OP_TRANSPORT:
        return ops->transport(r->device, t[0], slot(t[1], IMP_SLOT_OUT), t[2], t[3], t[4], t[5],
                              t[6], trace, scale, weight);
    case IMP_OP_SHIFT:
        return ops->shift(r->device, t[0], t[1]);
    default: /* IMP_OP_RESCALE */
        return ops->rescale(r->device, t[0], combine_a, slot(t[1], IMP_SLOT_A), combine_b,
                            powers[variant], t[variant == IMP_RESCALE_IN_PLACE ? 0 : 2],
                            variant == IMP_RESCALE_ADDS);
    }
}

static imp_status launch_regions(imp_launch *r) {
    const imp_tensor *t = r->tensor;
    const imp_ops *ops = r->device->ops;
    switch (r->operands->c.op) {
    case IMP_OP_MASK:
        return ops->mask(r->device, t[0], t[1], t[2], r->operands->c.variant & IMP_MASK_ADDS);
    case IMP_OP_WRAP:
        return ops->wrap(r->device, t[0], t[1]);
    default: /* IMP_OP_WRAP_GRAD */
        return ops->wrap_grad(r->device, t[0], t[1]);
    }
}

imp_status imp_launch_start(imp_launch *r, imp_error *err) {
    const imp_op op = r->operands->c.op;
    imp_status status;
    if (op >= IMP_OP_CONV && op <= IMP_OP_UNPOOL)
        status = launch_network(r);
    else if (op >= IMP_OP_GRAM && op <= IMP_OP_TV)
        status = launch_losses(r);
    else if (op >= IMP_OP_MASK)
        status = launch_regions(r);
    else if (op >= IMP_OP_MULTIPLY)
        status = launch_matrices(r);
    else
        status = launch_vectors(r);
    TRY(checked(r, status, err));
    return checked(r, r->device->ops->sync(r->device), err);
}

static bool is_convolution(const imp_launch *r) {
    return r->operands->c.op == IMP_OP_CONV || r->operands->c.op == IMP_OP_CONV_GRAD;
}

const imp_winograd *imp_launch_winograd(const imp_launch *r) {
    const imp_op op = r->operands->c.op;
    if (!r->device->ops->winograd || !is_convolution(r))
        return NULL;
    return r->device->ops->winograd(r->device, r->tensor[0], r->tensor[1], r->filter,
                                    op == IMP_OP_CONV_GRAD);
}

imp_algorithm imp_launch_algorithm(const imp_launch *r) {
    return r->device->ops->algorithm(r->device, r->tensor[0], r->tensor[1], r->filter,
                                     r->operands->c.op == IMP_OP_CONV_GRAD);
}

const char *imp_launch_algorithm_name(const imp_launch *r, unsigned algorithm) {
    const imp_ops *ops = r->device->ops;
    return ops->algorithm_name && is_convolution(r)
               ? ops->algorithm_name(r->device, r->tensor[0], r->tensor[1], r->filter,
                                     r->operands->c.op == IMP_OP_CONV_GRAD, algorithm)
               : NULL;
}

void imp_launch_choose(imp_launch *r, unsigned algorithm) {
    const bool back = r->operands->c.op == IMP_OP_CONV_GRAD;
    const imp_tensor *y = &r->tensor[back ? 1 : 0];
    const imp_algorithm_choice p = {
        .conv = r->operands->c.conv, .h = y->h, .w = y->w, .back = back, .algorithm = algorithm};
    imp_choose_algorithm(r->device, &p);
}

/* ---- reading and writing ---- */

imp_status imp_launch_read(imp_launch *r, size_t i, float *values, imp_error *err) {
    return checked(r, r->device->ops->read(r->device, values, r->tensor[i]), err);
}

imp_status imp_launch_write(imp_launch *r, size_t i, const float *values, imp_error *err) {
    return checked(r, r->device->ops->write(r->device, r->tensor[i], values), err);
}

static imp_status guard_intact(imp_launch *r, size_t i, bool *intact, imp_error *err) {
    float values[GUARD];
    TRY(checked(r, r->device->ops->read(r->device, values, r->guard[i]), err));
    *intact = true;
    for (size_t k = 0; k < GUARD; k++)
        *intact &= values[k] == guard_value(k);
    return IMP_OK;
}

static imp_status input_intact(imp_launch *r, size_t i, bool *intact, imp_error *err) {
    const imp_operand *o = &r->operands->operand[i];
    const size_t bytes = imp_operand_count(o) * sizeof(float);
    float *values = malloc(bytes);
    if (!values)
        return imp_fail(err, IMP_ERR_MEMORY, "no memory for a test's numbers");
    const imp_status status = imp_launch_read(r, i, values, err);
    *intact = status == IMP_OK && memcmp(values, o->values, bytes) == 0;
    free(values);
    return status;
}

imp_status imp_launch_intact(imp_launch *r, bool inputs, const char **what, imp_error *err) {
    bool intact = true;
    *what = NULL;
    for (size_t i = 0; i <= IMP_OPERANDS && !*what; i++) {
        TRY(guard_intact(r, i, &intact, err));
        if (!intact) {
            for (; i > 0 && r->operands->operand[i - 1].role == IMP_ABSENT;)
                i--;
            *what = i > 0 ? r->operands->operand[i - 1].name : r->operands->operand[0].name;
        } else if (i < IMP_OPERANDS && inputs && r->operands->operand[i].role == IMP_INPUT) {
            TRY(input_intact(r, i, &intact, err));
            if (!intact)
                *what = r->operands->operand[i].name;
        }
    }
    return IMP_OK;
}

void imp_launch_close(imp_launch *r) {
    if (r->filter)
        r->device->ops->filter_close(r->device, r->filter);
    if (r->memory)
        r->device->ops->release(r->device, r->memory);
    *r = (imp_launch){0};
}
