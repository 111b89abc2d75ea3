/* SPDX-License-Identifier: MIT
 *
 * A folder of a test's own, the files that it makes in it, and how an error must read.
 */
#ifndef IMP_TEST_SCRATCH_H
#define IMP_TEST_SCRATCH_H

#include "impasto.h"

typedef struct scratch {
    char folder[64];
    char path[192]; /* of the file named last */
} scratch;

/* CMocka's set-up and tear-down: *state is a scratch; its folder goes away with all its files. */
int scratch_open(void **state);
int scratch_close(void **state);

/* The path of a file of that name, good until the next call. */
const char *scratch_path(scratch *s, const char *name);
/* Writes a file; gives its path. */
const char *scratch_write(scratch *s, const char *name, const void *bytes, size_t size);
/* All of a file; to be freed. */
unsigned char *scratch_read(scratch *s, const char *name, size_t *size);
/* Whether a file of that name is there. */
bool scratch_has(scratch *s, const char *name);
/* How many files are there, hidden ones included. */
size_t scratch_count(const scratch *s);

/* Asserts the text that is stored with a picture; NULL: that there is none. */
void assert_text(const char *path, const char *wanted);

/* One whole line with this status that holds both words; zeroes the error for the next call. */
void assert_error(imp_error *err, imp_status got, imp_status wanted, const char *where,
                  const char *what);

#endif
