/* SPDX-License-Identifier: MIT
 *
 * Shared by several tests: the device that the environment names, tensors on it, and the reference
 * vectors that tools/reference-vectors writes.
 */
#ifndef IMP_TEST_HELPERS_H
#define IMP_TEST_HELPERS_H

#include "selftest/cases.h"

/* Opens the device that IMPASTO_TEST_DEVICE names, without a self-test: cpu (the default), oracle,
 * the index of an OpenCL device, or a part of the name of an OpenCL vendor, device or platform.
 * Returns NULL and writes a line to stderr if there is no such device or it does not open. */
imp_device *test_device_open(void);

/* IMPASTO_TEST_SCALE: tiny, normal (the default) or full. */
imp_level test_level(void);

/* Allocates a tensor that holds values (NULL: zeros). Test failure on errors. */
imp_tensor test_tensor(imp_device *d, size_t c, size_t h, size_t w, const float *values);
imp_tensor test_random_tensor(imp_device *d, size_t c, size_t h, size_t w, unsigned bits,
                              uint64_t *state);
void test_tensor_free(imp_device *d, imp_tensor t);
/* Returns the values of a tensor; the caller frees them. */
float *test_contents(imp_device *d, imp_tensor t);
/* Allocates scalars and returns their first slot; test_tensor_free(d, slot.scalars) frees them. */
imp_slot test_slot_open(imp_device *d);
/* The sum of the partial sums in a slot of test_slot_open's scalars. */
double test_slot_value(imp_device *d, imp_slot slot);

/* Test failure unless |got - wanted| <= bound. */
void test_near(double wanted, double got, double bound, const char *what);

/* Uniform in (-1,1), multiples of 2^-bits. Advances the state. */
void test_random(float *values, size_t n, unsigned bits, uint64_t *state);

/* A picture of soft waves that the caller finishes; another phase gives another picture. */
imp_picture test_waves(size_t width, size_t height, double phase);

/* A file of tests/vectors: any number of arrays, each a line `name c h w` followed by c*h*w
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

/* Test failure if the file is missing or invalid, or the array is not in it. */
vectors vectors_read(const char *name);
const vector *vectors_find(const vectors *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vectors_free(vectors *v);

/* The colour of a pixel, in units of 1/255, within a bound. */
void assert_pixel(const imp_picture *p, size_t x, size_t y, double r, double g, double b,
                  double bound);

#endif
