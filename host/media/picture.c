/* SPDX-License-Identifier: MIT
 *
 * The picture functions of impasto.h that read and write files, and the same for bytes in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "media/check.h"
#include "media/media.h"
#include "media/source.h"
#include "net/http.h"

static const char memory_name[] = "memory"; /* in messages */
enum { TEXT_ROOM = 1 << 16, SHOWN_MAX = 4096 };

/* Refuses a NULL where the function `name` needs a value. */
static imp_status need(const void *value, const char *name, const char *what, imp_error *err) {
    return value ? IMP_OK : imp_fail(err, IMP_ERR_ARGUMENT, "%s: %s is NULL", name, what);
}

/* ---- Reading --------------------------------------------------------------------------------- */

bool imp_source_take(const imp_source *in, size_t at, void *out, size_t n) {
    if (!in->fd) {
        memcpy(out, in->bytes + at, n);
        return true;
    }
    for (char *to = out; n > 0;) {
        const ssize_t got = pread(*in->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return true;
}

/* The digest of the file is left to the caller. */
static imp_status decode_as(imp_picture *out, const imp_source *in,
                            const imp_picture_format *format, imp_error *err) {
    imp_decode t = {.in = in, .out = out};
    *out = (imp_picture){0};
    imp_status status = format->decode(&t, err);
    if (status == IMP_OK)
        status = imp_decode_complete(&t, err);
    imp_decode_finish(&t);
    return status;
}

imp_status imp_decode_source(imp_picture *out, const imp_source *in, imp_error *err) {
    const imp_picture_format *format;
    *out = (imp_picture){0};
    TRY(imp_read_options_check(in->options, err));
    TRY(imp_format_of_bytes(&format, in, err));
    imp_status status = decode_as(out, in, format, err);
    if (status == IMP_OK && !imp_bytes_sha256(out->sha256, in->bytes, in->size))
        status = imp_fail(err, IMP_ERR_MEMORY,
                          "picture '%s': out of memory to hash it: close other programs", in->path);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}

/* A large file, of which only a part may be needed, is not held in memory if its format can be read
 * piece by piece. *done: it was read so, or failed. */
static imp_status read_in_pieces(imp_picture *out, const char *path, imp_source in, bool *done,
                                 imp_error *err) {
    enum { LARGE = 1 << 26 };
    unsigned char head[IMP_SOURCE_HEAD];
    const imp_picture_format *format = NULL;
    int fd = -1;
    *done = false;
    if (!in.options || in.options->needed == 0 || strcmp(path, IMP_STANDARD_STREAM) == 0 ||
        imp_http_is_address(path) || imp_file_open(&fd, &in.size, "picture", path, NULL) != IMP_OK)
        return IMP_OK;
    const imp_source first = {.bytes = head, .size = sizeof head, .path = in.path};
    imp_status status = IMP_OK;
    in.bytes = head;
    in.fd = &fd;
    *done = in.size > LARGE && imp_source_take(&in, 0, head, sizeof head) &&
            imp_format_of_bytes(&format, &first, NULL) == IMP_OK && format->streams;
    if (*done)
        status = imp_read_options_check(in.options, err);
    if (*done && status == IMP_OK)
        status = decode_as(out, &in, format, err);
    close(fd);
    if (*done && status == IMP_OK)
        status = imp_file_sha256(out->sha256, path, err);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}

imp_status imp_decode_text(char **text, const imp_source *in, imp_error *err) {
    const imp_picture_format *format;
    *text = NULL;
    TRY(imp_format_of_bytes(&format, in, err));
    return format->text ? format->text(text, in, err) : IMP_OK;
}

imp_status imp_picture_decode(imp_picture *out, const void *bytes, size_t size,
                              const imp_read_options *options, imp_error *err) {
    TRY(need(out, "imp_picture_decode", "out", err));
    *out = (imp_picture){0};
    TRY(need(bytes, "imp_picture_decode", "bytes", err));
    return imp_decode_source(
        out, &(imp_source){.bytes = bytes, .size = size, .path = memory_name, .options = options},
        err);
}

imp_status imp_picture_read(imp_picture *out, const char *path, const imp_read_options *options,
                            imp_error *err) {
    unsigned char *bytes;
    char shown[SHOWN_MAX];
    imp_source in = {.path = shown, .options = options};
    TRY(need(out, "imp_picture_read", "out", err));
    *out = (imp_picture){0};
    TRY(need(path, "imp_picture_read", "path", err));
    imp_source_show(shown, sizeof shown, path);
    bool done;
    TRY(read_in_pieces(out, path, in, &done, err));
    if (done)
        return IMP_OK;
    TRY(imp_source_read(&bytes, &in.size, path, err));
    in.bytes = bytes;
    const imp_status status = imp_decode_source(out, &in, err);
    free(bytes);
    return status;
}

imp_status imp_picture_text(char **text, const char *path, imp_error *err) {
    unsigned char *bytes;
    char shown[SHOWN_MAX];
    imp_source in = {.path = shown};
    TRY(need(text, "imp_picture_text", "text", err));
    *text = NULL;
    TRY(need(path, "imp_picture_text", "path", err));
    imp_source_show(shown, sizeof shown, path);
    TRY(imp_source_read(&bytes, &in.size, path, err));
    in.bytes = bytes;
    const imp_status status = imp_decode_text(text, &in, err);
    free(bytes);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Encodes the picture; the caller frees out->bytes, also after an error. */
static imp_status encode(imp_buffer *out, const imp_picture *picture,
                         const imp_picture_format *format, const char *path,
                         const imp_write_options *options, imp_error *err) {
    imp_encode what = {.picture = picture, .path = path};
    TRY(imp_format_check(&what.options, options, format, path, picture->width, picture->height,
                         err));
    char name[SHOWN_MAX];
    snprintf(name, sizeof name, "cannot write '%s'", path);
    TRY(imp_picture_check_shape(picture, name, err));
    return format->encode(out, &what, err);
}

imp_status imp_picture_encode(unsigned char **bytes, size_t *size, const imp_picture *picture,
                              imp_format format, const imp_write_options *options, imp_error *err) {
    static const char name[] = "imp_picture_encode";
    const imp_picture_format *known;
    imp_buffer out = {0};
    TRY(need(bytes, name, "bytes", err));
    *bytes = NULL;
    TRY(need(size, name, "size", err));
    *size = 0;
    TRY(need(picture, name, "picture", err));
    TRY(imp_format_at(&known, format, err));
    const imp_status status = encode(&out, picture, known, memory_name, options, err);
    if (status != IMP_OK) {
        free(out.bytes);
        return status;
    }
    *bytes = out.bytes;
    *size = out.size;
    return IMP_OK;
}

static imp_status write_stream(const imp_buffer *file, imp_error *err) {
    if (fwrite(file->bytes, 1, file->size, stdout) == file->size && fflush(stdout) == 0)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_IO,
                    "cannot write to standard output: give a file, or a program that reads");
}

imp_status imp_picture_write(const imp_picture *picture, const char *path,
                             const imp_write_options *options, imp_error *err) {
    const imp_picture_format *format;
    imp_buffer file = {0};
    TRY(need(picture, "imp_picture_write", "picture", err));
    TRY(need(path, "imp_picture_write", "path", err));
    TRY(imp_format_of_path(&format, path, err));
    imp_status status = encode(&file, picture, format, path, options, err);
    if (status == IMP_OK)
        status = strcmp(path, IMP_STANDARD_STREAM) == 0
                     ? write_stream(&file, err)
                     : imp_file_replace_bytes(path, file.bytes, file.size, err);
    free(file.bytes);
    return status;
}

/* An upper bound of a file's bytes: all samples, what compression may add, and the metadata. */
static size_t most_bytes(size_t width, size_t height, const imp_write_options *options) {
    if (width == 0 || height == 0)
        return 0;
    const double pixel = (options->opacity ? 4.0 : 3.0) * options->depth / 8;
    const double bytes = 1.001 * (pixel * (double)width + 1) * (double)height + TEXT_ROOM;
    return bytes < 0x1p62 ? (size_t)bytes : SIZE_MAX;
}

imp_status imp_picture_check_output(const char *path, size_t width, size_t height,
                                    const imp_write_options *options, imp_error *err) {
    const imp_picture_format *format;
    imp_write_options complete;
    TRY(need(path, "imp_picture_check_output", "path", err));
    TRY(imp_format_of_path(&format, path, err));
    TRY(imp_format_check(&complete, options, format, path, width, height, err));
    if (strcmp(path, IMP_STANDARD_STREAM) == 0)
        return IMP_OK;
    return imp_file_check_output(path, most_bytes(width, height, &complete), err);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

imp_status imp_picture_alloc(imp_picture *out, size_t width, size_t height, imp_error *err) {
    const size_t pixel = 3 * sizeof(float);
    const bool fits = width > 0 && height > 0 && height <= SIZE_MAX / pixel / width;
    *out = (imp_picture){.width = width, .height = height};
    out->rgb = fits ? malloc(width * height * pixel) : NULL;
    if (out->rgb)
        return IMP_OK;
    *out = (imp_picture){0};
    return imp_fail(err, IMP_ERR_MEMORY,
                    "out of memory for a picture of %zu x %zu pixels (%.0f MiB): make it smaller",
                    width, height, (double)width * (double)height * (double)pixel / 0x1p20);
}

void imp_picture_finish(imp_picture *picture) {
    if (!picture)
        return;
    free(picture->rgb);
    free(picture->opacity);
    *picture = (imp_picture){0};
}

void imp_free(void *memory) {
    free(memory);
}
