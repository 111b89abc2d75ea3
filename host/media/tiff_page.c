/* SPDX-License-Identifier: MIT
 *
 * Which page of a TIFF is the picture: the first that is no preview of another one. Cameras store
 * the values of their sensor beside a preview that other programs can read. Such files are refused,
 * since the preview is not the picture.
 */
#include <string.h>
#include <strings.h>

#include <tiffio.h>

#include "base/error.h"
#include "media/media.h"
#include "media/tiff.h"

enum { LINEAR_RAW = 34892 }; /* DNG's photometric interpretation of values before development */

/* The formats of cameras that are TIFF files, by the maker of the camera. */
static const char *raw_format(const char *make) {
    static const char *const makers[][2] = {
        {"NIKON", "Nikon NEF"},         {"SONY", "Sony ARW"},
        {"Canon", "Canon CR2"},         {"PENTAX", "Pentax PEF"},
        {"RICOH", "Pentax PEF"},        {"SAMSUNG", "Samsung SRW"},
        {"EPSON", "Epson ERF"},         {"Hasselblad", "Hasselblad 3FR"},
        {"Phase One", "Phase One IIQ"}, {"Leaf", "Leaf MOS"},
        {"Mamiya", "Mamiya MEF"},       {"Kodak", "Kodak DCR"},
        {"EASTMAN KODAK", "Kodak DCR"}, {"Panasonic", "Panasonic RW2"},
        {"LEICA", "Leica RWL"},         {"OLYMPUS", "Olympus ORF"},
        {"FUJIFILM", "Fujifilm RAF"},
    };
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strncasecmp(make, makers[i][0], strlen(makers[i][0])) == 0)
            return makers[i][1];
    return "camera raw";
}

/* What decides on the page: see choose_page. */
typedef struct tiff_page {
    bool raw, preview; /* values of a sensor; a smaller version of another page */
    uint32_t width, height;
} tiff_page;

static tiff_page describe_page(TIFF *tiff) {
    tiff_page page = {0};
    uint16_t photometric = 0;
    uint32_t kind = 0;
    unsigned char *version = NULL;
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page.width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page.height);
    page.raw = photometric == PHOTOMETRIC_CFA || photometric == LINEAR_RAW ||
               TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version) == 1;
    page.preview = kind & FILETYPE_REDUCEDIMAGE;
    return page;
}

static imp_status fail_raw(const imp_decode *t, const char *format, imp_error *err) {
    return imp_fail(
        err, IMP_ERR_UNSUPPORTED,
        "picture '%s': it is a %s file, whose sensor data are not read, only its "
        "preview could be: develop it with a raw converter and give a TIFF, PNG or JPEG",
        t->in->path, format);
}

/* Goes through the pages that the first one refers to, or (offsets NULL) that follow it. raw: one
 * of them has values of a sensor. full: the first that is no preview; SIZE_MAX: none. */
static void look_at_pages(TIFF *tiff, const toff_t *offsets, size_t count, bool *raw,
                          size_t *full) {
    for (size_t i = 0; i < count; i++) {
        if (offsets ? !TIFFSetSubDirectory(tiff, offsets[i]) : !TIFFReadDirectory(tiff))
            break;
        const tiff_page page = describe_page(tiff);
        *raw |= page.raw;
        if (*full == SIZE_MAX && !page.preview && page.width > 0 && page.height > 0)
            *full = i;
    }
}

/* The first bytes of a file name some cameras' formats. */
static bool has_raw_mark(const imp_source *in) {
    return in->size > 12 &&
           (!memcmp(in->bytes + 8, "CR\2", 3) || !memcmp(in->bytes + 8, "IIII", 4));
}

imp_status imp_tiff_find_page(toff_t *sub, tdir_t *number, TIFF *tiff, const imp_decode *t,
                              imp_error *err) {
    enum { SUB_MAX = 16, PAGES_MAX = 64 };
    toff_t subs[SUB_MAX], *offsets = NULL;
    uint16_t count = 0;
    char make[64] = "", *text = NULL;
    unsigned char *version = NULL;
    size_t inner = SIZE_MAX, next = SIZE_MAX;
    const tiff_page first = describe_page(tiff);
    const bool dng = TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version) == 1;
    bool raw = first.raw || has_raw_mark(t->in);
    *sub = 0;
    *number = 0;
    if (TIFFGetField(tiff, TIFFTAG_MAKE, &text) && text)
        snprintf(make, sizeof make, "%s", text);
    if (!TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &offsets) || !offsets)
        count = 0;
    count = count < SUB_MAX ? count : SUB_MAX;
    for (size_t i = 0; i < count; i++)
        subs[i] = offsets[i];
    look_at_pages(tiff, subs, count, &raw, &inner);
    if (!raw && first.preview && inner == SIZE_MAX && TIFFSetDirectory(tiff, 0))
        look_at_pages(tiff, NULL, PAGES_MAX, &raw, &next);
    if (raw)
        return fail_raw(t, dng ? "DNG" : raw_format(make), err);
    if (first.preview && inner != SIZE_MAX)
        *sub = subs[inner];
    else if (first.preview && next != SIZE_MAX)
        *number = (tdir_t)(next + 1);
    if (*sub || *number)
        imp_decode_note(t, "begins with a preview; the full picture behind it is used");
    return IMP_OK;
}
