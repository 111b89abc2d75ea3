/* SPDX-License-Identifier: MIT
 *
 * Absolute twins and the factors of sums. The factor of an operation counts the roundings of its
 * formula, one u each: products and sums 1, an OpenCL square root 6, a division 5 (3 and 2.5 units
 * in the last place); a long sum counts as bounds.h says.
 */
#include "selftest/bounds.h"

#include <math.h>

#include "selftest/operation.h"

static void absolute(float *values, size_t n) {
    for (size_t k = 0; k < n; k++)
        values[k] = fabsf(values[k]);
}

void imp_operands_absolute(imp_operands *t) {
    const imp_operation *operation = imp_operation_of(t->c.op);
    const imp_conv *c = &t->c.conv;
    if (operation->prepare)
        operation->prepare(t);
    for (size_t i = 0; i < IMP_OPERANDS; i++)
        absolute(t->operand[i].values, imp_operand_count(&t->operand[i]));
    if (t->weights)
        absolute(t->weights, c->out * c->in * c->kernel * c->kernel);
    if (t->bias)
        absolute(t->bias, c->out);
    absolute(&t->affine.m[0][0], 9);
    absolute(t->affine.o, 3);
    if (operation->align)
        operation->align(t);
}

/* Few terms cannot be off by more than one rounding each. */
double imp_bound_like_signs(size_t n) {
    return fmax(8, 4 * sqrt((double)n));
}

double imp_bound_sum(size_t n, imp_data data) {
    return data == IMP_NONNEGATIVE || data == IMP_CONSTANT ? imp_bound_like_signs(n) : 8;
}

double imp_bound_exact(const imp_case *c, size_t i, size_t k) {
    (void)c, (void)i, (void)k;
    return 0;
}

double imp_bound_factor(const imp_case *c, size_t i, size_t k) {
    return imp_operation_of(c->op)->factor(c, i, k);
}
