/* SPDX-License-Identifier: MIT
 *
 * TGA (Truevision's Targa): palettes, grey and colours, plain or by run lengths. Only newer files
 * have a signature, at their end; older ones are recognised by a header that makes sense.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/bytes.h"
#include "media/media.h"

enum { HEADER = 18, FOOTER = 26, EXTENSION = 495, RUNS = 8, PALETTE = 1, COLOURS = 2, GREY = 3 };

typedef struct tga {
    const unsigned char *bytes;
    size_t size, at;                             /* at: bytes that were read */
    unsigned kind;                               /* PALETTE, COLOURS or GREY */
    bool runs, alpha, premultiplied, left, down; /* left: columns from the right */
    size_t width, height, first, entries;        /* of the palette */
    unsigned bits, entry_bits;
    const unsigned char *palette;
    /* Of run lengths: pixels to go, and the one that is repeated (NULL: none is). */
    size_t to_go;
    const unsigned char *repeated;
} tga;

/* ---- Header ---------------------------------------------------------------------------------- */

static bool is_depth(unsigned bits) {
    return bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

static bool has_footer(const imp_source *in) {
    return in->size >= HEADER + FOOTER &&
           memcmp(in->bytes + in->size - 18, "TRUEVISION-XFILE.", 18) == 0;
}

/* What the file says of its alpha in the area that newer files may have: 0..4; 5: nothing. */
static unsigned kind_of_alpha(const imp_source *in) {
    if (!has_footer(in))
        return 5;
    const size_t at = imp_le32(in->bytes + in->size - FOOTER);
    return at >= HEADER && at < in->size && in->size - at > EXTENSION ? in->bytes[at + 494] : 5;
}

/* False: the header makes no sense. */
static bool read_header(tga *g, const imp_source *in) {
    const unsigned char *const p = in->bytes;
    if (in->size < HEADER || p[1] > 1)
        return false;
    *g = (tga){.bytes = p, .size = in->size, .kind = p[2] & ~(unsigned)RUNS, .runs = p[2] & RUNS};
    g->first = imp_le16(p + 3);
    g->entries = p[1] ? imp_le16(p + 5) : 0;
    g->entry_bits = p[7];
    g->width = imp_le16(p + 12);
    g->height = imp_le16(p + 14);
    g->bits = p[16];
    g->left = p[17] & 0x10;
    g->down = p[17] & 0x20;
    const size_t entry = ((size_t)g->entry_bits + 7) / 8;
    g->at = HEADER + p[0];
    g->palette = p + g->at;
    g->at += g->entries * entry;
    const bool fits = g->kind == PALETTE   ? g->entries > 0 && (g->bits == 8 || g->bits == 16)
                      : g->kind == COLOURS ? is_depth(g->bits)
                      : g->kind == GREY    ? g->bits == 8 || g->bits == 16
                                           : false;
    const unsigned said = kind_of_alpha(in), own = p[17] & 15;
    const unsigned bits = g->kind == PALETTE ? g->entry_bits : g->bits;
    g->alpha = said == 3 || said == 4 || (said == 5 && own == 8);
    g->alpha &= bits == 32 || (g->kind == GREY && bits == 16);
    g->premultiplied = said == 4;
    return fits && p[2] <= 11 && (g->entries == 0 || is_depth(g->entry_bits)) && g->width > 0 &&
           g->height > 0 && (p[17] & 0xC0) == 0 && g->at < g->size;
}

bool imp_tga_is(const imp_source *in) {
    tga g;
    if (!read_header(&g, in))
        return false;
    const double whole = (double)g.width * (double)g.height * (double)((g.bits + 7) / 8);
    return has_footer(in) || g.runs || (double)(g.size - g.at) >= whole * 7 / 8;
}

/* ---- Pixels ---------------------------------------------------------------------------------- */

/* The next pixel's bytes, or NULL at the end of the file. */
static const unsigned char *take_plain(tga *g) {
    const size_t bytes = (g->bits + 7) / 8;
    if (bytes > g->size - g->at)
        return NULL;
    g->at += bytes;
    return g->bytes + g->at - bytes;
}

static const unsigned char *take_pixel(tga *g) {
    if (!g->runs)
        return take_plain(g);
    if (g->to_go == 0) {
        if (g->at >= g->size)
            return NULL;
        const unsigned char packet = g->bytes[g->at++];
        g->to_go = (packet & 127) + 1U;
        g->repeated = packet & 128 ? take_plain(g) : NULL;
        if (packet & 128 && !g->repeated)
            return NULL;
    }
    g->to_go--;
    return g->repeated ? g->repeated : take_plain(g);
}

/* Writes colours, and alpha where the picture has it, from a pixel of that depth. */
static void put_colour(float *out, const unsigned char *p, unsigned bits, bool alpha) {
    if (bits <= 16) {
        const unsigned v = imp_le16(p);
        for (unsigned c = 0; c < 3; c++)
            out[c] = (float)(v >> (10 - 5 * c) & 31) / 31;
        return;
    }
    for (size_t c = 0; c < 3; c++)
        out[c] = (float)p[2 - c] / 255;
    if (alpha)
        out[3] = (float)p[3] / 255;
}

/* False: the palette has no such entry. */
static bool put_pixel(float *out, const tga *g, const unsigned char *p) {
    if (g->kind == GREY) {
        out[0] = (float)p[0] / 255;
        if (g->alpha)
            out[1] = (float)p[1] / 255;
        return true;
    }
    if (g->kind == COLOURS) {
        put_colour(out, p, g->bits, g->alpha);
        return true;
    }
    const size_t index = g->bits == 8 ? p[0] : imp_le16(p);
    if (index < g->first || index - g->first >= g->entries)
        return false;
    put_colour(out, g->palette + (index - g->first) * ((g->entry_bits + 7) / 8), g->entry_bits,
               g->alpha);
    return true;
}

static void divide_alpha(imp_decode *t) {
    const size_t n = t->colours + 1U;
    for (float *p = t->samples; p < t->samples + n * t->width; p += n)
        for (size_t c = 0; c < t->colours && p[n - 1] > 0; c++)
            p[c] /= p[n - 1];
}

static bool read_row(tga *g, imp_decode *t) {
    for (size_t x = 0; x < g->width; x++) {
        const size_t column = g->left ? g->width - 1 - x : x;
        const unsigned char *const p = take_pixel(g);
        if (!p || !put_pixel(t->samples + column * (t->colours + t->alpha), g, p))
            return false;
    }
    if (g->premultiplied && t->alpha)
        divide_alpha(t);
    return true;
}

imp_status imp_tga_decode(imp_decode *t, imp_error *err) {
    tga g;
    if (!read_header(&g, t->in))
        return imp_decode_fail(t->in, "TGA", false, "its header makes no sense", err);
    TRY(imp_decode_size(t, g.width, g.height, err));
    TRY(imp_decode_colours(t, g.kind == GREY ? 1 : 3, g.alpha, NULL, 0, err));
    for (size_t y = 0; y < g.height; y++) {
        if (!read_row(&g, t))
            return imp_decode_fail(
                t->in, "TGA", false,
                g.at >= g.size ? "it ends too early" : "its palette lacks a colour", err);
        imp_decode_row(t, g.down ? y : g.height - 1 - y);
    }
    return IMP_OK;
}
