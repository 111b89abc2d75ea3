/* SPDX-License-Identifier: MIT
 *
 * Checks a timed iteration: its steps run again, one by one and in the same memory, and the outputs
 * of the convolutions are compared with the oracle's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "cpu/cpu.h"
#include "engine/session.h"
#include "selftest/outputs.h"

/* ---- values ---- */

/* The values of a tensor, on the host; the caller frees them. NULL: no memory, or the device
 * failed. */
static float *values_of(imp_device *d, imp_tensor t) {
    float *values = malloc(t.c * t.h * t.w * sizeof *values);
    if (values && d->ops->read(d, values, t) != IMP_OK) {
        free(values);
        return NULL;
    }
    return values;
}

/* Fills dy with numbers: its memory has been reused by later steps. */
static imp_status refill(imp_device *d, imp_tensor dy) {
    const size_t count = dy.c * dy.h * dy.w;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "bench: out of host memory");
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
    const imp_status status = d->ops->write(d, dy, values);
    free(values);
    return status;
}

/* ---- convolutions ---- */

/* A convolution, or its gradient, that the device has just computed. */
typedef struct made {
    size_t node;
    bool back;
    imp_tensor out, in, y; /* back: dx and dy; y: no tensor if pooling indices replace it */
} made;

/* The same as a case of the self-test. */
static imp_case case_of(const made *m, imp_conv conv) {
    const imp_tensor *x = m->back ? &m->out : &m->in;
    conv.relu &= !m->back || m->y.c > 0;
    return (imp_case){.op = m->back ? IMP_OP_conv_grad : IMP_OP_conv,
                      .level = IMP_LEVEL_FULL,
                      .c = x->c,
                      .h = x->h,
                      .w = x->w,
                      .layout = x->layout,
                      .out_layout = IMP_MAPS,
                      .conv = conv,
                      .bias = true};
}

/* Compares some windows of the output with the oracle. */
static imp_status check_made(imp_check *k, const imp_session *s, const made *m, imp_error *err) {
    const imp_node *node = &s->network->nodes[m->node];
    imp_device *const d = s->device;
    const imp_case c = case_of(m, imp_conv_on(d, node->conv));
    imp_outputs got = {.values = {values_of(d, m->out)}};
    imp_status status = IMP_OK;
    imp_operands t;
    imp_operands_describe(&t, &c);
    t.operand[1].values = values_of(d, m->in);
    t.operand[2].values = m->y.c ? values_of(d, m->y) : NULL;
    t.weights = (float *)node->weights; /* borrowed, so the operands are not finished */
    t.bias = (float *)node->bias;
    if (d->ops->winograd)
        got.winograd = d->ops->winograd(d, m->out, m->in, s->filters[m->node], m->back);
    k->operands = &t;
    if (!got.values[0] || !t.operand[1].values || (m->y.c && !t.operand[2].values))
        status = imp_fail(err, IMP_ERR_MEMORY, "bench: no memory to check the results");
    if (status == IMP_OK)
        status = imp_compare_windows(k, &got, 1, 0x1p22, err);
    free(got.values[0]);
    free(t.operand[1].values);
    free(t.operand[2].values);
    k->operands = NULL;
    return status;
}

/* ---- fused steps ---- */

/* The separate steps: the map that the fused step does not store, and their results. */
typedef struct separate {
    imp_memory *memory;
    imp_tensor map, out, indices; /* out: y or dx */
} separate;

static imp_status separate_open(imp_device *d, separate *a, imp_tensor map, imp_tensor out,
                                imp_tensor indices) {
    size_t end = 0;
    a->map = imp_place(d, &end, IMP_MAPS, map.c, map.h, map.w);
    a->out = imp_place(d, &end, IMP_MAPS, out.c, out.h, out.w);
    a->indices = imp_place(d, &end, IMP_MAPS, indices.c, indices.h, indices.w);
    TRY(d->ops->alloc(d, &a->memory, end));
    a->map.memory = a->out.memory = a->indices.memory = a->memory;
    return IMP_OK;
}

/* Runs the separate steps; m: their convolution. */
static imp_status separate_run(const imp_session *s, const imp_step *step, const separate *a,
                               made *m) {
    const imp_plan *plan = &s->objective.plans[0];
    imp_filter *const filter = s->filters[m->node];
    if (step->back) {
        *m = (made){m->node, true, a->out, a->map, {0}};
        return imp_fused_back(s->device, a->out, a->map, imp_plan_tensor(plan, step->dy),
                              imp_plan_tensor(plan, step->indices), filter, plan->pooling);
    }
    *m = (made){m->node, false, a->map, imp_plan_tensor(plan, step->x), {0}};
    return imp_fused_forward(s->device, a->out, a->indices, a->map, m->in, filter, plan->pooling);
}

/* Clears *same unless two tensors hold the same bits. */
static imp_status compare_bits(imp_device *d, imp_tensor a, imp_tensor b, bool *same,
                               imp_error *err) {
    float *one = values_of(d, a), *other = values_of(d, b);
    const bool read = one && other;
    *same &= read && memcmp(one, other, a.c * a.h * a.w * sizeof *one) == 0;
    free(one);
    free(other);
    return read ? IMP_OK : imp_fail(err, IMP_ERR_MEMORY, "bench: no memory to check the results");
}

/* Compares the separate convolution with the oracle, and the fused step with the separate ones. */
static imp_status check_fused(imp_check *k, const imp_session *s, const imp_step *step,
                              imp_error *err) {
    const imp_plan *plan = &s->objective.plans[0];
    imp_device *const d = s->device;
    const imp_tensor out = imp_plan_tensor(plan, step->back ? step->dx : step->y);
    const imp_tensor indices = imp_plan_tensor(plan, step->indices);
    made m = {.node = step->node - 1};
    separate a = {0};
    bool same = true;
    imp_status status = separate_open(d, &a, plan->shapes[m.node], out, indices);
    if (status == IMP_OK)
        status = separate_run(s, step, &a, &m);
    if (status != IMP_OK)
        status = imp_fail_device(err, d);
    if (status == IMP_OK)
        status = check_made(k, s, &m, err);
    if (status == IMP_OK)
        status = compare_bits(d, out, a.out, &same, err);
    if (status == IMP_OK && !step->back)
        status = compare_bits(d, indices, a.indices, &same, err);
    if (!same && k->out->outcome == IMP_PASSED) {
        k->out->outcome = IMP_FAILED;
        k->out->ratio = INFINITY;
        snprintf(k->out->reason, sizeof k->out->reason,
                 "%s fused with its pooling%s differs from the separate steps",
                 s->network->nodes[m.node].name, step->back ? ", back" : "");
    }
    d->ops->release(d, a.memory);
    return status;
}

/* ---- all steps ---- */

static imp_status check_step(imp_check *k, const imp_session *s, const imp_step *step,
                             imp_error *err) {
    const imp_plan *plan = &s->objective.plans[0];
    made m = {.node = step->node, .back = step->back};
    if (step->fused)
        return check_fused(k, s, step, err);
    if (s->network->nodes[step->node].kind != IMP_NODE_CONV)
        return IMP_OK;
    m.out = imp_plan_tensor(plan, step->back ? step->dx : step->y);
    m.in = imp_plan_tensor(plan, step->back ? step->dy : step->x);
    if (step->back && s->network->nodes[step->node].conv.relu && step->y != IMP_NO_PLACE)
        m.y = imp_plan_tensor(plan, step->y);
    return check_made(k, s, &m, err);
}

/* Runs the steps of the iteration again, each in the memory where it was timed. */
static imp_status check_steps(imp_check *k, imp_session *s, imp_error *err) {
    const imp_plan *plan = &s->objective.plans[0];
    imp_device *const d = s->device;
    if (imp_plan_enter(plan, s->optimizer.evaluated) != IMP_OK)
        return imp_fail_device(err, d);
    for (size_t i = 0; i < plan->step_count; i++) {
        const imp_step *step = &plan->steps[i];
        const bool conv = step->fused || s->network->nodes[step->node].kind == IMP_NODE_CONV;
        if ((conv && step->back && refill(d, imp_plan_tensor(plan, step->dy)) != IMP_OK) ||
            imp_plan_run(plan, step) != IMP_OK)
            return imp_fail_device(err, d);
        TRY(check_step(k, s, step, err));
    }
    return IMP_OK;
}

imp_status imp_bench_check(imp_session *s, imp_result *found, imp_error *err) {
    imp_check k = {NULL, NULL, 0, found};
    *found = (imp_result){.outcome = IMP_PASSED};
    TRY(imp_oracle_open(&k.oracle, NULL, err));
    const imp_status status = check_steps(&k, s, err);
    k.oracle->ops->close(k.oracle);
    return status;
}
