/* SPDX-License-Identifier: MIT
 *
 * A case in the memory of a device: placed, written, launched, read back.
 */
#include <stdlib.h>
#include <string.h>

#include "selftest/operation.h"

enum { GUARD = 16 }; /* floats */

static float guard_value(size_t k) {
    return 1234.5f + (float)k;
}

/* Moves the device's error to err; makes a message if the device left none. */
static imp_status checked(imp_launch *l, imp_status status, imp_error *err) {
    if (status == IMP_OK)
        return IMP_OK;
    imp_fail_device(err, l->device);
    return imp_fail(err, status, "device '%s': %s failed without a message", l->device->info.name,
                    imp_op_name(l->operands->c.op));
}

static imp_tensor tensor_of(const imp_operand *o) {
    return (imp_tensor){.c = o->c, .h = o->h, .w = o->w, .layout = o->layout};
}

/* Places the guards and operands from cursor on; SIZE_MAX: one of them fits nowhere. */
static size_t place_all(imp_launch *l, size_t cursor) {
    const imp_ops *ops = l->device->ops;
    for (size_t i = 0; i <= IMP_OPERANDS && cursor != SIZE_MAX; i++) {
        l->guard[i] = (imp_tensor){.c = 1, .h = 1, .w = GUARD, .layout = IMP_PLANES};
        cursor = ops->place(l->device, &l->guard[i], cursor);
        if (i == IMP_OPERANDS || cursor == SIZE_MAX || l->operands->operand[i].role == IMP_ABSENT)
            continue;
        l->tensor[i] = tensor_of(&l->operands->operand[i]);
        cursor = ops->place(l->device, &l->tensor[i], cursor);
    }
    return cursor;
}

static imp_status write_all(imp_launch *l, imp_error *err) {
    const imp_ops *ops = l->device->ops;
    float pattern[GUARD];
    for (size_t k = 0; k < GUARD; k++)
        pattern[k] = guard_value(k);
    for (size_t i = 0; i <= IMP_OPERANDS; i++) {
        l->guard[i].memory = l->memory;
        TRY(checked(l, ops->write(l->device, l->guard[i], pattern), err));
        if (i == IMP_OPERANDS || l->operands->operand[i].role == IMP_ABSENT)
            continue;
        l->tensor[i].memory = l->memory;
        TRY(checked(l, ops->write(l->device, l->tensor[i], l->operands->operand[i].values), err));
    }
    return IMP_OK;
}

imp_status imp_launch_open(imp_launch *l, const imp_operands *t, imp_device *device, size_t origin,
                           bool *fits, imp_error *err) {
    *l = (imp_launch){.operands = t, .device = device};
    const size_t end = place_all(l, origin), memory = device->info.memory_bytes;
    *fits = end != SIZE_MAX && (memory == 0 || end - origin <= memory);
    if (!*fits)
        return IMP_OK;
    TRY(checked(l, device->ops->alloc(device, &l->memory, end), err));
    if (t->weights)
        TRY(checked(
            l, device->ops->filter_open(device, &l->filter, &t->c.conv, t->weights, t->bias), err));
    return write_all(l, err);
}

/* ---- launching ---- */

static bool has_slot(const imp_ops *ops, imp_op op) {
    switch (op) {
#define OP(name, parameters)                                                                       \
    case IMP_OP_##name:                                                                            \
        return ops->name;
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
    default:
        return true;
    }
}

imp_status imp_launch_start(imp_launch *l, imp_error *err) {
    const imp_op op = l->operands->c.op;
    if (!has_slot(l->device->ops, op))
        return imp_fail(err, IMP_ERR_UNSUPPORTED, "device '%s': slot '%s' is empty",
                        l->device->info.name, imp_op_name(op));
    TRY(checked(l, imp_operation_of(op)->call(l), err));
    return checked(l, l->device->ops->sync(l->device), err);
}

static bool is_convolution(const imp_launch *l) {
    return l->operands->c.op == IMP_OP_conv || l->operands->c.op == IMP_OP_conv_grad;
}

const imp_winograd *imp_launch_winograd(const imp_launch *l) {
    const imp_op op = l->operands->c.op;
    if (!l->device->ops->winograd || !is_convolution(l))
        return NULL;
    return l->device->ops->winograd(l->device, l->tensor[0], l->tensor[1], l->filter,
                                    op == IMP_OP_conv_grad);
}

imp_algorithm imp_launch_algorithm(const imp_launch *l) {
    return l->device->ops->algorithm(l->device, l->tensor[0], l->tensor[1], l->filter,
                                     l->operands->c.op == IMP_OP_conv_grad);
}

const char *imp_launch_algorithm_name(const imp_launch *l, unsigned algorithm) {
    const imp_ops *ops = l->device->ops;
    return ops->algorithm_name && is_convolution(l)
               ? ops->algorithm_name(l->device, l->tensor[0], l->tensor[1], l->filter,
                                     l->operands->c.op == IMP_OP_conv_grad, algorithm)
               : NULL;
}

void imp_launch_choose(imp_launch *l, unsigned algorithm) {
    const bool back = l->operands->c.op == IMP_OP_conv_grad;
    const imp_tensor *y = &l->tensor[back ? 1 : 0];
    const imp_algorithm_choice p = {
        .conv = l->operands->c.conv, .h = y->h, .w = y->w, .back = back, .algorithm = algorithm};
    imp_choose_algorithm(l->device, &p);
}

/* ---- reading and writing ---- */

imp_status imp_launch_read(imp_launch *l, size_t i, float *values, imp_error *err) {
    return checked(l, l->device->ops->read(l->device, values, l->tensor[i]), err);
}

imp_status imp_launch_write(imp_launch *l, size_t i, const float *values, imp_error *err) {
    return checked(l, l->device->ops->write(l->device, l->tensor[i], values), err);
}

static imp_status guard_intact(imp_launch *l, size_t i, bool *intact, imp_error *err) {
    float values[GUARD];
    TRY(checked(l, l->device->ops->read(l->device, values, l->guard[i]), err));
    *intact = true;
    for (size_t k = 0; k < GUARD; k++)
        *intact &= values[k] == guard_value(k);
    return IMP_OK;
}

static imp_status input_intact(imp_launch *l, size_t i, bool *intact, imp_error *err) {
    const imp_operand *o = &l->operands->operand[i];
    const size_t bytes = imp_operand_count(o) * sizeof(float);
    float *values = malloc(bytes);
    if (!values)
        return imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
    const imp_status status = imp_launch_read(l, i, values, err);
    *intact = status == IMP_OK && memcmp(values, o->values, bytes) == 0;
    free(values);
    return status;
}

imp_status imp_launch_intact(imp_launch *l, bool inputs, const char **what, imp_error *err) {
    bool intact = true;
    *what = NULL;
    for (size_t i = 0; i <= IMP_OPERANDS && !*what; i++) {
        TRY(guard_intact(l, i, &intact, err));
        if (!intact) {
            for (; i > 0 && l->operands->operand[i - 1].role == IMP_ABSENT;)
                i--;
            *what = i > 0 ? l->operands->operand[i - 1].name : l->operands->operand[0].name;
        } else if (i < IMP_OPERANDS && inputs && l->operands->operand[i].role == IMP_INPUT) {
            TRY(input_intact(l, i, &intact, err));
            if (!intact)
                *what = l->operands->operand[i].name;
        }
    }
    return IMP_OK;
}

void imp_launch_close(imp_launch *l) {
    if (l->filter)
        l->device->ops->filter_close(l->device, l->filter);
    if (l->memory)
        l->device->ops->release(l->device, l->memory);
    *l = (imp_launch){0};
}
