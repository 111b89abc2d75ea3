/* SPDX-License-Identifier: MIT
 *
 * Memory runs out at the first allocation of a task, at the second, and so on, including those of
 * libraries: each time one message, no leak, and no file that is half written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

#include "failing_malloc.h"
#include "foreign.h"
#include "impasto.h"
#include "makers.h"
#include "scratch.h"

/* ---- Tasks ----------------------------------------------------------------------------------- */

static const char png_path[] = "in.png", jpeg_path[] = "in.jpg", network_path[] = "in.safetensors";
static const char torch_path[] = "in.pth", caffe_path[] = "in.caffemodel";
static float grey[3 * 40 * 30];
static const imp_picture blank = {.width = 40, .height = 30, .rgb = grey};
static const imp_write_options with_text = {.text = "text"};

static imp_status read_and_drop(const char *path, imp_error *err) {
    imp_picture p;
    const imp_status status = imp_picture_read(&p, path, NULL, err);
    imp_picture_finish(&p);
    return status;
}

static imp_status text_and_drop(const char *path, imp_error *err) {
    char *text;
    const imp_status status = imp_picture_text(&text, path, err);
    free(text);
    return status;
}

static imp_status read_png(scratch *s, imp_error *err) {
    return read_and_drop(scratch_path(s, png_path), err);
}

static imp_status read_jpeg(scratch *s, imp_error *err) {
    return read_and_drop(scratch_path(s, jpeg_path), err);
}

static imp_status text_of_png(scratch *s, imp_error *err) {
    return text_and_drop(scratch_path(s, png_path), err);
}

static imp_status text_of_jpeg(scratch *s, imp_error *err) {
    return text_and_drop(scratch_path(s, jpeg_path), err);
}

static imp_status write_png(scratch *s, imp_error *err) {
    return imp_picture_write(&blank, scratch_path(s, "out.png"), &with_text, err);
}

static imp_status write_jpeg(scratch *s, imp_error *err) {
    return imp_picture_write(&blank, scratch_path(s, "out.jpg"), &with_text, err);
}

static imp_status check_output(scratch *s, imp_error *err) {
    return imp_picture_check_output(scratch_path(s, "out.jpg"), 8, 8, NULL, err);
}

static imp_status hash(scratch *s, imp_error *err) {
    char hex[65];
    return imp_file_sha256(hex, scratch_path(s, png_path), err);
}

static imp_status resize(scratch *s, imp_error *err) {
    imp_picture p;
    (void)s;
    const imp_status status = imp_picture_resize(&p, &blank, 13, 17, err);
    imp_picture_finish(&p);
    return status;
}

static imp_status open_network(scratch *s, imp_error *err) {
    imp_network *n;
    const imp_status status = imp_network_open(&n, scratch_path(s, network_path), err);
    imp_network_close(n);
    return status;
}

static imp_status import(scratch *s, const char *name, imp_error *err) {
    char to[192];
    snprintf(to, sizeof to, "%s", scratch_path(s, "out.safetensors"));
    return imp_network_import(scratch_path(s, name), to, NULL, NULL, err);
}

static imp_status import_own(scratch *s, imp_error *err) {
    return import(s, network_path, err);
}

static imp_status import_torch(scratch *s, imp_error *err) {
    return import(s, torch_path, err);
}

static imp_status import_caffe(scratch *s, imp_error *err) {
    return import(s, caffe_path, err);
}

static const struct task {
    const char *name;
    imp_status (*run)(scratch *s, imp_error *err);
    long allocations; /* at least */
} tasks[] = {{"read a PNG", read_png, 10},
             {"read a JPEG", read_jpeg, 10},
             {"text of a PNG", text_of_png, 5},
             {"text of a JPEG", text_of_jpeg, 4},
             {"write a PNG", write_png, 8},
             {"write a JPEG", write_jpeg, 6},
             {"check an output", check_output, 1},
             {"hash", hash, 1},
             {"resize", resize, 8},
             {"open a network", open_network, 20},
             {"import a network", import_own, 20},
             {"import from PyTorch", import_torch, 20},
             {"import from Caffe", import_caffe, 10}};

/* ---- Tests ----------------------------------------------------------------------------------- */

static void make_network(scratch *s) {
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"impasto-network-1\",\"input\":\"RGB\",\"range\":\"1\","
        "\"mean\":\"0,0,0\",\"std\":\"1,1,1\",\"padding\":\"zero\"},"
        "\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[1,3,3,3],\"data_offsets\":[0,108]},"
        "\"conv1_1.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[108,112]}}";
    unsigned char all[8 + sizeof header - 1 + 112] = {(sizeof header - 1) & 255,
                                                      (sizeof header - 1) >> 8};
    memcpy(all + 8, header, sizeof header - 1);
    scratch_write(s, network_path, all, sizeof all);
}

/* Network files of other programs; importing them needs memory of its own. */
static void make_foreign(scratch *s) {
    bytes torch, caffe;
    bytes_begin(&torch);
    put_torch_stream(torch.f,
                     "80 02 } 'features.0.weight' @torch._utils:_rebuild_tensor ( ( 'storage' "
                     "@torch:FloatStorage '0' 'cpu' #27 N t Q #0 ( #1 #3 #3 #3 t ( #27 #1 #9 #3 t "
                     "t R s .",
                     "80 02 ] '0' a .", "f27");
    bytes_end(&torch);
    scratch_write(s, torch_path, torch.p, torch.size);
    bytes_begin(&caffe);
    put_message(caffe.f, "1'VGG' 100{1'conv1_1' 7{7{1[1 3 3 3]} 5f27}}");
    bytes_end(&caffe);
    scratch_write(s, caffe_path, caffe.p, caffe.size);
    free(torch.p);
    free(caffe.p);
}

static int set_up(void **state) {
    const png_spec png = {.width = 21,
                          .height = 15,
                          .colour = PNG_COLOR_TYPE_PALETTE,
                          .depth = 4,
                          .interlaced = true,
                          .transparent = true,
                          .behind = "text"};
    const jpeg_spec jpeg = {.width = 21,
                            .height = 15,
                            .given = JCS_CMYK,
                            .stored = JCS_YCCK,
                            .progressive = true,
                            .comment = "impasto: text"};
    if (scratch_open(state) != 0)
        return -1;
    make_png(*state, png_path, &png);
    make_jpeg(*state, jpeg_path, &jpeg);
    make_network(*state);
    make_foreign(*state);
    return 0;
}

/* Runs a task with its allocation n failing; false: it has no allocation n. */
static bool fails_well(const struct task *task, scratch *s, long n) {
    imp_error err = {0};
    const long before = live;
    left = n;
    const imp_status status = task->run(s, &err);
    const bool failed = left < 0;
    left = -1;
    if (live != before && !strstr(err.text, "to hash it")) /* libcrypto 3.0 leaks */
        fail_msg("%s: %ld blocks lost when allocation %ld fails", task->name, live - before, n);
    if (status != err.status || (status != IMP_OK) != (err.text[0] != '\0'))
        fail_msg("%s, allocation %ld: status %d, message %d '%s'", task->name, n, status,
                 err.status, err.text);
    const bool other_error =
        task->run == open_network ||
        task->run == import_own; /* jansson drops letters when memory runs out */
    if (status != IMP_OK && !(failed && (other_error || status == IMP_ERR_MEMORY)))
        fail_msg("%s, allocation %ld: status %d '%s'", task->name, n, status, err.text);
    return failed;
}

static void test_tasks(void **state) {
    if (!can_fail())
        skip();
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        imp_error err = {0};
        long n = 0;
        tasks[i].run(*state, &err); /* libraries do their one-time allocations */
        assert_string_equal(err.text, "");
        const size_t files = scratch_count(*state);
        while (fails_well(&tasks[i], *state, n))
            n++;
        assert_int_equal(scratch_count(*state), files);
        if (n < tasks[i].allocations)
            fail_msg("%s: only %ld allocations", tasks[i].name, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tasks)};
    return cmocka_run_group_tests(tests, set_up, scratch_close);
}
