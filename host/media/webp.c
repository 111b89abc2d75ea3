/* SPDX-License-Identifier: MIT
 *
 * WebP by libwebp: lossy and lossless, transparency, the first frame of an animation. The EXIF
 * chunk holds our text and the picture's origin.
 */
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/error.h"
#include "media/media.h"

enum { CHANNELS = 4 };

/* ---- Reading --------------------------------------------------------------------------------- */

static WebPDemuxer *open_demuxer(const imp_source *in) {
    const WebPData data = {in->bytes, in->size};
    return WebPDemux(&data);
}

/* The contents of a chunk within the file's bytes, or NULL. */
static const unsigned char *chunk_of(const WebPDemuxer *demuxer, const char *name, size_t *size) {
    WebPChunkIterator chunk;
    const bool found = WebPDemuxGetChunk(demuxer, name, 1, &chunk);
    const unsigned char *bytes = found ? chunk.chunk.bytes : NULL;
    *size = found ? chunk.chunk.size : 0;
    WebPDemuxReleaseChunkIterator(&chunk);
    return bytes;
}

/* Why libwebp could not decode a frame. */
static const char *fault_of(const WebPIterator *frame) {
    WebPBitstreamFeatures features;
    return WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &features) == VP8_STATUS_OK
               ? "its colours cannot be decoded"
               : "its header makes no sense";
}

/* Decodes the frame to its place on the canvas, which is transparent elsewhere. */
static imp_status decode_frame(imp_decode *t, const WebPIterator *frame, unsigned char *canvas,
                               imp_error *err) {
    const size_t width = t->width, height = t->height;
    const size_t stride = CHANNELS * width;
    const size_t x = (size_t)frame->x_offset, y = (size_t)frame->y_offset;
    if (frame->x_offset < 0 || frame->y_offset < 0 || x + (size_t)frame->width > width ||
        y + (size_t)frame->height > height)
        return imp_decode_fail(t->in, "WebP", false, "a frame exceeds its border", err);
    const size_t start = y * stride + CHANNELS * x;
    if (!WebPDecodeRGBAInto(frame->fragment.bytes, frame->fragment.size, canvas + start,
                            stride * height - start, (int)stride))
        return imp_decode_fail(t->in, "WebP", false, fault_of(frame), err);
    return IMP_OK;
}

static void drop_alpha(unsigned char *row, size_t width) {
    for (size_t x = 0; x < width; x++)
        memmove(row + 3 * x, row + CHANNELS * x, 3);
}

/* Decodes a frame that fills the canvas to the size of the picture, which takes less memory. */
static imp_status decode_smaller(imp_decode *t, const WebPIterator *frame, bool alpha,
                                 imp_error *err) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return imp_decode_fail(t->in, "WebP", true, "", err);
    imp_decode_reduced(t);
    config.options.use_scaling = 1;
    config.options.scaled_width = (int)t->width;
    config.options.scaled_height = (int)t->height;
    config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    const VP8StatusCode code = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    for (size_t y = 0; code == VP8_STATUS_OK && y < t->height; y++)
        imp_decode_bytes(t, y, config.output.u.RGBA.rgba + y * (size_t)config.output.u.RGBA.stride);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? IMP_OK
                                 : imp_decode_fail(t->in, "WebP", code == VP8_STATUS_OUT_OF_MEMORY,
                                                   fault_of(frame), err);
}

/* Whether the frame is lossless, which the library holds whole. */
static bool is_lossless(const WebPIterator *frame) {
    enum { LOSSLESS = 2 };
    WebPBitstreamFeatures about;
    return WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &about) == VP8_STATUS_OK &&
           about.format == LOSSLESS;
}

static imp_status decode_rows(imp_decode *t, const WebPIterator *frame, bool alpha,
                              imp_error *err) {
    const size_t width = t->width;
    const bool whole = (size_t)frame->width == width && (size_t)frame->height == t->height;
    if (is_lossless(frame))
        TRY(imp_decode_room(t, t->width, t->height, CHANNELS, err));
    if (t->by > 1 && whole)
        return decode_smaller(t, frame, alpha, err);
    TRY(imp_decode_room(t, t->width, t->height, CHANNELS, err));
    unsigned char *canvas = calloc(CHANNELS * width, t->height);
    if (!canvas)
        return imp_decode_fail(t->in, "WebP", true, "", err);
    const imp_status status = decode_frame(t, frame, canvas, err);
    for (size_t y = 0; status == IMP_OK && y < t->height; y++) {
        unsigned char *row = canvas + CHANNELS * y * width;
        if (!alpha)
            drop_alpha(row, width);
        imp_decode_bytes(t, y, row);
    }
    free(canvas);
    return status;
}

static imp_status decode(imp_decode *t, const WebPDemuxer *demuxer, const WebPIterator *frame,
                         imp_error *err) {
    size_t profile_size, exif_size;
    const unsigned char *profile = chunk_of(demuxer, "ICCP", &profile_size);
    const unsigned char *exif = chunk_of(demuxer, "EXIF", &exif_size);
    const size_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    const size_t height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    const bool whole = (size_t)frame->width == width && (size_t)frame->height == height;
    const bool alpha = frame->has_alpha || !whole;
    TRY(imp_decode_size(t, width, height, err));
    TRY(imp_decode_colours(t, 3, alpha, profile, profile_size, err));
    if (exif)
        imp_decode_exif(t, exif, exif_size);
    t->more = frame->num_frames > 1;
    return decode_rows(t, frame, alpha, err);
}

imp_status imp_webp_decode(imp_decode *t, imp_error *err) {
    WebPIterator frame;
    WebPDemuxer *demuxer = open_demuxer(t->in);
    if (!demuxer || !WebPDemuxGetFrame(demuxer, 1, &frame)) {
        WebPDemuxDelete(demuxer);
        return imp_decode_fail(t->in, "WebP", false, "it ends too early or has no picture", err);
    }
    const imp_status status = decode(t, demuxer, &frame, err);
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return status;
}

imp_status imp_webp_text(char **text, const imp_source *in, imp_error *err) {
    size_t size;
    bool memory = false;
    *text = NULL;
    WebPDemuxer *demuxer = open_demuxer(in);
    if (!demuxer)
        return imp_decode_fail(in, "WebP", false, "it ends too early", err);
    const unsigned char *exif = chunk_of(demuxer, "EXIF", &size);
    if (exif)
        *text = imp_exif_text(exif, size, &memory);
    WebPDemuxDelete(demuxer);
    return memory ? imp_decode_fail(in, "WebP", true, "", err) : IMP_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool import_rows(WebPPicture *picture, const imp_encode *what) {
    const size_t samples = imp_encode_samples(what);
    const size_t stride = samples * what->picture->width;
    unsigned char *all = malloc(stride * what->picture->height);
    if (!all)
        return false;
    for (size_t y = 0; y < what->picture->height; y++)
        imp_encode_bytes(all + y * stride, what, y);
    const bool good = samples == 4 ? WebPPictureImportRGBA(picture, all, (int)stride)
                                   : WebPPictureImportRGB(picture, all, (int)stride);
    free(all);
    return good;
}

/* Quality 100 is lossless, fully transparent colours included. */
static bool compress(WebPMemoryWriter *writer, const imp_encode *what) {
    const bool exact = what->options.quality == 100;
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        return false;
    config.quality = exact ? 75 : (float)what->options.quality; /* for lossless, the effort */
    config.lossless = config.exact = exact;
    picture.use_argb = 1;
    picture.width = (int)what->picture->width;
    picture.height = (int)what->picture->height;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = writer;
    const bool good = import_rows(&picture, what) && WebPEncode(&config, &picture);
    WebPPictureFree(&picture);
    return good;
}

static bool add_chunk(WebPMux *mux, const char *name, unsigned char *bytes, size_t size) {
    const WebPData data = {bytes, size};
    return WebPMuxSetChunk(mux, name, &data, 0) == WEBP_MUX_OK;
}

static bool assemble(WebPData *file, WebPMux *mux, const WebPMemoryWriter *writer,
                     unsigned char *profile, size_t profile_size, unsigned char *exif,
                     size_t exif_size) {
    const WebPData image = {writer->mem, writer->size};
    return WebPMuxSetImage(mux, &image, 0) == WEBP_MUX_OK &&
           add_chunk(mux, "ICCP", profile, profile_size) &&
           (!exif || add_chunk(mux, "EXIF", exif, exif_size)) &&
           WebPMuxAssemble(mux, file) == WEBP_MUX_OK;
}

/* Sizes are checked before, so only memory can run out here. */
imp_status imp_webp_encode(imp_buffer *out, const imp_encode *what, imp_error *err) {
    WebPMemoryWriter writer;
    WebPData whole = {NULL, 0};
    unsigned char *exif = NULL;
    size_t profile_size, exif_size;
    WebPMux *const mux = WebPMuxNew();
    unsigned char *const profile = imp_srgb_profile(&profile_size);
    WebPMemoryWriterInit(&writer);
    imp_status status = IMP_OK;
    if (!mux || !profile ||
        !imp_exif_write(&exif, &exif_size, &what->picture->origin, what->options.text) ||
        !compress(&writer, what) ||
        !assemble(&whole, mux, &writer, profile, profile_size, exif, exif_size) ||
        !imp_buffer_append(out, whole.bytes, whole.size))
        status = imp_encode_fail(what, true, "", err);
    WebPDataClear(&whole);
    WebPMemoryWriterClear(&writer);
    WebPMuxDelete(mux);
    free(profile);
    free(exif);
    return status;
}
