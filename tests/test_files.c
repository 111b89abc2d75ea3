/* SPDX-License-Identifier: MIT
 *
 * Faults of picture files: each gives one line that names the file and says what to do, and leaves
 * nothing behind.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

#include "base/digest.h"
#include "base/file.h"
#include "impasto.h"
#include "makers.h"
#include "media/media.h"
#include "scratch.h"

enum { NOBODY = 65534 };

static const png_spec small_png = {
    .width = 13, .height = 11, .colour = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 8};
static const jpeg_spec small_jpeg = {
    .width = 40, .height = 24, .given = JCS_RGB, .stored = JCS_YCbCr};

static void refuses(const char *path, imp_status wanted, const char *what) {
    imp_error err = {0};
    imp_picture p = {.width = 7};
    assert_error(&err, imp_picture_read(&p, path, NULL, &err), wanted, path, what);
    assert_null(p.rgb);
    assert_int_equal(p.width, 0);
    char *text;
    assert_error(&err, imp_picture_text(&text, path, &err), wanted, path, what);
    assert_null(text);
}

/* ---- What is no picture ---------------------------------------------------------------------- */

static void test_no_file(void **state) {
    scratch *s = *state;
    refuses("no/such/picture.png", IMP_ERR_IO, "No such file");
    refuses("", IMP_ERR_IO, "check the path");
    refuses(s->folder, IMP_ERR_IO, "it is a folder");
    refuses("/dev/null", IMP_ERR_IO, "it is not a regular file");
    refuses(scratch_write(s, "empty.png", "", 0), IMP_ERR_FORMAT, "empty");
}

/* root can read everything, so the test drops its rights meanwhile. */
static void test_unreadable(void **state) {
    scratch *s = *state;
    const bool root = geteuid() == 0;
    const char *path = make_png(s, "secret.png", &small_png);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(s->folder, 0755), 0);
    assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
    refuses(path, IMP_ERR_IO, "permissions");
    assert_int_equal(root ? seteuid(0) : 0, 0);
}

static void test_mislabelled(void **state) {
    static const struct {
        const char *bytes, *what;
    } files[] = {{"II*\0010...........................", "is not a PNG"},
                 {"....ftypisom................", "video file"},
                 {"8BPS........................", "Photoshop picture"},
                 {"%PDF-1.7....................", "PDF document"},
                 {"PK\3\4.......................", "ZIP archive"},
                 {"\x1f\x8b..........................", "gzip archive"},
                 {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
                 {"\n <!DOCTYPE html><html>......", "web page"},
                 {"<HTML>......................", "web page"},
                 {"\xef\xbb\xbf<?xml version=\"1.0\"?>.", "SVG or XML"},
                 {"404: not found", "is not a PNG"},
                 {"\x89PNG", "is not a PNG"},
                 {"x", "is not a PNG"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const imp_status wanted = strstr(files[i].what, "is no") || strstr(files[i].what, "damaged")
                                      ? IMP_ERR_FORMAT
                                      : IMP_ERR_UNSUPPORTED;
        refuses(scratch_write(*state, "mislabelled.jpg", files[i].bytes, strlen(files[i].bytes)),
                wanted, files[i].what);
    }
    refuses(scratch_write(*state, "webp.jpg", "RIFF\1\2\3\4WEBPVP8 .............", 28),
            IMP_ERR_FORMAT, "this WebP is damaged");
    refuses(scratch_write(*state, "tiff.jpg", "II*\0abcdefgh", 12), IMP_ERR_FORMAT,
            "this TIFF is damaged");
    refuses(scratch_write(*state, "heif.jpg",
                          "\0\0\0\x14"
                          "ftypheic................",
                          28),
            IMP_ERR_UNSUPPORTED, "convert it to PNG");
}

/* The extension does not matter: the content decides. */
static void test_misnamed(void **state) {
    imp_picture p;
    imp_error err = {0};
    assert_int_equal(imp_picture_read(&p, make_png(*state, "a.jpg", &small_png), NULL, &err),
                     IMP_OK);
    imp_picture_finish(&p);
    assert_int_equal(imp_picture_read(&p, make_jpeg(*state, "b.png", &small_jpeg), NULL, &err),
                     IMP_OK);
    imp_picture_finish(&p);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* Counts the warnings that a file is cut off. */
static void count_cut(void *user, imp_log_level level, const char *line) {
    *(size_t *)user += level == IMP_LOG_WARNING && strstr(line, "is cut off: ");
}

/* A file that is cut off after any byte is refused, or read with a warning where little more than
 * its end mark is missing; half a picture is never read silently. */
static void refuses_every_cut(scratch *s, const char *name) {
    size_t size;
    unsigned char *bytes = scratch_read(s, name, &size);
    for (size_t n = 12; n < size; n++) {
        imp_error err = {0};
        imp_picture p;
        unsigned char *part =
            malloc(n); /* exactly this size, so that sanitizers see any access beyond */
        assert_non_null(part);
        memcpy(part, bytes, n);
        size_t warned = 0;
        const imp_read_options options = {.log = count_cut, .user = &warned};
        const imp_source in = {part, n, "cut.picture", &options, NULL};
        const imp_status status = imp_decode_source(&p, &in, &err);
        if (status == IMP_OK && (warned != 1 || n < size / 3))
            fail_msg("%s of %zu bytes comes in with %zu of them", name, size, n);
        if (status != IMP_OK) {
            assert_error(&err, status, IMP_ERR_FORMAT, "cut.picture", "damaged or cut off");
            assert_null(p.rgb);
        }
        imp_picture_finish(&p);
        free(part);
    }
    free(bytes);
}

static void test_cut_off(void **state) {
    png_spec png = small_png;
    jpeg_spec jpeg = small_jpeg;
    make_png(*state, "cut.png", &png);
    refuses_every_cut(*state, "cut.png");
    png.interlaced = true;
    make_png(*state, "cut.png", &png);
    refuses_every_cut(*state, "cut.png");
    for (int i = 0; i < 4; i++) {
        jpeg.progressive = i & 1;
        jpeg.given = i & 2 ? JCS_CMYK : JCS_RGB;
        jpeg.stored = i & 2 ? JCS_YCCK : JCS_YCbCr;
        make_jpeg(*state, "cut.jpg", &jpeg);
        refuses_every_cut(*state, "cut.jpg");
    }
}

/* The middle is missing but the end is there, as after a badly resumed download. */
static void test_gap(void **state) {
    size_t size;
    make_jpeg(*state, "gap.jpg", &small_jpeg);
    unsigned char *bytes = scratch_read(*state, "gap.jpg", &size);
    for (size_t n = size - size / 8; n < size - 10; n++) {
        imp_error err = {0};
        imp_picture p;
        unsigned char part[1 << 14];
        assert_true(n + 2 < sizeof part);
        memcpy(part, bytes, n);
        memcpy(part + n, "\xff\xd9", 2);
        const imp_source in = {part, n + 2, "gap.jpg", NULL, NULL};
        assert_error(&err, imp_decode_source(&p, &in, &err), IMP_ERR_FORMAT, "gap.jpg",
                     "damaged or cut off");
    }
    free(bytes);
}

/* Any byte changed gives a picture or one line of error. Returns how many were refused, or read
 * with a warning that the end is missing. */
static size_t survive_changes(scratch *s, const char *name, size_t *tries) {
    size_t size, refused = 0;
    unsigned char *bytes = scratch_read(s, name, &size);
    *tries = 0;
    for (size_t i = 0; i < size; i++) {
        for (unsigned char flip = 1; flip; flip = (unsigned char)(flip << 3)) {
            imp_error err = {0};
            imp_picture p;
            char *text = NULL;
            size_t warned = 0;
            const imp_read_options few = {.max_pixels = 1 << 16, .log = count_cut, .user = &warned};
            const imp_source in = {bytes, size, "changed.picture", &few, NULL};
            bytes[i] ^= flip;
            if (imp_decode_source(&p, &in, &err) != IMP_OK) {
                assert_error(&err, err.status, err.status, "changed.picture", ": ");
                refused++;
            }
            refused += warned;
            imp_picture_finish(&p);
            if (i % 7 == 0)
                (void)imp_decode_text(&text, &in, NULL);
            free(text);
            bytes[i] ^= flip;
            ++*tries;
        }
    }
    free(bytes);
    return refused;
}

static void test_changed(void **state) {
    size_t tries, refused;
    png_spec png = small_png;
    jpeg_spec jpeg = small_jpeg;
    make_png(*state, "p.png", &png);
    refused = survive_changes(*state, "p.png", &tries);
    assert_int_equal(refused, tries); /* checksums cover the whole file */
    png.colour = PNG_COLOR_TYPE_PALETTE;
    png.transparent = png.interlaced = true;
    make_png(*state, "p.png", &png);
    refused = survive_changes(*state, "p.png", &tries);
    assert_true(refused > tries / 2);
    make_jpeg(*state, "j.jpg", &jpeg);
    assert_true(survive_changes(*state, "j.jpg", &tries) > 0);
    jpeg.progressive = true;
    make_jpeg(*state, "j.jpg", &jpeg);
    assert_true(survive_changes(*state, "j.jpg", &tries) > 0);
}

/* Odd but intact: bytes between a JPEG's markers, and bytes after the end of both files. */
static void test_oddities(void **state) {
    static const char *const names[] = {"odd.png", "odd.jpg"};
    make_png(*state, names[0], &small_png);
    make_jpeg(*state, names[1], &small_jpeg);
    for (size_t i = 0; i < 2; i++) {
        imp_error err = {0};
        imp_picture p;
        size_t size;
        unsigned char *bytes = scratch_read(*state, names[i], &size), odd[1 << 14] = {0};
        const size_t start = i == 0 ? 0 : 20, gap = i == 0 ? 0 : 3; /* after JFIF */
        assert_true(size + 10 < sizeof odd);
        memcpy(odd, bytes, start);
        memcpy(odd + start + gap, bytes + start, size - start);
        const imp_source in = {odd, size + 10, "odd", NULL, NULL};
        imp_decode_source(&p, &in, &err);
        assert_string_equal(err.text, "");
        imp_picture_finish(&p);
        free(bytes);
    }
}

/* ---- Too many pixels ------------------------------------------------------------------------- */

static void test_max_pixels(void **state) {
    imp_error err = {0};
    imp_picture p;
    png_spec png = small_png;
    const char *path = make_png(*state, "p.png", &png);
    assert_int_equal(imp_picture_read(&p, path, &(imp_read_options){.max_pixels = 143}, &err),
                     IMP_OK);
    imp_picture_finish(&p);
    assert_error(&err, imp_picture_read(&p, path, &(imp_read_options){.max_pixels = 142}, &err),
                 IMP_ERR_MEMORY, path, "13 x 11 is more than 142 pixels");
    path = make_jpeg(*state, "j.jpg", &small_jpeg);
    assert_error(&err, imp_picture_read(&p, path, &(imp_read_options){.max_pixels = 959}, &err),
                 IMP_ERR_MEMORY, path, "setting 'max-pixels'");
    png.width = png.height = 20000;
    png.colour = PNG_COLOR_TYPE_GRAY;
    png.cut = true; /* checked before anything is decoded */
    path = make_png(*state, "big.png", &png);
    assert_error(&err, imp_picture_read(&p, path, NULL, &err), IMP_ERR_MEMORY, path,
                 "20000 x 20000 is more than 268435456 pixels");
    png.width = 2000000; /* more than libpng's own default limit */
    png.height = 1000;
    path = make_png(*state, "big.png", &png);
    assert_error(&err, imp_picture_read(&p, path, NULL, &err), IMP_ERR_MEMORY, path,
                 "setting 'max-pixels'");
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static float white[3 * 300 * 200];
static const imp_picture blank = {.width = 300, .height = 200, .rgb = white};

/* Refused by the check and by writing, and no file appears. */
static void refuses_output(scratch *s, const char *path, imp_status wanted, const char *what) {
    imp_error err = {0};
    const size_t before = scratch_count(s);
    assert_error(&err, imp_picture_check_output(path, 300, 200, NULL, &err), wanted, path, what);
    assert_error(&err, imp_picture_write(&blank, path, NULL, &err), wanted, path, what);
    assert_int_equal(scratch_count(s), before);
}

static void test_bad_outputs(void **state) {
    scratch *s = *state;
    char path[256];
    refuses_output(s, scratch_path(s, "out.gif"), IMP_ERR_ARGUMENT, ".png, .jpg, .webp or .tiff");
    refuses_output(s, scratch_path(s, "out"), IMP_ERR_ARGUMENT, "no extension");
    refuses_output(s, "", IMP_ERR_ARGUMENT, "no extension");
    refuses_output(s, "no.folder/out.png", IMP_ERR_IO, "there is no folder 'no.folder/'");
    scratch_write(s, "file", "x", 1);
    snprintf(path, sizeof path, "%s/file/out.png", s->folder);
    refuses_output(s, path, IMP_ERR_IO, "is not a folder");
    assert_int_equal(mkdir(scratch_path(s, "folder.png"), 0777), 0);
    refuses_output(s, s->path, IMP_ERR_IO, "it is a folder");
    snprintf(path, sizeof path, "%s/", s->path);
    assert_int_equal(symlink("/dev/null", scratch_path(s, "device.png")), 0);
    refuses_output(s, s->path, IMP_ERR_IO, "not a regular file");
}

static void test_unwritable(void **state) {
    scratch *s = *state;
    const bool root = geteuid() == 0;
    assert_int_equal(chmod(s->folder, 0555), 0);
    assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
    refuses_output(s, scratch_path(s, "out.png"), IMP_ERR_IO, "not writable");
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(s->folder, 0755), 0);
}

static void test_check_output(void **state) {
    imp_error err = {0};
    scratch *s = *state;
    const char *path = scratch_write(s, "kept.png", "kept", 4);
    const size_t before = scratch_count(s);
    assert_int_equal(imp_picture_check_output(path, 512, 512, NULL, &err), IMP_OK);
    assert_int_equal(imp_picture_check_output(path, 0, 0, NULL, &err), IMP_OK);
    assert_error(&err, imp_picture_check_output(path, 1u << 30, 1u << 30, NULL, &err), IMP_ERR_IO,
                 path, "MiB free");
    path = scratch_path(s, "new.jpg");
    assert_error(&err, imp_picture_check_output(path, 65501, 8, NULL, &err), IMP_ERR_ARGUMENT, path,
                 "write a PNG");
    assert_int_equal(scratch_count(s), before);
    size_t size;
    char *kept = (char *)scratch_read(s, "kept.png", &size);
    assert_int_equal(size, 4);
    assert_memory_equal(kept, "kept", 4);
    free(kept);
}

/* A disk that fills up, simulated by a limit on the size of files: the older file stays, and no
 * other. */
static void test_disk_full(void **state) {
    static const char *const names[] = {"full.png", "full.jpg"};
    struct rlimit old, tight;
    scratch *s = *state;
    for (size_t i = 0; i < sizeof white / sizeof *white; i++)
        white[i] = (float)((uint32_t)(i * i * 2654435761u) >> 24) / 255; /* incompressible */
    getrlimit(RLIMIT_FSIZE, &old);
    tight = (struct rlimit){20000, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        imp_error err = {0};
        const char *path = scratch_write(s, names[i], "older", 5);
        const size_t before = scratch_count(s);
        setrlimit(RLIMIT_FSIZE, &tight);
        const imp_status status = imp_picture_write(&blank, path, NULL, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_error(&err, status, IMP_ERR_IO, path, "File too large: free some space");
        assert_int_equal(scratch_count(s), before);
        size_t size;
        free(scratch_read(s, names[i], &size));
        assert_int_equal(size, 5);
    }
}

static void test_bad_arguments(void **state) {
    imp_error err = {0};
    const char *path = scratch_path(*state, "none.jpg");
    const imp_picture empty = {0};
    assert_error(&err, imp_picture_write(&empty, path, NULL, &err), IMP_ERR_ARGUMENT, path,
                 "empty");
    assert_error(&err, imp_picture_write(&blank, path, &(imp_write_options){.quality = -1}, &err),
                 IMP_ERR_ARGUMENT, path, "quality -1");
    assert_error(&err, imp_picture_write(&blank, path, &(imp_write_options){.quality = 101}, &err),
                 IMP_ERR_ARGUMENT, path, "quality 101");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(imp_picture_write(&blank, path, &(imp_write_options){.quality = 101}, NULL),
                     IMP_ERR_ARGUMENT);
}

/* Leaves a temporary file of that process, `seconds` old, in the test's folder. */
static const char *leave(scratch *s, long pid, const char *behind, long seconds) {
    char name[64];
    snprintf(name, sizeof name, ".impasto-%ld-0.tmp%s", pid, behind);
    const char *path = scratch_write(s, name, "half", 4);
    const struct timespec then = {.tv_sec = time(NULL) - seconds};
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){then, then}, 0), 0);
    return path;
}

/* Temporary files of killed processes are removed once they are old enough; nothing else is. */
static void test_left_overs(void **state) {
    enum { OLD = 4000, YOUNG = 3000 };
    scratch *s = *state;
    const pid_t gone = fork();
    assert_true(gone >= 0);
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    const size_t before = scratch_count(s);
    leave(s, gone, "", OLD);
    leave(s, gone, ".png", OLD);
    leave(s, (long)getpid(), "", OLD);
    leave(s, 0, "", OLD);
    assert_int_equal(imp_file_check_output(scratch_path(s, "new.png"), 0, NULL), IMP_OK);
    assert_int_equal(scratch_count(s), before + 3);
    assert_int_equal(access(leave(s, gone, "", YOUNG), F_OK), 0);
    assert_int_equal(imp_file_check_output(scratch_path(s, "new.png"), 0, NULL), IMP_OK);
    assert_int_equal(scratch_count(s), before + 4);
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

/* Test vectors of FIPS 180-2: "abc", and "a" a million times. */
static void test_sha256(void **state) {
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char million[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    char hex[65];
    imp_error err = {0};
    assert_int_equal(imp_file_sha256(hex, scratch_write(*state, "abc", "abc", 3), &err), IMP_OK);
    assert_string_equal(hex, abc);
    assert_true(imp_bytes_sha256(hex, "abc", 3));
    assert_string_equal(hex, abc);
    char *many = malloc(1000000);
    assert_non_null(many);
    memset(many, 'a', 1000000);
    scratch_write(*state, "many", many, 1000000);
    free(many);
    assert_int_equal(imp_file_sha256(hex, scratch_path(*state, "many"), &err), IMP_OK);
    assert_string_equal(hex, million);
    assert_error(&err, imp_file_sha256(hex, "no/such", &err), IMP_ERR_IO, "no/such", "check");
    assert_string_equal(hex, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file),     cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_mislabelled), cmocka_unit_test(test_misnamed),
        cmocka_unit_test(test_cut_off),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_oddities),    cmocka_unit_test(test_gap),
        cmocka_unit_test(test_max_pixels),  cmocka_unit_test(test_bad_outputs),
        cmocka_unit_test(test_unwritable),  cmocka_unit_test(test_check_output),
        cmocka_unit_test(test_disk_full),   cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_sha256),      cmocka_unit_test(test_left_overs),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
