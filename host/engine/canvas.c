/* SPDX-License-Identifier: MIT
 *
 * Between pictures and variables.
 */
#include "engine/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void imp_canvas_fit(size_t *width, size_t *height, size_t w, size_t h, size_t longer) {
    const double k = longer ? (double)longer / (double)(w > h ? w : h) : 1;
    const double rw = floor((double)w * k + 0.5), rh = floor((double)h * k + 0.5);
    *width = rw < 1 ? 1 : (size_t)rw;
    *height = rh < 1 ? 1 : (size_t)rh;
}

imp_status imp_canvas_resize(imp_picture *out, const imp_picture *in, size_t width, size_t height,
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

float *imp_canvas_planes(const imp_picture *in, size_t h, size_t w, float range) {
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

imp_status imp_canvas_picture(imp_picture *out, const float *planes, size_t h, size_t w,
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

/* splitmix64 (Steele, Lea, Flood 2014), as a number in (0,1]. */
static double uniform(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    z ^= z >> 31;
    return (double)((z >> 11) + 1) * 0x1p-53;
}

void imp_canvas_noise(float *out, size_t count, float mean, float deviation, uint64_t seed) {
    const double turn = 6.283185307179586;
    for (size_t i = 0; i < count; i++) {
        const double radius = sqrt(-2 * log(uniform(&seed)));
        out[i] = mean + deviation * (float)(radius * cos(turn * uniform(&seed)));
    }
}
