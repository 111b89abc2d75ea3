/* SPDX-License-Identifier: MIT
 *
 * Running the program from tests: see program.h.
 */
#include "program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char *whole(FILE *file) {
    fseek(file, 0, SEEK_END);
    const size_t size = (size_t)ftell(file);
    char *text = calloc(size + 1, 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, size, file), size);
    return text;
}

/* In the child: the shell executes the program in its own place, so that signals reach it. */
static void become(const scratch *s, const char *line, const running *r) {
    const char *own = getenv("IMPASTO_PROGRAM");
    char script[4096];
    snprintf(script, sizeof script,
             "export impasto='%s'; impasto() { exec \"$impasto\" \"$@\"; }; cd %s && %s",
             own ? own : IMP_TEST_PROGRAM, s->folder, line);
    dup2(fileno(r->out), STDOUT_FILENO);
    dup2(fileno(r->err), STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit(127);
}

running program_start(const scratch *s, const char *line) {
    running r = {.out = tmpfile(), .err = tmpfile()};
    assert_non_null(r.out);
    assert_non_null(r.err);
    fflush(NULL);
    r.pid = fork();
    assert_true(r.pid >= 0);
    if (r.pid == 0)
        become(s, line, &r);
    return r;
}

ended program_wait(running *r) {
    int status;
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    const ended e = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                     .out = whole(r->out),
                     .err = whole(r->err)};
    fclose(r->out);
    fclose(r->err);
    return e;
}

ended program_run(const scratch *s, const char *line) {
    running r = program_start(s, line);
    return program_wait(&r);
}

void ended_free(ended *e) {
    free(e->out);
    free(e->err);
    *e = (ended){0};
}

void program_await(running *r, const char *text) {
    for (int tenth = 0; tenth < 1200; tenth++) {
        const struct timespec pause = {.tv_nsec = 100000000};
        char *out = whole(r->out);
        const bool there = strstr(out, text) != NULL;
        free(out);
        if (there)
            return;
        if (waitpid(r->pid, NULL, WNOHANG) != 0)
            break;
        nanosleep(&pause, NULL);
    }
    fail_msg("the program did not say '%s'; it said: %s", text, whole(r->err));
}

void assert_complaint(const ended *e, const char *line, int status, const char *says) {
    const char *end = strchr(e->err, '\n');
    if (e->status != status || strncmp(e->err, "impasto: ", 9) != 0 || !end || end[1] ||
        !strstr(e->err, says))
        fail_msg("%s: status %d (wanted %d, one line with '%s'), standard error:\n%s", line,
                 e->status, status, says, e->err);
}

void assert_silent(const ended *e, const char *line) {
    if (e->status != 0 || *e->err)
        fail_msg("%s: status %d, standard error:\n%s", line, e->status, e->err);
}

void run_silent(const scratch *s, const char *line) {
    ended e = program_run(s, line);
    assert_silent(&e, line);
    ended_free(&e);
}

void assert_fails(const scratch *s, const char *line, int status, const char *says) {
    ended e = program_run(s, line);
    assert_complaint(&e, line, status, says);
    ended_free(&e);
}

bool program_exists(const char *name) {
    char line[128];
    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", name);
    return system(line) == 0; /* NOLINT(cert-env33-c): a fixed text of a test */
}

/* Writes a picture and finishes it. */
static void write_picture(scratch *s, const char *name, imp_picture *p) {
    imp_error err = {0};
    imp_picture_write(p, scratch_path(s, name), NULL, &err);
    assert_string_equal(err.text, "");
    imp_picture_finish(p);
}

static imp_picture black(size_t width, size_t height) {
    const imp_picture p = {
        .width = width, .height = height, .rgb = calloc(3 * width * height, sizeof(float))};
    assert_non_null(p.rgb);
    return p;
}

void write_waves(scratch *s, const char *name, size_t width, size_t height) {
    imp_picture p = black(width, height);
    for (size_t i = 0; i < 3 * width * height; i++) {
        const size_t pixel = i / 3, row = pixel / width;
        const double x = (double)(pixel % width), y = (double)row;
        p.rgb[i] = (float)(0.5 + 0.4 * sin(0.3 * x + 0.1 * y * (double)(1 + i % 3)));
    }
    write_picture(s, name, &p);
}

void write_halves(scratch *s, const char *name, size_t width, size_t height) {
    imp_picture p = black(width, height);
    for (size_t i = 0; i < width * height; i++)
        p.rgb[3 * i + (i % width < width / 2 ? 0 : 2)] = 1;
    write_picture(s, name, &p);
}

void write_protected(scratch *s, const char *name, size_t width, size_t height) {
    imp_picture p = black(width, height);
    for (size_t i = 0; i < 3 * width * height; i++)
        p.rgb[i] = i / 3 % width < width / 2;
    write_picture(s, name, &p);
}

int program_set_up(void **state) {
    if (scratch_open(state))
        return -1;
    write_waves(*state, "a.png", 48, 40);
    write_waves(*state, "b.jpg", 40, 48);
    return 0;
}
