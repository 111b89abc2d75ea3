/* SPDX-License-Identifier: MIT
 *
 * Netpbm's formats: PBM, PGM and PPM, as text or binary, and PAM. Their colours are taken as sRGB,
 * as all programs do.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/bytes.h"
#include "media/media.h"

typedef struct pnm {
    const imp_source *in;
    size_t at; /* bytes that were read */
    bool text, bitmap;
    size_t width, height, most, depth;
    bool alpha;
} pnm;

static imp_status damaged(const pnm *p, const char *why, imp_error *err) {
    return imp_decode_fail(p->in, "PNM", false, why, err);
}

/* ---- Header ---------------------------------------------------------------------------------- */

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next byte, or -1. */
static int peek(const pnm *p) {
    return p->at < p->in->size ? p->in->bytes[p->at] : -1;
}

static void skip_space(pnm *p) {
    while (is_space(peek(p)) || peek(p) == '#') {
        if (peek(p) == '#')
            while (peek(p) >= 0 && peek(p) != '\n')
                p->at++;
        else
            p->at++;
    }
}

/* A decimal number of at most 2^31 after white space and comments. */
static bool read_number(pnm *p, size_t *out) {
    size_t digits = 0;
    skip_space(p);
    *out = 0;
    for (int c; (c = peek(p)) >= '0' && c <= '9' && *out < ((size_t)1 << 31); digits++, p->at++)
        *out = 10 * *out + (size_t)(c - '0');
    return digits > 0 && *out < ((size_t)1 << 31);
}

/* A word of PAM's header. */
static void read_word(pnm *p, char *word, size_t room) {
    size_t n = 0;
    for (int c; (c = peek(p)) >= 0 && !is_space(c); p->at++)
        if (n + 1 < room)
            word[n++] = (char)c;
    word[n] = '\0';
}

static imp_status read_pam(pnm *p, imp_error *err) {
    char word[32], kind[32] = "";
    for (;;) {
        skip_space(p);
        read_word(p, word, sizeof word);
        size_t *const number = strcmp(word, "WIDTH") == 0    ? &p->width
                               : strcmp(word, "HEIGHT") == 0 ? &p->height
                               : strcmp(word, "DEPTH") == 0  ? &p->depth
                               : strcmp(word, "MAXVAL") == 0 ? &p->most
                                                             : NULL;
        if (strcmp(word, "ENDHDR") == 0)
            break;
        if (strcmp(word, "TUPLTYPE") == 0) {
            skip_space(p);
            read_word(p, kind, sizeof kind);
        } else if (!number || !read_number(p, number)) {
            return damaged(p, "its header makes no sense", err);
        }
    }
    p->at++; /* the end of the line */
    p->alpha = strstr(kind, "_ALPHA") || (!*kind && (p->depth == 2 || p->depth == 4));
    if (p->depth < 1 || p->depth > 4 || p->depth == (p->alpha ? 1 : 2) ||
        p->depth == (p->alpha ? 3 : 4))
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': this kind of PAM is not read (%zu samples a pixel): convert "
                        "it to PNG",
                        p->in->path, p->depth);
    return IMP_OK;
}

static imp_status read_header(pnm *p, imp_error *err) {
    const unsigned char kind = p->in->bytes[1];
    p->at = 2;
    p->most = 1;
    if (kind == '7') {
        TRY(read_pam(p, err));
    } else {
        p->text = kind <= '3';
        p->bitmap = kind == '1' || kind == '4';
        p->depth = kind == '3' || kind == '6' ? 3 : 1;
        if (!read_number(p, &p->width) || !read_number(p, &p->height) ||
            (!p->bitmap && !read_number(p, &p->most)))
            return damaged(p, "its header makes no sense", err);
        p->at += !p->text; /* one byte of white space */
    }
    return p->most > 0 && p->most < 65536 ? IMP_OK
                                          : damaged(p, "its largest value makes no sense", err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* In PBM 1 is black, and as text its digits need no space between them. */
static bool read_text_row(pnm *p, imp_decode *t) {
    for (size_t i = 0; i < p->width * p->depth; i++) {
        size_t v;
        if (p->bitmap) {
            skip_space(p);
            if (peek(p) != '0' && peek(p) != '1')
                return false;
            v = p->in->bytes[p->at++] == '0';
        } else if (!read_number(p, &v)) {
            return false;
        }
        t->samples[i] = (float)v / (float)p->most;
    }
    return true;
}

static bool read_row(pnm *p, imp_decode *t) {
    const size_t n = p->width * p->depth, wide = p->most > 255;
    const size_t bytes = p->bitmap ? (n + 7) / 8 : n << wide;
    if (p->text)
        return read_text_row(p, t);
    if (p->at > p->in->size || bytes > p->in->size - p->at)
        return false;
    const unsigned char *const row = p->in->bytes + p->at;
    for (size_t i = 0; i < n; i++)
        t->samples[i] = p->bitmap ? (float)!imp_bits_at(row, i, 1)
                        : wide    ? (float)imp_be16(row + 2 * i) / (float)p->most
                                  : (float)row[i] / (float)p->most;
    p->at += bytes;
    return true;
}

imp_status imp_pnm_decode(imp_decode *t, imp_error *err) {
    pnm p = {.in = t->in};
    TRY(read_header(&p, err));
    TRY(imp_decode_size(t, p.width, p.height, err));
    TRY(imp_decode_colours(t, p.depth < 3 ? 1 : 3, p.alpha, NULL, 0, err));
    for (size_t y = 0; y < p.height; y++) {
        if (!read_row(&p, t))
            return p.at >= p.in->size || !p.text
                       ? imp_decode_missing(t, y) ? IMP_OK : damaged(&p, "it ends too early", err)
                       : damaged(&p, "it has something else than numbers", err);
        imp_decode_row(t, y);
    }
    return IMP_OK;
}
