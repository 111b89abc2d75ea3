/* SPDX-License-Identifier: MIT
 *
 * Pictures that are much larger than needed: read smaller, and in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tiffio.h>

#include "helpers.h"
#include "impasto.h"
#include "media/media.h"
#include "scratch.h"

/* Of 4104 x 4104 pixels, for a side of 500: by four. Stripes of one pixel, black and white, become
 * the mean of their light; the last column and row hold fewer pixels. */
static void test_smaller(void **state) {
    enum { SIDE = 4105, BY = 4, OUT = (SIDE + BY - 1) / BY };
    static const char head[] = "P5 4105 4105 255\n";
    const size_t size = sizeof head - 1 + (size_t)SIDE * SIDE;
    unsigned char *file = malloc(size);
    imp_picture p;
    imp_error err = {0};
    imp_read_options options = {.needed = 500};
    (void)state;
    assert_non_null(file);
    memcpy(file, head, sizeof head - 1);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        file[sizeof head - 1 + i] = i % SIDE % 2 ? 255 : 0;
    imp_picture_decode(&p, file, size, &options, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(p.width, OUT);
    assert_int_equal(p.height, OUT);
    assert_int_equal(p.full_width, SIDE);
    assert_int_equal(p.full_height, SIDE);
    assert_pixel(&p, 0, 0, 187.52, 187.52, 187.52, 0.1); /* sRGB's encoding of one half */
    assert_pixel(&p, OUT - 2, OUT - 1, 187.52, 187.52, 187.52, 0.1);
    assert_pixel(&p, OUT - 1, OUT - 1, 0, 0, 0, 0.1); /* one column, which is black */
    imp_picture_finish(&p);
    options.needed = 1100; /* too near to the size of the file */
    imp_picture_decode(&p, file, size, &options, &err);
    assert_int_equal(p.width, SIDE);
    assert_int_equal(p.full_width, 0);
    imp_picture_finish(&p);
    free(file);
}

/* A large TIFF of one strip, which is larger than what is held in memory, is read in pieces, with
 * the same result; its digest is that of the file. */
static void test_in_pieces(void **state) {
    enum { SIDE = 4800 }; /* 69 MB */
    const char *path = scratch_path(*state, "large.tif");
    const imp_read_options small = {.needed = 500};
    unsigned char row[SIDE * 3];
    imp_picture p;
    imp_error err = {0};
    TIFF *tiff = TIFFOpen(path, "w");
    assert_non_null(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, SIDE);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, SIDE);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, SIDE);
    for (uint32_t y = 0; y < SIDE; y++) {
        memset(row, y < SIDE / 2 ? 30 : 220, sizeof row);
        assert_int_equal(TIFFWriteScanline(tiff, row, y, 0), 1);
    }
    TIFFClose(tiff);
    imp_peak_mib(true);
    const double before = imp_peak_mib(false);
    imp_picture_read(&p, path, &small, &err);
    assert_string_equal(err.text, "");
    assert_true(imp_peak_mib(false) - before < 60);
    assert_int_equal(p.full_width, SIDE);
    assert_int_equal(strlen(p.sha256), 64);
    assert_pixel(&p, 5, 5, 30, 30, 30, 0.6);
    assert_pixel(&p, p.width - 1, p.height - 1, 220, 220, 220, 0.6);
    imp_picture_finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smaller),
        cmocka_unit_test(test_in_pieces),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
