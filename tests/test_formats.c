/* SPDX-License-Identifier: MIT
 *
 * What picture formats hold beyond colours: depth, transparency, profiles, orientation, origin and
 * text, written by us or by the format's own library.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lcms2.h>
#include <tiffio.h>

#include "impasto.h"
#include "media/media.h"
#include "scratch.h"

enum { WIDTH = 37, HEIGHT = 23, PIXELS = WIDTH * HEIGHT };

static const char *const names[] = {"out.png", "out.webp", "out.tif", "out.jpg"};

/* Smooth colours; opacity from 0 on the left to 1 on the right. */
static imp_picture make_picture(bool opacity) {
    imp_picture p = {.width = WIDTH, .height = HEIGHT, .rgb = malloc(3 * PIXELS * sizeof(float))};
    p.opacity = opacity ? malloc(PIXELS * sizeof(float)) : NULL;
    assert_true(p.rgb && (p.opacity || !opacity));
    for (size_t i = 0; i < 3 * PIXELS; i++) {
        const double x = (double)(i / 3 % WIDTH), y = (double)(i / 3 / WIDTH);
        p.rgb[i] = (float)(0.5 + 0.45 * sin(0.2 * x + 0.1 * y + (double)(i % 3)));
    }
    for (size_t i = 0; opacity && i < PIXELS; i++)
        p.opacity[i] = (float)(i % WIDTH) / (WIDTH - 1);
    return p;
}

static void write_picture(const imp_picture *p, const char *path,
                          const imp_write_options *options) {
    imp_error err = {0};
    imp_picture_write(p, path, options, &err);
    assert_string_equal(err.text, "");
}

static imp_picture read_picture(const char *path, const imp_read_options *options) {
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, path, options, &err);
    assert_string_equal(err.text, "");
    return p;
}

static double largest(const float *a, const float *b, size_t count) {
    double far = 0;
    for (size_t i = 0; i < count; i++)
        far = fmax(far, fabs((double)a[i] - (double)b[i]));
    return far;
}

/* ---- Out and in again ------------------------------------------------------------------------ */

/* Both depths round to half a step at most; JPEG and lossy WebP lose more. */
static void test_depths(void **state) {
    static const struct {
        const char *name;
        imp_write_options options;
        double bound;
    } files[] = {
        {"8.png", {.depth = 8}, 0.50001 / 255},          {"16.png", {.depth = 16}, 0.501 / 65535},
        {"8.tif", {.depth = 8}, 0.50001 / 255},          {"16.TIFF", {.depth = 16}, 0.501 / 65535},
        {"exact.webp", {.quality = 100}, 0.50001 / 255}, {"good.webp", {.quality = 98}, 0.08}};
    imp_picture p = make_picture(false);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_picture(&p, scratch_path(*state, files[i].name), &files[i].options);
        imp_picture q = read_picture(scratch_path(*state, files[i].name), NULL);
        assert_int_equal(q.width, WIDTH);
        assert_int_equal(q.height, HEIGHT);
        const double far = largest(p.rgb, q.rgb, 3 * PIXELS);
        if (!(far <= files[i].bound))
            fail_msg("%s: off by %g, bound %g", files[i].name, far, files[i].bound);
        assert_false(q.alpha);
        assert_int_equal(strlen(q.sha256), 64);
        imp_picture_finish(&q);
    }
    imp_picture_finish(&p);
}

/* With keep_alpha, opacity comes back, and invisible pixels get a colour. Without it, colours are
 * composited. */
static void test_opacity(void **state) {
    static const float orange[3] = {1, 0.5F, 0};
    const imp_read_options keep = {.keep_alpha = true}, on_orange = {.background = orange};
    imp_picture p = make_picture(true);
    for (size_t i = 0; i < 3; i++) {
        write_picture(&p, scratch_path(*state, names[i]),
                      &(imp_write_options){.quality = 100, .opacity = true});
        imp_picture q = read_picture(scratch_path(*state, names[i]), &keep);
        assert_true(q.alpha && q.opacity);
        assert_true(largest(p.opacity, q.opacity, PIXELS) <= 0.50001 / 255);
        imp_picture r = read_picture(scratch_path(*state, names[i]), &on_orange);
        assert_true(r.alpha && !r.opacity);
        for (size_t k = 0; k < 3 * PIXELS; k++) {
            const double a = (double)q.opacity[k / 3];
            const double seen = a > 0 ? (double)p.rgb[k] : 0;
            assert_true(a <= 0 || fabs((double)q.rgb[k] - seen) <= 0.50001 / 255);
            assert_true(a > 0 ||
                        (q.rgb[k] > 0.1F && q.rgb[k] < 0.9F)); /* the mean of the visible ones */
            assert_true(fabs((double)r.rgb[k] - (a * seen + (1 - a) * (double)orange[k % 3])) <=
                        0.502 / 255);
        }
        imp_picture_finish(&q);
        imp_picture_finish(&r);
    }
    write_picture(&p, scratch_path(*state, names[0]), NULL); /* not asked for */
    imp_picture q = read_picture(scratch_path(*state, names[0]), &keep);
    assert_true(!q.alpha && !q.opacity);
    imp_picture_finish(&q);
    imp_picture_finish(&p);
}

static void test_opacity_resized(void **state) {
    imp_picture p = make_picture(true), q;
    imp_error err = {0};
    (void)state;
    assert_int_equal(imp_picture_resize(&q, &p, 2 * WIDTH, 5, &err), IMP_OK);
    for (size_t i = 0; i < (size_t)2 * WIDTH * 5;
         i++) { /* a ramp stays a ramp, except at its ends */
        const double x = ((double)(i % (2 * WIDTH)) + 0.5) / 2 - 0.5;
        assert_true(q.opacity[i] >= 0 && q.opacity[i] <= 1);
        if (x > 3 && x < WIDTH - 4)
            assert_true(fabs((double)q.opacity[i] - x / (WIDTH - 1)) < 0.002);
    }
    imp_picture_finish(&p);
    imp_picture_finish(&q);
}

static void test_refused(void **state) {
    imp_picture p = make_picture(true);
    imp_error err = {0};
    const char *path = scratch_path(*state, "no.jpg");
    const imp_write_options deep = {.depth = 16}, seen_through = {.opacity = true},
                            odd = {.depth = 12};
    assert_error(&err, imp_picture_write(&p, path, &deep, &err), IMP_ERR_ARGUMENT, path,
                 "at most 8 bits per colour");
    assert_error(&err, imp_picture_check_output(path, 8, 8, &seen_through, &err), IMP_ERR_ARGUMENT,
                 path, "transparency");
    assert_error(&err, imp_picture_write(&p, path, &odd, &err), IMP_ERR_ARGUMENT, path, "12 bits");
    path = scratch_path(*state, "no.webp");
    assert_error(&err, imp_picture_check_output(path, 16384, 8, NULL, &err), IMP_ERR_ARGUMENT, path,
                 "write a PNG");
    imp_picture_finish(&p);
}

/* ---- Origin and text ------------------------------------------------------------------------- */

static void test_origin(void **state) {
    static const imp_origin origin = {"A maker of cameras", "Its \"best\" model",
                                      "2024:05:31 18:20:07"};
    imp_picture p = make_picture(false);
    p.origin = origin;
    for (size_t i = 0; i < 4; i++) {
        write_picture(&p, scratch_path(*state, names[i]), NULL);
        imp_picture q = read_picture(scratch_path(*state, names[i]), NULL);
        assert_memory_equal(&q.origin, &origin, sizeof origin);
        imp_picture_finish(&q);
    }
    imp_picture_finish(&p);
}

static void test_text(void **state) {
    static const char short_text[] = "{\"size\": 512, \"style\": \"Gr\xc3\xbc\xc3\x9f\x65\"}";
    char long_text[40001];
    imp_picture p = make_picture(false);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t i = 0; i < 4; i++) {
        const char *const texts[] = {short_text, long_text, "", NULL};
        for (size_t k = 0; k < 4; k++) {
            write_picture(&p, scratch_path(*state, names[i]),
                          &(imp_write_options){.text = texts[k]});
            assert_text(scratch_path(*state, names[i]), texts[k]);
        }
    }
    imp_picture_finish(&p);
}

/* ---- Files of libtiff: orientation and profiles ---------------------------------------------- */

typedef struct tiff_spec {
    size_t width, height;
    uint16_t orientation, samples; /* 1: grey, 3: RGB, 4: inks */
    cmsHPROFILE profile;
    bool tiled, planes;
} tiff_spec;

static unsigned tiff_sample(size_t x, size_t y, size_t c) {
    return (unsigned)(x * 9173 + y * 21001 + c * 30011) & 0xFFFF;
}

static void add_profile(TIFF *tiff, cmsHPROFILE profile) {
    cmsUInt32Number size = 0;
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    void *bytes = malloc(size);
    assert_true(bytes && cmsSaveProfileToMem(profile, bytes, &size));
    TIFFSetField(tiff, TIFFTAG_ICCPROFILE, size, bytes);
    free(bytes);
}

static void write_strips(TIFF *tiff, const tiff_spec *spec) {
    const size_t planes = spec->planes ? spec->samples : 1, in_row = spec->samples / planes;
    uint16_t row[256];
    for (size_t plane = 0; plane < planes; plane++)
        for (size_t y = 0; y < spec->height; y++) {
            for (size_t i = 0; i < spec->width * in_row; i++)
                row[i] = (uint16_t)tiff_sample(i / in_row, y, plane + i % in_row);
            assert_int_equal(TIFFWriteScanline(tiff, row, (uint32_t)y, (uint16_t)plane), 1);
        }
}

static void write_tiles(TIFF *tiff, const tiff_spec *spec) {
    enum { SIDE = 16 };
    uint16_t tile[SIDE * SIDE * 4];
    for (size_t y = 0; y < spec->height; y += SIDE)
        for (size_t x = 0; x < spec->width; x += SIDE) {
            for (size_t i = 0; i < (size_t)SIDE * SIDE * spec->samples; i++) {
                const size_t at = i / spec->samples;
                tile[i] = (uint16_t)tiff_sample(x + at % SIDE, y + at / SIDE, i % spec->samples);
            }
            assert_true(TIFFWriteTile(tiff, tile, (uint32_t)x, (uint32_t)y, 0, 0) > 0);
        }
}

static const char *make_tiff(scratch *s, const char *name, const tiff_spec *spec) {
    static const uint16_t kinds[] = {0, PHOTOMETRIC_MINISBLACK, 0, PHOTOMETRIC_RGB,
                                     PHOTOMETRIC_SEPARATED};
    const char *path = scratch_path(s, name);
    TIFF *tiff = TIFFOpen(path, "w");
    assert_non_null(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)spec->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)spec->height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 16);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)spec->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, (int)kinds[spec->samples]);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, (int)spec->orientation);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
                 spec->planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (spec->profile)
        add_profile(tiff, spec->profile);
    if (spec->tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 16);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16);
        write_tiles(tiff, spec);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 5);
        write_strips(tiff, spec);
    }
    TIFFClose(tiff);
    return path;
}

/* The position in the upright picture of a pixel of the file, by EXIF's definition. */
static void place(size_t *x, size_t *y, const tiff_spec *spec, size_t column, size_t row) {
    const size_t right = spec->width - 1 - column, below = spec->height - 1 - row;
    const size_t xs[] = {0, column, right, right, column, row, below, below, row};
    const size_t ys[] = {0, row, row, below, below, column, column, right, right};
    *x = xs[spec->orientation];
    *y = ys[spec->orientation];
}

static void test_orientations(void **state) {
    for (uint16_t n = 1; n <= 8; n++) {
        const tiff_spec spec = {.width = 19, .height = 11, .orientation = n, .samples = 3};
        imp_picture p = read_picture(make_tiff(*state, "turned.tif", &spec), NULL);
        assert_int_equal(p.width, n < 5 ? 19 : 11);
        assert_int_equal(p.height, n < 5 ? 11 : 19);
        for (size_t i = 0; i < (size_t)3 * 19 * 11; i++) {
            size_t x, y;
            place(&x, &y, &spec, i / 3 % 19, i / 3 / 19);
            const double wanted = tiff_sample(i / 3 % 19, i / 3 / 19, i % 3) / 65535.0;
            assert_true(fabs((double)p.rgb[3 * (y * p.width + x) + i % 3] - wanted) < 1e-6);
        }
        imp_picture_finish(&p);
    }
}

/* The strips, tiles and planes of a file make no difference. */
static void test_layouts(void **state) {
    for (int i = 0; i < 6; i++) {
        const tiff_spec spec = {.width = 37,
                                .height = 21,
                                .orientation = 1,
                                .samples = i < 2   ? 1
                                           : i < 4 ? 3
                                                   : 4,
                                .tiled = i % 2 == 0,
                                .planes = i == 3 || i == 5};
        imp_picture p = read_picture(make_tiff(*state, "layout.tif", &spec), NULL);
        for (size_t k = 0; k < (size_t)3 * 37 * 21; k++) {
            const size_t x = k / 3 % 37, y = k / 3 / 37;
            const double v = tiff_sample(x, y, spec.samples == 1 ? 0 : k % 3) / 65535.0;
            const double ink = 1 - tiff_sample(x, y, 3) / 65535.0;
            const double wanted = spec.samples == 4 ? (1 - v) * ink : v;
            assert_true(fabs((double)p.rgb[k] - wanted) < 1e-6);
        }
        imp_picture_finish(&p);
    }
}

static void count_note(void *user, imp_log_level level, const char *line) {
    assert_int_equal(level, IMP_LOG_WARNING);
    assert_non_null(strstr(line, "profile"));
    ++*(int *)user;
}

/* A linear profile with the primaries of sRGB, and grey with gamma 1.8. lcms2's curve of sRGB is
 * the inverse of a table, within 2e-5 of the formula. */
static void test_profiles(void **state) {
    const cmsCIExyY white = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE rec709 = {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    int notes = 0;
    const imp_read_options options = {.log = count_note, .user = &notes};
    for (unsigned samples = 1; samples <= 3; samples += 2) {
        const double gamma = samples == 1 ? 1.8 : 1;
        cmsToneCurve *curve = cmsBuildGamma(NULL, gamma);
        cmsToneCurve *const curves[3] = {curve, curve, curve};
        tiff_spec spec = {.width = 40, .height = 9, .orientation = 1, .samples = (uint16_t)samples};
        spec.profile = samples == 1 ? cmsCreateGrayProfile(&white, curve)
                                    : cmsCreateRGBProfile(&white, &rec709, curves);
        imp_picture p = read_picture(make_tiff(*state, "profile.tif", &spec), &options);
        for (size_t i = 0; i < (size_t)3 * 40 * 9; i++) {
            const double light =
                pow(tiff_sample(i / 3 % 40, i / 3 / 40, samples == 1 ? 0 : i % 3) / 65535.0, gamma);
            const double wanted =
                light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
            if (fabs((double)p.rgb[i] - wanted) > 1.0 / 1023)
                fail_msg("%u samples, %zu: got %g, wanted %g", samples, i, (double)p.rgb[i],
                         wanted);
        }
        assert_int_equal(notes, 0);
        imp_picture_finish(&p);
        spec.samples = (uint16_t)(4 - samples); /* a profile for other colours is ignored */
        p = read_picture(make_tiff(*state, "other.tif", &spec), &options);
        assert_true(fabs((double)p.rgb[3] - tiff_sample(1, 0, 0) / 65535.0) < 1e-6);
        assert_int_equal(notes, 1);
        notes = 0;
        imp_picture_finish(&p);
        cmsCloseProfile(spec.profile);
        cmsFreeToneCurve(curve);
    }
}

/* Our files carry an sRGB profile, always the same bytes, which does not change colours when read.
 */
static void test_srgb_profile(void **state) {
    size_t size, recompute;
    unsigned char *bytes = imp_srgb_profile(&size), *others = imp_srgb_profile(&recompute);
    (void)state;
    assert_true(bytes && others && size == recompute);
    assert_memory_equal(bytes, others, size);
    free(bytes);
    free(others);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void count_cut(void *user, imp_log_level level, const char *line) {
    if (level == IMP_LOG_WARNING && strstr(line, "is cut off: "))
        ++*(size_t *)user;
}

/* A file that is cut off anywhere, or has a bit flipped, gives a picture or one line of error.
 * Returns how many were refused; of those cut off, how many were read without a warning. */
static size_t survive(scratch *s, const char *name, bool cut) {
    size_t size, refused = 0, warned = 0;
    const imp_read_options few = {
        .max_pixels = 1 << 14, .keep_alpha = true, .log = count_cut, .user = &warned};
    unsigned char *bytes = scratch_read(s, name, &size);
    for (size_t i = 12; i < size; i++) {
        imp_picture p;
        imp_error err = {0};
        char *text = NULL;
        unsigned char *part = malloc(cut ? i : size); /* for the sanitizers: of just this size */
        assert_non_null(part);
        memcpy(part, bytes, cut ? i : size);
        if (!cut)
            part[i] ^= (unsigned char)(1 << i % 8);
        const imp_source in = {part, cut ? i : size, "damaged.picture", &few, NULL};
        if (imp_decode_source(&p, &in, &err) != IMP_OK) {
            assert_error(&err, err.status, err.status, "damaged.picture", ": ");
            refused++;
        }
        imp_picture_finish(&p);
        if (i % 5 == 0)
            (void)imp_decode_text(&text, &in, NULL);
        free(text);
        free(part);
    }
    free(bytes);
    return cut ? size - 12 - refused - warned : refused;
}

static void test_damage(void **state) {
    imp_picture p = make_picture(true);
    const tiff_spec tiled = {
        .width = 37, .height = 21, .orientation = 6, .samples = 3, .tiled = true};
    snprintf(p.origin.make, sizeof p.origin.make, "A maker");
    for (size_t i = 0; i < 4; i++) {
        write_picture(&p, scratch_path(*state, names[i]),
                      &(imp_write_options){.text = "text", .opacity = i < 3, .quality = 90});
        assert_int_equal(survive(*state, names[i], true), 0); /* none was read silently */
        assert_true(survive(*state, names[i], false) > 0);
    }
    make_tiff(*state, "tiled.tif", &tiled);
    assert_int_equal(survive(*state, "tiled.tif", true), 0);
    assert_true(survive(*state, "tiled.tif", false) > 0);
    imp_picture_finish(&p);
}

static void test_too_large(void **state) {
    imp_picture p = make_picture(false), q;
    const imp_read_options few = {.max_pixels = PIXELS - 1};
    for (size_t i = 0; i < 4; i++) {
        imp_error err = {0};
        const char *path = scratch_path(*state, names[i]);
        write_picture(&p, path, NULL);
        assert_error(&err, imp_picture_read(&q, path, &few, &err), IMP_ERR_MEMORY, path,
                     "setting 'max-pixels'");
    }
    imp_picture_finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depths),          cmocka_unit_test(test_opacity),
        cmocka_unit_test(test_opacity_resized), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_origin),          cmocka_unit_test(test_text),
        cmocka_unit_test(test_orientations),    cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_profiles),        cmocka_unit_test(test_srgb_profile),
        cmocka_unit_test(test_damage),          cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
