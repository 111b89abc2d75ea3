/* SPDX-License-Identifier: MIT
 *
 * The table of the fields of every struct that a caller fills, with the wrong values that each can
 * have.
 */
#ifndef IMP_TEST_MISUSE_H
#define IMP_TEST_MISUSE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum misuse_kind {
    MISUSE_REAL, /* float */
    MISUSE_DOUBLE,
    MISUSE_ENUM,
    MISUSE_INT,
    MISUSE_UNSIGNED,
    MISUSE_SIZE,
    MISUSE_U64,
    MISUSE_BOOL,
    MISUSE_POINTER,
    MISUSE_TEXT /* an array of char */
} misuse_kind;

typedef struct misuse_field {
    const char *name; /* "terms[0].kind" */
    misuse_kind kind;
    size_t offset, size;
} misuse_field;

typedef struct misuse_subject {
    const char *name; /* "imp_settings" */
    size_t size;
    const misuse_field *fields;
    size_t count;
} misuse_subject;

/* The structs that callers fill, `count` of them. */
extern const misuse_subject misuse_subjects[];
extern const size_t misuse_subject_count;

/* Writes wrong value i of the field into the object; false beyond the last. */
bool misuse_apply(void *object, const misuse_field *field, size_t i);

/* Whether impasto.h and the table agree: every struct of the header is in the table or known to be
 * filled by the library, and every field of a struct in the table has a row. Prints what is
 * missing.
 */
bool misuse_table_is_complete(void);

#endif
