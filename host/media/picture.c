/* SPDX-License-Identifier: MIT
 *
 * Pictures in files: which format a file is in, which one a name asks for, and what no format
 * knows.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "media/media.h"
#include "media/source.h"

#define STANDARD_STREAM "-"
enum { TEXT_ROOM = 1 << 16, QUALITY = 95, SHOWN_MAX = 4096 };

#define KNOWN "PNG, JPEG, WebP, TIFF, HEIF or AVIF"

typedef struct picture_format {
    const char *name;
    const char *extensions[2];
    size_t max_side;
    unsigned max_depth;
    bool opacity;
    imp_status (*read)(imp_decode *t, imp_error *err);
    imp_status (*text)(char **text, const imp_source *in, imp_error *err);
    imp_file_fill write;
} picture_format;

static const picture_format png = {.name = "PNG",
                                   .extensions = {"png", "png"},
                                   .max_side = INT32_MAX,
                                   .max_depth = 16,
                                   .opacity = true,
                                   .read = imp_png_read,
                                   .text = imp_png_text,
                                   .write = imp_png_write};

static const picture_format jpeg = {.name = "JPEG",
                                    .extensions = {"jpg", "jpeg"},
                                    .max_side = 65500,
                                    .max_depth = 8,
                                    .read = imp_jpeg_read,
                                    .text = imp_jpeg_text,
                                    .write = imp_jpeg_write};

static const picture_format webp = {.name = "WebP",
                                    .extensions = {"webp", "webp"},
                                    .max_side = 16383,
                                    .max_depth = 8,
                                    .opacity = true,
                                    .read = imp_webp_read,
                                    .text = imp_webp_text,
                                    .write = imp_webp_write};

static const picture_format tiff = {.name = "TIFF",
                                    .extensions = {"tif", "tiff"},
                                    .max_side = INT32_MAX,
                                    .max_depth = 16,
                                    .opacity = true,
                                    .read = imp_tiff_read,
                                    .text = imp_tiff_text,
                                    .write = imp_tiff_write};

static const picture_format heif = {.name = "HEIF", .read = imp_heif_read, .text = imp_heif_text};

static const picture_format *const written[] = {&png, &jpeg, &webp, &tiff};

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
                        "picture '%s': it is a %s, whatever its name: give a " KNOWN, in->path,
                        name);
    return imp_fail(err, IMP_ERR_FORMAT,
                    "picture '%s': it is no " KNOWN ": convert or fetch it again", in->path);
}

static imp_status format_of_name(const picture_format **out, const char *path, imp_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    *out = strcmp(path, STANDARD_STREAM) == 0 ? &png : NULL;
    for (size_t i = 0; !*out && dot && i < 2 * sizeof written / sizeof *written; i++)
        if (strcasecmp(dot + 1, written[i / 2]->extensions[i % 2]) == 0)
            *out = written[i / 2];
    if (*out)
        return IMP_OK;
    return imp_fail(
        err, IMP_ERR_ARGUMENT, "cannot write '%s': %s%s: name it .png, .jpg, .webp or .tiff", path,
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
                    format->max_side < INT32_MAX ? "write a PNG" : "make it smaller");
}

/* The options with their defaults, if the format has what they ask for. */
static imp_status resolve_options(imp_write_options *out, const imp_write_options *options,
                                  const picture_format *format, const char *path, imp_error *err) {
    *out = options ? *options : (imp_write_options){0};
    out->quality = out->quality ? out->quality : QUALITY;
    out->depth = out->depth ? out->depth : 8;
    if (out->quality < 1 || out->quality > 100)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': quality %d: give 1 to 100", path,
                        out->quality);
    if (out->depth != 8 && out->depth != 16)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': %u bits a colour: give 8 or 16",
                        path, out->depth);
    if (out->depth > format->max_depth)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': a %s has no 16 bits a colour: write a PNG or TIFF",
                        path, format->name);
    if (out->opacity && !format->opacity)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "cannot write '%s': a %s has no transparency: write a PNG, WebP or TIFF",
                        path, format->name);
    return IMP_OK;
}

/* ---- Reading and writing --------------------------------------------------------------------- */

imp_status imp_picture_decode(imp_picture *out, const imp_source *in, imp_error *err) {
    const picture_format *format;
    imp_decode t = {.in = in, .out = out};
    *out = (imp_picture){0};
    TRY(format_of(&format, in, err));
    imp_status status = format->read(&t, err);
    if (status == IMP_OK)
        status = imp_decode_complete(&t, err);
    imp_decode_finish(&t);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}

imp_status imp_picture_decode_text(char **text, const imp_source *in, imp_error *err) {
    const picture_format *format;
    *text = NULL;
    TRY(format_of(&format, in, err));
    return format->text(text, in, err);
}

imp_status imp_picture_read(imp_picture *out, const char *path, const imp_read_options *options,
                            imp_error *err) {
    unsigned char *bytes;
    char shown[SHOWN_MAX];
    imp_source in = {.path = shown, .options = options};
    imp_source_show(shown, sizeof shown, path);
    *out = (imp_picture){0};
    TRY(imp_source_read(&bytes, &in.size, path, err));
    in.bytes = bytes;
    imp_status status = imp_picture_decode(out, &in, err);
    if (status == IMP_OK && !imp_bytes_sha256(out->sha256, bytes, in.size)) {
        imp_picture_finish(out);
        status = imp_fail(err, IMP_ERR_MEMORY,
                          "picture '%s': no memory to hash it: close other programs", shown);
    }
    free(bytes);
    return status;
}

imp_status imp_picture_text(char **text, const char *path, imp_error *err) {
    unsigned char *bytes;
    char shown[SHOWN_MAX];
    imp_source in = {.path = shown};
    imp_source_show(shown, sizeof shown, path);
    *text = NULL;
    TRY(imp_source_read(&bytes, &in.size, path, err));
    in.bytes = bytes;
    const imp_status status = imp_picture_decode_text(text, &in, err);
    free(bytes);
    return status;
}

/* imp_file_fill's IMP_ERR_IO has no message yet. */
static imp_status write_stream(const imp_painting *painting, imp_error *err) {
    const imp_status status = png.write(stdout, painting, err);
    if (status == IMP_ERR_IO || (status == IMP_OK && fflush(stdout) != 0))
        return imp_fail(err, IMP_ERR_IO,
                        "standard output: cannot be written: give a file, or a program that reads");
    return status;
}

imp_status imp_picture_write(const imp_picture *picture, const char *path,
                             const imp_write_options *options, imp_error *err) {
    const picture_format *format;
    imp_painting painting = {.picture = picture, .path = path};
    TRY(format_of_name(&format, path, err));
    TRY(resolve_options(&painting.options, options, format, path, err));
    TRY(check_side(format, path, picture->width, picture->height, err));
    if (!picture->rgb || picture->width == 0 || picture->height == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': the picture is empty", path);
    if (strcmp(path, STANDARD_STREAM) == 0)
        return write_stream(&painting, err);
    return imp_file_replace(path, format->write, &painting, err);
}

/* Bytes that no file of ours exceeds: all samples with a little for what cannot be compressed. */
static size_t most_bytes(size_t width, size_t height, const imp_write_options *options) {
    if (width == 0 || height == 0)
        return 0;
    const double pixel = (options->opacity ? 4.0 : 3.0) * options->depth / 8;
    const double bytes = 1.001 * (pixel * (double)width + 1) * (double)height + TEXT_ROOM;
    return bytes < 0x1p62 ? (size_t)bytes : SIZE_MAX;
}

imp_status imp_picture_check_output(const char *path, size_t width, size_t height,
                                    const imp_write_options *options, imp_error *err) {
    const picture_format *format;
    imp_write_options settled;
    TRY(format_of_name(&format, path, err));
    TRY(resolve_options(&settled, options, format, path, err));
    TRY(check_side(format, path, width, height, err));
    if (strcmp(path, STANDARD_STREAM) == 0)
        return IMP_OK;
    return imp_file_check_output(path, most_bytes(width, height, &settled), err);
}

/* ---- What all formats need ------------------------------------------------------------------- */

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

size_t imp_painting_samples(const imp_painting *what) {
    return what->options.opacity && what->picture->opacity ? 4 : 3;
}

/* Sample i of row y, in 0..most; what is no number becomes 0. */
static inline unsigned sample(const imp_painting *what, size_t y, size_t i, size_t samples,
                              float most) {
    const imp_picture *p = what->picture;
    const size_t at = y * p->width + i / samples, c = i % samples;
    const float v = c < 3 ? p->rgb[3 * at + c] : p->opacity[at];
    return v > 0 ? (unsigned)(v < 1 ? v * most + 0.5F : most) : 0;
}

void imp_painting_bytes(unsigned char *row, const imp_painting *what, size_t y) {
    const size_t samples = imp_painting_samples(what);
    for (size_t i = 0; i < samples * what->picture->width; i++)
        row[i] = (unsigned char)sample(what, y, i, samples, 255);
}

void imp_painting_words(uint16_t *row, const imp_painting *what, size_t y) {
    const size_t samples = imp_painting_samples(what);
    for (size_t i = 0; i < samples * what->picture->width; i++)
        row[i] = (uint16_t)sample(what, y, i, samples, 65535);
}

char *imp_text_of_ours(const void *bytes, size_t size, bool *memory) {
    const size_t start = strlen(IMP_TEXT_START);
    if (size < start || memcmp(bytes, IMP_TEXT_START, start) != 0)
        return NULL;
    char *text = malloc(size - start + 1);
    *memory = text == NULL;
    if (text) {
        memcpy(text, (const char *)bytes + start, size - start);
        text[size - start] = '\0';
    }
    return text;
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
    free(picture->opacity);
    *picture = (imp_picture){0};
}
