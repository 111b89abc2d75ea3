/* SPDX-License-Identifier: MIT
 *
 * Pictures in files: which format a file is in, which one a name asks for, and what no format
 * knows.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/error.h"
#include "media/file.h"
#include "media/media.h"

enum { MAX_PIXELS = 1 << 28, TEXT_ROOM = 1 << 16 };

typedef struct picture_format {
    const char *name;
    const char *extensions[2];
    size_t max_side;
    imp_status (*read)(imp_picture *out, const imp_source *in, imp_error *err);
    imp_status (*text)(char **text, const imp_source *in, imp_error *err);
    imp_file_fill write;
} picture_format;

static const picture_format png = {.name = "PNG",
                                   .extensions = {"png", "png"},
                                   .max_side = INT32_MAX,
                                   .read = imp_png_read,
                                   .text = imp_png_text,
                                   .write = imp_png_write};

static const picture_format jpeg = {.name = "JPEG",
                                    .extensions = {"jpg", "jpeg"},
                                    .max_side = 65500,
                                    .read = imp_jpeg_read,
                                    .text = imp_jpeg_text,
                                    .write = imp_jpeg_write};

/* ---- Which format ---------------------------------------------------------------------------- */

/* First bytes of files; `format` NULL for what can be named, but not read. */
static const struct signature {
    const char *name;
    const picture_format *format;
    size_t at, length;
    const char *bytes;
} signatures[] = {
    {"PNG picture", &png, 0, 8, "\x89PNG\r\n\x1a\n"},
    {"JPEG picture", &jpeg, 0, 3, "\xff\xd8\xff"},
    {"GIF picture", NULL, 0, 4, "GIF8"},
    {"WebP picture", NULL, 8, 4, "WEBP"},
    {"TIFF picture", NULL, 0, 4, "II*\0"},
    {"TIFF picture", NULL, 0, 4, "MM\0*"},
    {"AVIF picture", NULL, 4, 8, "ftypavif"},
    {"HEIC picture", NULL, 4, 6, "ftyphe"},
    {"HEIF picture", NULL, 4, 8, "ftypmif1"},
    {"video file", NULL, 4, 4, "ftyp"},
    {"JPEG XL picture", NULL, 0, 2, "\xff\x0a"},
    {"JPEG XL picture", NULL, 4, 8, "JXL \r\n\x87\n"},
    {"JPEG 2000 picture", NULL, 4, 8, "jP  \r\n\x87\n"},
    {"Photoshop picture", NULL, 0, 4, "8BPS"},
    {"PDF document", NULL, 0, 4, "%PDF"},
    {"ZIP archive", NULL, 0, 4, "PK\3\4"},
    {"gzip archive", NULL, 0, 2, "\x1f\x8b"},
    {"Git LFS pointer", NULL, 0, 23, "version https://git-lfs"},
    {"BMP picture", NULL, 0, 2, "BM"},
};

static const struct signature *signature_of(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct signature *s = &signatures[i];
        if (s->at + s->length <= size && memcmp(bytes + s->at, s->bytes, s->length) == 0)
            return s;
    }
    return NULL;
}

/* A failed download is most often a page that says so. */
static const char *markup_of(const unsigned char *bytes, size_t size) {
    while (size > 0 && (*bytes <= ' ' || *bytes >= 0x80)) { /* blanks, or a byte order mark */
        bytes++;
        size--;
    }
    const char *text = (const char *)bytes;
    if (size >= 9 && strncasecmp(text, "<!doctype", 9) == 0)
        return "web page";
    if (size >= 5 && strncasecmp(text, "<html", 5) == 0)
        return "web page";
    if (size >= 5 && (strncasecmp(text, "<?xml", 5) == 0 || strncasecmp(text, "<svg ", 5) == 0))
        return "SVG or XML document";
    return NULL;
}

static imp_status format_of(const picture_format **out, const imp_source *in, imp_error *err) {
    const struct signature *s = signature_of(in->bytes, in->size);
    const char *name = s ? s->name : markup_of(in->bytes, in->size);
    *out = s ? s->format : NULL;
    if (*out)
        return IMP_OK;
    if (name)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': it is a %s, whatever its name: give a PNG or JPEG", in->path,
                        name);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "picture '%s': it is neither a PNG nor a JPEG: convert or fetch it again",
                    in->path);
}

static imp_status format_of_name(const picture_format **out, const char *path, imp_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < 2; i++) {
        if (strcasecmp(dot + 1, png.extensions[i]) == 0 ||
            strcasecmp(dot + 1, jpeg.extensions[i]) == 0) {
            *out = strcasecmp(dot + 1, png.extensions[i]) == 0 ? &png : &jpeg;
            return IMP_OK;
        }
    }
    return imp_fail(
        err, IMP_ERR_ARGUMENT, "cannot write '%s': %s%s: name it .png, .jpg or .jpeg", path,
        dot ? "no picture format has the extension " : "its name has no extension", dot ? dot : "");
}

static imp_status check_side(const picture_format *format, const char *path, size_t width,
                             size_t height, imp_error *err) {
    if (width <= format->max_side && height <= format->max_side)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "cannot write '%s': %zu x %zu pixels, and a %s holds %zu on a side: "
                    "%s",
                    path, width, height, format->name, format->max_side,
                    format == &jpeg ? "write a PNG" : "make it smaller");
}

/* ---- Reading and writing --------------------------------------------------------------------- */

imp_status imp_picture_decode(imp_picture *out, const imp_source *in, imp_error *err) {
    const picture_format *format;
    *out = (imp_picture){0};
    TRY(format_of(&format, in, err));
    const imp_status status = format->read(out, in, err);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}

imp_status imp_picture_read(imp_picture *out, const char *path, size_t max_pixels, imp_error *err) {
    unsigned char *bytes;
    imp_source in = {.path = path, .max_pixels = max_pixels ? max_pixels : MAX_PIXELS};
    *out = (imp_picture){0};
    TRY(imp_file_read(&bytes, &in.size, "picture", path, err));
    in.bytes = bytes;
    const imp_status status = imp_picture_decode(out, &in, err);
    free(bytes);
    return status;
}

imp_status imp_picture_text(char **text, const char *path, imp_error *err) {
    unsigned char *bytes;
    const picture_format *format;
    imp_source in = {.path = path};
    *text = NULL;
    TRY(imp_file_read(&bytes, &in.size, "picture", path, err));
    in.bytes = bytes;
    imp_status status = format_of(&format, &in, err);
    if (status == IMP_OK)
        status = format->text(text, &in, err);
    free(bytes);
    return status;
}

imp_status imp_picture_write(const imp_picture *picture, const char *path, int quality,
                             const char *text, imp_error *err) {
    const picture_format *format;
    const imp_painting painting = {picture, path, quality, text};
    TRY(format_of_name(&format, path, err));
    TRY(check_side(format, path, picture->width, picture->height, err));
    if (!picture->rgb || picture->width == 0 || picture->height == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': the picture is empty", path);
    if (quality < 1 || quality > 100)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': quality %d: give 1 to 100", path,
                        quality);
    return imp_file_replace(path, format->write, &painting, err);
}

/* Bytes that no file of ours exceeds: three a pixel with a little for what cannot be compressed. */
static size_t most_bytes(size_t width, size_t height) {
    if (width == 0 || height == 0)
        return 0;
    const double bytes = 1.001 * (3.0 * (double)width + 1) * (double)height + TEXT_ROOM;
    return bytes < 0x1p62 ? (size_t)bytes : SIZE_MAX;
}

imp_status imp_picture_check_output(const char *path, size_t width, size_t height, imp_error *err) {
    const picture_format *format;
    TRY(format_of_name(&format, path, err));
    TRY(check_side(format, path, width, height, err));
    return imp_file_check_output(path, most_bytes(width, height), err);
}

/* ---- What both formats need ------------------------------------------------------------------ */

imp_status imp_picture_alloc(imp_picture *out, size_t width, size_t height, imp_error *err) {
    const size_t pixel = 3 * sizeof(float);
    const bool fits = width > 0 && height > 0 && height <= SIZE_MAX / pixel / width;
    *out = (imp_picture){.width = width, .height = height};
    out->rgb = fits ? malloc(width * height * pixel) : NULL;
    if (out->rgb)
        return IMP_OK;
    *out = (imp_picture){0};
    return imp_fail(err, IMP_ERR_MEMORY,
                    "no memory for a picture of %zu x %zu pixels (%.0f MiB): make it smaller",
                    width, height, (double)width * (double)height * (double)pixel / 0x1p20);
}

imp_status imp_picture_expect(imp_picture *out, const imp_source *in, size_t width, size_t height,
                              imp_error *err) {
    if (width == 0 || height == 0)
        return imp_fail(err, IMP_ERR_FORMAT, "picture '%s': it has no pixels: save it again",
                        in->path);
    if (height > in->max_pixels / width)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "picture '%s': %zu x %zu is more than %zu pixels: make it smaller, or "
                        "allow it with --max-pixels",
                        in->path, width, height, in->max_pixels);
    return imp_picture_alloc(out, width, height, err);
}

void imp_picture_row(unsigned char *row, const imp_picture *picture, size_t y) {
    const float *rgb = picture->rgb + 3 * y * picture->width;
    for (size_t i = 0; i < 3 * picture->width; i++)
        row[i] = rgb[i] > 0 ? (unsigned char)(rgb[i] < 1 ? rgb[i] * 255 + 0.5F : 255) : 0;
}

imp_status imp_picture_damaged(const imp_source *in, const char *format, bool memory,
                               const char *reason, imp_error *err) {
    if (memory)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "picture '%s': out of memory while reading it: close other programs",
                        in->path);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "picture '%s': this %s is damaged or cut off (%s): fetch or save it again",
                    in->path, format, reason);
}

imp_status imp_picture_unwritten(const imp_painting *what, FILE *file, bool memory,
                                 const char *reason, imp_error *err) {
    if (memory)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "cannot write '%s': out of memory: close other programs", what->path);
    if (ferror(file))
        return IMP_ERR_IO;
    return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': %s", what->path, reason);
}

void imp_picture_finish(imp_picture *picture) {
    if (!picture)
        return;
    free(picture->rgb);
    *picture = (imp_picture){0};
}
