/* SPDX-License-Identifier: MIT
 *
 * HEIF and AVIF by libheif, which turns pictures upright itself. Only this file depends on whether
 * the library is found.
 */
#include "base/error.h"
#include "media/media.h"

#ifdef IMP_HEIF
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

typedef struct heif_state {
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *image;
    unsigned char *profile, *exif;
} heif_state;

static void release(heif_state *s) {
    heif_image_release(s->image);
    heif_image_handle_release(s->handle);
    heif_context_free(s->context);
    free(s->profile);
    free(s->exif);
}

static imp_status check(struct heif_error got, const imp_source *in, imp_error *err) {
    char reason[160];
    if (got.code == heif_error_Ok)
        return IMP_OK;
    snprintf(reason, sizeof reason, "%.*s", (int)strcspn(got.message, "\r\n"), got.message);
    if (got.code == heif_error_Unsupported_feature || got.code == heif_error_Unsupported_filetype)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': this libheif cannot decode it (%s): convert it to PNG",
                        in->path, reason);
    return imp_decode_fail(in, "HEIF", got.code == heif_error_Memory_allocation_error, reason, err);
}

static imp_status open_primary(heif_state *s, const imp_source *in, imp_error *err) {
    s->context = heif_context_alloc();
    if (!s->context)
        return imp_decode_fail(in, "HEIF", true, "", err);
    TRY(check(heif_context_read_from_memory_without_copy(s->context, in->bytes, in->size, NULL), in,
              err));
    return check(heif_context_get_primary_image_handle(s->context, &s->handle), in, err);
}

/* ---- Colours --------------------------------------------------------------------------------- */

/* Reads the colours as video describes them, without a profile. */
static imp_status read_numbers(heif_state *s, imp_decode *t, imp_error *err) {
    struct heif_color_profile_nclx *n = NULL;
    imp_status status = IMP_OK;
    if (heif_image_handle_get_nclx_color_profile(s->handle, &n).code == heif_error_Ok && n)
        status = imp_decode_numbers(t, n->color_primaries, n->transfer_characteristics, err);
    heif_nclx_color_profile_free(n); /* allocated even where its numbers are unknown */
    return status;
}

static imp_status read_colours(heif_state *s, imp_decode *t, bool alpha, imp_error *err) {
    const size_t size = heif_image_handle_get_raw_color_profile_size(s->handle);
    if (size > 0) {
        s->profile = malloc(size);
        if (!s->profile)
            return imp_decode_fail(t->in, "HEIF", true, "", err);
        TRY(check(heif_image_handle_get_raw_color_profile(s->handle, s->profile), t->in, err));
    }
    TRY(imp_decode_colours(t, 3, alpha, s->profile, size, err));
    return size > 0 ? IMP_OK : read_numbers(s, t, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The decoded picture decides on the size: a file may state it before or after it is turned. */
static imp_status read_size(const heif_state *s, imp_decode *t, imp_error *err) {
    const int width = heif_image_get_width(s->image, heif_channel_interleaved);
    const int height = heif_image_get_height(s->image, heif_channel_interleaved);
    return imp_decode_size(t, width > 0 ? (size_t)width : 0, height > 0 ? (size_t)height : 0, err);
}

static imp_status read_rows(heif_state *s, imp_decode *t, bool wide, imp_error *err) {
    int stride = 0;
    const unsigned char *plane =
        heif_image_get_plane_readonly(s->image, heif_channel_interleaved, &stride);
    const int bits = heif_image_get_bits_per_pixel_range(s->image, heif_channel_interleaved);
    const size_t samples = t->colours + t->alpha;
    if (!plane || bits < 8 || bits > 16)
        return imp_decode_fail(t->in, "HEIF", false, "its colours cannot be found", err);
    const float most = (float)((1u << bits) - 1);
    for (size_t y = 0; y < t->height; y++) {
        const unsigned char *row = plane + y * (size_t)stride;
        for (size_t i = 0; i < samples * t->width; i++)
            t->samples[i] = (float)(wide ? row[2 * i] | row[2 * i + 1] << 8 : row[i]) / most;
        imp_decode_row(t, y);
    }
    return IMP_OK;
}

/* ---- EXIF: four bytes say where it begins ---------------------------------------------------- */

static unsigned char *read_exif(heif_state *s, size_t *size) {
    enum { OFFSET = 4 };
    heif_item_id id;
    *size = 0;
    if (heif_image_handle_get_list_of_metadata_block_IDs(s->handle, "Exif", &id, 1) != 1)
        return NULL;
    const size_t whole = heif_image_handle_get_metadata_size(s->handle, id);
    s->exif = whole > OFFSET ? malloc(whole) : NULL;
    if (!s->exif || heif_image_handle_get_metadata(s->handle, id, s->exif).code != heif_error_Ok)
        return NULL;
    const unsigned char *b = s->exif;
    const size_t skip = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | (size_t)b[3];
    if (skip >= whole - OFFSET)
        return NULL;
    *size = whole - OFFSET - skip;
    return s->exif + OFFSET + skip;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static imp_status decode(heif_state *s, imp_decode *t, imp_error *err) {
    TRY(open_primary(s, t->in, err));
    const bool alpha = heif_image_handle_has_alpha_channel(s->handle);
    const bool wide = heif_image_handle_get_luma_bits_per_pixel(s->handle) > 8;
    const enum heif_chroma chroma =
        wide    ? alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE
        : alpha ? heif_chroma_interleaved_RGBA
                : heif_chroma_interleaved_RGB;
    size_t size;
    TRY(imp_decode_check(t, (size_t)heif_image_handle_get_width(s->handle),
                         (size_t)heif_image_handle_get_height(s->handle), err));
    /* The library holds the planes of the file and the colours. */
    TRY(imp_decode_room(t, (size_t)heif_image_handle_get_width(s->handle),
                        (size_t)heif_image_handle_get_height(s->handle), wide ? 12 : 7, err));
    TRY(check(heif_decode_image(s->handle, &s->image, heif_colorspace_RGB, chroma, NULL), t->in,
              err));
    TRY(read_size(s, t, err));
    t->more = heif_context_get_number_of_top_level_images(s->context) > 1;
    TRY(read_colours(s, t, alpha, err));
    const unsigned char *exif = read_exif(s, &size);
    if (exif)
        imp_decode_exif(t, exif, size);
    t->orientation = 0; /* libheif has turned it */
    return read_rows(s, t, wide, err);
}

imp_status imp_heif_decode(imp_decode *t, imp_error *err) {
    heif_state s = {0};
    const imp_status status = decode(&s, t, err);
    release(&s);
    return status;
}

/* We write no HEIF, but other programs convert our files to it. */
imp_status imp_heif_text(char **text, const imp_source *in, imp_error *err) {
    heif_state s = {0};
    size_t size;
    bool memory = false;
    *text = NULL;
    imp_status status = open_primary(&s, in, err);
    const unsigned char *exif = status == IMP_OK ? read_exif(&s, &size) : NULL;
    if (exif)
        *text = imp_exif_text(exif, size, &memory);
    if (memory)
        status = imp_decode_fail(in, "HEIF", true, "", err);
    release(&s);
    return status;
}

#else

imp_status imp_heif_decode(imp_decode *t, imp_error *err) {
    return imp_decode_without(t->in, "HEIF or AVIF", "libheif", err);
}

imp_status imp_heif_text(char **text, const imp_source *in, imp_error *err) {
    *text = NULL;
    return imp_decode_without(in, "HEIF or AVIF", "libheif", err);
}
#endif
