/* SPDX-License-Identifier: MIT
 *
 * How far a right result may be from the oracle's. Every bound is factor * u * A: u = 2^-24; A is
 * the same operation on absolute values, computed by the oracle; the factor is derived from the
 * arithmetic of the formula. A sum of K products in single precision is off by at most K u A.
 * Serial sums were measured to be off by 2 u A for signed random data, by up to 3 sqrt(K) u A if
 * all terms have one sign, and by K/4 u A for constant data. So the factor of a sum is 8 for signed
 * data and 4 sqrt(K) otherwise. This includes constant data: sums over many positions must be
 * blocked.
 */
#ifndef IMP_BOUNDS_H
#define IMP_BOUNDS_H

#include "selftest/operands.h"

/* Turns operands into their absolute twin: run on the oracle, it gives A for every output. */
void imp_operands_absolute(imp_operands *t);

/* For a convolution or gradient by Winograd's algorithm: adds to the sizes A of operand 0 of the
 * absolute twin t those of that algorithm. The factor stays the same: the transforms are sums like
 * the rest. margin: the row and column of operand 0 at which tiles begin. IMP_ERR_MEMORY. */
imp_status imp_bound_winograd(float *sizes, const imp_operands *t, const imp_winograd *w,
                              size_t margin, imp_error *err);

/* The factor of element k of operand i; 0: the result must be exact. */
double imp_bound_factor(const imp_case *c, size_t i, size_t k);

/* For the factors of operations: a sum of n terms of one sign, or of a kind of data; and 0. */
double imp_bound_like_signs(size_t n);
double imp_bound_sum(size_t n, imp_data data);
double imp_bound_exact(const imp_case *c, size_t i, size_t k);

#endif
