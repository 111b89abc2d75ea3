/* SPDX-License-Identifier: MIT
 *
 * Cases of convolution fused with pooling. They compare the device with itself: fused, it must give
 * the same bits as step by step. The steps are compared with the oracle by the other cases.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "selftest/cases.h"

typedef struct fused_case {
    size_t in, out, kernel, h, w;
    bool half, quick;
} fused_case;

/* Odd sides, channels that do not fill blocks, strips side by side, more windows than one element
 * of the indices holds, a last strip without windows, filters larger than the caches. */
static const fused_case cases[] = {
    {16, 20, 3, 13, 17, false, true},    {20, 36, 1, 7, 15, false, true},
    {16, 20, 3, 13, 17, true, true},     {40, 24, 3, 47, 141, false, false},
    {24, 130, 1, 33, 131, false, false}, {64, 64, 3, 64, 96, false, false},
    {128, 32, 1, 26, 50, false, false},  {32, 32, 3, 16, 300, false, false},
    {300, 16, 3, 30, 28, false, false},  {32, 48, 3, 61, 61, false, false},
    {256, 256, 3, 40, 45, false, false}, {513, 16, 1, 9, 10, false, false},
};

/* Tensors of a case. Of those in cases the second is written by the fused operation. */
typedef struct scene {
    imp_device *d;
    imp_memory *memory;
    imp_filter *filter;
    float *weights;
    imp_tensor x, map, y[2], indices[2], dy, dx[2];
} scene;

/* ---- tensors ---- */

/* Multiples of 2^-12 in (-1,1). */
static void fill_random(float *values, size_t count, uint64_t *state) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((int)(imp_random_bits(state) % 8191) - 4095) / 4096;
}

static imp_status write_random(imp_device *d, imp_tensor t, uint64_t *state) {
    const size_t count = t.c * t.h * t.w;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "self-test: out of host memory");
    fill_random(values, count, state);
    const imp_status status = d->ops->write(d, t, values);
    free(values);
    return status;
}

static imp_tensor put(const imp_device *d, size_t *cursor, size_t c, size_t h, size_t w) {
    imp_tensor t = {.c = c, .h = h, .w = w, .layout = IMP_MAPS};
    if (*cursor != SIZE_MAX)
        *cursor = d->ops->place(d, &t, *cursor);
    return t;
}

/* Returns the address behind the tensors. */
static size_t place_all(scene *s, const fused_case *p) {
    const size_t h = p->h / 2, w = p->w / 2;
    size_t end = 0;
    s->x = put(s->d, &end, p->in, p->h, p->w);
    s->map = put(s->d, &end, p->out, p->h, p->w);
    s->dy = put(s->d, &end, p->out, h, w);
    for (int i = 0; i < 2; i++) {
        s->y[i] = put(s->d, &end, p->out, h, w);
        s->indices[i] = put(s->d, &end, p->out, h, (w + IMP_INDICES - 1) / IMP_INDICES);
        s->dx[i] = put(s->d, &end, p->in, p->h, p->w);
    }
    return end;
}

static imp_status scene_open(scene *s, const fused_case *p, size_t end) {
    imp_device *const d = s->d;
    const size_t before = p->kernel / 2, count = p->out * p->in * p->kernel * p->kernel;
    const imp_conv conv = {p->in,  p->out,       p->kernel, 1,      before,
                           before, IMP_PAD_ZERO, true,      p->half};
    uint64_t state = 3;
    s->weights = malloc((count + p->out) * sizeof *s->weights);
    if (!s->weights)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "self-test: out of host memory");
    fill_random(s->weights, count + p->out, &state);
    TRY(d->ops->filter_open(d, &s->filter, &conv, s->weights, s->weights + count));
    TRY(d->ops->alloc(d, &s->memory, end));
    s->x.memory = s->map.memory = s->dy.memory = s->memory;
    for (int i = 0; i < 2; i++)
        s->y[i].memory = s->indices[i].memory = s->dx[i].memory = s->memory;
    TRY(write_random(d, s->x, &state));
    return write_random(d, s->dy, &state);
}

static void scene_close(scene *s) {
    if (s->filter)
        s->d->ops->filter_close(s->d, s->filter);
    s->d->ops->release(s->d, s->memory);
    free(s->weights);
}

/* ---- fused and step by step ---- */

static bool fuses(const scene *s) {
    const imp_ops *ops = s->d->ops;
    return ops->fuses_pool(s->d, s->map, s->x, s->filter, false) &&
           ops->fuses_pool(s->d, s->x, s->map, s->filter, true);
}

imp_status imp_fused_forward(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor map,
                             imp_tensor x, imp_filter *filter, imp_pooling kind) {
    TRY(d->ops->conv(d, map, x, filter));
    TRY(d->ops->pool_indices(d, indices, map, kind));
    return d->ops->pool(d, y, map, kind);
}

imp_status imp_fused_back(imp_device *d, imp_tensor dx, imp_tensor map, imp_tensor dy,
                          imp_tensor indices, imp_filter *filter, imp_pooling kind) {
    const imp_tensor none = {0};
    TRY(d->ops->unpool(d, map, dy, indices, kind));
    return d->ops->conv_grad(d, dx, map, none, filter);
}

/* Forward and back. The outputs start as a value that shows what is not written. */
static imp_status run_fused(const scene *s, imp_pooling kind) {
    imp_device *const d = s->d;
    TRY(d->ops->fill(d, s->y[1], 7));
    TRY(d->ops->fill(d, s->dx[1], 7));
    TRY(d->ops->conv_pool(d, s->y[1], s->indices[1], s->x, s->filter, kind));
    return d->ops->conv_pool_grad(d, s->dx[1], s->dy, s->indices[1], s->filter, kind);
}

static imp_status run_steps(const scene *s, imp_pooling kind) {
    TRY(imp_fused_forward(s->d, s->y[0], s->indices[0], s->map, s->x, s->filter, kind));
    return imp_fused_back(s->d, s->dx[0], s->map, s->dy, s->indices[0], s->filter, kind);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The first element that differs is the reason of a failure. */
static imp_status compare(const scene *s, const imp_tensor t[2], const char *what,
                          imp_result *out) {
    imp_device *const d = s->d;
    const size_t count = t->c * t->h * t->w;
    float *apart = malloc(2 * count * sizeof *apart), *fused = apart + count;
    if (!apart)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "self-test: out of host memory");
    imp_status status = d->ops->read(d, apart, t[0]);
    if (status == IMP_OK)
        status = d->ops->read(d, fused, t[1]);
    for (size_t i = 0; i < count && status == IMP_OK && out->outcome == IMP_PASSED; i++)
        if (bits_of(apart[i]) != bits_of(fused[i])) {
            out->outcome = IMP_FAILED;
            out->ratio = INFINITY;
            snprintf(out->reason, sizeof out->reason, "%s[%zu] is %.9g fused, %.9g step by step",
                     what, i, (double)fused[i], (double)apart[i]);
        }
    free(apart);
    return status;
}

static imp_status compare_all(const scene *s, imp_pooling kind, imp_result *out) {
    TRY(run_steps(s, kind));
    TRY(run_fused(s, kind));
    TRY(compare(s, s->indices, "indices", out));
    TRY(compare(s, s->y, "y", out));
    return compare(s, s->dx, "dx", out);
}

/* ---- cases ---- */

size_t imp_fused_count(void) {
    return sizeof cases / sizeof *cases;
}

bool imp_fused_quick(size_t i) {
    return cases[i].quick;
}

void imp_fused_name(size_t i, char *name, size_t size) {
    const fused_case *p = &cases[i];
    snprintf(name, size, "conv %zux%zu and pooling, %zu to %zu, %zux%zu%s", p->kernel, p->kernel,
             p->in, p->out, p->h, p->w, p->half ? ", halves" : "");
}

imp_status imp_fused_run(size_t i, imp_device *device, imp_result *out) {
    scene s = {.d = device};
    const size_t end = place_all(&s, &cases[i]);
    *out = (imp_result){.outcome = IMP_SKIPPED, .reason = "not fused"};
    if (!device->ops->fuses_pool || end == SIZE_MAX)
        return IMP_OK;
    imp_status status = scene_open(&s, &cases[i], end);
    if (status == IMP_OK && fuses(&s)) {
        *out = (imp_result){.outcome = IMP_PASSED};
        status = compare_all(&s, IMP_POOL_MAX, out);
        if (status == IMP_OK)
            status = compare_all(&s, IMP_POOL_AVERAGE, out);
    }
    scene_close(&s);
    if (status != IMP_OK) {
        out->outcome = IMP_FAILED;
        out->error = status;
        snprintf(out->reason, sizeof out->reason, "%.*s", (int)sizeof out->reason - 1,
                 device->error.text);
        device->error = (imp_error){0};
    }
    return status == IMP_ERR_MEMORY ? status : IMP_OK;
}
