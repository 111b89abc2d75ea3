/* SPDX-License-Identifier: MIT
 *
 * What all decoders share: converting rows as a file stores them to sRGB. lcms2 converts profiles
 * in floating point, relative to white and with black point compensation. CMYK without a profile
 * becomes R = (1 - C)(1 - K) and so on. Transparency is composited in the encoded colours, as
 * browsers do.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>

#include "base/error.h"
#include "media/media.h"

void imp_decode_note(const imp_decode *t, const char *what) {
    char line[512];
    const imp_read_options *options = t->in->options;
    if (!options || !options->log)
        return;
    snprintf(line, sizeof line, "'%s': %s", t->in->path, what);
    options->log(options->user, IMP_LOG_WARNING, line);
}

imp_status imp_decode_fail(const imp_source *in, const char *format, bool memory,
                           const char *reason, imp_error *err) {
    if (memory)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "picture '%s': out of memory while reading it: close other programs",
                        in->path);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "picture '%s': this %s is damaged or cut off (%s): fetch or save it again",
                    in->path, format, reason);
}

imp_status imp_decode_size(imp_decode *t, size_t width, size_t height, imp_error *err) {
    enum { MAX_PIXELS = 1 << 28 };
    const imp_read_options *options = t->in->options;
    const size_t most = options && options->max_pixels ? options->max_pixels : MAX_PIXELS;
    if (width == 0 || height == 0)
        return imp_fail(err, IMP_ERR_FORMAT, "picture '%s': it has no pixels: save it again",
                        t->in->path);
    if (height > most / width)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "picture '%s': %zu x %zu is more than %zu pixels: make it smaller, or "
                        "raise setting 'max-pixels'",
                        t->in->path, width, height, most);
    return imp_picture_alloc(t->out, width, height, err);
}

/* ---- Profiles -------------------------------------------------------------------------------- */

static cmsUInt32Number type_of(const imp_decode *t, bool alpha) {
    const unsigned kind = t->colours == 1 ? PT_GRAY : t->colours == 3 ? PT_RGB : PT_CMYK;
    return FLOAT_SH(1) | COLORSPACE_SH(kind) | EXTRA_SH(alpha) | CHANNELS_SH(t->colours) |
           BYTES_SH(4);
}

static cmsHTRANSFORM transform_from(const imp_decode *t, cmsHPROFILE from, bool alpha) {
    const cmsContext context = cmsGetProfileContextID(from);
    const cmsHPROFILE to = cmsCreate_sRGBProfileTHR(context);
    const cmsHTRANSFORM made =
        to ? cmsCreateTransformTHR(context, from, type_of(t, alpha), to, TYPE_RGB_FLT,
                                   INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION)
           : NULL;
    if (to)
        cmsCloseProfile(to);
    return made;
}

/* Whether the transform moves no colour by half a step of 8 bits: most profiles are sRGB's own. */
static bool changes_nothing(const imp_decode *t, cmsHTRANSFORM transform) {
    enum { STEPS = 8, COUNT = (STEPS + 1) * (STEPS + 1) * (STEPS + 1) };
    float from[COUNT][3], to[COUNT][3];
    if (t->colours == 4)
        return false;
    for (unsigned i = 0; i < COUNT; i++) {
        const unsigned at[3] = {i % (STEPS + 1), i / (STEPS + 1) % (STEPS + 1),
                                i / ((STEPS + 1) * (STEPS + 1))};
        for (unsigned c = 0; c < 3; c++)
            from[i][c] = (float)at[t->colours == 1 ? 0 : c] / STEPS;
    }
    if (t->colours == 3) {
        cmsDoTransform(transform, from, to, COUNT);
    } else {
        for (unsigned i = 0; i < COUNT; i++)
            cmsDoTransform(transform, from[i], to[i], 1);
    }
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned c = 0; c < 3; c++)
            if (!(fabsf(to[i][c] - from[i][c]) < 0.5F / 255))
                return false;
    return true;
}

/* Makes the transform that the picture needs, if any. False: the profile is unusable. */
static bool use_profile(imp_decode *t, cmsHPROFILE profile) {
    const cmsColorSpaceSignature wanted = t->colours == 1   ? cmsSigGrayData
                                          : t->colours == 3 ? cmsSigRgbData
                                                            : cmsSigCmykData;
    const cmsHTRANSFORM plain =
        profile && cmsGetColorSpace(profile) == wanted ? transform_from(t, profile, false) : NULL;
    if (!plain)
        return false;
    if (!changes_nothing(t, plain))
        t->transform = transform_from(t, profile, t->alpha);
    cmsDeleteTransform(plain);
    return true;
}

/* Each transform has its own context, so that threads share nothing. */
static void release_transform(imp_decode *t) {
    if (!t->transform)
        return;
    const cmsContext context = cmsGetTransformContextID(t->transform);
    cmsDeleteTransform(t->transform);
    cmsDeleteContext(context);
    t->transform = NULL;
}

static bool adopt_profile(imp_decode *t, cmsContext context, cmsHPROFILE profile) {
    const bool good = use_profile(t, profile);
    if (profile)
        cmsCloseProfile(profile);
    if (context && !t->transform)
        cmsDeleteContext(context);
    return good;
}

imp_status imp_decode_colours(imp_decode *t, unsigned colours, bool alpha, const void *profile,
                              size_t size, imp_error *err) {
    const imp_read_options *options = t->in->options;
    t->colours = colours;
    t->alpha = alpha;
    t->samples = malloc(t->out->width * (colours + alpha) * sizeof *t->samples);
    if (t->samples && alpha && options && options->keep_alpha)
        t->out->opacity = malloc(t->out->width * t->out->height * sizeof *t->out->opacity);
    if (!t->samples || (alpha && options && options->keep_alpha && !t->out->opacity))
        return imp_decode_fail(t->in, "", true, "", err);
    if (!profile || size == 0 || size > UINT32_MAX)
        return IMP_OK;
    const cmsContext context = imp_colour_context();
    if (!context ||
        !adopt_profile(t, context,
                       cmsOpenProfileFromMemTHR(context, profile, (cmsUInt32Number)size)))
        imp_decode_note(t, "its colour profile is damaged or for other colours; it is ignored");
    return IMP_OK;
}

static cmsHPROFILE profile_of(cmsContext context, unsigned colours, const double xy[8],
                              double gamma) {
    static const double srgb[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    const cmsCIExyY white = {xy[0], xy[1], 1};
    const cmsCIExyYTRIPLE primaries = {{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
    cmsToneCurve *const curve =
        gamma > 0 ? cmsBuildGamma(context, gamma) : cmsBuildParametricToneCurve(context, 4, srgb);
    cmsToneCurve *const curves[3] = {curve, curve, curve};
    if (!curve)
        return NULL;
    const cmsHPROFILE made = colours == 1
                                 ? cmsCreateGrayProfileTHR(context, &white, curve)
                                 : cmsCreateRGBProfileTHR(context, &white, &primaries, curves);
    cmsFreeToneCurve(curve);
    return made;
}

imp_status imp_decode_primaries(imp_decode *t, const double xy[8], double gamma, imp_error *err) {
    const cmsContext context = imp_colour_context();
    if (!context)
        return imp_decode_fail(t->in, "", true, "", err);
    if (!adopt_profile(t, context, profile_of(context, t->colours, xy, gamma)))
        imp_decode_note(t, "the description of its colours makes no sense; they are taken as sRGB");
    return IMP_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* NaN becomes 0. */
static inline float clamp(float v) {
    return v > 0 ? v < 1 ? v : 1 : 0;
}

/* Copies sRGB colours, expanding grey and inks. */
static void copy_colours(float *rgb, const imp_decode *t) {
    const size_t stride = t->colours + t->alpha;
    const float *from = t->samples;
    for (size_t x = 0; x < t->out->width; x++, from += stride, rgb += 3)
        for (size_t c = 0; c < 3; c++)
            rgb[c] = t->colours == 1   ? from[0]
                     : t->colours == 3 ? from[c]
                                       : (1 - clamp(from[c])) * (1 - clamp(from[3]));
}

/* lcms2 expects inks in percent. */
static void transform_colours(float *rgb, imp_decode *t) {
    const size_t stride = t->colours + t->alpha;
    for (size_t i = 0; t->colours == 4 && i < t->out->width * stride; i++)
        t->samples[i] *= i % stride < 4 ? 100 : 1;
    cmsDoTransform(t->transform, t->samples, rgb, (cmsUInt32Number)t->out->width);
}

static void composite(float *rgb, float *opacity, imp_decode *t) {
    const imp_read_options *options = t->in->options;
    static const float white[3] = {1, 1, 1};
    const float *below = options && options->background ? options->background : white;
    const size_t stride = t->colours + 1U;
    for (size_t x = 0; x < t->out->width; x++) {
        const float a = clamp(t->samples[stride * x + t->colours]);
        t->out->alpha |= a < 1;
        if (opacity)
            opacity[x] = a;
        for (size_t c = 0; !opacity && c < 3; c++)
            rgb[3 * x + c] = rgb[3 * x + c] * a + below[c] * (1 - a);
    }
}

void imp_decode_row(imp_decode *t, size_t y) {
    const size_t width = t->out->width;
    float *rgb = t->out->rgb + 3 * y * width;
    if (t->transform)
        transform_colours(rgb, t);
    else
        copy_colours(rgb, t);
    for (size_t i = 0; i < 3 * width; i++)
        rgb[i] = clamp(rgb[i]);
    if (t->alpha)
        composite(rgb, t->out->opacity ? t->out->opacity + y * width : NULL, t);
}

void imp_decode_bytes(imp_decode *t, size_t y, const unsigned char *row) {
    for (size_t i = 0; i < t->out->width * (t->colours + t->alpha); i++)
        t->samples[i] = (float)row[i] / 255;
    imp_decode_row(t, y);
}

void imp_decode_words(imp_decode *t, size_t y, const uint16_t *row, unsigned most) {
    for (size_t i = 0; i < t->out->width * (t->colours + t->alpha); i++)
        t->samples[i] = (float)row[i] / (float)most;
    imp_decode_row(t, y);
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Turns a picture of `count` floats per pixel. Where the sides are swapped, out is as wide as in is
 * high. */
static void turn(float *out, const float *in, size_t count, const imp_picture *size,
                 unsigned orientation) {
    const size_t w = size->width, h = size->height;
    const bool swap = orientation >= 5;
    const bool from_right = orientation == 2 || orientation == 3 || orientation >= 7;
    const bool from_below =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (size_t y = 0; y < (swap ? w : h); y++)
        for (size_t x = 0; x < (swap ? h : w); x++, out += count) {
            const size_t column = swap ? y : x, row = swap ? x : y;
            const size_t at =
                (from_below ? h - 1 - row : row) * w + (from_right ? w - 1 - column : column);
            memcpy(out, in + at * count, count * sizeof *in);
        }
}

static imp_status turn_upright(imp_picture *p, unsigned orientation, imp_error *err) {
    imp_picture turned;
    if (orientation < 2 || orientation > 8)
        return IMP_OK;
    const bool swap = orientation >= 5;
    TRY(imp_picture_alloc(&turned, swap ? p->height : p->width, swap ? p->width : p->height, err));
    turn(turned.rgb, p->rgb, 3, p, orientation);
    if (p->opacity) {
        float *opacity = malloc(p->width * p->height * sizeof *opacity);
        if (!opacity) {
            imp_picture_finish(&turned);
            return imp_fail(err, IMP_ERR_MEMORY,
                            "out of memory to turn a picture of %zu x %zu: make it smaller",
                            p->width, p->height);
        }
        turn(opacity, p->opacity, 1, p, orientation);
        free(p->opacity);
        p->opacity = opacity;
    }
    free(p->rgb);
    p->rgb = turned.rgb;
    p->width = turned.width;
    p->height = turned.height;
    return IMP_OK;
}

/* Files hold arbitrary colours where they are fully transparent. The mean of the visible colours
 * replaces them, so that they do not show in a painting. */
static void fill_unseen(imp_picture *p) {
    const size_t count = p->width * p->height;
    double sum[3] = {0}, weight = 0;
    for (size_t i = 0; i < count; i++) {
        weight += (double)p->opacity[i];
        for (size_t c = 0; c < 3; c++)
            sum[c] += (double)p->opacity[i] * (double)p->rgb[3 * i + c];
    }
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3 && p->opacity[i] <= 0; c++)
            p->rgb[3 * i + c] = weight > 0 ? (float)(sum[c] / weight) : 1;
}

imp_status imp_decode_complete(imp_decode *t, imp_error *err) {
    imp_picture *p = t->out;
    if (t->more)
        imp_decode_note(t, "has several pictures or frames; the first one is used");
    if (p->opacity && p->alpha) {
        fill_unseen(p);
    } else {
        free(p->opacity);
        p->opacity = NULL;
    }
    return turn_upright(p, t->orientation, err);
}

void imp_decode_finish(imp_decode *t) {
    release_transform(t);
    free(t->samples);
    t->samples = NULL;
}
