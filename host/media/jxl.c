/* SPDX-License-Identifier: MIT
 *
 * JPEG XL by libjxl, which turns pictures upright itself. Only this file depends on whether the
 * library is found.
 */
#include "base/error.h"
#include "media/media.h"

#ifdef IMP_JXL
#include <stdlib.h>
#include <string.h>

#include <jxl/decode.h>

typedef struct jxl_state {
    imp_decode *t;
    JxlDecoder *decoder;
    JxlBasicInfo info;
    JxlPixelFormat format;
    unsigned char *profile;
    size_t pixels; /* that were passed on */
} jxl_state;

static imp_status damaged(const jxl_state *s, const char *why, imp_error *err) {
    return imp_decode_fail(s->t->in, "JPEG XL", false, why, err);
}

static imp_status read_size(jxl_state *s, imp_error *err) {
    imp_decode *const t = s->t;
    if (JxlDecoderGetBasicInfo(s->decoder, &s->info) != JXL_DEC_SUCCESS)
        return damaged(s, "its header makes no sense", err);
    const unsigned colours = s->info.num_color_channels;
    if (colours != 1 && colours != 3)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': it has %u channels of colour: convert it to PNG",
                        t->in->path, colours);
    s->format = (JxlPixelFormat){.num_channels = colours + (s->info.alpha_bits > 0),
                                 .data_type = JXL_TYPE_FLOAT};
    t->more = s->info.have_animation;
    /* The library holds the whole picture as it decodes it. */
    TRY(imp_decode_room(t, s->info.xsize, s->info.ysize, 4.0 * s->format.num_channels, err));
    return imp_decode_size(t, s->info.xsize, s->info.ysize, err);
}

static imp_status read_colours(jxl_state *s, imp_error *err) {
    enum { PROFILE_MAX = 1 << 24 };
    size_t size = 0;
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    if (JxlDecoderGetICCProfileSize(s->decoder, JXL_COLOR_PROFILE_TARGET_DATA, &size) !=
        JXL_DEC_SUCCESS)
#else
    if (JxlDecoderGetICCProfileSize(s->decoder, &s->format, JXL_COLOR_PROFILE_TARGET_DATA, &size) !=
        JXL_DEC_SUCCESS)
#endif
        size = 0;
    s->profile = size > 0 && size < PROFILE_MAX ? malloc(size) : NULL;
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    if (s->profile && JxlDecoderGetColorAsICCProfile(s->decoder, JXL_COLOR_PROFILE_TARGET_DATA,
                                                     s->profile, size) != JXL_DEC_SUCCESS)
#else
    if (s->profile &&
        JxlDecoderGetColorAsICCProfile(s->decoder, &s->format, JXL_COLOR_PROFILE_TARGET_DATA,
                                       s->profile, size) != JXL_DEC_SUCCESS)
#endif
        size = 0;
    return imp_decode_colours(s->t, s->info.num_color_channels, s->info.alpha_bits > 0, s->profile,
                              s->profile ? size : 0, err);
}

/* Some pixels of a row; a picture may come in any order, but each pixel once. */
static void on_pixels(void *user, size_t x, size_t y, size_t count, const void *pixels) {
    jxl_state *const s = user;
    imp_decode *const t = s->t;
    const size_t n = t->colours + t->alpha;
    if (x > t->width || count > t->width - x || y >= t->height)
        return;
    memcpy(t->samples, pixels, count * n * sizeof *t->samples);
    if (s->info.alpha_premultiplied && t->alpha)
        for (float *p = t->samples; p < t->samples + count * n; p += n)
            for (size_t c = 0; c < t->colours && p[n - 1] > 0; c++)
                p[c] /= p[n - 1];
    imp_decode_pixels(t, y, x, 1, count);
    s->pixels += count;
}

/* Goes on to the next event. */
static imp_status step(jxl_state *s, bool *done, imp_error *err) {
    switch (JxlDecoderProcessInput(s->decoder)) {
    case JXL_DEC_BASIC_INFO:
        return read_size(s, err);
    case JXL_DEC_COLOR_ENCODING:
        return read_colours(s, err);
    case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        if (s->t->samples &&
            JxlDecoderSetImageOutCallback(s->decoder, &s->format, on_pixels, s) == JXL_DEC_SUCCESS)
            return IMP_OK;
        return damaged(s, "its colours cannot be decoded", err);
    case JXL_DEC_FULL_IMAGE:
    case JXL_DEC_SUCCESS:
        *done = true;
        return s->t->samples && s->pixels == s->t->width * s->t->height
                   ? IMP_OK
                   : damaged(s, "it has no picture", err);
    case JXL_DEC_NEED_MORE_INPUT:
        return damaged(s, "it ends too early", err);
    default:
        return damaged(s, "its data make no sense", err);
    }
}

/* JxlDecoderCloseInput is not called: the library would print that a file is cut off. */
imp_status imp_jxl_decode(imp_decode *t, imp_error *err) {
    jxl_state s = {.t = t, .decoder = JxlDecoderCreate(NULL)};
    bool done = false;
    imp_status status = IMP_OK;
    if (!s.decoder ||
        JxlDecoderSubscribeEvents(s.decoder, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING |
                                                 JXL_DEC_FULL_IMAGE) != JXL_DEC_SUCCESS ||
        JxlDecoderSetInput(s.decoder, t->in->bytes, t->in->size) != JXL_DEC_SUCCESS)
        status = imp_decode_fail(t->in, "JPEG XL", true, "", err);
    while (status == IMP_OK && !done)
        status = step(&s, &done, err);
    JxlDecoderDestroy(s.decoder);
    free(s.profile);
    return status;
}

#else

imp_status imp_jxl_decode(imp_decode *t, imp_error *err) {
    return imp_decode_without(t->in, "JPEG XL", "libjxl", err);
}
#endif
