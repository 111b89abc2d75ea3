/* SPDX-License-Identifier: MIT
 *
 * Shared by the tests.
 */
#include "helpers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "opencl/opencl.h"

/* ---- the device ---- */

static bool contains(const char *text, const char *part) {
    for (; *text; text++)
        if (strncasecmp(text, part, strlen(part)) == 0)
            return true;
    return false;
}

static imp_status open_opencl(imp_device **out, const char *which, imp_error *err) {
    imp_device_info all[32];
    const size_t count = imp_opencl_list(all, 32);
    char *end;
    const long index = strtol(which, &end, 10);
    for (size_t i = 0; i < count && i < 32; i++)
        if (*end == 0 ? all[i].index == index
                      : contains(all[i].vendor, which) || contains(all[i].name, which) ||
                            contains(all[i].platform, which))
            return imp_opencl_open(out, (size_t)all[i].index, NULL, err);
    return imp_fail(err, IMP_ERR_ARGUMENT, "device '%s' is not here", which);
}

imp_device *test_device_open(void) {
    const char *which = getenv("IMPASTO_TEST_DEVICE");
    imp_device *d = NULL;
    imp_error err = {0};
    if (!which || strcmp(which, "cpu") == 0)
        imp_cpu_open(&d, NULL, &err);
    else if (strcmp(which, "oracle") == 0)
        imp_oracle_open(&d, NULL, &err);
    else
        open_opencl(&d, which, &err);
    if (!d)
        fprintf(stderr, "%s\n", err.text);
    return d;
}

imp_level test_level(void) {
    const char *scale = getenv("IMPASTO_TEST_SCALE");
    if (scale && strcmp(scale, "tiny") == 0)
        return IMP_LEVEL_TINY;
    return scale && strcmp(scale, "full") == 0 ? IMP_LEVEL_FULL : IMP_LEVEL_NORMAL;
}

/* ---- tensors ---- */

imp_tensor test_tensor(imp_device *d, size_t c, size_t h, size_t w, const float *values) {
    imp_tensor t = {.c = c, .h = h, .w = w, .layout = IMP_PLANES};
    const size_t bytes = d->ops->place(d, &t, 0);
    assert_int_equal(d->ops->alloc(d, &t.memory, bytes), IMP_OK);
    if (values)
        assert_int_equal(d->ops->write(d, t, values), IMP_OK);
    else
        assert_int_equal(d->ops->fill(d, t, 0), IMP_OK);
    return t;
}

imp_tensor test_random_tensor(imp_device *d, size_t c, size_t h, size_t w, unsigned bits,
                              uint64_t *state) {
    float *values = malloc(c * h * w * sizeof *values);
    assert_non_null(values);
    test_random(values, c * h * w, bits, state);
    const imp_tensor t = test_tensor(d, c, h, w, values);
    free(values);
    return t;
}

void test_tensor_free(imp_device *d, imp_tensor t) {
    d->ops->release(d, t.memory);
}

float *test_contents(imp_device *d, imp_tensor t) {
    float *values = malloc(t.c * t.h * t.w * sizeof *values);
    assert_non_null(values);
    assert_int_equal(d->ops->read(d, values, t), IMP_OK);
    return values;
}

imp_slot test_slot_open(imp_device *d) {
    return (imp_slot){test_tensor(d, 1, 1, IMP_PARTIALS, NULL), 0};
}

double test_slot_value(imp_device *d, imp_slot slot) {
    float *values = test_contents(d, slot.scalars);
    double sum = 0;
    for (size_t i = 0; i < IMP_PARTIALS; i++)
        sum += values[slot.i * IMP_PARTIALS + i];
    free(values);
    return sum;
}

void test_near(double wanted, double got, double bound, const char *what) {
    if (!(fabs(got - wanted) <= bound))
        fail_msg("%s: wanted %.12g, got %.12g, bound %.3g", what, wanted, got, bound);
}

void test_random(float *values, size_t n, unsigned bits, uint64_t *state) {
    const int range = 1 << bits;
    for (size_t k = 0; k < n; k++)
        values[k] = (float)((int)(imp_random_bits(state) % (2 * (uint64_t)range - 1)) - range + 1) /
                    (float)range;
}

imp_picture test_waves(size_t width, size_t height, double phase) {
    imp_picture p = {
        .width = width, .height = height, .rgb = malloc(3 * width * height * sizeof(float))};
    assert_non_null(p.rgb);
    for (size_t i = 0; i < 3 * width * height; i++) {
        const double x = (double)(i / 3 % width), y = (double)(i / 3 / width), c = (double)(i % 3);
        p.rgb[i] =
            (float)(0.5 + 0.25 * sin(0.4 * x + phase * y * 0.3 + c) + 0.2 * cos(0.7 * y + phase));
    }
    return p;
}

/* ---- reference vectors ---- */

static float decode(const unsigned char *b) {
    const uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool read_array(vector *v, FILE *file) {
    char line[128];
    if (!fgets(line, sizeof line, file))
        return false;
    assert_int_equal(sscanf(line, "%63s %zu %zu %zu", v->name, &v->c, &v->h, &v->w), 4);
    const size_t n = v->c * v->h * v->w;
    v->values = malloc(n * sizeof *v->values);
    assert_non_null(v->values);
    for (size_t k = 0; k < n; k++) {
        unsigned char bytes[4];
        assert_int_equal(fread(bytes, 1, 4, file), 4);
        v->values[k] = decode(bytes);
    }
    return true;
}

vectors vectors_read(const char *name) {
    char path[4096];
    vectors v = {0};
    snprintf(path, sizeof path, "%s/tests/vectors/%s.vec", IMP_TEST_SOURCES, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing: tools/reference-vectors writes it", path);
    for (vector next; read_array(&next, file);) {
        v.arrays = realloc(v.arrays, (v.count + 1) * sizeof *v.arrays);
        assert_non_null(v.arrays);
        v.arrays[v.count++] = next;
    }
    fclose(file);
    return v;
}

const vector *vectors_find(const vectors *v, const char *format, ...) {
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->arrays[i].name, name) == 0)
            return &v->arrays[i];
    fail_msg("no reference vector '%s'", name);
    return NULL;
}

void vectors_free(vectors *v) {
    for (size_t i = 0; i < v->count; i++)
        free(v->arrays[i].values);
    free(v->arrays);
    *v = (vectors){0};
}

void assert_pixel(const imp_picture *p, size_t x, size_t y, double r, double g, double b,
                  double bound) {
    const double wanted[3] = {r, g, b};
    assert_true(x < p->width && y < p->height);
    for (size_t c = 0; c < 3; c++) {
        const double got = (double)p->rgb[3 * (y * p->width + x) + c];
        if (!(fabs(got - wanted[c] / 255) <= bound / 255))
            fail_msg("pixel (%zu,%zu), colour %zu: got %g, wanted %g", x, y, c, 255 * got,
                     wanted[c]);
    }
}
