/* SPDX-License-Identifier: MIT
 *
 * The table of cases proves something: devices with deliberate errors, most of them seen in real
 * devices, fail it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "helpers.h"
#include "selftest/operands.h"

static const imp_ops *const right = &imp_oracle_ops;

/* ---- wrong operations ---- */

static imp_status pad_otherwise(imp_device *d, imp_filter **out, const imp_conv *c, const float *w,
                                const float *b) {
    imp_conv wrong = *c;
    wrong.padding = c->padding == IMP_PAD_REFLECT ? IMP_PAD_REPLICATE : c->padding;
    return right->filter_open(d, out, &wrong, w, b);
}

static imp_status forget_bias(imp_device *d, imp_filter **out, const imp_conv *c, const float *w,
                              const float *b) {
    (void)b;
    return right->filter_open(d, out, c, w, NULL);
}

/* Exchanges the contents of a tensor and `values`. */
static void exchange(imp_device *d, imp_tensor t, float *values) {
    const size_t n = t.c * t.h * t.w;
    float *old = malloc(n * sizeof *old);
    assert_non_null(old);
    assert_int_equal(right->read(d, old, t), IMP_OK);
    assert_int_equal(right->write(d, t, values), IMP_OK);
    memcpy(values, old, n * sizeof *old);
    free(old);
}

static float *all(float value, size_t n) {
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < n; k++)
        values[k] = value;
    return values;
}

/* Masks the ReLU by y >= 0. */
static imp_status forget_mask(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                              imp_filter *f) {
    if (!y.memory)
        return right->conv_grad(d, dx, dy, y, f);
    float *values = all(1, y.c * y.h * y.w);
    exchange(d, y, values);
    const imp_status status = right->conv_grad(d, dx, dy, y, f);
    exchange(d, y, values);
    free(values);
    return status;
}

static imp_status pool_maximum(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind) {
    (void)kind;
    return right->pool(d, y, x, IMP_POOL_MAX);
}

/* The gradient of a maximum always goes to the first element of the window. */
static imp_status pool_grad_corner(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x,
                                   imp_tensor y, imp_pooling kind) {
    float *values = all(0, x.c * x.h * x.w);
    exchange(d, x, values);
    const imp_status status = right->pool_grad(d, dx, dy, x, y, kind);
    exchange(d, x, values);
    free(values);
    return status;
}

static imp_status gram_afresh(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f, bool add) {
    (void)add;
    return right->gram(d, g, s, f, false);
}

static imp_status style_without_metric(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                                       imp_tensor target, imp_tensor metric, imp_tensor scratch,
                                       float scale, float weight) {
    (void)metric;
    return right->style(d, dm, loss, g, target, (imp_tensor){0}, scratch, scale, weight);
}

static imp_status tv_absolute(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                              imp_tv_form form, float weight) {
    (void)form;
    return right->tv(d, dx, loss, x, IMP_TV_ABSOLUTE, weight);
}

static imp_status edges_without_target(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor e,
                                       imp_tensor x, imp_tensor target, float weight) {
    (void)target;
    return right->edges(d, dx, loss, e, x, (imp_tensor){0}, weight);
}

/* The gradient of half the loss. */
static imp_status edges_halved(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor e,
                               imp_tensor x, imp_tensor target, float weight) {
    const imp_status status = right->edges(d, dx, loss, e, x, target, weight / 2);
    return status ? status : right->edges(d, (imp_tensor){0}, loss, e, x, target, weight);
}

static imp_status affine_transposed(imp_device *d, imp_tensor y, imp_tensor x,
                                    const imp_affine *a) {
    imp_affine wrong = *a;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            wrong.m[i][j] = a->m[j][i];
    return right->affine(d, y, x, &wrong);
}

/* Off by one part in 4096, as a sum in single precision without blocks is. */
static imp_status dot_roughly(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y) {
    float *values = all(0, IMP_SLOTS * IMP_PARTIALS);
    const imp_status status = right->dot(d, out, x, y);
    exchange(d, out.scalars, values);
    values[out.i * IMP_PARTIALS] *= 1 + 0x1p-12f;
    exchange(d, out.scalars, values);
    free(values);
    return status;
}

static imp_status dot_in_next_slot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y) {
    imp_status status = right->dot(d, out, x, y);
    return status ? status : right->dot(d, (imp_slot){out.scalars, out.i + 1}, x, y);
}

static imp_status adam_pytorch(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m,
                               imp_tensor v, const imp_adam *p) {
    imp_adam wrong = *p;
    wrong.epsilon = 1e-8f;
    return right->adam(d, x, g, m, v, &wrong);
}

static imp_status fill_short(imp_device *d, imp_tensor x, float value) {
    x.w -= 1;
    return right->fill(d, x, value);
}

/* Writes past the end by more than the alignment, but not beyond the guard. */
static imp_status fill_long(imp_device *d, imp_tensor x, float value) {
    x.w = x.c * x.h * x.w + 16;
    x.c = x.h = 1;
    return right->fill(d, x, value);
}

static imp_status multiply_transposed(imp_device *d, imp_tensor y, float alpha, imp_tensor a,
                                      imp_tensor b, float beta) {
    return right->multiply(d, y, alpha, b, a, beta);
}

static imp_status covariance_of_halves(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s,
                                       float scale, float factor, float shift) {
    return right->covariance(d, y, g, s, scale / 2, factor, shift);
}

static imp_status transport_without_shift(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                                          imp_tensor cov, imp_tensor root, imp_tensor s,
                                          imp_tensor mean, float trace, float scale, float weight) {
    TRY(right->transport(d, v, loss, dm, cov, root, s, mean, trace, scale, weight));
    return right->fill(d, v, 0);
}

static imp_status halve_by_means(imp_device *d, imp_tensor y, imp_tensor x) {
    return right->pool(d, y, x, IMP_POOL_AVERAGE);
}

static imp_status means_without_metric(imp_device *d, imp_tensor v, imp_slot loss, imp_slot rest,
                                       imp_tensor dm, imp_tensor metric, imp_tensor s,
                                       imp_tensor mean, float scale, float weight) {
    (void)metric;
    return right->means(d, v, loss, rest, dm, (imp_tensor){0}, s, mean, scale, weight);
}

/* Averages over rows of the wrong grid. */
static imp_status regrid_flipped(imp_device *d, imp_tensor y, imp_tensor x) {
    imp_tensor flipped = y;
    flipped.h = y.w, flipped.w = y.h;
    return right->regrid(d, flipped, x);
}

static imp_status regrid_grad_afresh(imp_device *d, imp_tensor dx, imp_tensor dy) {
    TRY(right->fill(d, dx, 0));
    return right->regrid_grad(d, dx, dy);
}

static imp_status angle_without_epsilon(imp_device *d, imp_tensor along, imp_tensor pull,
                                        imp_slot loss, imp_tensor f, imp_tensor t, float weight,
                                        float epsilon) {
    (void)epsilon;
    return right->angle(d, along, pull, loss, f, t, weight, 0);
}

/* Forgets which vectors came before. */
static imp_status nearest_from_zero(imp_device *d, imp_tensor best, imp_tensor index,
                                    imp_tensor scores, size_t first) {
    (void)first;
    return right->nearest(d, best, index, scores, 0);
}

/* Right for matrices, and nothing for vectors. */
static imp_status style_grad_of_square(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f) {
    return dm.h == dm.w ? right->style_grad(d, df, dm, f) : IMP_OK;
}

static imp_status shift_nothing(imp_device *d, imp_tensor f, imp_tensor v) {
    (void)d, (void)f, (void)v;
    return IMP_OK;
}

static imp_status rescale_over(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                               float power, imp_tensor x, bool add) {
    (void)add;
    return right->rescale(d, y, a, by, epsilon, power, x, false);
}

static imp_status clamp_fails(imp_device *d, imp_tensor x, float lo, float hi) {
    (void)x, (void)lo, (void)hi;
    return imp_fail(&d->error, IMP_ERR_DEVICE, "device 'wrong': out of order");
}

/* Runs the self-test with one slot replaced; expects a failure of the operation named. */
static void expect_caught(const imp_ops *wrong, const char *operation, imp_status status) {
    imp_device *d = NULL;
    char reason[512] = "";
    assert_int_equal(imp_oracle_open(&d, NULL, NULL), IMP_OK);
    d->ops = wrong;
    assert_int_equal(imp_selftest(d, reason, sizeof reason), status);
    if (strncmp(reason, operation, strlen(operation)) != 0)
        fail_msg("wrong %s was reported as: %s", operation, reason);
    print_message("%s\n", reason);
    right->close(d);
}

#define MUTANT_OF(slot, wrong, operation, status)                                                  \
    do {                                                                                           \
        imp_ops ops = imp_oracle_ops;                                                              \
        ops.slot = wrong;                                                                          \
        expect_caught(&ops, operation, status);                                                    \
    } while (0)

#define MUTANT(slot, wrong, operation) MUTANT_OF(slot, wrong, operation, IMP_ERR_NUMBER)

static void failing_operations_are_told_from_wrong_ones(void **state) {
    (void)state;
    MUTANT_OF(clamp, clamp_fails, "clamp ", IMP_ERR_DEVICE);
}

static void wrong_operations_are_caught(void **state) {
    (void)state;
    MUTANT(filter_open, pad_otherwise, "conv 3x3 s1 p1,1 reflect");
    MUTANT(filter_open, forget_bias, "conv ");
    MUTANT(conv_grad, forget_mask, "conv_grad ");
    MUTANT(pool, pool_maximum, "pool average");
    MUTANT(pool_grad, pool_grad_corner, "pool_grad max");
    MUTANT(gram, gram_afresh, "gram added");
    MUTANT(style, style_without_metric, "style metric");
    MUTANT(tv, tv_absolute, "tv squared");
    MUTANT(edges, edges_without_target, "edges term");
    MUTANT(edges, edges_halved, "edges term");
    MUTANT(multiply, multiply_transposed, "multiply ");
    MUTANT(covariance, covariance_of_halves, "covariance ");
    MUTANT(transport, transport_without_shift, "transport ");
    MUTANT(halve, halve_by_means, "halve ");
    MUTANT(means, means_without_metric, "means metric");
    MUTANT(shift, shift_nothing, "shift ");
    MUTANT(style_grad, style_grad_of_square, "style_grad vectors");
    MUTANT(regrid, regrid_flipped, "regrid ");
    MUTANT(regrid_grad, regrid_grad_afresh, "regrid_grad ");
    MUTANT(angle, angle_without_epsilon, "angle ");
    MUTANT(nearest, nearest_from_zero, "nearest ");
    MUTANT(rescale, rescale_over, "rescale added");
    MUTANT(affine, affine_transposed, "affine ");
    MUTANT(dot, dot_roughly, "dot ");
    MUTANT(dot, dot_in_next_slot, "dot ");
    MUTANT(adam, adam_pytorch, "adam keras");
    MUTANT(fill, fill_short, "fill ");
    MUTANT(fill, fill_long, "fill ");
}

static void empty_slots_are_named(void **state) {
    (void)state;
#define OP(name, parameters) MUTANT_OF(name, NULL, #name " ", IMP_ERR_UNSUPPORTED);
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
}

/* ---- small errors anywhere ---- */

/* After each launch, the first tensor that is read has one element off by 2^-10 of the largest: the
 * one in the middle, or the first. Every bound is narrower than that. */
static bool launched, at_first;

static imp_status sync_and_arm(imp_device *d) {
    launched = true;
    return right->sync(d);
}

static imp_status read_one_off(imp_device *d, float *dst, imp_tensor src) {
    const imp_status status = right->read(d, dst, src);
    const size_t n = src.c * src.h * src.w;
    float largest = 0x1p-20f;
    for (size_t k = 0; k < n; k++)
        if (isfinite(dst[k]))
            largest = fmaxf(largest, fabsf(dst[k]));
    const bool is_scalars = src.c == IMP_SLOTS && src.w == IMP_PARTIALS;
    if (launched)
        dst[is_scalars ? IMP_SLOT_OUT * IMP_PARTIALS : at_first ? 0 : n / 2] += largest * 0x1p-10f;
    launched = false;
    return status;
}

static void small_errors_are_caught(void **state) {
    (void)state;
    imp_ops wrong = imp_oracle_ops;
    wrong.sync = sync_and_arm;
    wrong.read = read_one_off;
    imp_device *d = NULL;
    assert_int_equal(imp_oracle_open(&d, NULL, NULL), IMP_OK);
    d->ops = &wrong;
    size_t cases = 0;
    for (size_t i = 0; i < imp_case_count(); i++) {
        const imp_case c = imp_case_at(i);
        imp_result result;
        char name[128];
        imp_case_name(&c, name, sizeof name);
        if (c.level == IMP_LEVEL_FULL)
            continue;
        /* the same seed for all: numbers whose sum happens to be 0 would hide an error */
        assert_int_equal(imp_case_run(&c, d, 1, 0, &result), IMP_OK);
        if (result.outcome != IMP_FAILED || !strstr(result.reason, "wanted"))
            fail_msg("%s: passed at %g of its bound %s", name, result.ratio, result.reason);
        cases++;
    }
    print_message("%zu cases\n", cases);
    right->close(d);
}

/* Large convolutions are compared in windows. The oracle computes the same in a window as in the
 * whole output, and an error in a corner is found. */
static void windows_are_compared(void **state) {
    (void)state;
    imp_ops wrong = imp_oracle_ops;
    wrong.sync = sync_and_arm;
    wrong.read = read_one_off;
    imp_device *d = NULL;
    imp_result result;
    assert_int_equal(imp_oracle_open(&d, NULL, NULL), IMP_OK);
    for (size_t i = 0; i < 2; i++) {
        const imp_case c = {.op = i ? IMP_OP_conv_grad : IMP_OP_conv,
                            .level = IMP_LEVEL_FULL,
                            .c = 4,
                            .h = 45,
                            .w = 70,
                            .layout = IMP_MAPS,
                            .out_layout = IMP_MAPS,
                            .conv = {.in = 4,
                                     .out = 6,
                                     .kernel = 3,
                                     .stride = 1,
                                     .before = 1,
                                     .after = 1,
                                     .relu = true},
                            .bias = true};
        d->ops = right;
        assert_int_equal(imp_case_run(&c, d, 1, 0, &result), IMP_OK);
        if (result.outcome != IMP_PASSED)
            fail_msg("%s", result.reason);
        d->ops = &wrong;
        at_first = true;
        assert_int_equal(imp_case_run(&c, d, 1, 0, &result), IMP_OK);
        at_first = false;
        assert_int_equal(result.outcome, IMP_FAILED);
        assert_non_null(strstr(result.reason, "[0,0,0]"));
    }
    right->close(d);
}

/* ---- the table ---- */

static void every_operation_is_covered_at_every_level(void **state) {
    (void)state;
    size_t quick[IMP_OPS] = {0}, level[IMP_OPS][3] = {{0}};
    for (size_t i = 0; i < imp_case_count(); i++) {
        const imp_case c = imp_case_at(i);
        quick[c.op] += c.quick;
        level[c.op][c.level]++;
    }
    for (size_t op = 0; op < IMP_OPS; op++)
        if (!quick[op] || !level[op][0] || !level[op][1] || !level[op][2])
            fail_msg("no quick, tiny, normal or full case of %s", imp_op_name((imp_op)op));
}

static void names_are_unique(void **state) {
    (void)state;
    const size_t n = imp_case_count();
    char(*names)[128] = malloc(n * sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < n; i++) {
        const imp_case c = imp_case_at(i);
        imp_case_name(&c, names[i], sizeof names[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
    free(names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_covered_at_every_level),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(wrong_operations_are_caught),
        cmocka_unit_test(failing_operations_are_told_from_wrong_ones),
        cmocka_unit_test(empty_slots_are_named),
        cmocka_unit_test(small_errors_are_caught),
        cmocka_unit_test(windows_are_compared),
    };
    return cmocka_run_group_tests_name("cases", tests, NULL, NULL);
}
