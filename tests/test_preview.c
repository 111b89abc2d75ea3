/* SPDX-License-Identifier: MIT
 *
 * Previews: what is sent to a terminal, and a preview file that is complete at any time.
 */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* What a run with --preview sends to such a terminal; the caller frees. */
static char *shown_on(scratch *s, const char *term) {
    char line[256];
    if (!program_exists("script")) {
        print_message("no script here\n");
        skip();
    }
    snprintf(line, sizeof line,
             "TERM=%s COLORTERM= script -qec '\"$impasto\" paint a.png b.jpg --size 64 -n 8 "
             "--preview -o c.png' typescript </dev/null >/dev/null",
             term);
    ended e = program_run(s, line);
    assert_int_equal(e.status, 0);
    ended_free(&e);
    size_t size;
    char *sent = (char *)scratch_read(s, "typescript", &size);
    if (strstr(sent, "built without libchafa")) {
        free(sent);
        print_message("no libchafa here\n");
        skip();
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): skip() does not return */
    assert_int_equal(strlen(sent), size);
    assert_non_null(strstr(sent, "painted c.png: 64 x 53, 8 iterations"));
    return sent;
}

/* Counts pictures; each moves the cursor up and down by the same number of rows: drawn in place. */
static size_t count_blocks(const char *sent) {
    size_t count = 0;
    unsigned rows = 0;
    for (const char *at = sent; (at = strstr(at, "\0337")); count++) {
        const char *up = at, *end = strstr(at, "\0338\033[");
        unsigned above, below;
        assert_non_null(end);
        while (up > sent && *up != '[')
            up--;
        assert_int_equal(sscanf(up, "[%uA", &above), 1);
        assert_int_equal(sscanf(end + 4, "%uB", &below), 1);
        assert_true(above == below && above > 2 && above < 24 && (rows == 0 || rows == above));
        rows = above;
        at = end;
    }
    return count;
}

static void test_terminals(void **state) {
    static const struct {
        const char *term, *sends;
    } terms[] = {{"xterm-256color", "\033[38;"}, {"mlterm", "\033P"}, {"xterm-kitty", "\033_G"}};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        char *sent = shown_on(*state, terms[i].term);
        assert_true(count_blocks(sent) >= 2); /* the first and the last at least */
        if (!strstr(sent, terms[i].sends))
            fail_msg("%s: was not sent the graphics it supports", terms[i].term);
        free(sent);
    }
}

static void test_no_terminal(void **state) {
    scratch *s = *state;
    assert_fails(s, "impasto paint a.png b.jpg --size 32 -n 2 -q --preview", 0, "no preview: ");
    assert_true(scratch_has(s, "a_b.png"));
}

static imp_picture read(scratch *s, const char *name) {
    imp_picture p;
    imp_error err = {0};
    imp_picture_read(&p, scratch_path(s, name), NULL, &err);
    assert_string_equal(err.text, "");
    return p;
}

/* If the file exists, it is a complete picture; at the end it is the result. */
static void test_file(void **state) {
    scratch *s = *state;
    const struct timespec pause = {.tv_nsec = 2000000};
    size_t reads = 0;
    running r = program_start(s, "impasto paint a.png b.jpg --size 64 -n 999999 --time-limit 1.5 "
                                 "-q -o c.png --preview-file p.png");
    while (!scratch_has(s, "c.png")) {
        nanosleep(&pause, NULL);
        if (!scratch_has(s, "p.png"))
            continue;
        imp_picture p = read(s, "p.png");
        imp_picture_finish(&p);
        reads++;
    }
    ended e = program_wait(&r);
    assert_int_equal(e.status, 0);
    ended_free(&e);
    assert_true(reads > 10);
    imp_picture shown = read(s, "p.png"), result = read(s, "c.png");
    assert_int_equal(shown.width, result.width);
    assert_int_equal(shown.height, result.height);
    for (size_t i = 0; i < 3 * shown.width * shown.height; i++)
        assert_true(shown.rgb[i] == result.rgb[i]);
    imp_picture_finish(&shown);
    imp_picture_finish(&result);
}

static void test_mistakes(void **state) {
    scratch *s = *state;
    const size_t files = scratch_count(s);
    assert_fails(s, "impasto paint a.png b.jpg --preview-file p.gif", 2, ".gif");
    assert_fails(s, "impasto paint a.png b.jpg --preview-file no/p.png", 1, "there is no folder");
    assert_fails(s, "impasto paint a.png b.jpg --preview-file b.jpg", 2,
                 "one of the input pictures");
    assert_fails(s, "impasto paint a.png b.jpg --preview-file -", 2, "give a file");
    assert_int_equal(scratch_count(s), files);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, scratch_close)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        TEST(test_terminals),
        TEST(test_no_terminal),
        TEST(test_file),
        TEST(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
