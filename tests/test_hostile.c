/* SPDX-License-Identifier: MIT
 *
 * Files from strangers: what their texts may name, and what of them reaches a terminal.
 */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Writes a picture with that record. */
static void write_record(scratch *s, const char *name, const char *record) {
    float rgb[3 * 64] = {0};
    const imp_picture p = {.width = 8, .height = 8, .rgb = rgb};
    const imp_write_options options = {.text = record};
    imp_error err = {0};
    imp_picture_write(&p, scratch_path(s, name), &options, &err);
    assert_string_equal(err.text, "");
}

/* A record names a preset by its name: a path would be opened, and a pipe would block. */
static void test_preset_of_a_record(void **state) {
    static const char *const presets[] = {"/dev/stdin", "./fifo", "fifo.json", "../x", "none"};
    scratch *s = *state;
    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0666), 0);
    assert_int_equal(mkfifo(scratch_path(s, "fifo.json"), 0666), 0);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        char record[256];
        snprintf(record, sizeof record,
                 "{\"impasto\":\"" IMP_VERSION "\",\"options\":{\"preset\":\"%s\"}}", presets[i]);
        write_record(s, "x.png", record);
        assert_fails(s,
                     "timeout 20 \"$impasto\" paint --like x.png a.png b.jpg -o c.png </dev/null",
                     1, "is unknown; give --preset instead");
    }
}

/* Nor are its sources pipes. */
static void test_sources_of_a_record(void **state) {
    scratch *s = *state;
    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0666), 0);
    write_record(s, "x.png",
                 "{\"impasto\":\"" IMP_VERSION "\",\"options\":{\"preset\":\"default\"},"
                 "\"content\":{\"name\":\"fifo\",\"sha256\":\"00\"},"
                 "\"styles\":[{\"name\":\"fifo\",\"sha256\":\"00\"}]}");
    assert_fails(s, "timeout 20 \"$impasto\" paint --like x.png -o c.png </dev/null", 1,
                 "not found here");
}

static void assert_no_escape(const ended *e, const char *line) {
    for (const char *c = e->out; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n')
            fail_msg("%s: printed the control character %d", line, *c);
    assert_null(strchr(e->err, '\033'));
}

/* Names, licences and labels reach the terminal without its commands. */
static void test_controls_are_not_printed(void **state) {
    scratch *s = *state;
    static const char *const lines[] = {
        "impasto weights info ./n.safetensors",
        "impasto compare \"$(printf 'a\\033[31m.png')\" b.jpg",
        "impasto compare a.png b.jpg --labels \"$(printf 'x\\033[2J,y\\233')\"",
        "impasto paint a.png b.jpg --size 16 -n 1 -o \"$(printf 'c\\033[31m.png')\"",
        "impasto score \"$(printf 'a\\033[31m.png')\" --content a.png --style b.jpg",
        "impasto film a.png a.png -o \"$(printf 'f\\033[31m.gif')\"",
        "impasto weights import n.safetensors -o \"$(printf 'n\\033]0;x\\a.safetensors')\"",
    };
    run_silent(s, "LC_ALL=C sed 's/CC BY 4\\.0/\\\\u001b[3m/' '" IMP_TEST_SOURCES
                  "/weights/builtin.safetensors' >n.safetensors");
    run_silent(s, "cp a.png \"$(printf 'a\\033[31m.png')\"");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ended e = program_run(s, lines[i]);
        assert_no_escape(&e, lines[i]);
        if (e.status != 0)
            fail_msg("%s: status %d: %s", lines[i], e.status, e.err);
        if (i == 0)
            assert_non_null(strstr(e.out, "?[3m"));
        ended_free(&e);
    }
}

/* A password in an address reaches neither messages nor the output of --json. */
static void test_passwords(void **state) {
    ended e = program_run(*state, "http_proxy= no_proxy='*' impasto paint "
                                  "'http://me:secret@127.0.0.1:1/a.jpg?token=secret' b.jpg --json");
    assert_int_equal(e.status, 1);
    assert_null(strstr(e.err, "secret"));
    assert_null(strstr(e.out, "secret"));
    assert_non_null(strstr(e.err, "127.0.0.1"));
    ended_free(&e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {TEST(test_preset_of_a_record),
                                       TEST(test_sources_of_a_record),
                                       TEST(test_controls_are_not_printed), TEST(test_passwords)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
