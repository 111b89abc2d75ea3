/* SPDX-License-Identifier: MIT
 *
 * Runs the program `impasto` as a person would, in a test's folder, and keeps what it said.
 * IMPASTO_PROGRAM names another binary than the one just built.
 */
#ifndef IMP_TEST_PROGRAM_H
#define IMP_TEST_PROGRAM_H

#include "scratch.h"

#include <stdio.h>
#include <sys/types.h>

typedef struct ended {
    int status;      /* of exit; -1 when a signal ended it */
    char *out, *err; /* what it wrote; owned */
} ended;

/* Runs the line in the folder by the shell, with `impasto`, and in other programs
 * "$impasto", standing for the program. */
ended program_run(const scratch *s, const char *line);
void ended_free(ended *e);

/* The same, in pieces: started, what it has written to standard output so far, and its end. */
typedef struct running {
    pid_t pid;
    FILE *out, *err;
} running;
running program_start(const scratch *s, const char *line);
ended program_wait(running *r);

/* Waits until standard output holds the text; test failure when the program ends, or 120 s pass,
 * before it does. */
void program_await(running *r, const char *text);

/* Exit status, and standard error as one line that begins with "impasto: " and holds `says`. */
void assert_complaint(const ended *e, const char *line, int status, const char *says);
/* Exit status 0 and nothing on standard error. */
void assert_silent(const ended *e, const char *line);

/* Runs a line and asserts one of the above of it. */
void run_silent(const scratch *s, const char *line);
void assert_fails(const scratch *s, const char *line, int status, const char *says);

/* Whether the shell finds a program of that name. */
bool program_exists(const char *name);

/* A PNG or JPEG of coloured waves, width x height, in the folder. */
void write_waves(scratch *s, const char *name, size_t width, size_t height);
/* Its left half red, its right half blue. */
void write_halves(scratch *s, const char *name, size_t width, size_t height);

/* A CMocka set-up: a folder with the pictures a.png, 48 x 40, and b.jpg, 40 x 48. It goes back by
 * scratch_close. */
int program_set_up(void **state);

#endif
