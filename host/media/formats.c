/* SPDX-License-Identifier: MIT
 *
 * The formats of picture files: which one some bytes are in, which one a name asks for, and what
 * each can hold.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "media/media.h"

enum { QUALITY = 95 };

#define KNOWN "PNG, JPEG, WebP, TIFF, HEIF or AVIF"

static const imp_picture_format png = {.name = "PNG",
                                       .extensions = {"png", "png"},
                                       .max_side = INT32_MAX,
                                       .max_depth = 16,
                                       .opacity = true,
                                       .decode = imp_png_decode,
                                       .text = imp_png_text,
                                       .encode = imp_png_encode};

static const imp_picture_format jpeg = {.name = "JPEG",
                                        .extensions = {"jpg", "jpeg"},
                                        .max_side = 65500,
                                        .max_depth = 8,
                                        .decode = imp_jpeg_decode,
                                        .text = imp_jpeg_text,
                                        .encode = imp_jpeg_encode};

static const imp_picture_format webp = {.name = "WebP",
                                        .extensions = {"webp", "webp"},
                                        .max_side = 16383,
                                        .max_depth = 8,
                                        .opacity = true,
                                        .decode = imp_webp_decode,
                                        .text = imp_webp_text,
                                        .encode = imp_webp_encode};

static const imp_picture_format tiff = {.name = "TIFF",
                                        .extensions = {"tif", "tiff"},
                                        .max_side = INT32_MAX,
                                        .max_depth = 16,
                                        .opacity = true,
                                        .decode = imp_tiff_decode,
                                        .text = imp_tiff_text,
                                        .encode = imp_tiff_encode};

static const imp_picture_format heif = {
    .name = "HEIF", .decode = imp_heif_decode, .text = imp_heif_text};

/* In the order of imp_format. */
static const imp_picture_format *const written[] = {&png, &jpeg, &webp, &tiff};
enum { WRITTEN = sizeof written / sizeof *written };

/* ---- Which format ---------------------------------------------------------------------------- */

/* The first bytes of files; `format` is NULL for types that are recognised but not read. */
static const struct signature {
    const char *name;
    const imp_picture_format *format;
    size_t at, length;
    const char *bytes;
} signatures[] = {
    {"PNG picture", &png, 0, 8, "\x89PNG\r\n\x1a\n"},
    {"JPEG picture", &jpeg, 0, 3, "\xff\xd8\xff"},
    {"GIF picture", NULL, 0, 4, "GIF8"},
    {"WebP picture", &webp, 8, 4, "WEBP"},
    {"TIFF picture", &tiff, 0, 4, "II*\0"},
    {"TIFF picture", &tiff, 0, 4, "MM\0*"},
    {"TIFF picture", &tiff, 0, 4, "II+\0"},
    {"TIFF picture", &tiff, 0, 4, "MM\0+"},
    {"AVIF picture", &heif, 4, 7, "ftypavi"},
    {"HEIC picture", &heif, 4, 6, "ftyphe"},
    {"HEIF picture", &heif, 4, 7, "ftypmif"},
    {"HEIF picture", &heif, 4, 7, "ftypmsf"},
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

/* A failed download is often a web page that says so. */
static const char *markup_of(const unsigned char *bytes, size_t size) {
    while (size > 0 && (*bytes <= ' ' || *bytes >= 0x80)) { /* white space, or a byte order mark */
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

imp_status imp_format_of_bytes(const imp_picture_format **out, const imp_source *in,
                               imp_error *err) {
    const struct signature *s = signature_of(in->bytes, in->size);
    const char *name = s ? s->name : markup_of(in->bytes, in->size);
    *out = s ? s->format : NULL;
    if (*out)
        return IMP_OK;
    if (name)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': the file is a %s, whatever its name: give a " KNOWN,
                        in->path, name);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "picture '%s': the file is not a " KNOWN ": convert or fetch it again",
                    in->path);
}

imp_status imp_format_of_path(const imp_picture_format **out, const char *path, imp_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    *out = strcmp(path, IMP_STANDARD_STREAM) == 0 ? &png : NULL;
    for (size_t i = 0; !*out && dot && i < (size_t)2 * WRITTEN; i++)
        if (strcasecmp(dot + 1, written[i / 2]->extensions[i % 2]) == 0)
            *out = written[i / 2];
    if (*out)
        return IMP_OK;
    return imp_fail(
        err, IMP_ERR_ARGUMENT, "cannot write '%s': %s%s: name it .png, .jpg, .webp or .tiff", path,
        dot ? "no picture format has the extension " : "its name has no extension", dot ? dot : "");
}

imp_status imp_format_at(const imp_picture_format **out, imp_format format, imp_error *err) {
    *out = (unsigned)format < WRITTEN ? written[format] : NULL;
    return *out ? IMP_OK
                : imp_fail(err, IMP_ERR_ARGUMENT,
                           "cannot encode a picture: format %d is unknown: give an imp_format",
                           (int)format);
}

/* ---- What a format can hold ------------------------------------------------------------------ */

static imp_status check_side(const imp_picture_format *format, const char *path, size_t width,
                             size_t height, imp_error *err) {
    if (width <= format->max_side && height <= format->max_side)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "cannot write '%s': %zu x %zu pixels, but a %s has at most %zu on a side: "
                    "%s",
                    path, width, height, format->name, format->max_side,
                    format->max_side < INT32_MAX ? "write a PNG" : "make it smaller");
}

imp_status imp_format_check(imp_write_options *out, const imp_write_options *options,
                            const imp_picture_format *format, const char *path, size_t width,
                            size_t height, imp_error *err) {
    *out = options ? *options : (imp_write_options){0};
    out->quality = out->quality ? out->quality : QUALITY;
    out->depth = out->depth ? out->depth : 8;
    if (out->quality < 1 || out->quality > 100)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': quality %d: give 1 to 100", path,
                        out->quality);
    if (out->depth != 8 && out->depth != 16)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': %u bits per colour: give 8 or 16", path, out->depth);
    if (out->depth > format->max_depth)
        return imp_fail(
            err, IMP_ERR_ARGUMENT,
            "cannot write '%s': a %s has at most 8 bits per colour: write a PNG or TIFF", path,
            format->name);
    if (out->opacity && !format->opacity)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': a %s has no transparency: write a PNG, WebP or TIFF",
                        path, format->name);
    return check_side(format, path, width, height, err);
}
