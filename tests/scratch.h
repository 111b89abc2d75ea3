/* SPDX-License-Identifier: MIT
 *
 * A temporary folder for a test, its files, and assertions on error messages.
 */
#ifndef IMP_TEST_SCRATCH_H
#define IMP_TEST_SCRATCH_H

#include "impasto.h"

typedef struct scratch {
    char folder[64];
    char path[192]; /* the result of scratch_path */
} scratch;

/* CMocka's set-up and tear-down: *state is a scratch. The tear-down removes the folder. */
int scratch_open(void **state);
int scratch_close(void **state);

/* The path of a file in the folder, valid until the next call. */
const char *scratch_path(scratch *s, const char *name);
/* Writes a file and returns its path. */
const char *scratch_write(scratch *s, const char *name, const void *bytes, size_t size);
/* Returns the contents of a file; the caller frees them. */
unsigned char *scratch_read(scratch *s, const char *name, size_t *size);
/* Whether a file of this name exists. */
bool scratch_has(scratch *s, const char *name);
/* The number of files in the folder, hidden ones included. */
size_t scratch_count(const scratch *s);

/* Asserts which text is stored in a picture; NULL: none. */
void assert_text(const char *path, const char *wanted);

/* Asserts the status, and that the message is one line, not truncated, that contains both words.
 * Clears the error for the next call. */
void assert_error(imp_error *err, imp_status got, imp_status wanted, const char *where,
                  const char *what);

#endif
