/* SPDX-License-Identifier: MIT
 *
 * Pictures and planes.
 */
#include "engine/planes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

void imp_planes_fit(size_t *width, size_t *height, size_t w, size_t h, size_t longer) {
    const double k = longer ? (double)longer / (double)(w > h ? w : h) : 1;
    const double rw = floor((double)w * k + 0.5), rh = floor((double)h * k + 0.5);
    *width = rw < 1 ? 1 : (size_t)rw;
    *height = rh < 1 ? 1 : (size_t)rh;
}

imp_status imp_planes_resize(imp_picture *out, const imp_picture *in, size_t width, size_t height,
                             imp_error *err) {
    if (in->width != width || in->height != height)
        return imp_picture_resize(out, in, width, height, err);
    const size_t bytes = 3 * width * height * sizeof(float);
    *out = (imp_picture){.width = width, .height = height, .rgb = malloc(bytes)};
    if (!out->rgb)
        return imp_fail(err, IMP_ERR_MEMORY, "picture: out of memory for %zu x %zu", width, height);
    memcpy(out->rgb, in->rgb, bytes);
    return IMP_OK;
}

float *imp_planes_from(const imp_picture *in, size_t h, size_t w, float range) {
    float *planes = malloc(3 * h * w * sizeof *planes);
    if (!planes)
        return NULL;
    for (size_t c = 0; c < 3; c++) {
        for (size_t y = 0; y < h; y++) {
            const float *row = in->rgb + 3 * in->width * (y < in->height ? y : in->height - 1);
            float *to = planes + (c * h + y) * w;
            for (size_t x = 0; x < w; x++)
                to[x] = range * row[3 * (x < in->width ? x : in->width - 1) + c];
        }
    }
    return planes;
}

imp_status imp_planes_picture(imp_picture *out, const float *planes, size_t h, size_t w,
                              size_t width, size_t height, float range, imp_error *err) {
    *out = (imp_picture){
        .width = width, .height = height, .rgb = malloc(3 * width * height * sizeof(float))};
    if (!out->rgb)
        return imp_fail(err, IMP_ERR_MEMORY, "picture: out of memory for %zu x %zu", width, height);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++)
                out->rgb[3 * (y * width + x) + c] =
                    fminf(fmaxf(planes[(c * h + y) * w + x] / range, 0), 1);
    return IMP_OK;
}

/* The weights of the four inputs from the returned index on, which may be outside, for output i of
 * n.
 */
static ptrdiff_t neighbours(double weights[4], size_t i, size_t from, size_t n, bool cubic) {
    const double at = ((double)i + 0.5) * (double)from / (double)n - 0.5;
    const double clamped = cubic ? at : fmax(at, 0), first = floor(clamped), t = clamped - first;
    const double a = -0.75, u = 1 - t;
    weights[0] = cubic ? a * t * u * u : 0;
    weights[1] = cubic ? ((a + 2) * t - (a + 3)) * t * t + 1 : u;
    weights[2] = cubic ? ((a + 2) * u - (a + 3)) * u * u + 1 : t;
    weights[3] = cubic ? a * u * t * t : 0;
    return (ptrdiff_t)first - 1;
}

/* Output i of n along one direction, from `from` values that are `step` floats apart. */
static float between(const float *x, size_t step, size_t i, size_t from, size_t n, bool cubic) {
    double weights[4], sum = 0;
    const ptrdiff_t first = neighbours(weights, i, from, n, cubic);
    for (ptrdiff_t k = 0; k < 4; k++) {
        const ptrdiff_t at = first + k, last = (ptrdiff_t)from - 1;
        sum += weights[k] * (double)x[step * (size_t)(at < 0 ? 0 : at > last ? last : at)];
    }
    return (float)sum;
}

float *imp_planes_resample(const float *planes, size_t c, size_t h, size_t w, size_t to_h,
                           size_t to_w, bool cubic) {
    float *rows = malloc(h * to_w * sizeof *rows), *out = malloc(c * to_h * to_w * sizeof *out);
    for (size_t k = 0; rows && out && k < c; k++) {
        for (size_t y = 0; y < h; y++)
            for (size_t x = 0; x < to_w; x++)
                rows[y * to_w + x] = between(planes + (k * h + y) * w, 1, x, w, to_w, cubic);
        for (size_t y = 0; y < to_h; y++)
            for (size_t x = 0; x < to_w; x++)
                out[(k * to_h + y) * to_w + x] = between(rows + x, to_w, y, h, to_h, cubic);
    }
    if (!rows) {
        free(out);
        out = NULL;
    }
    free(rows);
    return out;
}

void imp_planes_noise(float *out, size_t count, float mean, float deviation, uint64_t seed) {
    const double turn = 6.283185307179586;
    for (size_t i = 0; i < count; i++) {
        const double radius = sqrt(-2 * log(imp_random_positive(&seed)));
        out[i] = mean + deviation * (float)(radius * cos(turn * imp_random_positive(&seed)));
    }
}
