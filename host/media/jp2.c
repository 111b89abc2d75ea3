/* SPDX-License-Identifier: MIT
 *
 * JPEG 2000 by OpenJPEG, with its boxes or as a bare codestream. Only this file depends on whether
 * the library is found.
 */
#include "base/error.h"
#include "media/media.h"

#ifdef IMP_JP2
#include <stdlib.h>
#include <string.h>

#include <openjpeg.h>

typedef struct jp2_state {
    const imp_source *in;
    size_t at; /* bytes that were read */
    opj_codec_t *codec;
    opj_stream_t *stream;
    opj_image_t *image;
    char reason[160];
} jp2_state;

/* ---- The file as OpenJPEG wants it ----------------------------------------------------------- */

static OPJ_SIZE_T on_read(void *out, OPJ_SIZE_T size, void *user) {
    jp2_state *const s = user;
    const size_t left = s->in->size - s->at, n = size < left ? size : left;
    memcpy(out, s->in->bytes + s->at, n);
    s->at += n;
    return n > 0 ? n : (OPJ_SIZE_T)-1;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T size, void *user) {
    jp2_state *const s = user;
    if (size < 0 || (size_t)size > s->in->size - s->at)
        return -1;
    s->at += (size_t)size;
    return size;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *user) {
    jp2_state *const s = user;
    if (to < 0 || (size_t)to > s->in->size)
        return OPJ_FALSE;
    s->at = (size_t)to;
    return OPJ_TRUE;
}

static void on_error(const char *message, void *user) {
    jp2_state *const s = user;
    if (!*s->reason)
        snprintf(s->reason, sizeof s->reason, "%.*s", (int)strcspn(message, "\r\n"), message);
}

static void on_message(const char *message, void *user) {
    (void)message;
    (void)user;
}

static bool open_state(jp2_state *s) {
    const bool bare = s->in->size > 4 && memcmp(s->in->bytes, "\xff\x4f\xff\x51", 4) == 0;
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    s->codec = opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    s->stream = opj_stream_create(1 << 16, OPJ_TRUE);
    if (!s->codec || !s->stream)
        return false;
    opj_set_error_handler(s->codec, on_error, s);
    opj_set_warning_handler(s->codec, on_message, s);
    opj_set_info_handler(s->codec, on_message, s);
    opj_stream_set_user_data(s->stream, s, NULL);
    opj_stream_set_user_data_length(s->stream, s->in->size);
    opj_stream_set_read_function(s->stream, on_read);
    opj_stream_set_skip_function(s->stream, on_skip);
    opj_stream_set_seek_function(s->stream, on_seek);
    return opj_setup_decoder(s->codec, &parameters);
}

static void close_state(jp2_state *s) {
    opj_image_destroy(s->image);
    if (s->stream)
        opj_stream_destroy(s->stream);
    if (s->codec)
        opj_destroy_codec(s->codec);
}

static imp_status damaged(const jp2_state *s, imp_error *err) {
    return imp_decode_fail(s->in, "JPEG 2000", false, *s->reason ? s->reason : "no reason given",
                           err);
}

/* ---- Colours --------------------------------------------------------------------------------- */

/* Which components are the colours, and which is alpha. */
typedef struct parts {
    size_t colours;
    const opj_image_comp_t *colour[4], *alpha;
    bool ycc; /* luma and two differences of colour */
} parts;

static bool find_parts(parts *p, const opj_image_t *image) {
    size_t count = 0;
    *p = (parts){0};
    for (OPJ_UINT32 i = 0; i < image->numcomps; i++) {
        const opj_image_comp_t *const c = &image->comps[i];
        if (c->prec == 0 || c->prec > 31 || !c->data || c->dx == 0 || c->dy == 0)
            return false;
        if (c->alpha && !p->alpha)
            p->alpha = c;
        else if (!c->alpha && count < 4)
            p->colour[count++] = c;
    }
    const bool inks = image->color_space == OPJ_CLRSPC_CMYK;
    p->colours = inks && count == 4 ? 4 : count >= 3 ? 3 : 1;
    if (!p->alpha && !inks && (count == 2 || count == 4) &&
        image->color_space != OPJ_CLRSPC_UNSPECIFIED)
        p->alpha = p->colour[count - 1];
    const bool smaller = p->colours == 3 && p->colour[1]->dx > p->colour[0]->dx;
    p->ycc = p->colours == 3 && (image->color_space == OPJ_CLRSPC_SYCC ||
                                 image->color_space == OPJ_CLRSPC_EYCC || smaller);
    return count > 0;
}

/* The component's value at a place of the picture, as a fraction. */
static float value_at(const opj_image_comp_t *c, const opj_image_comp_t *first, size_t x,
                      size_t y) {
    size_t column = x * first->dx / c->dx, row = y * first->dy / c->dy;
    column = column < c->w ? column : c->w - 1;
    row = row < c->h ? row : c->h - 1;
    const double v = (double)c->data[row * c->w + column] +
                     (c->sgnd ? (double)((int64_t)1 << (c->prec - 1)) : 0);
    return (float)(v / (double)(((int64_t)1 << c->prec) - 1));
}

/* From BT.601's luma and differences, over the full range. */
static void from_ycc(float *p) {
    const float y = p[0], b = p[1] - 0.5F, r = p[2] - 0.5F;
    p[0] = y + 1.402F * r;
    p[1] = y - 0.344136F * b - 0.714136F * r;
    p[2] = y + 1.772F * b;
}

static void put_rows(imp_decode *t, const parts *p) {
    const size_t n = t->colours + t->alpha;
    for (size_t y = 0; y < t->height; y++) {
        for (size_t x = 0; x < t->width; x++) {
            float *const pixel = t->samples + n * x;
            for (size_t c = 0; c < p->colours && p->colour[c]; c++)
                pixel[c] = value_at(p->colour[c], p->colour[0], x, y);
            if (p->ycc)
                from_ycc(pixel);
            if (p->alpha)
                pixel[t->colours] = value_at(p->alpha, p->colour[0], x, y);
        }
        imp_decode_row(t, y);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static imp_status decode(jp2_state *s, imp_decode *t, imp_error *err) {
    parts p;
    if (!open_state(s))
        return imp_decode_fail(t->in, "JPEG 2000", true, "", err);
    if (!opj_read_header(s->stream, s->codec, &s->image) || s->image->numcomps == 0)
        return damaged(s, err);
    const opj_image_t *const image = s->image;
    const size_t width = image->x1 > image->x0 ? image->x1 - image->x0 : 0;
    const size_t height = image->y1 > image->y0 ? image->y1 - image->y0 : 0;
    TRY(imp_decode_check(t, width, height, err));
    TRY(imp_decode_room(t, width, height, 8.0 * image->numcomps, err));
    if (!opj_decode(s->codec, s->stream, s->image) || !opj_end_decompress(s->codec, s->stream) ||
        *s->reason)
        return damaged(s, err);
    if (!find_parts(&p, s->image))
        return damaged(s, err);
    TRY(imp_decode_size(t, p.colour[0]->w, p.colour[0]->h, err));
    TRY(imp_decode_colours(t, (unsigned)p.colours, p.alpha != NULL, s->image->icc_profile_buf,
                           s->image->icc_profile_len, err));
    put_rows(t, &p);
    return IMP_OK;
}

imp_status imp_jp2_decode(imp_decode *t, imp_error *err) {
    jp2_state s = {.in = t->in};
    const imp_status status = decode(&s, t, err);
    close_state(&s);
    return status;
}

#else

imp_status imp_jp2_decode(imp_decode *t, imp_error *err) {
    return imp_decode_without(t->in, "JPEG 2000", "OpenJPEG", err);
}
#endif
