/* SPDX-License-Identifier: MIT
 *
 * The table of settings: the only place that states their names, types, ranges, units, words and
 * meanings. imp_settings_set, imp_settings_get and imp_settings_check follow it, and the program
 * makes its options, help, man page, completions and records from it. Defaults are in presets.c.
 *
 * A new setting is a field at the end of imp_settings, a row in settings.c, and a value in
 * presets.c where its default is not 0.
 */
#ifndef IMP_ENGINE_SETTINGS_H
#define IMP_ENGINE_SETTINGS_H

#include "impasto.h"

/* How a setting is stored in imp_settings. */
typedef enum imp_storage {
    IMP_STORE_BOOL,
    IMP_STORE_ENUM,
    IMP_STORE_UNSIGNED,
    IMP_STORE_SIZE,
    IMP_STORE_U64,
    IMP_STORE_FLOAT,
    IMP_STORE_MIB,           /* a size_t of bytes; its text counts MiB */
    IMP_STORE_NAME,          /* char[IMP_NAME_MAX] */
    IMP_STORE_PRESET,        /* the name of the preset; setting it sets everything */
    IMP_STORE_CONTENT_TERMS, /* the terms of one kind */
    IMP_STORE_STYLE_TERMS,
    IMP_STORE_ITERATIONS, /* iterations and later_iterations */
    IMP_STORE_SCALES      /* scales, sizes and size_count */
} imp_storage;

typedef struct imp_setting_row {
    imp_setting setting;
    imp_storage storage;
    size_t offset;    /* of the field in imp_settings */
    double off_value; /* what setting.off stands for */
} imp_setting_row;

/* Row i of the table, NULL beyond the last; and the row of that name or older name, or NULL. */
const imp_setting_row *imp_setting_row_at(size_t i);
const imp_setting_row *imp_setting_row_find(const char *name);

/* Words of a choice ("a|b|c"): their number; and the place of one, their number if it is none. */
size_t imp_words_count(const char *words);
size_t imp_words_find(const char *words, const char *word);

/* What a value of this setting must be, for messages: "a number from 0 to 1". */
void imp_setting_expected(const imp_setting_row *row, char *text, size_t size);

/* The values of a preset, or NULL. */
const imp_settings *imp_preset_settings(const char *name);

enum { IMP_SIDE_MAX = 131072 }; /* of a picture that is painted, in pixels */

/* The least struct_size that is accepted: the fields from `memory` on may be missing in a program
 * that was compiled with an older header. */
enum { IMP_SETTINGS_SIZE_MIN = offsetof(imp_settings, memory) };

/* Whether struct_size is one that this library can read. */
imp_status imp_settings_check_size(const imp_settings *settings, imp_error *err);

/* Checks `in` as imp_settings_check does, and copies it; fields that the caller's header does not
 * have take the values of the preset `default`. */
imp_status imp_settings_take(imp_settings *out, const imp_settings *in, imp_error *err);

#endif
