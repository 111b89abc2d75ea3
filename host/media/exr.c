/* SPDX-License-Identifier: MIT
 *
 * OpenEXR by the library's C core: colours R, G, B or luminance Y, perhaps with RY and BY, and A,
 * in scan lines or tiles. The picture is the display window of the first part; light above 1 is cut
 * off. Only this file depends on whether the library is found.
 */
#include "base/error.h"
#include "media/media.h"

#ifdef IMP_EXR
#include <stdlib.h>
#include <string.h>

#include <openexr.h>

enum { RED, GREEN, BLUE, ALPHA, CHANNELS, LUMA = RED, RED_LUMA = GREEN, BLUE_LUMA = BLUE };

typedef struct exr_state {
    const imp_source *in;
    exr_context_t file;
    exr_attr_box2i_t data, shown; /* the windows of the pixels stored, and of the picture */
    exr_decode_pipeline_t pipe;
    bool piped;                  /* pipe is in use */
    const char *names[CHANNELS]; /* of the file's channels; NULL: none */
    bool luma;                   /* the channels are Y, RY, BY instead of R, G, B */
    float *planes[CHANNELS];     /* the chunk's values */
    size_t room;                 /* values in each */
    double weights[3];           /* of red, green and blue in Y */
    bool bright;                 /* light above 1 was cut off */
    char reason[160];
} exr_state;

static void on_error(exr_const_context_t file, exr_result_t code, const char *message) {
    void *user = NULL;
    (void)code;
    if (exr_get_user_data(file, &user) != EXR_ERR_SUCCESS || !user)
        return;
    exr_state *const s = user;
    if (!*s->reason)
        snprintf(s->reason, sizeof s->reason, "%.*s", (int)strcspn(message, "\r\n"), message);
}

static int64_t on_read(exr_const_context_t file, void *user, void *out, uint64_t size,
                       uint64_t offset, exr_stream_error_func_ptr_t fail) {
    const exr_state *const s = user;
    (void)file;
    (void)fail;
    if (offset > s->in->size)
        return -1;
    const size_t left = s->in->size - (size_t)offset, n = size < left ? (size_t)size : left;
    memcpy(out, s->in->bytes + offset, n);
    return (int64_t)n;
}

static int64_t on_size(exr_const_context_t file, void *user) {
    const exr_state *const s = user;
    (void)file;
    return (int64_t)s->in->size;
}

static imp_status check(exr_state *s, exr_result_t code, imp_error *err) {
    if (code == EXR_ERR_SUCCESS)
        return IMP_OK;
    return imp_decode_fail(s->in, "OpenEXR", code == EXR_ERR_OUT_OF_MEMORY,
                           *s->reason ? s->reason : exr_get_default_error_message(code), err);
}

static imp_status refuse(const exr_state *s, const char *why, imp_error *err) {
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "picture '%s': this kind of OpenEXR is not read (%s): convert it to PNG",
                    s->in->path, why);
}

/* ---- Channels -------------------------------------------------------------------------------- */

/* The channel of that name, without a layer or, if there is none, in the first layer that has it.
 */
static const char *find_channel(const exr_attr_chlist_t *list, const char *name) {
    const char *found = NULL;
    for (int i = 0; i < list->num_channels; i++) {
        const char *const full = list->entries[i].name.str, *const dot = strrchr(full, '.');
        if (strcmp(full, name) == 0)
            return full;
        if (!found && dot && strcmp(dot + 1, name) == 0)
            found = full;
    }
    return found;
}

static imp_status find_channels(exr_state *s, imp_error *err) {
    static const char *const names[2][CHANNELS] = {{"R", "G", "B", "A"}, {"Y", "RY", "BY", "A"}};
    const exr_attr_chlist_t *list;
    TRY(check(s, exr_get_channels(s->file, 0, &list), err));
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t c = 0; c < CHANNELS; c++)
            s->names[c] = find_channel(list, names[kind][c]);
        s->luma = kind == 1;
        if (s->names[RED] && (s->luma || (s->names[GREEN] && s->names[BLUE])))
            return IMP_OK;
    }
    return refuse(s, "it has neither the channels R, G, B nor Y", err);
}

static bool is_coloured(const exr_state *s) {
    return !s->luma || (s->names[RED_LUMA] && s->names[BLUE_LUMA]);
}

/* Chromaticities of white, red, green and blue: the file's, or those of BT.709. */
static void read_primaries(exr_state *s, double xy[8]) {
    static const double usual[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
    exr_attr_chromaticities_t c;
    memcpy(xy, usual, sizeof usual);
    s->weights[0] = 0.2126, s->weights[1] = 0.7152, s->weights[2] = 0.0722;
    if (exr_attr_get_chromaticities(s->file, 0, "chromaticities", &c) != EXR_ERR_SUCCESS)
        return;
    const double own[8] = {(double)c.white_x, (double)c.white_y, (double)c.red_x,
                           (double)c.red_y,   (double)c.green_x, (double)c.green_y,
                           (double)c.blue_x,  (double)c.blue_y};
    memcpy(xy, own, sizeof own);
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

static bool make_room(exr_state *s, size_t values) {
    for (size_t c = 0; c < CHANNELS && values > s->room; c++) {
        float *const more = realloc(s->planes[c], values * sizeof *more);
        if (!more)
            return false;
        s->planes[c] = more;
    }
    s->room = values > s->room ? values : s->room;
    return true;
}

/* The channel of the file that plane c takes, or NULL. */
static exr_coding_channel_info_t *channel_of(exr_state *s, size_t c) {
    for (int i = 0; s->names[c] && i < s->pipe.channel_count; i++)
        if (strcmp(s->pipe.channels[i].channel_name, s->names[c]) == 0)
            return &s->pipe.channels[i];
    return NULL;
}

/* Decodes a chunk to the planes. */
static imp_status decode_chunk(exr_state *s, const exr_chunk_info_t *chunk, imp_error *err) {
    TRY(check(s,
              s->piped ? exr_decoding_update(s->file, 0, chunk, &s->pipe)
                       : exr_decoding_initialize(s->file, 0, chunk, &s->pipe),
              err));
    if (!make_room(s, (size_t)chunk->width * (size_t)chunk->height))
        return imp_decode_fail(s->in, "OpenEXR", true, "", err);
    for (int i = 0; i < s->pipe.channel_count; i++)
        s->pipe.channels[i].decode_to_ptr = NULL;
    for (size_t c = 0; c < CHANNELS; c++) {
        exr_coding_channel_info_t *const channel = channel_of(s, c);
        if (!channel)
            continue;
        channel->decode_to_ptr = (uint8_t *)s->planes[c];
        channel->user_data_type = EXR_PIXEL_FLOAT;
        channel->user_bytes_per_element = sizeof(float);
        channel->user_pixel_stride = sizeof(float);
        channel->user_line_stride = channel->width * (int32_t)sizeof(float);
    }
    if (!s->piped)
        TRY(check(s, exr_decoding_choose_default_routines(s->file, 0, &s->pipe), err));
    s->piped = true;
    return check(s, exr_decoding_run(s->file, 0, &s->pipe), err);
}

/* The value of plane c at a place of the chunk; `otherwise` where the file has no such channel. */
static float value_at(exr_state *s, size_t c, size_t x, size_t y, float otherwise) {
    const exr_coding_channel_info_t *const channel = channel_of(s, c);
    if (!channel || channel->width <= 0 || channel->height <= 0)
        return otherwise;
    const size_t width = (size_t)channel->width, height = (size_t)channel->height;
    const size_t column = x / (size_t)channel->x_samples, row = y / (size_t)channel->y_samples;
    return s->planes[c][(row < height ? row : height - 1) * width +
                        (column < width ? column : width - 1)];
}

/* R = (RY + 1) Y, B = (BY + 1) Y, and G from Y. */
static void from_luma(const exr_state *s, float *p) {
    const double y = (double)p[LUMA], r = ((double)p[RED_LUMA] + 1) * y;
    const double b = ((double)p[BLUE_LUMA] + 1) * y;
    p[0] = (float)r;
    p[1] = (float)((y - s->weights[0] * r - s->weights[2] * b) / s->weights[1]);
    p[2] = (float)b;
}

/* Colours are multiplied by alpha in the file. */
static void put_pixel(exr_state *s, imp_decode *t, float *p, size_t x, size_t y) {
    const float a = t->alpha ? value_at(s, ALPHA, x, y, 1) : 1;
    for (size_t c = 0; c < t->colours; c++)
        p[c] = value_at(s, c, x, y, 0);
    if (s->luma && t->colours == 3)
        from_luma(s, p);
    for (size_t c = 0; c < t->colours; c++) {
        p[c] = a > 0 ? p[c] / a : p[c];
        s->bright |= p[c] > 1.001F;
        p[c] = p[c] > 0 ? p[c] < 1 ? p[c] : 1 : 0; /* NaN becomes 0, too */
    }
    if (t->alpha)
        p[t->colours] = a;
}

/* Puts the part of a chunk that lies in the picture; x and y: where the chunk begins there. */
static void put_chunk(exr_state *s, imp_decode *t, const exr_chunk_info_t *chunk, int64_t x,
                      int64_t y) {
    const int64_t width = (int64_t)t->width, height = (int64_t)t->height;
    const int64_t first = x > 0 ? x : 0;
    const int64_t end = x + chunk->width < width ? x + chunk->width : width;
    for (int64_t row = y > 0 ? y : 0; row < y + chunk->height && row < height && first < end;
         row++) {
        for (int64_t i = first; i < end; i++)
            put_pixel(s, t, t->samples + (size_t)(i - first) * (t->colours + t->alpha),
                      (size_t)(i - x), (size_t)(row - y));
        imp_decode_pixels(t, (size_t)row, (size_t)first, 1, (size_t)(end - first));
    }
}

static imp_status read_lines(exr_state *s, imp_decode *t, imp_error *err) {
    int32_t lines = 1;
    TRY(check(s, exr_get_scanlines_per_chunk(s->file, 0, &lines), err));
    for (int64_t y = s->data.min.y; y <= s->data.max.y; y += lines > 0 ? lines : 1) {
        exr_chunk_info_t chunk;
        TRY(check(s, exr_read_scanline_chunk_info(s->file, 0, (int)y, &chunk), err));
        TRY(decode_chunk(s, &chunk, err));
        put_chunk(s, t, &chunk, (int64_t)s->data.min.x - s->shown.min.x, y - s->shown.min.y);
    }
    return IMP_OK;
}

/* Of several resolutions the first is the picture. */
static imp_status read_tiles(exr_state *s, imp_decode *t, imp_error *err) {
    uint32_t w = 0, h = 0;
    exr_tile_level_mode_t levels;
    exr_tile_round_mode_t rounding;
    TRY(check(s, exr_get_tile_descriptor(s->file, 0, &w, &h, &levels, &rounding), err));
    if (w == 0 || h == 0)
        return imp_decode_fail(s->in, "OpenEXR", false, "its tiles make no sense", err);
    const int64_t width = (int64_t)s->data.max.x - s->data.min.x + 1;
    const int64_t height = (int64_t)s->data.max.y - s->data.min.y + 1;
    for (int64_t y = 0; y < height; y += h)
        for (int64_t x = 0; x < width; x += w) {
            exr_chunk_info_t chunk;
            TRY(check(
                s, exr_read_tile_chunk_info(s->file, 0, (int)(x / w), (int)(y / h), 0, 0, &chunk),
                err));
            TRY(decode_chunk(s, &chunk, err));
            put_chunk(s, t, &chunk, x + s->data.min.x - s->shown.min.x,
                      y + s->data.min.y - s->shown.min.y);
        }
    return IMP_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* What lies outside of the pixels stored is transparent. */
static void clear_rows(imp_decode *t) {
    memset(t->samples, 0, t->width * (t->colours + t->alpha) * sizeof *t->samples);
    for (size_t y = 0; y < t->height; y++)
        imp_decode_row(t, y);
}

static imp_status decode(exr_state *s, imp_decode *t, imp_error *err) {
    exr_context_initializer_t how = EXR_DEFAULT_CONTEXT_INITIALIZER;
    exr_storage_t storage;
    int parts = 1;
    double xy[8];
    how.user_data = s;
    how.read_fn = on_read;
    how.size_fn = on_size;
    how.error_handler_fn = on_error;
    TRY(check(s, exr_start_read(&s->file, "file", &how), err));
    TRY(check(s, exr_get_count(s->file, &parts), err));
    TRY(check(s, exr_get_storage(s->file, 0, &storage), err));
    if (storage != EXR_STORAGE_SCANLINE && storage != EXR_STORAGE_TILED)
        return refuse(s, "it has a depth for each sample", err);
    TRY(find_channels(s, err));
    TRY(check(s, exr_get_data_window(s->file, 0, &s->data), err));
    TRY(check(s, exr_get_display_window(s->file, 0, &s->shown), err));
    const int64_t width = (int64_t)s->shown.max.x - s->shown.min.x + 1;
    const int64_t height = (int64_t)s->shown.max.y - s->shown.min.y + 1;
    TRY(imp_decode_size(t, width > 0 ? (size_t)width : 0, height > 0 ? (size_t)height : 0, err));
    const bool covered = s->data.min.x <= s->shown.min.x && s->data.max.x >= s->shown.max.x &&
                         s->data.min.y <= s->shown.min.y && s->data.max.y >= s->shown.max.y;
    read_primaries(s, xy);
    TRY(imp_decode_colours(t, is_coloured(s) ? 3 : 1, s->names[ALPHA] || !covered, NULL, 0, err));
    TRY(imp_decode_primaries(t, xy, 1, err));
    t->more = parts > 1;
    if (!covered && t->by == 1)
        clear_rows(t);
    TRY(storage == EXR_STORAGE_TILED ? read_tiles(s, t, err) : read_lines(s, t, err));
    if (s->bright)
        imp_decode_note(t, "has light brighter than white, which is cut off");
    return IMP_OK;
}

imp_status imp_exr_decode(imp_decode *t, imp_error *err) {
    exr_state s = {.in = t->in, .pipe = EXR_DECODE_PIPELINE_INITIALIZER};
    const imp_status status = decode(&s, t, err);
    if (s.piped)
        exr_decoding_destroy(s.file, &s.pipe);
    if (s.file)
        exr_finish(&s.file);
    for (size_t c = 0; c < CHANNELS; c++)
        free(s.planes[c]);
    return status;
}

#else

imp_status imp_exr_decode(imp_decode *t, imp_error *err) {
    return imp_decode_without(t->in, "OpenEXR", "OpenEXR", err);
}
#endif
