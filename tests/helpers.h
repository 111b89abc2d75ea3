/* SPDX-License-Identifier: MIT
 *
 * What several tests need: the device that the environment names, tensors of its memory, and the
 * reference vectors that tools/reference-vectors writes.
 */
#ifndef IMP_TEST_HELPERS_H
#define IMP_TEST_HELPERS_H

#include "selftest/cases.h"

/* Opens the device that IMPASTO_TEST_DEVICE names: cpu (the default), oracle, an index of the
 * OpenCL devices, or a part of an OpenCL vendor's, device's or platform's name. Whether it passes
 * its self-test is not asked. NULL, and a line on stderr: there is none, or it does not open. */
imp_device *test_device_open(void);

/* IMPASTO_TEST_SCALE: tiny, normal (the default) or full. */
imp_level test_level(void);

/* A tensor in memory of its own, holding values (zeros where NULL); test failure on errors. */
imp_tensor test_tensor(imp_device *d, size_t c, size_t h, size_t w, const float *values);
imp_tensor test_random_tensor(imp_device *d, size_t c, size_t h, size_t w, unsigned bits,
                              uint64_t *state);
void test_tensor_free(imp_device *d, imp_tensor t);
/* What it holds; the caller frees. */
float *test_contents(imp_device *d, imp_tensor t);
/* A slot in scalars of its own, which goes back by test_tensor_free. */
imp_slot test_slot_open(imp_device *d);
/* The sum of a slot's partial sums, of scalars made by test_tensor(d, slots, 1, IMP_PARTIALS). */
double test_slot_value(imp_device *d, imp_slot slot);

/* Test failure unless |got - wanted| <= bound. */
void test_near(double wanted, double got, double bound, const char *what);

/* Uniform in (-1,1), multiples of 2^-bits; the state is advanced. */
void test_random(float *values, size_t n, unsigned bits, uint64_t *state);

/* A picture of soft waves, the caller's to finish; phase tells pictures apart. */
imp_picture test_waves(size_t width, size_t height, double phase);

/* One file of tests/vectors: any number of arrays, each a line `name c h w` and then c*h*w
 * little-endian 32-bit floats. */
typedef struct vector {
    char name[64];
    size_t c, h, w;
    float *values;
} vector;

typedef struct vectors {
    size_t count;
    vector *arrays;
} vectors;

/* Test failure where the file is not as it should be, or the array is not in it. */
vectors vectors_read(const char *name);
const vector *vectors_find(const vectors *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vectors_free(vectors *v);

#endif
