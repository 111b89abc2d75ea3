/* SPDX-License-Identifier: MIT
 *
 * What the program may write: a person's files are never removed or written over unless they are
 * named for that, and what cannot be written is said before anything is painted.
 */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PAINT "impasto paint -q a.png b.jpg --size 24 -n 4 "

/* Runs a line that must fail and must leave `kept` as it is. */
static void assert_kept(scratch *s, const char *line, const char *says, const char *kept) {
    size_t n, m;
    unsigned char *before = scratch_read(s, kept, &n);
    const size_t files = scratch_count(s);
    ended e = program_run(s, line);
    if (e.status != 1 && e.status != 2)
        fail_msg("%s: status %d", line, e.status);
    assert_complaint(&e, line, e.status, says);
    ended_free(&e);
    if (!scratch_has(s, kept))
        fail_msg("%s: removed '%s'", line, kept);
    unsigned char *after = scratch_read(s, kept, &m);
    if (n != m || memcmp(before, after, n) != 0)
        fail_msg("%s: wrote over '%s'", line, kept);
    if (scratch_count(s) != files)
        fail_msg("%s: left %zu files, not %zu", line, scratch_count(s), files);
    free(before);
    free(after);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

static void test_inputs_are_safe(void **state) {
    scratch *s = *state;
    run_silent(s, "cp a.png c.png && cp a.png o-000002.png && cp a.png mask.png && cp a.png f.mp4");
    run_silent(s, "ln -s a.png link.png && ln a.png hard.png");
    run_silent(s, "impasto presets default --json >my.json");
    static const char *const lines[][2] = {
        {PAINT "-o c.png --checkpoint a.png", "a.png"},
        {PAINT "-o x.png --checkpoint b.jpg", "b.jpg"},
        {PAINT "-o link.png", "a.png"},
        {PAINT "-o hard.png", "a.png"},
        {PAINT "-o ../\"${PWD##*/}\"/a.png", "a.png"},
        {PAINT "-o x.png --checkpoint link.png", "a.png"},
        {PAINT "-o x.png --film f.mp4 --init f.mp4", "f.mp4"},
        {PAINT "-o x.png --force --film f.mp4 --init f.mp4", "f.mp4"},
        {PAINT "-o c.png --init c.png", "c.png"},
        {PAINT "-o x.png --force --preview-file a.png", "a.png"},
        {PAINT "-o x.png --force --sheet link.png", "a.png"},
        {PAINT "-o mask.png --mask mask.png --style-mask red", "mask.png"},
        {PAINT "-o x.png -p my.json --checkpoint my.json", "my.json"},
        {PAINT "-o x.png -p ./my.json --force --film my.json", "my.json"},
        {"impasto paint -q o-000002.png b.jpg --size 24 -n 4 -o o.png --save-every 2 --force",
         "o-000002.png"},
        {"impasto paint -q a.png b.jpg --init o-000002.png --size 24 -n 4 -o o.png --save-every 1",
         "o-000002.png"},
        {"impasto film a.png f.mp4 -o f.mp4", "f.mp4"},
        {"impasto compare a.png b.jpg -o link.png", "a.png"},
        {"impasto grid a.png b.jpg -n 1 --size 24 --init content,c.png -o c.png", "c.png"},
        {"impasto batch --content 'a.png' --style b.jpg --init c.png -o c.png --force", "c.png"},
        {"impasto batch --content '?.png' --style b.jpg -o 'c.png' --force", "c.png"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_kept(s, lines[i][0], "is ", lines[i][1]);
}

/* Networks, and the picture of --like. */
static void test_other_inputs_are_safe(void **state) {
    scratch *s = *state;
    run_silent(s, PAINT "-o c.png");
    run_silent(s, "cp '" IMP_TEST_SOURCES "/weights/builtin.safetensors' net.png");
    assert_kept(s, "impasto paint -q --like c.png a.png b.jpg -o c.png", "is the picture of --like",
                "c.png");
    assert_kept(s, PAINT "--network ./net.png -o net.png", "is the network", "net.png");
    assert_kept(s, PAINT "--network net.png -o x.png --checkpoint net.png", "is the network",
                "net.png");
    assert_kept(s, "impasto weights import net.png -o net.png", "is the file to import", "net.png");
}

/* An output of one pair must not be an input of another. */
static void test_batch_inputs_of_other_pairs(void **state) {
    scratch *s = *state;
    run_silent(s, "cp a.png x.png && cp a.png y.png && cp b.jpg s_x.png");
    assert_kept(s, "impasto batch --content '[xy].png' --style 's_x.png' -o 's_{content}.png'",
                "is one of the input pictures", "s_x.png");
}

/* ---- Files of others ------------------------------------------------------------------------- */

static void test_other_files_are_safe(void **state) {
    scratch *s = *state;
    static const char *const files[] = {"notes.txt", "f.mp4", "all.png", "v.png", "o-000002.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        scratch_write(s, files[i], "mine", 4);
    static const char *const lines[][3] = {
        {PAINT "-o x.png --checkpoint notes.txt", "is no checkpoint", "notes.txt"},
        {PAINT "-o x.png --checkpoint notes.txt --force", "is no checkpoint", "notes.txt"},
        {PAINT "-o x.png --film f.mp4", "exists already", "f.mp4"},
        {PAINT "-o x.png --sheet all.png", "exists already", "all.png"},
        {PAINT "-o x.png --preview-file v.png", "exists already", "v.png"},
        {PAINT "-o o.png --save-every 2", "exists already", "o-000002.png"},
        {PAINT "-o o.png --sheet o-000004.png --save-every 2", "is also the file of --sheet",
         "notes.txt"},
        {PAINT "-o x.png --checkpoint x.png", "is also the file of output", "notes.txt"},
        {PAINT "-o x.png --film y.mp4 --checkpoint y.mp4", "is also the file of", "notes.txt"},
        {"impasto bench --quick --json notes.txt", "exists already", "notes.txt"},
        {"impasto bench --quick --plot all.png", "exists already", "all.png"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_kept(s, lines[i][0], lines[i][1], lines[i][2]);
    run_silent(s, PAINT "-o x.png --film f.mp4 --sheet all.png --preview-file v.png --force");
    run_silent(s, PAINT "-o o.png --save-every 2 --force");
}

static void test_dump_keeps_files(void **state) {
    scratch *s = *state;
    run_silent(s, "mkdir d && echo mine >d/gradient.npy");
    assert_fails(s, "impasto score a.png --content a.png --style b.jpg --dump d", 1,
                 "exists already");
    run_silent(s, "grep -q mine d/gradient.npy && rm -rf d");
}

static void test_networks_are_kept(void **state) {
    scratch *s = *state;
    setenv("IMPASTO_WEIGHTS", "w", 1);
    run_silent(s, "cp '" IMP_TEST_SOURCES "/weights/builtin.safetensors' net.safetensors");
    run_silent(s, "impasto weights import net.safetensors --name mine >/dev/null");
    assert_fails(s, "impasto weights import net.safetensors --name mine", 1,
                 "is installed already");
    run_silent(s, "impasto weights import net.safetensors --name mine --force >/dev/null");
    unsetenv("IMPASTO_WEIGHTS");
    run_silent(s, "rm -rf w");
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void assert_files(scratch *s, const char *const *names) {
    for (; *names; names++)
        if (!scratch_has(s, *names))
            fail_msg("there is no %s", *names);
}

/* A name that is not given counts on; -o replaces. */
static void test_default_names_count_on(void **state) {
    scratch *s = *state;
    scratch_write(s, "a_b.png", "mine", 4);
    scratch_write(s, "a_b-3-000002.png", "mine", 4);
    run_silent(s, PAINT);
    run_silent(s, PAINT "--save-every 2");
    run_silent(s, PAINT "-o a_b-2.png");
    assert_files(s, (const char *const[]){"a_b-2.png", "a_b-4.png", "a_b-4-000002.png", NULL});
    assert_false(scratch_has(s, "a_b-3.png"));
    size_t size;
    unsigned char *bytes = scratch_read(s, "a_b.png", &size);
    assert_int_equal(size, 4);
    free(bytes);
}

/* A name that was free at the start may be taken by the end. */
static void test_a_name_taken_meanwhile(void **state) {
    scratch *s = *state;
    running r = program_start(
        s, "impasto paint a.png b.jpg --json --size 64 -n 4000 --convergence 0 --time-limit 1");
    program_await(&r, "\"iteration\"");
    scratch_write(s, "a_b.png", "mine", 4);
    ended e = program_wait(&r);
    assert_int_equal(e.status, 0);
    ended_free(&e);
    size_t size;
    unsigned char *bytes = scratch_read(s, "a_b.png", &size);
    assert_int_equal(size, 4);
    free(bytes);
    assert_true(scratch_has(s, "a_b-2.png"));
}

static void test_folders(void **state) {
    scratch *s = *state;
    run_silent(s, "mkdir d");
    run_silent(s, PAINT "-o d");
    run_silent(s, PAINT "-o d/");
    run_silent(s, "impasto batch --content a.png --style b.jpg --size 24 -n 1 -o new/deep/ "
                  ">/dev/null 2>&1");
    run_silent(s, "impasto batch --content a.png --style b.jpg --size 24 -n 1 "
                  "-o 'n/{style}/{content}.png' >/dev/null 2>&1");
    assert_files(s, (const char *const[]){"d/a_b.png", "d/a_b-2.png", "new/deep/a_b.png",
                                          "n/b/a.png", NULL});
    run_silent(s, "rm -rf d new n");
}

/* What cannot be written is said before the first iteration. */
static void test_said_beforehand(void **state) {
    scratch *s = *state;
    char line[1024], name[256];
    memset(name, 'n', sizeof name);
    name[252] = '\0';
    run_silent(s, "mkdir d");
    static const char *const lines[][2] = {
        {PAINT "-o no/x.png", "there is no folder"},
        {PAINT "-o no/", "there is no folder"},
        {PAINT "--film no/x.mp4", "there is no folder"},
        {PAINT "--checkpoint no/x", "there is no folder"},
        {PAINT "--sheet no/x.png", "there is no folder"},
        {PAINT "--preview-file no/x.png", "there is no folder"},
        {PAINT "--checkpoint d", "is a folder"},
        {PAINT "--film d", "is a folder"},
        {"impasto grid a.png b.jpg --seed 1,2 -o no/x.png", "there is no folder"},
        {"impasto grid a.png b.jpg --seed 1,2 -o d", "folder"},
        {"impasto compare a.png b.jpg -o no/x.png", "there is no folder"},
        {"impasto film a.png b.jpg -o no/x.mp4", "there is no folder"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_kept(s, lines[i][0], lines[i][1], "a.png");
    snprintf(line, sizeof line, PAINT "-o %s.png", name);
    assert_kept(s, line, "the name is too long", "a.png");
    name[248] = '\0';
    snprintf(line, sizeof line, PAINT "-o %s.png --save-every 1", name);
    assert_kept(s, line, "the name is too long", "a.png");
    name[200] = '\0';
    snprintf(line, sizeof line, "cp a.png %s.png; impasto paint -q %s.png %s.png -n 1", name, name,
             name);
    ended e = program_run(s, line);
    assert_complaint(&e, line, 1, "the name is too long");
    ended_free(&e);
    run_silent(s, "rm -rf d");
}

static void test_long_arguments(void **state) {
    assert_fails(*state, "impasto paint a.png b.jpg -o $(printf '%5000s' x | tr ' ' a).png", 2,
                 "longer than 4095 bytes");
}

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_inputs_are_safe, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_other_inputs_are_safe, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_batch_inputs_of_other_pairs, program_set_up,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_other_files_are_safe, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_dump_keeps_files, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_networks_are_kept, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_default_names_count_on, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_a_name_taken_meanwhile, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_folders, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_said_beforehand, program_set_up, scratch_close),
        cmocka_unit_test_setup_teardown(test_long_arguments, program_set_up, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
