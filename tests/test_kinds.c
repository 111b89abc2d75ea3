/* SPDX-License-Identifier: MIT
 *
 * Kinds of pictures as people have them: unusual numbers and descriptions of colours, files without
 * their end, files of cameras, and the formats that are only read.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tiffio.h>
#include <zlib.h>

#include "helpers.h"
#include "impasto.h"
#include "media/media.h"
#include "scratch.h"
#include "small_pictures.h"

/* ---- What all tests need --------------------------------------------------------------------- */

/* The last line that was logged. */
typedef struct said {
    char line[400];
} said;

static void keep_line(void *user, imp_log_level level, const char *line) {
    (void)level;
    snprintf(((said *)user)->line, sizeof((said *)user)->line, "%s", line);
}

static imp_picture decode(const void *bytes, size_t size, said *log) {
    imp_picture p;
    imp_error err = {0};
    const imp_read_options options = {.log = log ? keep_line : NULL, .user = log};
    if (log)
        log->line[0] = '\0';
    imp_picture_decode(&p, bytes, size, &options, &err);
    assert_string_equal(err.text, "");
    return p;
}

static void assert_refused(const void *bytes, size_t size, imp_status status, const char *word) {
    imp_picture p;
    imp_error err = {0};
    assert_error(&err, imp_picture_decode(&p, bytes, size, NULL, &err), status, "memory", word);
}

/* A picture of ours in that format: its left half red, its right half blue. */
static unsigned char *encode(size_t *size, size_t width, size_t height, imp_format format) {
    imp_picture p = {
        .width = width, .height = height, .rgb = calloc(3 * width * height, sizeof(float))};
    unsigned char *bytes;
    imp_error err = {0};
    assert_non_null(p.rgb);
    for (size_t i = 0; i < width * height; i++)
        p.rgb[3 * i + (i % width < width / 2 ? 0 : 2)] = 1;
    imp_picture_encode(&bytes, size, &p, format, &(imp_write_options){.quality = 95}, &err);
    assert_string_equal(err.text, "");
    imp_picture_finish(&p);
    return bytes;
}

/* Puts bytes into a file; the result replaces it. */
static unsigned char *insert(unsigned char *file, size_t *size, size_t at, const void *more,
                             size_t count) {
    unsigned char *out = malloc(*size + count);
    assert_non_null(out);
    memcpy(out, file, at);
    memcpy(out + at, more, count);
    memcpy(out + at + count, file + at, *size - at);
    *size += count;
    free(file);
    return out;
}

/* ---- EXIF: an orientation of any type of integer --------------------------------------------- */

static void test_orientation_types(void **state) {
    static const unsigned char types[] = {1, 3, 4, 6, 8, 9}; /* BYTE, SHORT, LONG, and signed */
    (void)state;
    for (size_t i = 0; i < sizeof types; i++)
        for (int big = 0; big < 2; big++) {
            unsigned char block[] = "\xff\xe1\0\x22"
                                    "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\0\0\1\0\0\0"
                                    "\0\0\0\0\0\0\0\0";
            unsigned char *const value = block + 28;
            block[22] = types[i];
            value[0] = 6;
            if (big) {
                const bool one = types[i] == 1 || types[i] == 6,
                           two = types[i] == 3 || types[i] == 8;
                memcpy(block + 10, "MM\0*\0\0\0\x08\0\1\1\x12\0", 13);
                memcpy(block + 23, "\0\0\0\1\0\0\0\0", 9);
                block[22] = 0, block[23] = types[i];
                memcpy(block + 24, "\0\0\0\1", 4);
                memset(value, 0, 4);
                value[one ? 0 : two ? 1 : 3] = 6;
            }
            size_t size;
            unsigned char *file = encode(&size, 32, 16, IMP_FORMAT_JPEG);
            file = insert(file, &size, 2, block, sizeof block - 1);
            imp_picture p = decode(file, size, NULL);
            assert_int_equal(p.width, 16); /* turned by 90 degrees: red is above */
            assert_int_equal(p.height, 32);
            assert_pixel(&p, 8, 2, 255, 0, 0, 4);
            imp_picture_finish(&p);
            free(file);
        }
}

/* ---- PNG ------------------------------------------------------------------------------------- */

static unsigned char *add_chunk(unsigned char *file, size_t *size, const char *name,
                                const void *data, size_t count) {
    enum { AFTER_HEADER = 33 };
    unsigned char chunk[64] = {0, 0, 0, (unsigned char)count};
    assert_true(count < 32);
    memcpy(chunk + 4, name, 4);
    memcpy(chunk + 8, data, count);
    const unsigned long sum = crc32(0, chunk + 4, (unsigned)count + 4);
    for (size_t i = 0; i < 4; i++)
        chunk[8 + count + i] = (unsigned char)(sum >> (24 - 8 * i));
    return insert(file, size, AFTER_HEADER, chunk, count + 12);
}

/* Display P3's red is beyond sRGB's; its grey is the same. Colours by number precede sRGB. */
static void test_png_numbers(void **state) {
    static const struct {
        unsigned char numbers[4];
        double red[3];
    } cases[] = {
        {{12, 13, 0, 1}, {255, 0, 0}},
        {{1, 13, 0, 1}, {0, 0, 0}},
        {{2, 2, 0, 1}, {0, 0, 0}},
        {{12, 8, 0, 1}, {255, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        imp_picture grey = {.width = 2, .height = 1, .rgb = calloc(6, sizeof(float))};
        unsigned char *file;
        size_t size;
        const bool p3 = cases[i].numbers[0] == 12, linear = cases[i].numbers[1] == 8;
        assert_non_null(grey.rgb);
        for (size_t k = 0; k < 6; k++) /* a grey, and a dull green */
            grey.rgb[k] = k < 3 ? 128.0F / 255 : k == 4 ? 192.0F / 255 : 64.0F / 255;
        assert_int_equal(imp_picture_encode(&file, &size, &grey, IMP_FORMAT_PNG, NULL, NULL),
                         IMP_OK);
        file = add_chunk(file, &size, "cICP", cases[i].numbers, 4);
        imp_picture p = decode(file, size, NULL);
        if (linear)
            assert_pixel(&p, 0, 0, 188, 188, 188, 1);
        else
            assert_pixel(&p, 0, 0, 128, 128, 128, 0.6);
        if (p3 && !linear) /* by the matrix from P3 to sRGB in linear light; red is below 0 */
            assert_pixel(&p, 1, 0, 0, 195.3, 31.1, 1);
        if (!p3)
            assert_pixel(&p, 1, 0, 64, 192, 64, 0.6);
        imp_picture_finish(&p);
        imp_picture_finish(&grey);
        free(file);
    }
}

/* ---- Without their end ----------------------------------------------------------------------- */

static void test_without_end(void **state) {
    said log;
    size_t size;
    (void)state;
    unsigned char *file = encode(&size, 64, 64, IMP_FORMAT_PNG);
    imp_picture p = decode(file, size - 12, &log); /* IEND */
    assert_non_null(strstr(log.line, "end mark"));
    assert_pixel(&p, 63, 63, 0, 0, 255, 0.6);
    imp_picture_finish(&p);
    assert_refused(file, size - size / 2, IMP_ERR_FORMAT, "ends too early");
    free(file);
    file = encode(&size, 64, 64, IMP_FORMAT_JPEG);
    for (size_t cut = 1; cut < 12; cut++) {
        p = decode(file, size - cut, &log);
        assert_non_null(strstr(log.line, "is cut off"));
        assert_pixel(&p, 0, 40, 255, 0, 0, 4);
        imp_picture_finish(&p);
    }
    p = decode(file, size, &log);
    assert_string_equal(log.line, "");
    imp_picture_finish(&p);
    assert_refused(file, size - size / 8, IMP_ERR_FORMAT, "damaged or cut off");
    free(file);
}

/* Rows at the end of a picture of 80 rows: nine may be missing, half of them may not. */
static void test_missing_rows(void **state) {
    static const char head[] = "P6 4 80 255\n";
    unsigned char file[sizeof head - 1 + 4 * 80 * 3];
    said log;
    (void)state;
    memset(file, 200, sizeof file);
    memcpy(file, head, sizeof head - 1);
    imp_picture p = decode(file, sizeof file - 12 * 9, &log);
    assert_non_null(strstr(log.line, "last 9 are missing"));
    assert_pixel(&p, 3, 79, 200, 200, 200, 0.6);
    imp_picture_finish(&p);
    assert_refused(file, sizeof file - 12 * 40, IMP_ERR_FORMAT, "ends too early");
}

/* ---- TIFF ------------------------------------------------------------------------------------ */

typedef struct tiff_kind {
    int bits, format, photometric, samples, alpha;
    unsigned char row[64]; /* one row of two pixels */
    double wanted[2][3];
} tiff_kind;

static const char *make_tiff(scratch *s, const tiff_kind *k) {
    const char *path = scratch_path(s, "kind.tif");
    TIFF *tiff = TIFFOpen(path, "w");
    unsigned char row[64];
    assert_non_null(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 2);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, k->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, k->format);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, k->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, k->photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (k->alpha) {
        const uint16_t kind = EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    memcpy(row, k->row, sizeof row);
    assert_int_equal(TIFFWriteScanline(tiff, row, 0, 0), 1);
    TIFFClose(tiff);
    return path;
}

/* Words are little-endian, as the machines are that this runs on. Lab of 50,0,0 is the grey 119;
 * 53.2,80.1,67.2 (D65; of D50 54.3,80.8,69.9) is sRGB's red. */
static const tiff_kind kinds[] = {
    {12,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_RGB,
     3,
     0,
     {0xFF, 0xF8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0F, 0xFF},
     {{255, 127.5, 0}, {0, 0, 255}}},
    {12,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_MINISBLACK,
     1,
     0,
     {0x80, 0x0F, 0xFF},
     {{127.5, 127.5, 127.5}, {255, 255, 255}}},
    {10,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_MINISBLACK,
     1,
     0,
     {0x80, 0x3F, 0xF0},
     {{127.6, 127.6, 127.6}, {255, 255, 255}}},
    {16,
     SAMPLEFORMAT_IEEEFP,
     PHOTOMETRIC_RGB,
     3,
     0,
     {0, 0x3C, 0, 0x38, 0, 0, 0, 0x34, 0, 0x3A, 0, 0},
     {{255, 127.5, 0}, {63.75, 191.25, 0}}},
    {64,
     SAMPLEFORMAT_IEEEFP,
     PHOTOMETRIC_MINISBLACK,
     1,
     0,
     {0, 0, 0, 0, 0, 0, 0xE0, 0x3F, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F},
     {{127.5, 127.5, 127.5}, {255, 255, 255}}},
    {8,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_CIELAB,
     3,
     0,
     {128, 0, 0, 138, 81, 70},
     {{119.5, 119.5, 119.5}, {254, 2, 2}}},
    {8,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_ICCLAB,
     3,
     0,
     {128, 128, 128, 138, 209, 198},
     {{119.5, 119.5, 119.5}, {254, 2, 2}}},
    {8,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_CIELAB,
     4,
     1,
     {128, 0, 0, 255, 138, 81, 70, 0},
     {{119.5, 119.5, 119.5}, {255, 255, 255}}},
    {16,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_CIELAB,
     3,
     0,
     {0, 0x80, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0},
     {{119, 119, 119}, {255, 255, 255}}},
    {16,
     SAMPLEFORMAT_UINT,
     PHOTOMETRIC_ICCLAB,
     3,
     0,
     {0x80, 0x7F, 0, 0x80, 0, 0x80, 0, 255, 0, 0x80, 0, 0x80},
     {{119, 119, 119}, {255, 255, 255}}},
};

static void test_tiff_kinds(void **state) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        imp_picture p;
        imp_error err = {0};
        imp_picture_read(&p, make_tiff(*state, &kinds[i]), NULL, &err);
        assert_string_equal(err.text, "");
        for (size_t x = 0; x < 2; x++)
            assert_pixel(&p, x, 0, kinds[i].wanted[x][0], kinds[i].wanted[x][1],
                         kinds[i].wanted[x][2], 2);
        imp_picture_finish(&p);
    }
}

/* ---- Files of cameras ------------------------------------------------------------------------ */

/* A preview of 8 x 8 and, in a directory below it or behind it, a page of 32 x 16. */
static const char *make_pages(scratch *s, int photometric, bool below, const char *make, bool dng) {
    const char *path = scratch_path(s, "raw.tif");
    TIFF *tiff = TIFFOpen(path, "w");
    unsigned char row[32 * 3];
    toff_t offsets[1] = {0};
    assert_non_null(tiff);
    for (int page = 0; page < 2; page++) {
        const int width = page ? 32 : 8, height = page ? 16 : 8,
                  samples = page && photometric != PHOTOMETRIC_RGB ? 1 : 3;
        memset(row, page ? 200 : 20, sizeof row);
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, samples);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, page ? photometric : PHOTOMETRIC_RGB);
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, page ? 0 : FILETYPE_REDUCEDIMAGE);
        if (!page && make)
            TIFFSetField(tiff, TIFFTAG_MAKE, make);
        if (!page && dng)
            TIFFSetField(tiff, TIFFTAG_DNGVERSION, "\1\4\0\0");
        if (!page && below)
            TIFFSetField(tiff, TIFFTAG_SUBIFD, 1, offsets);
        for (int y = 0; y < height; y++)
            assert_int_equal(TIFFWriteScanline(tiff, row, (uint32_t)y, 0), 1);
        assert_int_equal(TIFFWriteDirectory(tiff), 1);
    }
    TIFFClose(tiff);
    return path;
}

static void test_previews(void **state) {
    for (int below = 0; below < 2; below++) {
        imp_picture p;
        imp_error err = {0};
        said log = {""};
        const imp_read_options options = {.log = keep_line, .user = &log};
        imp_picture_read(&p, make_pages(*state, PHOTOMETRIC_RGB, below, NULL, false), &options,
                         &err);
        assert_string_equal(err.text, "");
        assert_int_equal(p.width, 32);
        assert_pixel(&p, 31, 15, 200, 200, 200, 0.6);
        assert_non_null(strstr(log.line, "preview"));
        imp_picture_finish(&p);
    }
}

static void test_raw_refused(void **state) {
    static const struct {
        const char *make, *name;
        bool dng;
    } cameras[] = {{"NIKON CORPORATION", "Nikon NEF", false},
                   {"SONY", "Sony ARW", false},
                   {"Google", "DNG", true},
                   {NULL, "camera raw", false}};
    static const struct {
        size_t at;
        const char *mark, *name;
    } marks[] = {{0, "FUJIFILMCCD-RAW 0201", "Fujifilm RAF"},
                 {0, "IIU\0\x18", "Panasonic RW2"},
                 {4, "ftypcrx \0\0\0\1crx isom", "Canon CR3"},
                 {0, "IIRO\x08", "Olympus ORF"},
                 {0, "FOVb", "Sigma X3F"},
                 {0, "\0MRM", "Minolta MRW"}};
    imp_picture p;
    for (size_t i = 0; i < sizeof cameras / sizeof *cameras; i++) {
        imp_error err = {0};
        const char *path =
            make_pages(*state, PHOTOMETRIC_CFA, i % 2, cameras[i].make, cameras[i].dng);
        assert_error(&err, imp_picture_read(&p, path, NULL, &err), IMP_ERR_UNSUPPORTED,
                     "raw converter", cameras[i].name);
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        unsigned char file[64] = {0};
        memcpy(file + marks[i].at, marks[i].mark, marks[i].at ? 20 : 5);
        if (i == 0)
            memcpy(file, marks[i].mark, 20);
        assert_refused(file, sizeof file, IMP_ERR_UNSUPPORTED, marks[i].name);
    }
    unsigned char cr2[32] = "II*\0\x10\0\0\0CR\2\0";
    assert_refused(cr2, sizeof cr2, IMP_ERR_FORMAT, "TIFF"); /* without any page */
}

/* ---- Formats that are only read -------------------------------------------------------------- */

/* The colours of small_pictures.h. */
static void check_small(const void *bytes, size_t size) {
    static const double wanted[2][3][3] = {{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}},
                                           {{255, 255, 255}, {0, 0, 0}, {51, 102, 204}}};
    imp_picture p = decode(bytes, size, NULL);
    assert_int_equal(p.width, 3);
    assert_int_equal(p.height, 2);
    for (size_t i = 0; i < 6; i++) {
        const double *w = wanted[i / 3][i % 3];
        assert_pixel(&p, i % 3, i / 3, w[0], w[1], w[2], 0.6);
    }
    imp_picture_finish(&p);
}

/* Those of libraries that this build lacks are refused by name. */
static void check_optional(const void *bytes, size_t size, const char *library) {
    imp_picture p;
    imp_error err = {0};
    const imp_status status = imp_picture_decode(&p, bytes, size, NULL, &err);
    imp_picture_finish(&p);
    if (status == IMP_ERR_UNSUPPORTED) {
        assert_non_null(strstr(err.text, library));
        return;
    }
    check_small(bytes, size);
    for (size_t cut = size - 1; cut > 12; cut -= 1 + size / 40) { /* a picture, or one line */
        unsigned char *part = malloc(cut);
        assert_non_null(part);
        memcpy(part, bytes, cut);
        imp_picture_decode(&p, part, cut, NULL, NULL);
        imp_picture_finish(&p);
        free(part);
    }
}

static void test_other_formats(void **state) {
    static const unsigned char colours[] = "\xff\0\0\0\xff\0\0\0\xff\xff\xff\xff\0\0\0\x33\x66\xcc";
    unsigned char file[128];
    (void)state;
    check_optional(small_gif, sizeof small_gif, "giflib");
    check_optional(small_jxl, sizeof small_jxl, "libjxl");
    check_optional(small_jp2, sizeof small_jp2, "OpenJPEG");
    check_optional(small_exr, sizeof small_exr, "OpenEXR");
    memcpy(file, "P6 3 2 255\n", 11);
    memcpy(file + 11, colours, 18);
    check_small(file, 29);
    const char text[] = "P3\n# a comment\n3 2 255\n255 0 0 0 255 0 0 0 255\n"
                        "255 255 255 0 0 0 51 102 204";
    check_small(text, sizeof text - 1);
    const char pam[] = "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n";
    memcpy(file, pam, sizeof pam - 1);
    memcpy(file + sizeof pam - 1, colours, 18);
    check_small(file, sizeof pam - 1 + 18);
    const unsigned char tga[18] = {[2] = 2, [12] = 3, [14] = 2, [16] = 24, [17] = 0x20};
    memcpy(file, tga, 18);
    for (size_t i = 0; i < 18; i++)
        file[18 + i] = colours[i / 3 * 3 + 2 - i % 3];
    check_small(file, 36);
    unsigned char bmp[54 + 24] = {
        'B', 'M', [10] = 54, [14] = 40, [18] = 3, [22] = 2, [26] = 1, [28] = 24};
    for (size_t i = 0; i < 18; i++) /* rows from below, padded to 4 bytes */
        bmp[54 + (i < 9 ? 12 : 0) + i % 9] = colours[i / 3 * 3 + 2 - i % 3];
    check_small(bmp, sizeof bmp);
    memset(bmp + 22, 0xFF, 4);
    bmp[22] = 0xFE; /* -2: from above */
    assert_true(memcpy(file, bmp + 54, 12) && memmove(bmp + 54, bmp + 66, 12) &&
                memcpy(bmp + 66, file, 12));
    check_small(bmp, sizeof bmp);
}

/* A rotation may stand before the size that it turns. The associations of properties are bytes of
 * the box "ipma". */
static void test_avif_order(void **state) {
    unsigned char file[sizeof small_avif];
    imp_picture p;
    imp_error err = {0};
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        memcpy(file, small_avif, sizeof file);
        unsigned char *ipma = file;
        while (ipma + 16 < file + sizeof file && memcmp(ipma, "ipma", 4) != 0)
            ipma++;
        unsigned char *const list = ipma + 15; /* the first item's, after their number */
        const size_t count = ipma[14];
        assert_true(count > 1 && count < 8);
        for (size_t i = 0; swapped && i < count / 2; i++) {
            const unsigned char other = list[i];
            list[i] = list[count - 1 - i];
            list[count - 1 - i] = other;
        }
        if (imp_picture_decode(&p, file, sizeof file, NULL, &err) == IMP_ERR_UNSUPPORTED)
            return; /* without libheif, or its decoder */
        assert_string_equal(err.text, "");
        assert_int_equal(p.width, 16);
        assert_int_equal(p.height, 32);
        assert_pixel(&p, 8, 4, 200, 40, 40, 12);
        imp_picture_finish(&p);
    }
}

/* Everything else is named by its kind. */
static void test_named(void **state) {
    static const struct {
        size_t at, length;
        const char *bytes, *name;
    } files[] = {{0, 6, "8BPS\0\1", "Photoshop"},
                 {0, 10, "%!PS-Adobe", "PostScript"},
                 {0, 10, "#?RADIANCE", "Radiance"},
                 {0, 8, "gimp xcf", "GIMP"},
                 {0, 5, "\0\0\1\0\1", "icon"},
                 {0, 4, "qoif", "QOI"},
                 {0, 4, "DDS ", "DirectDraw"},
                 {0, 5, "<svg ", "SVG"},
                 {0, 4, "II\xbc\1", "JPEG XR"},
                 {0, 4, "\xff\xd8\xff\xf7", "JPEG-LS"},
                 {0, 4, "Rar!", "RAR"},
                 {0, 8, "farbfeld", "farbfeld"},
                 {4, 8, "ftypisom", "video"},
                 {0, 6, "\x93NUMPY", "NumPy"}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned char file[64] = {0};
        memcpy(file + files[i].at, files[i].bytes, files[i].length);
        assert_refused(file, sizeof file, IMP_ERR_UNSUPPORTED, files[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orientation_types), cmocka_unit_test(test_png_numbers),
        cmocka_unit_test(test_without_end),       cmocka_unit_test(test_missing_rows),
        cmocka_unit_test(test_tiff_kinds),        cmocka_unit_test(test_previews),
        cmocka_unit_test(test_raw_refused),       cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_avif_order),        cmocka_unit_test(test_named),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
