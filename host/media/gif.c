/* SPDX-License-Identifier: MIT
 *
 * GIF by giflib: the first frame on its canvas, which is transparent elsewhere. Only this file
 * depends on whether the library is found.
 */
#include "base/error.h"
#include "media/media.h"

#ifdef IMP_GIF
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

typedef struct gif_state {
    const imp_source *in;
    size_t at; /* bytes that were read */
    GifFileType *gif;
    GifPixelType *row;
    int transparent; /* an index, or NO_TRANSPARENT_COLOR */
} gif_state;

static int on_read(GifFileType *gif, GifByteType *out, int size) {
    gif_state *const s = gif->UserData;
    const size_t left = s->in->size - s->at, n = (size_t)size < left ? (size_t)size : left;
    memcpy(out, s->in->bytes + s->at, n);
    s->at += n;
    return (int)n;
}

static imp_status damaged(const gif_state *s, int code, imp_error *err) {
    const char *const why = GifErrorString(code);
    return imp_decode_fail(s->in, "GIF", code == D_GIF_ERR_NOT_ENOUGH_MEM,
                           why ? why : "no reason given", err);
}

/* Reads an extension, of which only the transparent colour counts. */
static bool read_extension(gif_state *s) {
    int code;
    GifByteType *block;
    GraphicsControlBlock control;
    if (DGifGetExtension(s->gif, &code, &block) == GIF_ERROR)
        return false;
    while (block) {
        if (code == GRAPHICS_EXT_FUNC_CODE &&
            DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
            s->transparent = control.TransparentColor;
        if (DGifGetExtensionNext(s->gif, &block) == GIF_ERROR)
            return false;
    }
    return true;
}

/* Goes to the next frame. *found: whether there is one. */
static bool find_frame(gif_state *s, bool *found) {
    GifRecordType kind;
    *found = false;
    for (;;) {
        if (DGifGetRecordType(s->gif, &kind) == GIF_ERROR)
            return false;
        if (kind == EXTENSION_RECORD_TYPE && !read_extension(s))
            return false;
        *found = kind == IMAGE_DESC_RECORD_TYPE;
        if (*found || kind == TERMINATE_RECORD_TYPE)
            return true;
    }
}

/* Row y of the canvas; its part of the frame is in s->row, or NULL: none is. */
static void put_row(const gif_state *s, imp_decode *t, size_t y, const GifPixelType *row) {
    const GifImageDesc *const frame = &s->gif->Image;
    const ColorMapObject *const map = frame->ColorMap ? frame->ColorMap : s->gif->SColorMap;
    const size_t left = (size_t)frame->Left, samples = 3 + t->alpha;
    memset(t->samples, 0, samples * t->width * sizeof *t->samples);
    for (size_t x = 0; row && x < (size_t)frame->Width; x++) {
        float *const p = t->samples + samples * (left + x);
        if (row[x] < map->ColorCount) {
            p[0] = (float)map->Colors[row[x]].Red / 255;
            p[1] = (float)map->Colors[row[x]].Green / 255;
            p[2] = (float)map->Colors[row[x]].Blue / 255;
        }
        if (t->alpha)
            p[3] = row[x] != s->transparent;
    }
    imp_decode_row(t, y);
}

static imp_status read_rows(gif_state *s, imp_decode *t, imp_error *err) {
    static const size_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const GifImageDesc *const frame = &s->gif->Image;
    const size_t top = (size_t)frame->Top, height = (size_t)frame->Height;
    for (size_t y = 0; y < t->height; y++)
        if (y < top || y >= top + height)
            put_row(s, t, y, NULL);
    for (size_t pass = frame->Interlace ? 0 : 4; pass <= (frame->Interlace ? 3 : 4); pass++)
        for (size_t y = pass < 4 ? starts[pass] : 0; y < height; y += pass < 4 ? steps[pass] : 1) {
            if (DGifGetLine(s->gif, s->row, frame->Width) == GIF_OK)
                put_row(s, t, top + y, s->row);
            else if (pass == 4 && top + height == t->height && s->at >= s->in->size &&
                     imp_decode_missing(t, top + y))
                return IMP_OK;
            else
                return damaged(s, s->gif->Error, err);
        }
    return IMP_OK;
}

/* The canvas, or where it is too small what holds the frame: browsers enlarge it, too. */
static imp_status read_size(const gif_state *s, imp_decode *t, imp_error *err) {
    const GifImageDesc *const frame = &s->gif->Image;
    const size_t right = (size_t)frame->Left + (size_t)frame->Width;
    const size_t below = (size_t)frame->Top + (size_t)frame->Height;
    const size_t width = (size_t)s->gif->SWidth, height = (size_t)s->gif->SHeight;
    return imp_decode_size(t, width > right ? width : right, height > below ? height : below, err);
}

static imp_status decode(gif_state *s, imp_decode *t, imp_error *err) {
    bool found;
    if (!find_frame(s, &found) || (found && DGifGetImageDesc(s->gif) == GIF_ERROR))
        return damaged(s, s->gif->Error, err);
    if (!found)
        return imp_decode_fail(t->in, "GIF", false, "it has no picture", err);
    const GifImageDesc *const frame = &s->gif->Image;
    if (!frame->ColorMap && !s->gif->SColorMap)
        return imp_decode_fail(t->in, "GIF", false, "its palette is missing", err);
    if (frame->Left < 0 || frame->Top < 0 || frame->Width <= 0 || frame->Height <= 0)
        return imp_decode_fail(t->in, "GIF", false, "its header makes no sense", err);
    TRY(read_size(s, t, err));
    const bool whole = (size_t)frame->Width == t->width && (size_t)frame->Height == t->height;
    TRY(imp_decode_colours(t, 3, !whole || s->transparent != NO_TRANSPARENT_COLOR, NULL, 0, err));
    s->row = malloc((size_t)frame->Width);
    if (!s->row)
        return imp_decode_fail(t->in, "GIF", true, "", err);
    TRY(read_rows(s, t, err));
    t->more = find_frame(s, &found) && found;
    return IMP_OK;
}

imp_status imp_gif_decode(imp_decode *t, imp_error *err) {
    gif_state s = {.in = t->in, .transparent = NO_TRANSPARENT_COLOR};
    int code = 0;
    s.gif = DGifOpen(&s, on_read, &code);
    if (!s.gif)
        return damaged(&s, code, err);
    const imp_status status = decode(&s, t, err);
    DGifCloseFile(s.gif, &code);
    free(s.row);
    return status;
}

#else

imp_status imp_gif_decode(imp_decode *t, imp_error *err) {
    return imp_decode_without(t->in, "GIF", "giflib", err);
}
#endif
