/* SPDX-License-Identifier: MIT
 *
 * BMP, of Windows and OS/2: 1 to 32 bits, palettes, masks, run lengths, the profile of version 5.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/bytes.h"
#include "media/media.h"

enum { FILE_HEADER = 14, CORE = 12, INFO = 40, V3 = 56, V5 = 124 };
enum { PLAIN = 0, RLE8 = 1, RLE4 = 2, MASKS = 3, JPEG_INSIDE = 4, PNG_INSIDE = 5, ALL_MASKS = 6 };

typedef struct bmp {
    const imp_source *in;
    size_t header; /* bytes of the second header */
    size_t width, height;
    bool down; /* rows from the top */
    unsigned bits, compression;
    uint32_t mask[4]; /* red, green, blue, alpha; 0: none */
    size_t pixels;    /* where they begin */
    const unsigned char *palette;
    size_t entries, entry; /* of the palette, and bytes of each */
} bmp;

static imp_status damaged(const bmp *b, const char *why, imp_error *err) {
    return imp_decode_fail(b->in, "BMP", false, why, err);
}

static imp_status refuse(const bmp *b, const char *why, imp_error *err) {
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "picture '%s': this kind of BMP is not read (%s): convert it to PNG",
                    b->in->path, why);
}

/* ---- Headers --------------------------------------------------------------------------------- */

static void read_core(bmp *b, const unsigned char *p) {
    b->width = imp_le16(p + 4);
    b->height = imp_le16(p + 6);
    b->bits = imp_le16(p + 10);
    b->entry = 3;
}

static void read_info(bmp *b, const unsigned char *p) {
    const int64_t width = (int32_t)imp_le32(p + 4), height = (int32_t)imp_le32(p + 8);
    b->width = width > 0 ? (size_t)width : 0;
    b->height = (size_t)(height < 0 ? -height : height);
    b->down = height < 0;
    b->bits = imp_le16(p + 14);
    b->compression = b->header >= INFO ? imp_le32(p + 16) : PLAIN;
    b->entries = b->header >= INFO ? imp_le32(p + 32) : 0;
    b->entry = 4;
}

/* Masks lie in the header from its second version on, else behind it. Without masks 16 bits are
 * 5-5-5, and of 32 bits 8 are unused. */
static void read_masks(bmp *b) {
    static const uint32_t usual[2][4] = {{0x7C00, 0x3E0, 0x1F, 0}, {0xFF0000, 0xFF00, 0xFF, 0}};
    memcpy(b->mask, usual[b->bits == 32], sizeof b->mask);
    if (b->compression != MASKS && b->compression != ALL_MASKS)
        return;
    const size_t count = b->header >= V3 || b->compression == ALL_MASKS ? 4 : 3;
    const size_t at = FILE_HEADER + INFO;
    for (size_t i = 0; i < count && at + 4 * i + 4 <= b->in->size; i++)
        b->mask[i] = imp_le32(b->in->bytes + at + 4 * i);
}

static void read_palette(bmp *b) {
    const size_t masks = b->header > INFO              ? 0
                         : b->compression == MASKS     ? 12
                         : b->compression == ALL_MASKS ? 16
                                                       : 0;
    const size_t at = FILE_HEADER + b->header + masks;
    const size_t end = b->pixels > at && b->pixels <= b->in->size ? b->pixels : b->in->size;
    const size_t most = b->bits <= 8 ? (size_t)1 << b->bits : 0;
    const size_t room = end > at ? (end - at) / b->entry : 0;
    b->entries = b->entries == 0 || b->entries > most ? most : b->entries;
    b->entries = b->entries < room ? b->entries : room;
    b->palette = b->in->bytes + at;
}

static imp_status read_headers(bmp *b, imp_error *err) {
    const unsigned char *const p = b->in->bytes + FILE_HEADER;
    if (b->in->size < FILE_HEADER + CORE)
        return damaged(b, "it ends in its header", err);
    b->header = imp_le32(p);
    b->pixels = imp_le32(b->in->bytes + 10);
    if (b->header < CORE || b->header > b->in->size - FILE_HEADER || b->pixels >= b->in->size)
        return damaged(b, "its header makes no sense", err);
    if (b->header < 16)
        read_core(b, p);
    else
        read_info(b, p);
    const bool runs =
        (b->compression == RLE8 && b->bits == 8) || (b->compression == RLE4 && b->bits == 4);
    const bool masks = (b->compression == MASKS || b->compression == ALL_MASKS) &&
                       (b->bits == 16 || b->bits == 32);
    if (b->compression == JPEG_INSIDE || b->compression == PNG_INSIDE)
        return refuse(b, b->compression == PNG_INSIDE ? "a PNG is in it" : "a JPEG is in it", err);
    if (b->compression != PLAIN && !runs && !masks)
        return refuse(b, "its compression is unknown", err);
    if (!strchr("\1\2\4\10\20\30\40", (int)(b->bits & 0x7F)) || b->bits == 0 || b->bits > 32)
        return damaged(b, "its depth makes no sense", err);
    read_masks(b);
    read_palette(b);
    return b->bits > 8 || b->entries > 0 ? IMP_OK : damaged(b, "its palette is missing", err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void put_index(imp_decode *t, size_t x, size_t index, const bmp *b) {
    static const unsigned char black[4] = {0};
    const unsigned char *const p = index < b->entries ? b->palette + index * b->entry : black;
    for (size_t c = 0; c < 3; c++)
        t->samples[3 * x + c] = (float)p[2 - c] / 255;
}

/* The bits of a mask as a fraction of its largest value; 1 where there is no mask. */
static float masked(uint32_t v, uint32_t mask) {
    const uint32_t low = mask & (~mask + 1);
    return mask ? (float)((double)((v & mask) / low) / (double)(mask / low)) : 1;
}

static void put_masked(imp_decode *t, size_t x, uint32_t v, const bmp *b) {
    const size_t samples = 3 + t->alpha;
    for (size_t c = 0; c < samples; c++)
        t->samples[samples * x + c] = c < 3 && !b->mask[c] ? 0 : masked(v, b->mask[c]);
}

static void put_row(imp_decode *t, const unsigned char *row, const bmp *b) {
    for (size_t x = 0; x < b->width; x++)
        if (b->bits <= 8)
            put_index(t, x, imp_bits_at(row, x, b->bits), b);
        else if (b->bits == 24)
            for (size_t c = 0; c < 3; c++)
                t->samples[3 * x + c] = (float)row[3 * x + 2 - c] / 255;
        else
            put_masked(t, x, b->bits == 16 ? imp_le16(row + 2 * x) : imp_le32(row + 4 * x), b);
}

static imp_status read_plain(imp_decode *t, const bmp *b, imp_error *err) {
    const size_t row = (b->width * b->bits + 31) / 32 * 4, left = b->in->size - b->pixels;
    for (size_t i = 0; i < b->height; i++) {
        /* the padding of the last row may be missing */
        if (i * row + (b->width * b->bits + 7) / 8 > left)
            return b->down && imp_decode_missing(t, i) ? IMP_OK
                                                       : damaged(b, "it ends too early", err);
        put_row(t, b->in->bytes + b->pixels + i * row, b);
        imp_decode_row(t, b->down ? i : b->height - 1 - i);
    }
    return IMP_OK;
}

/* ---- Run lengths ----------------------------------------------------------------------------- */

/* The state of reading: what the file does not mention keeps index 0. */
typedef struct runs {
    const bmp *b;
    imp_decode *t;
    const unsigned char *at, *end;
    size_t x, row; /* row: counted from the bottom */
} runs;

static void clear_row(runs *r) {
    for (size_t x = 0; x < r->b->width; x++)
        put_index(r->t, x, 0, r->b);
}

/* Passes on the current row and begins the next. */
static void end_row(runs *r) {
    if (r->row < r->b->height)
        imp_decode_row(r->t, r->b->down ? r->row : r->b->height - 1 - r->row);
    r->row++;
    clear_row(r);
}

static void put_run(runs *r, size_t index) {
    if (r->x < r->b->width)
        put_index(r->t, r->x, index, r->b);
    r->x++;
}

/* `count` literal pixels, padded to 16 bits. */
static bool take_literals(runs *r, size_t count) {
    const unsigned bits = r->b->bits;
    const size_t bytes = (count * bits + 15) / 16 * 2;
    if ((size_t)(r->end - r->at) < bytes)
        return false;
    for (size_t i = 0; i < count; i++)
        put_run(r, imp_bits_at(r->at, i, bits));
    r->at += bytes;
    return true;
}

static bool take_step(runs *r) {
    if (r->end - r->at < 2)
        return false;
    const size_t right = r->at[0];
    for (size_t down = r->at[1]; down > 0 && r->row < r->b->height; down--)
        end_row(r);
    r->x += right;
    r->at += 2;
    return true;
}

/* Carries out one instruction. False: the data end without an end mark. */
static bool take_runs(runs *r, bool *done) {
    if (r->end - r->at < 2)
        return false;
    const size_t count = r->at[0], value = r->at[1];
    r->at += 2;
    for (size_t i = 0; i < count; i++)
        put_run(r, r->b->bits == 8 ? value : i % 2 ? value & 15 : value >> 4);
    if (count > 0)
        return true;
    if (value > 2)
        return take_literals(r, value);
    if (value == 2)
        return take_step(r);
    *done = value == 1;
    if (value == 0) {
        end_row(r);
        r->x = 0;
    }
    return true;
}

static imp_status read_runs(imp_decode *t, const bmp *b, imp_error *err) {
    runs r = {.b = b, .t = t, .at = b->in->bytes + b->pixels, .end = b->in->bytes + b->in->size};
    bool done = false;
    clear_row(&r);
    while (!done && r.row < b->height)
        if (!take_runs(&r, &done))
            return damaged(b, "it ends too early", err);
    while (r.row < b->height)
        end_row(&r);
    return IMP_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* The profile of version 5, if it lies in the file. */
static const unsigned char *profile_of(const bmp *b, size_t *size) {
    enum { EMBEDDED = 0x4D424544 }; /* "MBED" */
    const unsigned char *const p = b->in->bytes + FILE_HEADER;
    *size = 0;
    if (b->header < V5 || imp_le32(p + 56) != EMBEDDED)
        return NULL;
    const size_t at = imp_le32(p + 112), bytes = imp_le32(p + 116);
    if (at > b->in->size - FILE_HEADER || bytes > b->in->size - FILE_HEADER - at)
        return NULL;
    *size = bytes;
    return p + at;
}

imp_status imp_bmp_decode(imp_decode *t, imp_error *err) {
    bmp b = {.in = t->in};
    size_t size;
    TRY(read_headers(&b, err));
    const unsigned char *const profile = profile_of(&b, &size);
    const bool alpha = b.bits > 8 && b.bits != 24 && b.mask[3];
    TRY(imp_decode_size(t, b.width, b.height, err));
    TRY(imp_decode_colours(t, 3, alpha, profile, size, err));
    return b.compression == RLE8 || b.compression == RLE4 ? read_runs(t, &b, err)
                                                          : read_plain(t, &b, err);
}
