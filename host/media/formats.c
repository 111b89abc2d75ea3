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

#define KNOWN "PNG, JPEG, WebP, TIFF, HEIF, AVIF, GIF or BMP"

/* A camera's values of its sensor, and how to make a picture of them. */
#define RAW(format) format " file (camera raw: develop it with a raw converter)"

static const imp_picture_format png = {.name = "PNG",
                                       .extensions = {"png", "png"},
                                       .max_side = INT32_MAX,
                                       .max_depth = 16,
                                       .opacity = true,
                                       .streams = true,
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
                                        .streams = true,
                                        .extensions = {"tif", "tiff"},
                                        .max_side = INT32_MAX,
                                        .max_depth = 16,
                                        .opacity = true,
                                        .decode = imp_tiff_decode,
                                        .text = imp_tiff_text,
                                        .encode = imp_tiff_encode};

static const imp_picture_format heif = {
    .name = "HEIF", .decode = imp_heif_decode, .text = imp_heif_text};

static const imp_picture_format gif = {.name = "GIF", .decode = imp_gif_decode};
static const imp_picture_format bmp = {.name = "BMP", .decode = imp_bmp_decode};
static const imp_picture_format pnm = {.name = "PNM", .decode = imp_pnm_decode};
static const imp_picture_format tga = {.name = "TGA", .decode = imp_tga_decode};
static const imp_picture_format jxl = {.name = "JPEG XL", .decode = imp_jxl_decode};
static const imp_picture_format jp2 = {.name = "JPEG 2000", .decode = imp_jp2_decode};
static const imp_picture_format exr = {.name = "OpenEXR", .decode = imp_exr_decode};

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
    {"JPEG-LS picture", NULL, 0, 4, "\xff\xd8\xff\xf7"},
    {"JPEG picture", &jpeg, 0, 3, "\xff\xd8\xff"},
    {"GIF picture", &gif, 0, 4, "GIF8"},
    {"WebP picture", &webp, 8, 4, "WEBP"},
    {"TIFF picture", &tiff, 0, 4, "II*\0"},
    {"TIFF picture", &tiff, 0, 4, "MM\0*"},
    {"TIFF picture", &tiff, 0, 4, "II+\0"},
    {"TIFF picture", &tiff, 0, 4, "MM\0+"},
    {"AVIF picture", &heif, 4, 7, "ftypavi"},
    {"HEIC picture", &heif, 4, 6, "ftyphe"},
    {"HEIF picture", &heif, 4, 7, "ftypmif"},
    {"HEIF picture", &heif, 4, 7, "ftypmsf"},
    {RAW("Canon CR3"), NULL, 4, 8, "ftypcrx "},
    {RAW("Canon CRW"), NULL, 6, 8, "HEAPCCDR"},
    {RAW("Fujifilm RAF"), NULL, 0, 15, "FUJIFILMCCD-RAW"},
    {RAW("Panasonic RW2"), NULL, 0, 4, "IIU\0"},
    {RAW("Olympus ORF"), NULL, 0, 4, "IIRO"},
    {RAW("Olympus ORF"), NULL, 0, 4, "IIRS"},
    {RAW("Olympus ORF"), NULL, 0, 4, "MMOR"},
    {RAW("Minolta MRW"), NULL, 0, 4, "\0MRM"},
    {RAW("Sigma X3F"), NULL, 0, 4, "FOVb"},
    {RAW("Red R3D"), NULL, 4, 4, "RED1"},
    {RAW("Red R3D"), NULL, 4, 4, "RED2"},
    {RAW("ARRI ARI"), NULL, 0, 4, "ARRI"},
    {"video file", NULL, 4, 4, "ftyp"},
    {"video file", NULL, 0, 4, "\x1a\x45\xdf\xa3"},
    {"video file", NULL, 8, 4, "AVI "},
    {"sound file", NULL, 8, 4, "WAVE"},
    {"JPEG XL picture", &jxl, 0, 2, "\xff\x0a"},
    {"JPEG XL picture", &jxl, 4, 8, "JXL \r\n\x87\n"},
    {"JPEG 2000 picture", &jp2, 4, 8, "jP  \r\n\x87\n"},
    {"JPEG 2000 picture", &jp2, 0, 4, "\xff\x4f\xff\x51"},
    {"JPEG XR picture", NULL, 0, 3, "II\xbc"},
    {"OpenEXR picture", &exr, 0, 4, "\x76\x2f\x31\x01"},
    {"Radiance HDR picture", NULL, 0, 10, "#?RADIANCE"},
    {"Radiance HDR picture", NULL, 0, 6, "#?RGBE"},
    {"Photoshop picture", NULL, 0, 4, "8BPS"},
    {"GIMP picture", NULL, 0, 8, "gimp xcf"},
    {"Krita or OpenRaster picture", NULL, 30, 18, "mimetypeimage/open"},
    {"Krita or OpenRaster picture", NULL, 30, 25, "mimetypeapplication/x-kri"},
    {"PostScript document", NULL, 0, 4, "%!PS"},
    {"PostScript document", NULL, 0, 4, "\xc5\xd0\xd3\xc6"},
    {"PDF document", NULL, 0, 4, "%PDF"},
    {"DjVu document", NULL, 0, 8, "AT&TFORM"},
    {"DICOM picture", NULL, 128, 4, "DICM"},
    {"FITS picture", NULL, 0, 9, "SIMPLE  ="},
    {"DirectDraw picture", NULL, 0, 4, "DDS "},
    {"KTX texture", NULL, 1, 5, "KTX 1"},
    {"KTX texture", NULL, 1, 5, "KTX 2"},
    {"farbfeld picture", NULL, 0, 8, "farbfeld"},
    {"QOI picture", NULL, 0, 4, "qoif"},
    {"FLIF picture", NULL, 0, 4, "FLIF"},
    {"BPG picture", NULL, 0, 4, "BPG\xfb"},
    {"PFM picture", NULL, 0, 3, "PF\n"},
    {"PFM picture", NULL, 0, 3, "Pf\n"},
    {"PCX picture", NULL, 0, 3, "\x0a\x05\x01"},
    {"DPX picture", NULL, 0, 4, "SDPX"},
    {"DPX picture", NULL, 0, 4, "XPDS"},
    {"Cineon picture", NULL, 0, 4, "\x80\x2a\x5f\xd7"},
    {"SGI picture", NULL, 0, 2, "\x01\xda"},
    {"Sun raster picture", NULL, 0, 4, "\x59\xa6\x6a\x95"},
    {"Amiga ILBM picture", NULL, 8, 4, "ILBM"},
    {"MNG animation", NULL, 0, 8, "\x8aMNG\r\n\x1a\n"},
    {"JNG picture", NULL, 0, 8, "\x8bJNG\r\n\x1a\n"},
    {"XPM picture", NULL, 0, 9, "/* XPM */"},
    {"Windows icon", NULL, 0, 4, "\0\0\1\0"},
    {"Windows cursor", NULL, 0, 6, "\0\0\2\0\1\0"},
    {"Apple icon", NULL, 0, 4, "icns"},
    {"Windows metafile", NULL, 0, 4, "\xd7\xcd\xc6\x9a"},
    {"Windows metafile", NULL, 40, 4, " EMF"},
    {"NumPy array", NULL, 0, 6, "\x93NUMPY"},
    {"HDF5 file", NULL, 0, 8, "\x89HDF\r\n\x1a\n"},
    {"ZIP archive", NULL, 0, 4, "PK\3\4"},
    {"RAR archive", NULL, 0, 4, "Rar!"},
    {"7-Zip archive", NULL, 0, 4, "7z\xbc\xaf"},
    {"gzip archive", NULL, 0, 2, "\x1f\x8b"},
    {"bzip2 archive", NULL, 0, 3, "BZh"},
    {"xz archive", NULL, 0, 5,
     "\xfd"
     "7zXZ"},
    {"Zstandard archive", NULL, 0, 4, "\x28\xb5\x2f\xfd"},
    {"tar archive", NULL, 257, 5, "ustar"},
    {"program", NULL, 0, 4,
     "\x7f"
     "ELF"},
    {"Git LFS pointer", NULL, 0, 23, "version https://git-lfs"},
    {"BMP picture", &bmp, 0, 2, "BM"},
};

/* Netpbm's formats begin with P and a digit, then white space or a comment. */
static bool is_pnm(const unsigned char *bytes, size_t size) {
    return size > 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
           memchr(" \t\r\n#", bytes[2], 5);
}

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
    if (!name && is_pnm(in->bytes, in->size))
        *out = &pnm;
    else if (!name && imp_tga_is(in))
        *out = &tga;
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
