/* SPDX-License-Identifier: MIT
 *
 * Runs the program `impasto` from a shell, in the folder of a test, and captures its output.
 * IMPASTO_PROGRAM names a binary to run instead of the one in the build folder.
 */
#ifndef IMP_TEST_PROGRAM_H
#define IMP_TEST_PROGRAM_H

#include "scratch.h"

#include <stdio.h>
#include <sys/types.h>

typedef struct ended {
    int status;      /* exit status; -1 after a signal */
    char *out, *err; /* standard output and error; owned */
} ended;

/* Runs a shell command in the folder. In it `impasto` stands for the program, and "$impasto" where
 * another program starts it. */
ended program_run(const scratch *s, const char *line);
void ended_free(ended *e);

/* The same in two steps: start the command, and wait until it ends. */
typedef struct running {
    pid_t pid;
    FILE *out, *err;
} running;
running program_start(const scratch *s, const char *line);
ended program_wait(running *r);

/* Waits until standard output contains the text. Test failure if the program ends or 120 s pass
 * first. */
void program_await(running *r, const char *text);

/* Asserts the exit status and that standard error is one line that begins with "impasto: " and
 * contains `says`. */
void assert_complaint(const ended *e, const char *line, int status, const char *says);
/* Asserts exit status 0 and nothing on standard error. */
void assert_silent(const ended *e, const char *line);

/* Run a command and assert the same. */
void run_silent(const scratch *s, const char *line);
void assert_fails(const scratch *s, const char *line, int status, const char *says);

/* Whether the shell finds a program of this name. */
bool program_exists(const char *name);

/* Writes a PNG or JPEG of coloured waves, width x height pixels, into the folder. */
void write_waves(scratch *s, const char *name, size_t width, size_t height);
/* The same; the left half is red, the right half blue; or the left half white, the right black. */
void write_halves(scratch *s, const char *name, size_t width, size_t height);
void write_protected(scratch *s, const char *name, size_t width, size_t height);

/* CMocka's set-up: a folder with the pictures a.png, 48 x 40, and b.jpg, 40 x 48. scratch_close is
 * its tear-down. */
int program_set_up(void **state);

#endif
