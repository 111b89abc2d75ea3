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
#include "base/memory.h"
#include "media/light.h"
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

imp_status imp_decode_without(const imp_source *in, const char *format, const char *library,
                              imp_error *err) {
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "picture '%s': it is a %s, and this program was built without %s: convert it "
                    "to PNG",
                    in->path, format, library);
}

/* ---- Size ------------------------------------------------------------------------------------ */

/* By how much the picture is made smaller: see imp_read_options. */
static size_t fraction(const imp_decode *t, size_t width, size_t height) {
    enum { LARGE = 1 << 24 };
    const size_t needed = t->in->options ? t->in->options->needed : 0;
    const size_t longer = width > height ? width : height;
    if (needed == 0 || height <= LARGE / width || longer / 4 < needed)
        return 1;
    return longer / (2 * needed);
}

imp_status imp_decode_room(const imp_decode *t, size_t width, size_t height, double pixel,
                           imp_error *err) {
    const double needs = pixel * (double)width * (double)height, has = (double)imp_memory_bytes();
    if (needs <= has)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_MEMORY,
                    "picture '%s': %zu x %zu pixels need %.0f MiB, and this process may use %.0f: "
                    "make it smaller",
                    t->in->path, width, height, needs / 0x1p20, has / 0x1p20);
}

imp_status imp_decode_check(const imp_decode *t, size_t width, size_t height, imp_error *err) {
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
    const size_t by = fraction(t, width, height);
    return imp_decode_room(t, width, height, 3.0 * sizeof(float) / (double)(by * by), err);
}

imp_status imp_decode_size(imp_decode *t, size_t width, size_t height, imp_error *err) {
    TRY(imp_decode_check(t, width, height, err));
    const size_t by = fraction(t, width, height);
    t->width = width;
    t->height = height;
    t->by = by;
    TRY(imp_picture_alloc(t->out, (width + by - 1) / by, (height + by - 1) / by, err));
    if (by == 1)
        return IMP_OK;
    imp_picture *const p = t->out;
    p->full_width = width;
    p->full_height = height;
    memset(p->rgb, 0, 3 * p->width * p->height * sizeof *p->rgb);
    t->light = imp_light_open();
    return t->light ? IMP_OK : imp_decode_fail(t->in, "", true, "", err);
}

void imp_decode_reduced(imp_decode *t) {
    t->width = t->out->width;
    t->height = t->out->height;
    t->by = 1;
}

/* ---- Profiles -------------------------------------------------------------------------------- */

static cmsUInt32Number type_of(const imp_decode *t, cmsHPROFILE from, bool alpha) {
    const unsigned kind = cmsGetColorSpace(from) == cmsSigLabData ? PT_Lab
                          : t->colours == 1                       ? PT_GRAY
                          : t->colours == 3                       ? PT_RGB
                                                                  : PT_CMYK;
    return FLOAT_SH(1) | COLORSPACE_SH(kind) | EXTRA_SH(alpha) | CHANNELS_SH(t->colours) |
           BYTES_SH(4);
}

static cmsHTRANSFORM transform_from(const imp_decode *t, cmsHPROFILE from, bool alpha) {
    const cmsContext context = cmsGetProfileContextID(from);
    const cmsHPROFILE to = cmsCreate_sRGBProfileTHR(context);
    const cmsHTRANSFORM made =
        to ? cmsCreateTransformTHR(context, from, type_of(t, from, alpha), to, TYPE_RGB_FLT,
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
    const bool keep = alpha && options && options->keep_alpha;
    t->colours = colours;
    t->alpha = alpha;
    t->samples = malloc(t->width * (colours + alpha) * sizeof *t->samples);
    t->line = malloc(4 * t->width * sizeof *t->line);
    if (keep)
        t->out->opacity = calloc(t->out->width * t->out->height, sizeof *t->out->opacity);
    if (!t->samples || !t->line || (keep && !t->out->opacity))
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

/* Prepares the adaptation to D50 by Bradford's matrix, of which lcms2 gives the columns. */
static void set_white(imp_decode *t, const double *xy) {
    const cmsCIExyY given = {xy[0], xy[1], 1};
    cmsCIEXYZ white, column;
    cmsxyY2XYZ(&white, &given);
    for (size_t i = 0; i < 3; i++) {
        const cmsCIEXYZ unit = {i == 0, i == 1, i == 2};
        if (!cmsAdaptToIlluminant(&column, &white, cmsD50_XYZ(), &unit))
            return;
        t->adapt[i] = column.X;
        t->adapt[3 + i] = column.Y;
        t->adapt[6 + i] = column.Z;
    }
    t->white[0] = white.X;
    t->white[1] = white.Y;
    t->white[2] = white.Z;
}

/* Makes Lab relative to D50. */
static void adapt_lab(imp_decode *t, size_t count) {
    const cmsCIEXYZ white = {t->white[0], t->white[1], t->white[2]};
    const double *m = t->adapt;
    float *p = t->samples;
    for (size_t i = 0; i < count; i++, p += 3 + t->alpha) {
        cmsCIELab lab = {(double)p[0], (double)p[1], (double)p[2]};
        cmsCIEXYZ x;
        cmsLab2XYZ(&white, &x, &lab);
        const cmsCIEXYZ y = {m[0] * x.X + m[1] * x.Y + m[2] * x.Z,
                             m[3] * x.X + m[4] * x.Y + m[5] * x.Z,
                             m[6] * x.X + m[7] * x.Y + m[8] * x.Z};
        cmsXYZ2Lab(NULL, &lab, &y);
        p[0] = (float)lab.L;
        p[1] = (float)lab.a;
        p[2] = (float)lab.b;
    }
}

imp_status imp_decode_lab(imp_decode *t, bool alpha, const double *white, imp_error *err) {
    static const double d50[2] = {0.3457, 0.3585};
    TRY(imp_decode_colours(t, 3, alpha, NULL, 0, err));
    if (white && white[1] > 0.05 && white[0] > 0.05 && white[0] + white[1] < 0.95 &&
        fabs(white[0] - d50[0]) + fabs(white[1] - d50[1]) > 0.002)
        set_white(t, white);
    const cmsContext context = imp_colour_context();
    const cmsHPROFILE lab = context ? cmsCreateLab4ProfileTHR(context, NULL) : NULL;
    t->transform = lab ? transform_from(t, lab, alpha) : NULL;
    if (lab)
        cmsCloseProfile(lab);
    if (context && !t->transform)
        cmsDeleteContext(context);
    return t->transform ? IMP_OK : imp_decode_fail(t->in, "", true, "", err);
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
static void copy_colours(float *rgb, const imp_decode *t, size_t count) {
    const size_t stride = t->colours + t->alpha;
    const float *from = t->samples;
    for (size_t x = 0; x < count; x++, from += stride, rgb += 3)
        for (size_t c = 0; c < 3; c++)
            rgb[c] = t->colours == 1   ? from[0]
                     : t->colours == 3 ? from[c]
                                       : (1 - clamp(from[c])) * (1 - clamp(from[3]));
}

static void scale_inks(imp_decode *t, size_t count, float by) {
    const size_t stride = t->colours + t->alpha;
    for (size_t i = 0; t->colours == 4 && i < count * stride; i++)
        t->samples[i] *= i % stride < 4 ? by : 1;
}

/* lcms2 expects inks in percent. */
static void transform_colours(float *rgb, imp_decode *t, size_t count) {
    scale_inks(t, count, 100);
    if (t->white[1] > 0)
        adapt_lab(t, count);
    cmsDoTransform(t->transform, t->samples, rgb, (cmsUInt32Number)count);
    scale_inks(t, count, 0.01F);
}

static void composite(float *rgb, float *opacity, imp_decode *t, size_t count) {
    const imp_read_options *options = t->in->options;
    static const float white[3] = {1, 1, 1};
    const float *below = options && options->background ? options->background : white;
    const size_t stride = t->colours + 1U;
    for (size_t x = 0; x < count; x++) {
        const float a = clamp(t->samples[stride * x + t->colours]);
        t->out->alpha |= a < 1;
        if (opacity)
            opacity[x] = a;
        for (size_t c = 0; !opacity && c < 3; c++)
            rgb[3 * x + c] = rgb[3 * x + c] * a + below[c] * (1 - a);
    }
}

/* Converts pixels to sRGB; opacity may be NULL. */
static void convert(float *rgb, float *opacity, imp_decode *t, size_t count) {
    if (t->transform)
        transform_colours(rgb, t, count);
    else
        copy_colours(rgb, t, count);
    for (size_t i = 0; i < 3 * count; i++)
        rgb[i] = clamp(rgb[i]);
    if (t->alpha)
        composite(rgb, opacity, t, count);
}

/* Adds a pixel to the sums of light and opacity that `out` holds until imp_decode_complete. */
static void add_pixel(imp_decode *t, size_t at, const float *rgb, const float *opacity) {
    imp_picture *const p = t->out;
    for (size_t c = 0; c < 3; c++)
        p->rgb[3 * at + c] += (opacity ? *opacity : 1) * imp_light_decode(t->light, rgb[c]);
    if (opacity)
        p->opacity[at] += *opacity;
}

void imp_decode_pixels(imp_decode *t, size_t y, size_t first, size_t step, size_t count) {
    imp_picture *const p = t->out;
    float *const rgb = t->line, *const opacity = p->opacity ? t->line + 3 * t->width : NULL;
    if (!rgb)
        return; /* there are no rows */
    convert(rgb, opacity, t, count);
    for (size_t i = 0; i < count; i++) {
        const size_t x = first + i * step, at = y / t->by * p->width + x / t->by;
        if (t->by > 1) {
            add_pixel(t, at, rgb + 3 * i, opacity ? opacity + i : NULL);
            continue;
        }
        memcpy(p->rgb + 3 * at, rgb + 3 * i, 3 * sizeof *rgb);
        if (opacity)
            p->opacity[at] = opacity[i];
    }
}

void imp_decode_row(imp_decode *t, size_t y) {
    const size_t at = y * t->width;
    if (t->by == 1)
        convert(t->out->rgb + 3 * at, t->out->opacity ? t->out->opacity + at : NULL, t, t->width);
    else
        imp_decode_pixels(t, y, 0, 1, t->width);
}

bool imp_decode_missing(imp_decode *t, size_t y) {
    char line[128];
    if (y == 0 || t->height - y > t->height / 8 + 1)
        return false;
    snprintf(line, sizeof line,
             "is cut off: of its %zu rows the last %zu are missing, and the one before is repeated",
             t->height, t->height - y);
    imp_decode_note(t, line);
    for (; y < t->height; y++)
        imp_decode_row(t, y);
    return true;
}

void imp_decode_bytes(imp_decode *t, size_t y, const unsigned char *row) {
    for (size_t i = 0; i < t->width * (t->colours + t->alpha); i++)
        t->samples[i] = (float)row[i] / 255;
    imp_decode_row(t, y);
}

void imp_decode_words(imp_decode *t, size_t y, const uint16_t *row, unsigned most) {
    for (size_t i = 0; i < t->width * (t->colours + t->alpha); i++)
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
    if (swap) {
        const size_t full = p->full_width;
        p->full_width = p->full_height;
        p->full_height = full;
    }
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

/* Makes colours of the sums that imp_decode_pixels left: means of the light, weighted by opacity.
 * At the right and lower border fewer pixels were added. */
static void average(imp_decode *t) {
    imp_picture *const p = t->out;
    for (size_t y = 0; y < p->height; y++)
        for (size_t x = 0; x < p->width; x++) {
            const size_t at = y * p->width + x, right = t->width - x * t->by;
            const size_t below = t->height - y * t->by;
            const float count =
                (float)((right < t->by ? right : t->by) * (below < t->by ? below : t->by));
            const float weight = p->opacity ? p->opacity[at] : count;
            for (size_t c = 0; c < 3; c++)
                p->rgb[3 * at + c] =
                    weight > 0 ? imp_light_encode(t->light, p->rgb[3 * at + c] / weight) : 0;
            if (p->opacity)
                p->opacity[at] = clamp(p->opacity[at] / count);
        }
}

imp_status imp_decode_complete(imp_decode *t, imp_error *err) {
    imp_picture *p = t->out;
    if (t->by > 1)
        average(t);
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
    free(t->light);
    free(t->line);
    t->samples = t->line = NULL;
    t->light = NULL;
}
