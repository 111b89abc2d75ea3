/* SPDX-License-Identifier: MIT
 *
 * The operands of a case and their numbers.
 */
#include "selftest/operands.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "selftest/operation.h"

size_t imp_operand_count(const imp_operand *o) {
    return o->role == IMP_ABSENT ? 0 : o->c * o->h * o->w;
}

/* ---- numbers ---- */

static void draw(float *values, size_t n, imp_data data, uint64_t *state) {
    const float constant = 0.3f + imp_random_unit(state);
    for (size_t k = 0; k < n; k++) {
        const uint64_t bits = imp_random_bits(state);
        const float unit = (float)(bits >> 40) * 0x1p-24f; /* [0,1) */
        switch (data) {
        case IMP_NONNEGATIVE:
            values[k] = unit;
            break;
        case IMP_CONSTANT:
            values[k] = constant;
            break;
        case IMP_SPARSE:
            values[k] = bits & 1 ? 0 : (float)((int)(unit * 9) - 4) / 4;
            break;
        case IMP_LARGE:
            values[k] = 1e4f * (2 * unit - 1);
            break;
        default:
            values[k] = 2 * unit - 1;
        }
    }
}

static imp_status draw_operand(imp_operands *t, size_t i, uint64_t *state, imp_error *err) {
    const imp_operation *operation = imp_operation_of(t->c.op);
    imp_operand *o = &t->operand[i];
    const size_t n = imp_operand_count(o);
    if (n == 0)
        return IMP_OK;
    o->values = malloc(n * sizeof *o->values);
    if (!o->values)
        return imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
    draw(o->values, n, t->c.data, state);
    if (o->role == IMP_OUTPUT || o->role == IMP_CLOBBERED)
        for (size_t k = 0; k < n; k++)
            o->values[k] = NAN;
    else if (operation->adapt)
        operation->adapt(o, i);
    for (size_t k = 0; o->role == IMP_SCALARS && k < imp_slots_written(t->c.op) * IMP_PARTIALS; k++)
        o->values[IMP_SLOT_OUT * IMP_PARTIALS + k] = NAN;
    return IMP_OK;
}

/* pool_grad: y is the oracle's pooling of x. */
static imp_status pool_first(imp_operands *t, imp_error *err) {
    imp_case pool = t->c;
    imp_operands forward;
    pool.op = IMP_OP_pool;
    imp_operands_describe(&forward, &pool);
    forward.operand[0].values = t->operand[3].values;
    forward.operand[1].values = t->operand[2].values;
    imp_launch launch = {0};
    imp_device *oracle = NULL;
    bool fits = true;
    imp_status status = imp_oracle_open(&oracle, NULL, err);
    if (status == IMP_OK)
        status = imp_launch_open(&launch, &forward, oracle, 0, &fits, err);
    if (status == IMP_OK)
        status = imp_launch_start(&launch, err);
    if (status == IMP_OK)
        status = imp_launch_read(&launch, 0, t->operand[3].values, err);
    imp_launch_close(&launch);
    if (oracle)
        oracle->ops->close(oracle);
    return status;
}

static imp_status draw_filters(imp_operands *t, uint64_t *state, imp_error *err) {
    const imp_conv *c = &t->c.conv;
    const size_t count = c->out * c->in * c->kernel * c->kernel;
    const imp_data data = t->c.data == IMP_NONNEGATIVE ? IMP_NONNEGATIVE : IMP_SIGNED;
    t->weights = malloc(count * sizeof *t->weights);
    t->bias = t->c.bias ? malloc(c->out * sizeof *t->bias) : NULL;
    if (!t->weights || (t->c.bias && !t->bias))
        return imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
    draw(t->weights, count, data, state);
    if (t->bias)
        draw(t->bias, c->out, data, state);
    return IMP_OK;
}

void imp_operands_describe(imp_operands *t, const imp_case *c) {
    *t = (imp_operands){.c = *c};
    imp_operation_of(c->op)->describe(t);
}

imp_status imp_operands_init(imp_operands *t, const imp_case *c, uint64_t seed, imp_error *err) {
    imp_operands_describe(t, c);
    t->affine = (imp_affine){{{0.5f, -1.25f, 0.3f}, {1.7f, 0.1f, -0.6f}, {-0.2f, 0.9f, 2.1f}},
                             {-0.7f, 0.4f, 1.1f}};
    uint64_t state = seed;
    imp_status status = IMP_OK;
    for (size_t i = 0; i < IMP_OPERANDS && status == IMP_OK; i++)
        status = draw_operand(t, i, &state, err);
    if (status == IMP_OK && (c->op == IMP_OP_conv || c->op == IMP_OP_conv_grad))
        status = draw_filters(t, &state, err);
    if (status == IMP_OK && c->op == IMP_OP_pool_grad)
        status = pool_first(t, err);
    if (status != IMP_OK)
        imp_operands_finish(t);
    return status;
}

void imp_operands_finish(imp_operands *t) {
    for (size_t i = 0; i < IMP_OPERANDS; i++)
        free(t->operand[i].values);
    free(t->weights);
    free(t->bias);
    *t = (imp_operands){0};
}
