/* SPDX-License-Identifier: MIT
 *
 * Resampling with the Lanczos kernel of three lobes, in linear light: colours are decoded from
 * sRGB, filtered along rows, then along columns, and encoded again. For reduction the kernel is
 * stretched to the spacing of the new pixels, so that no finer detail remains. At the border the
 * kernel is cut off and its weights are normalised to a sum of 1. Opacity is linear already.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/check.h"
#include "media/light.h"
#include "media/media.h"

/* ---- The kernel along one axis --------------------------------------------------------------- */

/* Output i is the sum over t < taps[i] of weights[i * stride + t] * input[first[i] + t]. */
typedef struct axis {
    size_t *first, *taps;
    float *weights;
    size_t stride;
} axis;

static double lanczos3(double x) {
    const double pi = 3.14159265358979323846, a = pi * x;
    if (fabs(x) < 1e-8)
        return 1;
    return fabs(x) < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
}

static void axis_finish(axis *a) {
    free(a->first);
    free(a->taps);
    free(a->weights);
}

static void fill_output(axis *a, size_t i, size_t out, size_t in) {
    const double ratio = (double)in / (double)out, stretch = ratio > 1 ? ratio : 1;
    const double centre = ((double)i + 0.5) * ratio - 0.5;
    const double low = ceil(centre - 3 * stretch), high = floor(centre + 3 * stretch);
    const size_t last = high < (double)in - 1 ? (size_t)high : in - 1;
    float *w = a->weights + i * a->stride;
    double sum = 0;
    a->first[i] = low > 0 ? (size_t)low : 0;
    a->taps[i] = last - a->first[i] + 1;
    for (size_t t = 0; t < a->taps[i]; t++)
        sum += lanczos3(((double)(a->first[i] + t) - centre) / stretch);
    for (size_t t = 0; t < a->taps[i]; t++)
        w[t] = (float)(lanczos3(((double)(a->first[i] + t) - centre) / stretch) / sum);
}

static bool axis_init(axis *a, size_t out, size_t in) {
    const size_t most = 6 * (in > out ? in / out + 1 : 1) + 2;
    a->stride = most < in ? most : in;
    a->first = malloc(out * sizeof *a->first);
    a->taps = malloc(out * sizeof *a->taps);
    a->weights = a->stride <= SIZE_MAX / sizeof(float) / out
                     ? malloc(out * a->stride * sizeof *a->weights)
                     : NULL;
    if (!a->first || !a->taps || !a->weights)
        return false;
    for (size_t i = 0; i < out; i++)
        fill_output(a, i, out, in);
    return true;
}

/* ---- Rows, then columns ---------------------------------------------------------------------- */

/* The state of one resampling. narrow: in->height rows of the output's width, linear. row: one row
 * of the wider picture. channels: 3 for colours, 1 for opacity. */
typedef struct resampler {
    axis x, y;
    size_t channels;
    imp_light *light;
    imp_picture narrow;
    float *row;
} resampler;

static void filter_opacity(float *out, const float *in, const axis *a, size_t width) {
    for (size_t i = 0; i < width; i++) {
        const float *w = a->weights + i * a->stride, *p = in + a->first[i];
        out[i] = 0;
        for (size_t t = 0; t < a->taps[i]; t++)
            out[i] += w[t] * p[t];
    }
}

static void filter_colours(float *out, const float *in, const axis *a, size_t width) {
    for (size_t i = 0; i < width; i++) {
        const float *w = a->weights + i * a->stride, *p = in + 3 * a->first[i];
        float r = 0, g = 0, b = 0;
        for (size_t t = 0; t < a->taps[i]; t++, p += 3) {
            r += w[t] * p[0];
            g += w[t] * p[1];
            b += w[t] * p[2];
        }
        out[3 * i] = r;
        out[3 * i + 1] = g;
        out[3 * i + 2] = b;
    }
}

static void filter_rows(resampler *r, const imp_picture *in) {
    const size_t width = r->narrow.width;
    for (size_t y = 0; y < in->height; y++) {
        const float *from = in->rgb + 3 * y * in->width;
        if (r->channels == 1) {
            filter_opacity(r->narrow.rgb + y * width, in->opacity + y * in->width, &r->x, width);
            continue;
        }
        for (size_t i = 0; i < 3 * in->width; i++)
            r->row[i] = imp_light_decode(r->light, from[i]);
        filter_colours(r->narrow.rgb + 3 * y * width, r->row, &r->x, width);
    }
}

static void filter_columns(resampler *r, imp_picture *out) {
    const size_t n = r->channels * out->width;
    assert(r->channels == 3 || out->opacity);
    for (size_t y = 0; y < out->height; y++) {
        const float *w = r->y.weights + y * r->y.stride;
        memset(r->row, 0, n * sizeof *r->row);
        for (size_t t = 0; t < r->y.taps[y]; t++) {
            const float *from = r->narrow.rgb + n * (r->y.first[y] + t);
            for (size_t i = 0; i < n; i++)
                r->row[i] += w[t] * from[i];
        }
        for (size_t i = 0; i < n && r->channels == 1; i++)
            out->opacity[y * n + i] = fminf(fmaxf(r->row[i], 0), 1);
        for (size_t i = 0; i < n && r->channels == 3; i++)
            out->rgb[y * n + i] = imp_light_encode(r->light, r->row[i]);
    }
}

static imp_status resample(resampler *r, imp_picture *out, const imp_picture *in, imp_error *err) {
    const size_t widest = in->width > out->width ? in->width : out->width;
    TRY(imp_picture_alloc(&r->narrow, out->width, in->height, err));
    assert(r->narrow.width == out->width);
    r->light = imp_light_open();
    r->row = malloc(3 * widest * sizeof *r->row);
    if (!r->light || !r->row || !axis_init(&r->x, out->width, in->width) ||
        !axis_init(&r->y, out->height, in->height))
        return imp_fail(err, IMP_ERR_MEMORY,
                        "out of memory to resize a picture to %zu x %zu: make it smaller",
                        out->width, out->height);
    filter_rows(r, in);
    filter_columns(r, out);
    if (!in->opacity)
        return IMP_OK;
    assert(out->opacity);
    r->channels = 1;
    filter_rows(r, in);
    filter_columns(r, out);
    return IMP_OK;
}

/* Allocates the output, with opacity if the input has it. */
static imp_status open_output(imp_picture *out, const imp_picture *in, size_t width, size_t height,
                              imp_error *err) {
    TRY(imp_picture_alloc(out, width, height, err));
    out->alpha = in->alpha;
    out->origin = in->origin;
    out->opacity = in->opacity ? malloc(width * height * sizeof *out->opacity) : NULL;
    if (out->opacity || !in->opacity)
        return IMP_OK;
    imp_picture_finish(out);
    return imp_fail(err, IMP_ERR_MEMORY,
                    "out of memory to resize a picture to %zu x %zu: make it smaller", width,
                    height);
}

imp_status imp_picture_resize(imp_picture *out, const imp_picture *in, size_t width, size_t height,
                              imp_error *err) {
    *out = (imp_picture){0};
    TRY(imp_picture_check_shape(in, "resize", err));
    if (width == 0 || height == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT, "resize: to %zu x %zu; expected sides above 0",
                        width, height);
    TRY(open_output(out, in, width, height, err));
    if (width == in->width && height == in->height) {
        memcpy(out->rgb, in->rgb, 3 * width * height * sizeof *out->rgb);
        if (in->opacity)
            memcpy(out->opacity, in->opacity, width * height * sizeof *out->opacity);
        return IMP_OK;
    }
    resampler r = {.channels = 3};
    const imp_status status = resample(&r, out, in, err);
    imp_picture_finish(&r.narrow);
    free(r.light);
    free(r.row);
    axis_finish(&r.x);
    axis_finish(&r.y);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}
