/* SPDX-License-Identifier: MIT
 *
 * Every call that writes, and every allocation, fails at its n-th time, for all n (a sample of them
 * in the gate; with IMPASTO_TEST_SCALE=full all): inject/inject.c does it. Whatever fails, there is
 * a sensible exit status and a line that says so; the picture, film and checkpoint that were there
 * are whole, old or new; and no temporary file is left.
 */
#include "program.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A run with a picture that exists, a film, frames, a sheet and a checkpoint that exists. */
#define RUN                                                                                        \
    "impasto paint -q a.png b.jpg --size 16 -n 3 --levels 1 -o c.png --film f.mp4 "                \
    "--film-seconds .2 --save-every 2 --checkpoint ck --checkpoint-every 0.001 --force"

typedef struct tally {
    long calls, runs, failed, kept;
} tally;

static bool has_text(const unsigned char *bytes, size_t size, const char *text) {
    const size_t length = strlen(text);
    for (size_t i = 0; i + length <= size; i++)
        if (!memcmp(bytes + i, text, length))
            return true;
    return false;
}

/* Pictures decode, films have their index, checkpoints their checksum; there is nothing else. */
static void check_file(scratch *s, const char *name, const char *line) {
    imp_error err = {0};
    const char *end = strrchr(name, '.');
    if (!strncmp(name, ".impasto-", 9))
        fail_msg("%s: left '%s'", line, name);
    if (end && (!strcmp(end, ".png") || !strcmp(end, ".jpg"))) {
        imp_picture p = {0};
        imp_picture_read(&p, scratch_path(s, name), NULL, &err);
        imp_picture_finish(&p);
    } else if (end && !strcmp(end, ".mp4")) {
        size_t size;
        unsigned char *bytes = scratch_read(s, name, &size);
        if (!has_text(bytes, size, "moov"))
            fail_msg("%s: '%s' is no whole film", line, name);
        free(bytes);
    } else if (!strncmp(name, "ck", 2)) {
        char *text = NULL;
        imp_checkpoint_text(&text, scratch_path(s, name), &err);
        imp_free(text);
    }
    if (*err.text)
        fail_msg("%s: '%s': %s", line, name, err.text);
}

static void check_folder(scratch *s, const char *line) {
    DIR *const all = opendir(s->folder);
    assert_non_null(all);
    for (const struct dirent *e; (e = readdir(all));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strcmp(e->d_name, "cache") != 0)
            check_file(s, e->d_name, line);
    closedir(all);
}

/* Each line of standard error is one of ours; a failure has at least one. */
static void check_lines(const ended *e, const char *line) {
    const char *const said = e->err ? e->err : "";
    for (const char *next = said; *next;) {
        const char *end = strchr(next, '\n');
        if (strncmp(next, "impasto: ", 9) != 0 || !end) {
            fail_msg("%s: status %d, said: %s", line, e->status, said);
            return;
        }
        next = end + 1;
    }
    if (e->status < 0 || e->status > 2 || (e->status && !*said))
        fail_msg("%s: status %d, said: %s", line, e->status, said);
}

static void set_up_run(scratch *s) {
    run_silent(s, "rm -f c.png c-* f.mp4 ck* count; cp old.png c.png && cp old.ck ck");
}

static long count_calls(scratch *s, const char *kind, const char *more) {
    char line[1024], *end;
    size_t size;
    set_up_run(s);
    snprintf(line, sizeof line,
             "export IMPASTO_CACHE=$PWD/cache LD_PRELOAD='" IMP_TEST_INJECT "' IMPASTO_INJECT=%s "
             "IMPASTO_INJECT_LOG=count; %s %s",
             kind, RUN, more);
    ended e = program_run(s, line);
    if (e.status != 0)
        fail_msg("%s: %s", line, e.err);
    ended_free(&e);
    unsigned char *text = scratch_read(s, "count", &size);
    const long count = strtol((char *)text, &end, 10);
    free(text);
    assert_true(count > 0);
    return count;
}

static void fail_at(scratch *s, const char *kind, const char *more, long n, tally *t) {
    char line[1024];
    set_up_run(s);
    snprintf(line, sizeof line,
             "export IMPASTO_CACHE=$PWD/cache LD_PRELOAD='" IMP_TEST_INJECT "' IMPASTO_INJECT=%s "
             "IMPASTO_INJECT_AT=%ld %s; %s",
             kind, n, more, RUN);
    ended e = program_run(s, line);
    check_lines(&e, line);
    if (!scratch_has(s, "c.png"))
        fail_msg("%s: the old picture is gone", line);
    check_folder(s, line);
    t->runs++;
    t->failed += e.status != 0;
    t->kept += strstr(e.err, "the state is kept") != NULL;
    ended_free(&e);
}

static void fail_everywhere(scratch *s, const char *kind, const char *more, long sample) {
    const char *scale = getenv("IMPASTO_TEST_SCALE");
    tally t = {.calls = count_calls(s, kind, "")};
    const bool all = scale && !strcmp(scale, "full");
    const long step = all || t.calls <= sample ? 1 : t.calls / sample;
    for (long n = 1; n <= t.calls; n += step)
        fail_at(s, kind, more, n, &t);
    print_message("%s %s: %ld calls, %ld runs, %ld of them failed, %ld kept the state\n", kind,
                  more, t.calls, t.runs, t.failed, t.kept);
    assert_true(t.failed > 0);
}

static void test_writes(void **state) {
    fail_everywhere(*state, "write", "", 40);
}

/* A disk that is full stays full; a broken one answers EIO (5). */
static void test_full_disk(void **state) {
    fail_everywhere(*state, "write", "IMPASTO_INJECT_STAYS=1", 20);
    fail_everywhere(*state, "write", "IMPASTO_INJECT_STAYS=1 IMPASTO_INJECT_ERROR=5", 10);
}

static void test_allocations(void **state) {
    fail_everywhere(*state, "alloc", "", 60);
}

static int set_up(void **state) {
    if (program_set_up(state))
        return -1;
    scratch *s = *state;
    run_silent(s, "cp a.png old.png");
    run_silent(s, "impasto paint -q a.png b.jpg --size 16 -n 3 --levels 1 --checkpoint old.ck "
                  "--time-limit 0.001 -o x.png");
    run_silent(s, "rm x.png; mkdir cache");
    return 0;
}

static int tear_down(void **state) {
    run_silent(*state, "rm -rf cache");
    return scratch_close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {TEST(test_writes), TEST(test_full_disk),
                                       TEST(test_allocations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
