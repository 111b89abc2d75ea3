/* SPDX-License-Identifier: MIT
 *
 * Writing TIFF by libtiff: RGB or RGBA of 8 or 16 bits in deflated strips. Our text is the
 * picture's description.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/media.h"
#include "media/tiff.h"

typedef struct tiff_writer {
    imp_buffer *out;
    size_t at;
    bool memory;
    char reason[160];
} tiff_writer;

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list list) {
    tiff_writer *w = user;
    (void)tiff;
    (void)module;
    if (!*w->reason)
        vsnprintf(w->reason, sizeof w->reason, format, list);
    return 1;
}

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t size) {
    tiff_writer *w = handle;
    const size_t left = w->at < w->out->size ? w->out->size - w->at : 0;
    const size_t n = (size_t)size < left ? (size_t)size : left;
    if (n > 0)
        memcpy(out, w->out->bytes + w->at, n);
    w->at += n;
    return (tmsize_t)n;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t size) {
    tiff_writer *w = handle;
    if (!imp_buffer_write(w->out, w->at, bytes, (size_t)size)) {
        w->memory = true;
        return 0;
    }
    w->at += (size_t)size;
    return size;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
    tiff_writer *w = handle;
    w->at = (size_t)offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? w->at : w->out->size);
    return w->at;
}

static toff_t on_size(thandle_t handle) {
    const tiff_writer *w = handle;
    return w->out->size;
}

static bool set_text(TIFF *tiff, uint32_t tag, const char *text) {
    return !*text || TIFFSetField(tiff, tag, text);
}

static bool describe(TIFF *tiff, const imp_encode *what) {
    const imp_origin *origin = &what->picture->origin;
    bool good = set_text(tiff, TIFFTAG_MAKE, origin->make) &&
                set_text(tiff, TIFFTAG_MODEL, origin->model) &&
                set_text(tiff, TIFFTAG_DATETIME, origin->date);
    const size_t length = what->options.text ? strlen(what->options.text) : 0;
    char *ours = good && what->options.text ? malloc(sizeof IMP_TEXT_START + length) : NULL;
    if (what->options.text) {
        good = ours != NULL;
        if (good) {
            memcpy(ours, IMP_TEXT_START, sizeof IMP_TEXT_START);
            memcpy(ours + sizeof IMP_TEXT_START - 1, what->options.text, length + 1);
            good = TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, ours);
        }
        free(ours);
    }
    return good;
}

static bool set_fields(TIFF *tiff, const imp_encode *what) {
    enum { STRIP_BYTES = 1 << 16 };
    const uint16_t unassociated = EXTRASAMPLE_UNASSALPHA;
    const size_t samples = imp_encode_samples(what);
    const size_t row = samples * what->picture->width * what->options.depth / 8;
    size_t profile_size;
    unsigned char *profile = imp_srgb_profile(&profile_size);
    const bool good =
        profile && TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)what->picture->width) &&
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)what->picture->height) &&
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)what->options.depth) &&
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)samples) &&
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB) &&
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
        TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) &&
        (samples == 3 || TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &unassociated)) &&
        TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE) &&
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL) &&
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)(STRIP_BYTES / row + 1)) &&
        TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)profile_size, profile) &&
        describe(tiff, what);
    free(profile);
    return good;
}

static bool write_rows(TIFF *tiff, const imp_encode *what) {
    const size_t samples = imp_encode_samples(what) * what->picture->width;
    void *row = malloc(samples * what->options.depth / 8);
    bool good = row != NULL;
    for (size_t y = 0; good && y < what->picture->height; y++) {
        if (what->options.depth == 16)
            imp_encode_words(row, what, y);
        else
            imp_encode_bytes(row, what, y);
        good = TIFFWriteScanline(tiff, row, (uint32_t)y, 0) == 1;
    }
    free(row);
    return good;
}

imp_status imp_tiff_encode(imp_buffer *out, const imp_encode *what, imp_error *err) {
    tiff_writer w = {.out = out};
    TIFF *tiff = imp_tiff_open("w", &(imp_tiff_stream){.user = &w,
                                                       .on_error = on_error,
                                                       .read = on_read,
                                                       .write = on_write,
                                                       .seek = on_seek,
                                                       .size = on_size});
    const bool good =
        tiff && set_fields(tiff, what) && write_rows(tiff, what) && TIFFWriteDirectory(tiff);
    if (tiff)
        TIFFClose(tiff);
    if (good && !w.memory && !*w.reason)
        return IMP_OK;
    return imp_encode_fail(what, w.memory || !*w.reason, w.reason, err);
}
