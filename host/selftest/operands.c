/* SPDX-License-Identifier: MIT
 *
 * The operands of every case and their numbers.
 */
#include "selftest/operands.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "cpu/cpu.h"

size_t imp_operand_count(const imp_operand *o) {
    return o->role == IMP_ABSENT ? 0 : o->c * o->h * o->w;
}

/* ---- what operands a case has ---- */

typedef struct extent {
    size_t c, h, w;
    imp_layout layout;
} extent;

static void set(imp_operands *t, size_t i, const char *name, imp_role role, extent e) {
    t->operand[i] = (imp_operand){name, role, e.c, e.h, e.w, e.layout, NULL};
}

static extent matrix(size_t side) {
    return (extent){1, side, side, IMP_PLANES};
}

static const extent scalars = {IMP_SLOTS, 1, IMP_PARTIALS, IMP_PLANES};

static extent conv_out(const imp_case *c) {
    return (extent){c->conv.out, imp_conv_side(&c->conv, c->h), imp_conv_side(&c->conv, c->w),
                    c->out_layout};
}

/* Convolution and pooling. */
static void describe_network(imp_operands *t, extent in) {
    const imp_case *c = &t->c;
    const extent half = {c->c, c->h / 2, c->w / 2, c->layout};
    const extent chosen = {c->c, c->h / 2, (c->w / 2 + IMP_INDICES - 1) / IMP_INDICES, c->layout};
    switch (c->op) {
    case IMP_OP_CONV:
        set(t, 0, "y", IMP_OUTPUT, conv_out(c));
        set(t, 1, "x", IMP_INPUT, in);
        break;
    case IMP_OP_CONV_GRAD:
        set(t, 0, "dx", IMP_OUTPUT, in);
        set(t, 1, "dy", IMP_INPUT, conv_out(c));
        set(t, 2, "y", c->conv.relu ? IMP_INPUT : IMP_ABSENT, conv_out(c));
        break;
    case IMP_OP_POOL:
        set(t, 0, "y", IMP_OUTPUT, half);
        set(t, 1, "x", IMP_INPUT, in);
        break;
    case IMP_OP_POOL_INDICES:
        set(t, 0, "choice", IMP_OUTPUT, chosen);
        set(t, 1, "x", IMP_INPUT, in);
        break;
    case IMP_OP_UNPOOL:
        set(t, 0, "dx", IMP_OUTPUT, in);
        set(t, 1, "dy", IMP_INPUT, half);
        set(t, 2, "choice", IMP_INPUT, chosen);
        break;
    default: /* IMP_OP_POOL_GRAD */
        set(t, 0, "dx", IMP_OUTPUT, in);
        set(t, 1, "dy", IMP_INPUT, half);
        set(t, 2, "x", IMP_INPUT, in);
        set(t, 3, "y", IMP_INPUT, half);
    }
}

static void describe_losses(imp_operands *t, extent in) {
    const imp_case *c = &t->c;
    const imp_role sum = c->variant & IMP_GRAM_ADDS ? IMP_BOTH : IMP_OUTPUT;
    switch (c->op) {
    case IMP_OP_GRAM:
        set(t, 0, "g", sum, matrix(c->c));
        set(t, 1, "s", c->variant & IMP_GRAM_SUMS ? sum : IMP_ABSENT,
            (extent){1, 1, c->c, IMP_PLANES});
        set(t, 2, "f", IMP_INPUT, in);
        break;
    case IMP_OP_STYLE:
        set(t, 0, "dm", IMP_OUTPUT, matrix(c->c));
        set(t, 1, "loss", IMP_SCALARS, scalars);
        set(t, 2, "g", IMP_INPUT, matrix(c->c));
        set(t, 3, "target", IMP_INPUT, matrix(c->c));
        set(t, 4, "metric", c->variant & IMP_STYLE_HAS_METRIC ? IMP_INPUT : IMP_ABSENT,
            matrix(c->c));
        set(t, 5, "scratch", IMP_CLOBBERED, matrix(c->c));
        break;
    case IMP_OP_STYLE_GRAD:
        set(t, 0, "df", IMP_BOTH, in);
        set(t, 1, "dm", IMP_INPUT, matrix(c->c));
        set(t, 2, "f", IMP_INPUT, in);
        break;
    case IMP_OP_CONTENT:
        set(t, 0, "df", IMP_BOTH, in);
        set(t, 1, "loss", IMP_SCALARS, scalars);
        set(t, 2, "f", IMP_INPUT, in);
        set(t, 3, "p", IMP_INPUT, in);
        break;
    default: /* IMP_OP_TV */
        set(t, 0, "dx", IMP_BOTH, in);
        set(t, 1, "loss", IMP_SCALARS, scalars);
        set(t, 2, "x", IMP_INPUT, in);
    }
}

static void describe_vectors(imp_operands *t, extent in) {
    const unsigned variant = t->c.variant;
    switch (t->c.op) {
    case IMP_OP_AFFINE:
        set(t, 0, "y", IMP_OUTPUT, in);
        set(t, 1, "x", IMP_INPUT, in);
        break;
    case IMP_OP_AFFINE_GRAD:
        set(t, 0, "dx", IMP_BOTH, in);
        set(t, 1, "dy", IMP_INPUT, in);
        break;
    case IMP_OP_FILL:
        set(t, 0, "x", IMP_OUTPUT, in);
        break;
    case IMP_OP_COMBINE:
        set(t, 0, "z", variant ? IMP_ABSENT : IMP_OUTPUT, in);
        set(t, 1, "x", variant == IMP_COMBINE_INTO_X ? IMP_BOTH : IMP_INPUT, in);
        set(t, 2, "y", variant == IMP_COMBINE_INTO_Y ? IMP_BOTH : IMP_INPUT, in);
        break;
    case IMP_OP_DOT:
        set(t, 0, "out", IMP_SCALARS, scalars);
        set(t, 1, "x", IMP_INPUT, in);
        set(t, 2, "y", variant == IMP_DOT_WITH_ITSELF ? IMP_ABSENT : IMP_INPUT, in);
        break;
    case IMP_OP_NORM1:
        set(t, 0, "out", IMP_SCALARS, scalars);
        set(t, 1, "x", IMP_INPUT, in);
        break;
    case IMP_OP_DOTS:
        set(t, 0, "out", IMP_SCALARS, scalars);
        set(t, 1, "x", IMP_INPUT, in);
        set(t, 2, "y", IMP_INPUT, in);
        for (size_t i = 0; i < IMP_VECTORS; i++)
            set(t, 3 + i, "vectors", IMP_INPUT, in);
        break;
    case IMP_OP_MIX:
        set(t, 0, "z", IMP_OUTPUT, in);
        set(t, 1, "x", IMP_INPUT, in);
        set(t, 2, "factors", IMP_INPUT, (extent){1, 1, IMP_VECTORS, IMP_PLANES});
        for (size_t i = 0; i < IMP_VECTORS; i++)
            set(t, 3 + i, "vectors", IMP_INPUT, in);
        break;
    case IMP_OP_ADAM:
        set(t, 0, "x", IMP_BOTH, in);
        set(t, 1, "g", IMP_INPUT, in);
        set(t, 2, "m", IMP_BOTH, in);
        set(t, 3, "v", IMP_BOTH, in);
        break;
    default: /* IMP_OP_COPY, IMP_OP_CLAMP */
        set(t, 0, "x", IMP_BOTH, in);
    }
}

static void describe_matrices(imp_operands *t, extent in) {
    const extent square = matrix(t->c.c), vector = {1, 1, t->c.c, IMP_PLANES};
    switch (t->c.op) {
    case IMP_OP_MULTIPLY:
        set(t, 0, "y", IMP_OUTPUT, square);
        set(t, 1, "a", IMP_INPUT, square);
        set(t, 2, "b", IMP_INPUT, square);
        break;
    case IMP_OP_COVARIANCE:
        set(t, 0, "y", IMP_OUTPUT, square);
        set(t, 1, "g", IMP_INPUT, square);
        set(t, 2, "s", IMP_INPUT, vector);
        break;
    case IMP_OP_TRANSPORT:
        set(t, 0, "v", IMP_OUTPUT, vector);
        set(t, 1, "loss", IMP_SCALARS, scalars);
        set(t, 2, "dm", IMP_INPUT, square);
        set(t, 3, "cov", IMP_INPUT, square);
        set(t, 4, "root", IMP_INPUT, square);
        set(t, 5, "s", IMP_INPUT, vector);
        set(t, 6, "mean", IMP_INPUT, vector);
        break;
    case IMP_OP_SHIFT:
        set(t, 0, "f", IMP_BOTH, in);
        set(t, 1, "v", IMP_INPUT, vector);
        break;
    default: /* IMP_OP_RESCALE */
        set(t, 0, "y", t->c.variant == 0 ? IMP_OUTPUT : IMP_BOTH, in);
        set(t, 1, "scalars", IMP_INPUT, scalars);
        set(t, 2, "x", t->c.variant == IMP_RESCALE_IN_PLACE ? IMP_ABSENT : IMP_INPUT, in);
    }
}

static void describe_regions(imp_operands *t, extent in) {
    const bool rows = t->c.variant == IMP_WRAP_ROWS; /* margins beyond a whole side otherwise */
    const extent large = {in.c, rows ? in.h : 3 * in.h + in.h / 2 + 1, in.w + in.w / 3 + 1,
                          in.layout};
    switch (t->c.op) {
    case IMP_OP_MASK:
        set(t, 0, "y", t->c.variant & IMP_MASK_ADDS ? IMP_BOTH : IMP_OUTPUT, in);
        set(t, 1, "x", IMP_INPUT, in);
        set(t, 2, "t", IMP_INPUT, (extent){1, in.h, in.w, IMP_PLANES});
        break;
    case IMP_OP_WRAP:
        set(t, 0, "y", IMP_OUTPUT, large);
        set(t, 1, "x", IMP_INPUT, in);
        break;
    default: /* IMP_OP_WRAP_GRAD */
        set(t, 0, "dx", IMP_OUTPUT, in);
        set(t, 1, "dy", IMP_INPUT, large);
    }
}

static void describe(imp_operands *t) {
    const extent in = {t->c.c, t->c.h, t->c.w, t->c.layout};
    if (t->c.op >= IMP_OP_CONV && t->c.op <= IMP_OP_UNPOOL)
        describe_network(t, in);
    else if (t->c.op >= IMP_OP_GRAM && t->c.op <= IMP_OP_TV)
        describe_losses(t, in);
    else if (t->c.op >= IMP_OP_MASK)
        describe_regions(t, in);
    else if (t->c.op >= IMP_OP_MULTIPLY)
        describe_matrices(t, in);
    else
        describe_vectors(t, in);
}

/* ---- their numbers ---- */

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

/* Gram matrices, targets and metrics are symmetric, and so is what follows from them. */
static void mirror(float *m, size_t side) {
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < i; j++)
            m[j * side + i] = m[i * side + j];
}

/* What the slot requires of an operand, or what only some numbers would prove. */
static void adapt(imp_operand *o, size_t i, const imp_case *c) {
    const size_t n = imp_operand_count(o);
    if ((c->op == IMP_OP_STYLE && i != 1) || (c->op == IMP_OP_STYLE_GRAD && i == 1) ||
        (c->op == IMP_OP_GRAM && i == 0))
        mirror(o->values, o->w);
    if (c->op == IMP_OP_CONV_GRAD && i == 2) /* y is what a ReLU leaves */
        for (size_t k = 0; k < n; k++)
            o->values[k] = o->values[k] > 0 ? o->values[k] : 0;
    if (c->op == IMP_OP_UNPOOL && i == 2) /* any bits of six windows */
        for (size_t k = 0; k < n; k++)
            o->values[k] = (float)((uint32_t)(k * 2654435761U) >> 8);
    if (c->op == IMP_OP_ADAM && i == 3) /* v is a mean of squares */
        for (size_t k = 0; k < n; k++)
            o->values[k] = fabsf(o->values[k]);
    if (c->op == IMP_OP_RESCALE && i == 1) /* powers of what is not negative */
        for (size_t k = 0; k < n; k++)
            o->values[k] = fabsf(o->values[k]);
    if (c->op == IMP_OP_MIX && i == 2)
        o->values[1] = 0;
    if (c->op == IMP_OP_MIX && i == 4) /* and so it is not read */
        for (size_t k = 0; k < n; k++)
            o->values[k] = NAN;
    if (c->op == IMP_OP_CLAMP)
        for (size_t k = 0; k < n; k += 7)
            o->values[k] = k % 3 == 0 ? NAN : k % 3 == 1 ? INFINITY : -INFINITY;
}

static imp_status draw_operand(imp_operands *t, size_t i, uint64_t *state, imp_error *err) {
    imp_operand *o = &t->operand[i];
    const size_t n = imp_operand_count(o);
    if (n == 0)
        return IMP_OK;
    o->values = malloc(n * sizeof *o->values);
    if (!o->values)
        return imp_fail(err, IMP_ERR_MEMORY, "no memory for a test's numbers");
    draw(o->values, n, t->c.data, state);
    if (o->role == IMP_OUTPUT || o->role == IMP_CLOBBERED)
        for (size_t k = 0; k < n; k++)
            o->values[k] = NAN;
    else
        adapt(o, i, &t->c);
    for (size_t k = 0; o->role == IMP_SCALARS && k < imp_slots_written(t->c.op) * IMP_PARTIALS; k++)
        o->values[IMP_SLOT_OUT * IMP_PARTIALS + k] = NAN;
    return IMP_OK;
}

/* Of pool_grad: y is what the oracle's pooling makes of x. */
static imp_status pool_first(imp_operands *t, imp_error *err) {
    imp_operands forward = {.c = t->c};
    forward.c.op = IMP_OP_POOL;
    describe(&forward);
    forward.operand[0].values = t->operand[3].values;
    forward.operand[1].values = t->operand[2].values;
    imp_launch run = {0};
    imp_device *oracle = NULL;
    bool fits = true;
    imp_status status = imp_oracle_open(&oracle, NULL, err);
    if (status == IMP_OK)
        status = imp_launch_open(&run, &forward, oracle, 0, &fits, err);
    if (status == IMP_OK)
        status = imp_launch_start(&run, err);
    if (status == IMP_OK)
        status = imp_launch_read(&run, 0, t->operand[3].values, err);
    imp_launch_close(&run);
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
        return imp_fail(err, IMP_ERR_MEMORY, "no memory for a test's filters");
    draw(t->weights, count, data, state);
    if (t->bias)
        draw(t->bias, c->out, data, state);
    return IMP_OK;
}

void imp_operands_describe(imp_operands *t, const imp_case *c) {
    *t = (imp_operands){.c = *c};
    describe(t);
}

imp_status imp_operands_init(imp_operands *t, const imp_case *c, uint64_t seed, imp_error *err) {
    imp_operands_describe(t, c);
    t->affine = (imp_affine){{{0.5f, -1.25f, 0.3f}, {1.7f, 0.1f, -0.6f}, {-0.2f, 0.9f, 2.1f}},
                             {-0.7f, 0.4f, 1.1f}};
    uint64_t state = seed;
    imp_status status = IMP_OK;
    for (size_t i = 0; i < IMP_OPERANDS && status == IMP_OK; i++)
        status = draw_operand(t, i, &state, err);
    if (status == IMP_OK && (c->op == IMP_OP_CONV || c->op == IMP_OP_CONV_GRAD))
        status = draw_filters(t, &state, err);
    if (status == IMP_OK && c->op == IMP_OP_POOL_GRAD)
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
