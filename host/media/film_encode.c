/* SPDX-License-Identifier: MIT
 *
 * Films by FFmpeg's libraries: RGB frames pass through a filter graph, an encoder and a muxer.
 */
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>

#include "base/error.h"
#include "base/file.h"
#include "media/film.h"
#include "media/media.h"

struct imp_encoder {
    const imp_film_kind *kind;
    const char *path;
    imp_draft draft;
    AVFilterGraph *graph;
    AVFilterContext *source, *sink; /* owned by the graph */
    AVCodecContext *codec;
    AVFormatContext *muxer;
    AVStream *stream; /* owned by the muxer */
    AVFrame *rgb, *frame;
    AVPacket *packet;
    bool begun; /* the file has a header, but no trailer yet */
};

static imp_status fail_av(const imp_encoder *e, int code, imp_error *err) {
    char reason[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, reason, sizeof reason);
    if (code == AVERROR(ENOMEM))
        return imp_fail(err, IMP_ERR_MEMORY, "film '%s': out of memory: close other programs",
                        e->path);
    return imp_fail(err, IMP_ERR_IO,
                    "cannot write film '%s': %s: free some space or choose another folder", e->path,
                    reason);
}

/* FFmpeg's functions return a negative code when they fail. */
#define TRY_AV(call)                                                                               \
    do {                                                                                           \
        const int code_ = (call);                                                                  \
        if (code_ < 0)                                                                             \
            return fail_av(e, code_, err);                                                         \
    } while (0)
#define TRY_NEW(pointer) TRY_AV((pointer) ? 0 : AVERROR(ENOMEM))

static const AVCodec *find_encoder(const imp_film_kind *kind) {
    const AVCodec *found = NULL;
    for (size_t i = 0; !found && i < 3 && kind->encoders[i]; i++)
        found = avcodec_find_encoder_by_name(kind->encoders[i]);
    return found;
}

imp_status imp_encoder_check(const imp_film_kind *kind, const char *path, imp_error *err) {
    if (find_encoder(kind) && av_guess_format(kind->muxer, NULL, NULL))
        return IMP_OK;
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "film '%s': this FFmpeg has no encoder for .%s: choose another extension or "
                    "install a complete FFmpeg",
                    path, kind->extension);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static imp_status open_filters(imp_encoder *e, int width, int height, imp_error *err) {
    char source[128];
    snprintf(source, sizeof source, "video_size=%dx%d:pix_fmt=%d:time_base=1/%d", width, height,
             AV_PIX_FMT_RGB24, e->kind->rate);
    e->graph = avfilter_graph_alloc();
    TRY_NEW(e->graph);
    e->graph->nb_threads = 1;
    TRY_AV(avfilter_graph_create_filter(&e->source, avfilter_get_by_name("buffer"), "in", source,
                                        NULL, e->graph));
    TRY_AV(avfilter_graph_create_filter(&e->sink, avfilter_get_by_name("buffersink"), "out", NULL,
                                        NULL, e->graph));
    AVFilterInOut *in = avfilter_inout_alloc(), *out = avfilter_inout_alloc();
    int code = AVERROR(ENOMEM);
    if (in && out) { /* named from the chain's side: its input is the source, its output the sink */
        *out = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = e->source};
        *in = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = e->sink};
        code = avfilter_graph_parse_ptr(e->graph, e->kind->filters, &in, &out, NULL);
    }
    avfilter_inout_free(&in);
    avfilter_inout_free(&out);
    TRY_AV(code);
    TRY_AV(avfilter_graph_config(e->graph, NULL));
    return IMP_OK;
}

/* One thread: more would take time from the painting. */
static imp_status open_codec(imp_encoder *e, int width, int height, imp_error *err) {
    const AVCodec *codec = find_encoder(e->kind);
    AVDictionary *options = NULL;
    e->codec = avcodec_alloc_context3(codec);
    TRY_NEW(e->codec);
    e->codec->width = width;
    e->codec->height = height;
    e->codec->pix_fmt = (enum AVPixelFormat)av_buffersink_get_format(e->sink);
    e->codec->time_base = (AVRational){1, e->kind->rate};
    e->codec->framerate = (AVRational){e->kind->rate, 1};
    e->codec->thread_count = 1;
    if (e->codec->pix_fmt == AV_PIX_FMT_YUV420P) {
        e->codec->color_range = AVCOL_RANGE_MPEG;
        e->codec->colorspace = AVCOL_SPC_BT709;
        e->codec->color_primaries = AVCOL_PRI_BT709;
        e->codec->color_trc = AVCOL_TRC_IEC61966_2_1;
    }
    if (e->muxer->oformat->flags & AVFMT_GLOBALHEADER)
        e->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (e->kind->encoder_options)
        TRY_AV(av_dict_parse_string(&options, e->kind->encoder_options, "=", ":", 0));
    const int code =
        avcodec_open2(e->codec, codec, &options); /* options of other encoders are ignored */
    av_dict_free(&options);
    TRY_AV(code);
    return IMP_OK;
}

static imp_status open_file(imp_encoder *e, imp_error *err) {
    AVDictionary *options = NULL;
    e->stream = avformat_new_stream(e->muxer, NULL);
    TRY_NEW(e->stream);
    e->stream->time_base = e->codec->time_base;
    e->stream->avg_frame_rate = e->codec->framerate;
    TRY_AV(avcodec_parameters_from_context(e->stream->codecpar, e->codec));
    TRY_AV(avio_open(&e->muxer->pb, e->muxer->url, AVIO_FLAG_WRITE));
    if (e->kind->muxer_options)
        TRY_AV(av_dict_parse_string(&options, e->kind->muxer_options, "=", ":", 0));
    const int code = avformat_write_header(e->muxer, &options);
    av_dict_free(&options);
    TRY_AV(code);
    e->begun = true;
    return IMP_OK;
}

static imp_status open_frames(imp_encoder *e, int width, int height, imp_error *err) {
    e->rgb = av_frame_alloc();
    e->frame = av_frame_alloc();
    e->packet = av_packet_alloc();
    TRY_NEW(e->rgb);
    TRY_NEW(e->frame);
    TRY_NEW(e->packet);
    e->rgb->format = AV_PIX_FMT_RGB24;
    e->rgb->width = width;
    e->rgb->height = height;
    e->rgb->pts = 0;
    TRY_AV(av_frame_get_buffer(e->rgb, 0));
    return IMP_OK;
}

static imp_status open_encoder(imp_encoder *e, int width, int height, imp_error *err) {
    char *url;
    TRY(imp_encoder_check(e->kind, e->path, err));
    TRY(imp_file_begin(&e->draft, e->path, err));
    url = av_asprintf("file:%s", e->draft.name); /* a name may look like another protocol */
    TRY_NEW(url);
    const int code = avformat_alloc_output_context2(&e->muxer, NULL, e->kind->muxer, url);
    av_free(url);
    TRY_AV(code);
    TRY(open_filters(e, width, height, err));
    TRY(open_codec(e, width, height, err));
    TRY(open_frames(e, width, height, err));
    return open_file(e, err);
}

imp_status imp_encoder_open(imp_encoder **out, const imp_film_kind *kind, const char *path,
                            size_t width, size_t height, imp_error *err) {
    enum { MOST = 16384 };
    *out = NULL;
    if (width > MOST || height > MOST)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "film '%s': %zu x %zu pixels: no side may be longer than %d", path, width,
                        height, MOST);
    imp_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return imp_fail(err, IMP_ERR_MEMORY, "film: out of memory");
    *e = (imp_encoder){.kind = kind, .path = path};
    av_log_set_level(AV_LOG_QUIET); /* the libraries would print; errors are returned as codes */
    const imp_status status = open_encoder(e, (int)width, (int)height, err);
    if (status != IMP_OK) {
        imp_encoder_close(e, false, NULL);
        return status;
    }
    *out = e;
    return IMP_OK;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

/* Passes a frame (NULL: the end) to the encoder, and its packets to the muxer. */
static imp_status encode(imp_encoder *e, const AVFrame *frame, imp_error *err) {
    TRY_AV(avcodec_send_frame(e->codec, frame));
    for (;;) {
        const int code = avcodec_receive_packet(e->codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return IMP_OK;
        TRY_AV(code);
        e->packet->duration = 1;
        e->packet->stream_index = e->stream->index;
        av_packet_rescale_ts(e->packet, e->codec->time_base, e->stream->time_base);
        TRY_AV(av_interleaved_write_frame(e->muxer, e->packet));
    }
}

/* Passes all frames that the filters have ready to the encoder. */
static imp_status drain_filters(imp_encoder *e, imp_error *err) {
    for (;;) {
        const int code = av_buffersink_get_frame(e->sink, e->frame);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return IMP_OK;
        TRY_AV(code);
        e->frame->pict_type = AV_PICTURE_TYPE_NONE;
        const imp_status status = encode(e, e->frame, err);
        av_frame_unref(e->frame);
        if (status != IMP_OK)
            return status;
    }
}

imp_status imp_encoder_add(imp_encoder *e, const imp_picture *picture, imp_error *err) {
    const imp_encode frame = {.picture = picture};
    TRY_AV(av_frame_make_writable(e->rgb));
    for (size_t y = 0; y < picture->height; y++)
        imp_encode_bytes(e->rgb->data[0] + y * (size_t)e->rgb->linesize[0], &frame, y);
    TRY_AV(av_buffersrc_add_frame_flags(e->source, e->rgb, AV_BUFFERSRC_FLAG_KEEP_REF));
    e->rgb->pts++;
    return drain_filters(e, err);
}

/* ---- Closing --------------------------------------------------------------------------------- */

static imp_status end_file(imp_encoder *e, imp_error *err) {
    TRY_AV(av_buffersrc_add_frame_flags(e->source, NULL, 0));
    TRY(drain_filters(e, err));
    TRY(encode(e, NULL, err));
    e->begun = false;
    TRY_AV(av_write_trailer(e->muxer));
    TRY_AV(avio_closep(&e->muxer->pb));
    return IMP_OK;
}

imp_status imp_encoder_close(imp_encoder *e, bool keep, imp_error *err) {
    if (!e)
        return IMP_OK;
    imp_status status = keep && e->begun ? end_file(e, err) : IMP_OK;
    if (e->begun)
        av_write_trailer(e->muxer); /* some muxers release their memory only here */
    if (e->muxer)
        avio_closep(&e->muxer->pb);
    if (e->draft.name) {
        const imp_status ended = imp_file_end(&e->draft, e->path, keep && status == IMP_OK, err);
        status = status != IMP_OK ? status : ended;
    }
    avfilter_graph_free(&e->graph);
    avcodec_free_context(&e->codec);
    avformat_free_context(e->muxer);
    av_frame_free(&e->rgb);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    free(e);
    return status;
}
