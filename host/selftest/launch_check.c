/* SPDX-License-Identifier: MIT
 *
 * The outputs of a timed launch, compared with the oracle fast enough for a benchmark.
 */
#include <math.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "selftest/outputs.h"

enum { CHANNELS = 16, SIDE = 8, WINDOWS = 2 };
static const double products = 0x1p22; /* of channels and positions in a window */

/* Place i of `count` places in n, including the first and the last. */
static size_t sampled(size_t i, size_t count, size_t n) {
    return count == 1 ? 0 : i * (n - 1) / (count - 1);
}

/* Values of a smaller operand: places of the larger one, spread over channels, rows and columns. */
static void gather(const imp_operand *to, float *values, const imp_operand *from,
                   const float *source) {
    for (size_t c = 0; c < to->c; c++)
        for (size_t y = 0; y < to->h; y++)
            for (size_t x = 0; x < to->w; x++)
                *values++ =
                    source[(sampled(c, to->c, from->c) * from->h + sampled(y, to->h, from->h)) *
                               from->w +
                           sampled(x, to->w, from->w)];
}

/* Some channels of a Gram matrix, or some positions of its gradient, are a smaller case. */
static imp_case part_of(const imp_case *whole) {
    imp_case c = *whole;
    if (c.op == IMP_OP_gram) {
        c.c = c.c < CHANNELS ? c.c : CHANNELS;
    } else {
        c.h = c.h < SIDE ? c.h : SIDE;
        c.w = c.w < SIDE ? c.w : SIDE;
    }
    return c;
}

static imp_status compare_part(const imp_check *whole, const imp_outputs *all, imp_error *err) {
    const imp_case c = part_of(&whole->operands->c);
    imp_operands part = {0};
    imp_outputs got = {0};
    imp_status status = imp_operands_init(&part, &c, whole->seed, err);
    if (status != IMP_OK)
        return status;
    for (size_t i = 0; i < IMP_OPERANDS; i++) {
        const imp_operand *from = &whole->operands->operand[i], *to = &part.operand[i];
        if (from->role == IMP_INPUT || from->role == IMP_BOTH)
            gather(to, to->values, from, from->values);
        if (!all->values[i])
            continue;
        got.values[i] = malloc(imp_operand_count(to) * sizeof(float));
        if (!got.values[i]) {
            status = imp_fail(err, IMP_ERR_MEMORY, "self-test: out of host memory");
            goto done;
        }
        gather(to, got.values[i], from, all->values[i]);
    }
    imp_check k = {&part, whole->oracle, whole->seed, whole->out};
    status = imp_compare(&k, &part, &got, err);
done:
    imp_outputs_finish(&got);
    imp_operands_finish(&part);
    return status;
}

/* The whole output, with the same operands drawn again. */
static imp_status compare_whole(imp_check *k, const imp_outputs *got, imp_error *err) {
    imp_operands again = {0};
    imp_status status = imp_operands_init(&again, &k->operands->c, k->seed, err);
    if (status == IMP_OK)
        status = imp_compare(k, &again, got, err);
    imp_operands_finish(&again);
    return status;
}

static imp_status compare_some(imp_check *k, const imp_outputs *got, imp_error *err) {
    switch (k->operands->c.op) {
    case IMP_OP_conv:
    case IMP_OP_conv_grad:
        return imp_compare_windows(k, got, WINDOWS, products, err);
    case IMP_OP_gram:
    case IMP_OP_style_grad:
        return compare_part(k, got, err);
    default:
        return compare_whole(k, got, err);
    }
}

/* Writes operands again that the operation adds to. */
static imp_status rewrite(imp_launch *launch, bool *rewritten, imp_error *err) {
    *rewritten = false;
    for (size_t i = 0; i < IMP_OPERANDS; i++) {
        const imp_operand *o = &launch->operands->operand[i];
        if (o->role != IMP_BOTH && o->role != IMP_SCALARS)
            continue;
        *rewritten = true;
        TRY(imp_launch_write(launch, i, o->values, err));
    }
    return IMP_OK;
}

imp_status imp_launch_check(imp_launch *launch, uint64_t seed, imp_result *out) {
    imp_error err = {0};
    imp_outputs got = {0};
    imp_check k = {launch->operands, NULL, seed, out};
    bool rewritten = false;
    *out = (imp_result){.outcome = IMP_PASSED};
    imp_status status = rewrite(launch, &rewritten, &err);
    if (status == IMP_OK && rewritten)
        status = imp_launch_start(launch, &err);
    if (status == IMP_OK)
        status = imp_outputs_read(&got, launch, &err);
    if (status != IMP_OK) {
        *out = (imp_result){.outcome = IMP_FAILED, .ratio = INFINITY};
        snprintf(out->reason, sizeof out->reason, "%s", err.text);
        status = IMP_OK;
    } else {
        status = imp_oracle_open(&k.oracle, NULL, &err);
        if (status == IMP_OK)
            status = compare_some(&k, &got, &err);
    }
    imp_outputs_finish(&got);
    if (k.oracle)
        k.oracle->ops->close(k.oracle);
    return status;
}
