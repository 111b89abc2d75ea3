/* SPDX-License-Identifier: MIT
 *
 * Reading TIFF by libtiff. Grey, RGB, Lab, palettes and inks are read at their own depth, from
 * strips or tiles, in one plane or several. Everything else (logarithmic light, YCbCr without JPEG)
 * is converted by libtiff to RGB of 8 bits. Of several pages the first is read that is no preview.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#include "base/error.h"
#include "media/media.h"
#include "media/tiff.h"

/* The layout of a file's samples. A chunk is a strip or a tile, of one plane or of all. */
typedef struct tiff_layout {
    uint16_t bits, samples, format, photometric, planar;
    uint16_t *palette[3];
    size_t colour_samples; /* samples stored for the colours of a pixel: 1 for a palette */
    size_t alpha_at;       /* index of the alpha sample; 0: none */
    bool associated;       /* the colours are premultiplied by alpha */
    bool tiled, by_row;    /* by_row: rows of large strips are read one by one */
    uint32_t chunk_width, chunk_height;
    size_t chunk_bytes, row_bytes; /* of a chunk, and of a row of it */
    size_t across, planes;         /* chunks in a row, and planes stored separately */
} tiff_layout;

/* ---- The file as libtiff wants it ------------------------------------------------------------ */

typedef struct tiff_reader {
    const imp_source *in;
    toff_t at;
    TIFF *tiff;
    bool cut_off; /* something lies beyond the end; libtiff would ignore a cut-off profile */
    char reason[160];
} tiff_reader;

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list list) {
    tiff_reader *r = user;
    (void)tiff;
    (void)module;
    if (!*r->reason)
        vsnprintf(r->reason, sizeof r->reason, format, list);
    for (char *c = r->reason; *c; c++)
        *c = *c < ' ' ? ' ' : *c; /* the text may quote bytes of the file */
    return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list list) {
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)list;
    return 1;
}

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t size) {
    tiff_reader *r = handle;
    const toff_t left = r->at < r->in->size ? r->in->size - r->at : 0;
    const size_t n = (toff_t)size < left ? (size_t)size : (size_t)left;
    r->cut_off |= n < (size_t)size;
    if (n > 0 && !imp_source_take(r->in, (size_t)r->at, out, n))
        return -1;
    r->at += n;
    return (tmsize_t)n;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t size) {
    (void)handle;
    (void)bytes;
    (void)size;
    return 0;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
    tiff_reader *r = handle;
    r->at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->in->size);
    return r->at;
}

static int on_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle) {
    const tiff_reader *r = handle;
    return r->in->size;
}

TIFF *imp_tiff_open(const char *mode, const imp_tiff_stream *stream) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, stream->on_error, stream->user);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, NULL);
    TIFF *tiff = TIFFClientOpenExt("file", mode, stream->user, stream->read, stream->write,
                                   stream->seek, on_close, stream->size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static bool open_reader(tiff_reader *r, const imp_source *in) {
    *r = (tiff_reader){.in = in};
    r->tiff = imp_tiff_open("rm", &(imp_tiff_stream){.user = r,
                                                     .on_error = on_error,
                                                     .read = on_read,
                                                     .write = on_write,
                                                     .seek = on_seek,
                                                     .size = on_size});
    return r->tiff != NULL;
}

static imp_status damaged(const tiff_reader *r, imp_error *err) {
    const char *reason = r->cut_off   ? "the file ends too early"
                         : *r->reason ? r->reason
                                      : "no reason given";
    return imp_decode_fail(r->in, "TIFF", false, reason, err);
}

/* ---- Layout ---------------------------------------------------------------------------------- */

static bool is_lab(const tiff_layout *l) {
    return l->photometric == PHOTOMETRIC_CIELAB || l->photometric == PHOTOMETRIC_ICCLAB;
}

/* Finds alpha among the samples after the colours; only a sample marked as alpha counts. */
static void find_alpha(tiff_layout *l, TIFF *tiff) {
    uint16_t count = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    for (size_t i = 0; i < count && !l->alpha_at; i++)
        if (kinds[i] == EXTRASAMPLE_ASSOCALPHA || kinds[i] == EXTRASAMPLE_UNASSALPHA) {
            l->alpha_at = l->samples - count + i;
            l->associated = kinds[i] == EXTRASAMPLE_ASSOCALPHA;
        }
}

static void read_chunks(tiff_layout *l, TIFF *tiff, const imp_decode *size) {
    l->tiled = TIFFIsTiled(tiff);
    l->chunk_width = (uint32_t)size->width;
    if (l->tiled) {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_TILEWIDTH, &l->chunk_width);
        TIFFGetFieldDefaulted(tiff, TIFFTAG_TILELENGTH, &l->chunk_height);
        l->row_bytes = (size_t)TIFFTileRowSize64(tiff);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &l->chunk_height);
        if (l->chunk_height > size->height)
            l->chunk_height = (uint32_t)size->height;
        l->row_bytes = (size_t)TIFFScanlineSize64(tiff);
    }
    l->planes = l->planar == PLANARCONFIG_SEPARATE ? l->samples : 1;
}

static void read_layout(tiff_layout *l, TIFF *tiff, const imp_decode *size) {
    *l = (tiff_layout){0};
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &l->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &l->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &l->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &l->planar);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &l->photometric);
    l->colour_samples = l->photometric == PHOTOMETRIC_RGB || is_lab(l) ? 3
                        : l->photometric == PHOTOMETRIC_SEPARATED      ? 4
                                                                       : 1;
    read_chunks(l, tiff, size);
    find_alpha(l, tiff);
}

static bool has_palette(tiff_layout *l, TIFF *tiff) {
    return l->bits <= 16 &&
           TIFFGetField(tiff, TIFFTAG_COLORMAP, &l->palette[0], &l->palette[1], &l->palette[2]);
}

/* Whether the samples can be read as they are, at their depth. */
static bool is_plain(tiff_layout *l, TIFF *tiff) {
    uint16_t inks = INKSET_CMYK;
    const bool whole = l->format == SAMPLEFORMAT_UINT || l->format == SAMPLEFORMAT_VOID;
    const bool real = l->format == SAMPLEFORMAT_IEEEFP &&
                      (l->bits == 16 || l->bits == 24 || l->bits == 32 || l->bits == 64);
    if (is_lab(l)) /* CIELab's a* and b* are signed, and some files say so */
        return l->format != SAMPLEFORMAT_IEEEFP && (l->bits == 8 || l->bits == 16) &&
               l->samples >= 3;
    if (!real && !(whole && l->bits > 0 && (l->bits <= 16 || l->bits == 24 || l->bits == 32)))
        return false;
    switch (l->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_RGB:
        return l->samples >= l->colour_samples;
    case PHOTOMETRIC_SEPARATED:
        TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &inks);
        return l->samples >= 4 && inks == INKSET_CMYK;
    case PHOTOMETRIC_PALETTE:
        return whole && has_palette(l, tiff);
    default:
        return false;
    }
}

/* Rejects chunk sizes beyond what the picture could need: the file may be damaged or malicious. */
static bool chunks_make_sense(tiff_layout *l, const imp_decode *size) {
    enum { SAMPLES_MAX = 64, TILE_MAX = 1 << 15, STRIP_MAX = 1 << 24 };
    const size_t in_chunk = l->planes > 1 ? 1 : l->samples;
    if (l->samples > SAMPLES_MAX || l->chunk_width == 0 || l->chunk_height == 0 ||
        (l->tiled && (l->chunk_width > TILE_MAX || l->chunk_height > TILE_MAX)))
        return false;
    l->across = (size->width + l->chunk_width - 1) / l->chunk_width;
    l->by_row = !l->tiled && l->planes == 1 && l->row_bytes * l->chunk_height > STRIP_MAX;
    if (l->by_row)
        l->chunk_height = 1;
    l->chunk_bytes = l->row_bytes * l->chunk_height;
    return l->row_bytes >= ((size_t)l->chunk_width * in_chunk * l->bits + 7) / 8;
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* A float of `bits` bits with an exponent of `wide` bits (TIFF's technical note 3). */
static float real_of(uint32_t v, unsigned bits, unsigned wide) {
    const unsigned mantissa = bits - 1 - wide;
    const int bias = (1 << (wide - 1)) - 1, exponent = (int)(v >> mantissa & ((1u << wide) - 1));
    const double part = (double)(v & ((1u << mantissa) - 1)) / (double)(1u << mantissa);
    const double size = exponent == 0 ? ldexp(part, 1 - bias) : ldexp(1 + part, exponent - bias);
    if (exponent == 2 * bias + 1)
        return part > 0 ? NAN : INFINITY;
    return (float)(v >> (bits - 1) ? -size : size);
}

/* `bits` bits of a row, at most 16; the first sample is in the highest bits. */
static uint32_t packed_at(const unsigned char *row, size_t i, unsigned bits) {
    const size_t at = i * bits;
    uint32_t three = 0;
    for (size_t k = at / 8; k <= (at + bits - 1) / 8; k++)
        three = three << 8 | row[k];
    return three >> (7 - (at + bits - 1) % 8) & ((1u << bits) - 1);
}

/* 24 bits in this machine's byte order, as libtiff gives them. */
static uint32_t triple_at(const unsigned char *p) {
    const uint16_t one = 1;
    unsigned char little;
    memcpy(&little, &one, 1);
    return little ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16
                  : (uint32_t)p[2] | (uint32_t)p[1] << 8 | (uint32_t)p[0] << 16;
}

/* Sample i of a row: a number, or a fraction of the largest integer. */
static inline float sample_at(const unsigned char *row, size_t i, const tiff_layout *l) {
    const bool real = l->format == SAMPLEFORMAT_IEEEFP;
    uint16_t word;
    uint32_t whole;
    float number;
    double precise;
    switch (l->bits) {
    case 8:
        return (float)row[i] / 255;
    case 16:
        memcpy(&word, row + 2 * i, sizeof word);
        return real ? real_of(word, 16, 5) : (float)word / 65535;
    case 24:
        whole = triple_at(row + 3 * i);
        return real ? real_of(whole, 24, 7) : (float)((double)whole / 0xFFFFFF);
    case 32:
        memcpy(&whole, row + 4 * i, sizeof whole);
        memcpy(&number, &whole, sizeof number);
        return real ? number : (float)((double)whole / UINT32_MAX);
    case 64:
        memcpy(&precise, row + 8 * i, sizeof precise);
        return (float)precise;
    default:
        return (float)packed_at(row, i, l->bits) / (float)((1u << l->bits) - 1);
    }
}

/* Component k of Lab from a fraction of the largest integer. L* takes all of it; a* and b* are
 * signed, or in an ICC file begin at -128. There 16 bits are 256 times 8 bits, so that 100 is
 * 0xFF00. */
static float lab_of(float part, size_t k, const tiff_layout *l) {
    const bool icc = l->photometric == PHOTOMETRIC_ICCLAB;
    const float whole = l->bits == 8 ? part * 255 : part * 65535 / 256;
    if (k == 0)
        return l->bits == 16 && icc ? whole * 100 / 255 : part * 100;
    return icc ? whole - 128 : whole < 128 ? whole : whole - 256;
}

static void look_up(float *rgb, float part, const tiff_layout *l) {
    const size_t entry = (size_t)(part * (float)((1u << l->bits) - 1) + 0.5F);
    for (size_t c = 0; c < 3; c++)
        rgb[c] = (float)l->palette[c][entry] / 65535;
}

/* Puts sample k of pixel x in its place in t->samples. */
static void put_sample(imp_decode *t, size_t x, size_t k, float v, const tiff_layout *l) {
    float *pixel = t->samples + x * (t->colours + t->alpha);
    if (l->photometric == PHOTOMETRIC_PALETTE && k == 0)
        look_up(pixel, v, l);
    else if (is_lab(l) && k < 3)
        pixel[k] = lab_of(v, k, l);
    else if (k < l->colour_samples)
        pixel[k] = l->photometric == PHOTOMETRIC_MINISWHITE ? 1 - v : v;
    else if (t->alpha && k == l->alpha_at)
        pixel[t->colours] = v;
}

static void divide_alpha(imp_decode *t) {
    float *pixel = t->samples;
    for (size_t x = 0; x < t->width; x++, pixel += t->colours + 1)
        for (size_t c = 0; c < t->colours && pixel[t->colours] > 0; c++)
            pixel[c] /= pixel[t->colours];
}

/* Converts row y from the chunks of its band, which `band` holds one after the other. */
static void put_row(imp_decode *t, size_t y, const unsigned char *band, const tiff_layout *l) {
    const size_t in_chunk = l->planes > 1 ? 1 : l->samples;
    for (size_t i = 0; i < l->across * l->planes; i++) {
        const size_t left = i % l->across * l->chunk_width, plane = i / l->across;
        const unsigned char *row = band + i * l->chunk_bytes + y % l->chunk_height * l->row_bytes;
        size_t width = t->width - left;
        if (width > l->chunk_width)
            width = l->chunk_width;
        for (size_t k = 0; k < width * in_chunk; k++)
            put_sample(t, left + k / in_chunk, plane + k % in_chunk, sample_at(row, k, l), l);
    }
    if (t->alpha && l->associated)
        divide_alpha(t);
    imp_decode_row(t, y);
}

/* Reads the chunks of the band that begins with row y. */
static bool read_band(tiff_reader *r, unsigned char *band, size_t y, const tiff_layout *l) {
    if (l->by_row)
        return TIFFReadScanline(r->tiff, band, (uint32_t)y, 0) == 1;
    for (size_t i = 0; i < l->across * l->planes; i++) {
        const uint32_t x = (uint32_t)(i % l->across * l->chunk_width);
        const uint16_t plane = (uint16_t)(i / l->across);
        unsigned char *chunk = band + i * l->chunk_bytes;
        const tmsize_t size = (tmsize_t)l->chunk_bytes;
        const tmsize_t got =
            l->tiled ? TIFFReadEncodedTile(
                           r->tiff, TIFFComputeTile(r->tiff, x, (uint32_t)y, 0, plane), chunk, size)
                     : TIFFReadEncodedStrip(r->tiff, TIFFComputeStrip(r->tiff, (uint32_t)y, plane),
                                            chunk, size);
        if (got < 0)
            return false;
    }
    return true;
}

static imp_status read_rows(tiff_reader *r, imp_decode *t, const tiff_layout *l, imp_error *err) {
    unsigned char *band = calloc(l->across * l->planes, l->chunk_bytes);
    if (!band)
        return imp_decode_fail(r->in, "TIFF", true, "", err);
    bool good = true, cut = false;
    for (size_t y = 0; good && !cut && y < t->height; y++) {
        if (y % l->chunk_height == 0)
            good = read_band(r, band, y, l) && !*r->reason && !r->cut_off;
        if (good)
            put_row(t, y, band, l);
        else
            cut = r->cut_off && imp_decode_missing(t, y);
    }
    free(band);
    return cut || (good && !*r->reason && !r->cut_off) ? IMP_OK : damaged(r, err);
}

/* ---- What libtiff must convert --------------------------------------------------------------- */

static imp_status fail_kind(const tiff_reader *r, const char *why, imp_error *err) {
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "picture '%s': this kind of TIFF is not read (%s): convert it to PNG",
                    r->in->path, why);
}

/* libtiff's result is always premultiplied by alpha. */
static void put_converted(imp_decode *t, size_t y, const uint32_t *row) {
    for (size_t i = 0; i < 4 * t->width; i++)
        t->samples[i] = (float)(row[i / 4] >> (8 * (i % 4)) & 255) / 255;
    divide_alpha(t);
    imp_decode_row(t, y);
}

/* Band by band: libtiff would give the whole picture at once. */
static bool convert_bands(TIFFRGBAImage *image, imp_decode *t, const tiff_layout *l,
                          uint32_t *raster) {
    for (size_t y = 0; y < t->height; y += l->chunk_height) {
        const size_t left = t->height - y;
        const size_t rows = left < l->chunk_height ? left : l->chunk_height;
        image->row_offset = (int)y;
        image->col_offset = 0;
        if (!TIFFRGBAImageGet(image, raster, (uint32_t)t->width, (uint32_t)rows))
            return false;
        for (size_t i = 0; i < rows; i++)
            put_converted(t, y + i, raster + i * t->width);
    }
    return true;
}

static imp_status read_converted(tiff_reader *r, imp_decode *t, const tiff_layout *l,
                                 imp_error *err) {
    char why[1024] = "no reason given";
    TIFFRGBAImage image;
    if (l->format == SAMPLEFORMAT_INT)
        return fail_kind(r, "its numbers are signed", err);
    TIFFSetField(r->tiff, TIFFTAG_ORIENTATION,
                 ORIENTATION_TOPLEFT); /* imp_decode_complete turns the picture */
    if (!TIFFRGBAImageOK(r->tiff, why) || !TIFFRGBAImageBegin(&image, r->tiff, 1, why))
        return fail_kind(r, *r->reason ? r->reason : why, err);
    image.req_orientation = ORIENTATION_TOPLEFT;
    imp_status status = imp_decode_colours(t, 3, true, NULL, 0, err);
    uint32_t *const raster =
        status == IMP_OK ? malloc(t->width * l->chunk_height * sizeof *raster) : NULL;
    if (status == IMP_OK && !raster)
        status = imp_decode_fail(r->in, "TIFF", true, "", err);
    if (raster && (!convert_bands(&image, t, l, raster) || *r->reason || r->cut_off))
        status = damaged(r, err);
    free(raster);
    TIFFRGBAImageEnd(&image);
    return status;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void read_text_field(char *text, size_t room, TIFF *tiff, uint32_t tag) {
    char *value = NULL;
    if (TIFFGetField(tiff, tag, &value) && value)
        snprintf(text, room, "%.*s", (int)strcspn(value, "\r\n"), value);
}

static void read_origin(imp_decode *t, TIFF *tiff) {
    imp_origin *origin = &t->out->origin;
    uint16_t orientation = 0;
    TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation);
    t->orientation = orientation;
    read_text_field(origin->make, sizeof origin->make, tiff, TIFFTAG_MAKE);
    read_text_field(origin->model, sizeof origin->model, tiff, TIFFTAG_MODEL);
    read_text_field(origin->date, sizeof origin->date, tiff, TIFFTAG_DATETIME);
}

/* ICC's Lab is always relative to D50, CIE's to the white that the file states. */
static imp_status read_lab(TIFF *tiff, imp_decode *t, const tiff_layout *l, imp_error *err) {
    const float *stated = NULL;
    const bool has = l->photometric == PHOTOMETRIC_CIELAB &&
                     TIFFGetField(tiff, TIFFTAG_WHITEPOINT, &stated) && stated;
    const double white[2] = {has ? (double)stated[0] : 0, has ? (double)stated[1] : 0};
    return imp_decode_lab(t, l->alpha_at > 0, has ? white : NULL, err);
}

static imp_status decode(tiff_reader *r, imp_decode *t, imp_error *err) {
    uint32_t width = 0, height = 0, profile_size = 0;
    void *profile = NULL;
    tiff_layout l;
    toff_t sub;
    tdir_t page;
    TRY(imp_tiff_find_page(&sub, &page, r->tiff, t, err));
    *r->reason = '\0'; /* of errors that libtiff could ignore, here and in other pages */
    r->cut_off = false;
    if (sub ? !TIFFSetSubDirectory(r->tiff, sub) : !TIFFSetDirectory(r->tiff, page))
        return damaged(r, err);
    TIFFGetField(r->tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(r->tiff, TIFFTAG_IMAGELENGTH, &height);
    TRY(imp_decode_size(t, width, height, err));
    read_origin(t, r->tiff);
    t->more = !TIFFLastDirectory(r->tiff);
    TIFFSetField(r->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB); /* for JPEG inside TIFF */
    read_layout(&l, r->tiff, t);
    *r->reason = '\0';
    const bool plain = is_plain(&l, r->tiff);
    if (!chunks_make_sense(&l, t))
        return imp_decode_fail(r->in, "TIFF", false, "its strips or tiles make no sense", err);
    if (!plain)
        return read_converted(r, t, &l, err);
    if (!TIFFGetField(r->tiff, TIFFTAG_ICCPROFILE, &profile_size, &profile))
        profile_size = 0;
    const bool palette = l.photometric == PHOTOMETRIC_PALETTE;
    if (is_lab(&l))
        TRY(read_lab(r->tiff, t, &l, err));
    else
        TRY(imp_decode_colours(t, palette ? 3 : (unsigned)l.colour_samples, l.alpha_at > 0, profile,
                               profile_size, err));
    return read_rows(r, t, &l, err);
}

imp_status imp_tiff_decode(imp_decode *t, imp_error *err) {
    tiff_reader r;
    const bool opened = open_reader(&r, t->in);
    const imp_status status = opened ? decode(&r, t, err) : damaged(&r, err);
    if (opened)
        TIFFClose(r.tiff);
    return status;
}

imp_status imp_tiff_text(char **text, const imp_source *in, imp_error *err) {
    tiff_reader r;
    char *value = NULL;
    bool memory = false;
    *text = NULL;
    if (!open_reader(&r, in))
        return damaged(&r, err);
    if (TIFFGetField(r.tiff, TIFFTAG_IMAGEDESCRIPTION, &value) && value)
        *text = imp_text_of_ours(value, strlen(value), &memory);
    TIFFClose(r.tiff);
    return memory ? imp_decode_fail(in, "TIFF", true, "", err) : IMP_OK;
}
