/* SPDX-License-Identifier: MIT
 *
 * Settings as text, both ways: what imp_settings_get writes, imp_settings_set reads back as the
 * same value. Numbers have a decimal point whatever the locale.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/settings.h"

_Static_assert(sizeof(imp_optimizer) == sizeof(unsigned), "enums are stored like unsigned");

static const double mib = 1048576;

static imp_status fail_locale(imp_error *err) {
    return imp_fail(err, IMP_ERR_MEMORY, "settings: out of host memory");
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Digits only. */
static bool read_whole(const char *text, uint64_t *value) {
    char *end = NULL;
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return !errno && !*end;
}

/* A finite decimal number; strtod alone would also take hexadecimal, "nan" and leading blanks. */
static bool read_real(const char *text, double *value) {
    char *end = NULL;
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value);
}

static bool real_within(const imp_setting *s, const char *text, double *value) {
    return read_real(text, value) && *value >= s->low && *value <= s->high;
}

/* The shortest decimal text that reads back as the same float, or as the same double. */
static void write_real(char *text, size_t size, double value, bool single) {
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(text, size, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (single ? (float)back == (float)value : back == value)
            return;
    }
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static imp_term_kind kind_of(const imp_setting_row *row) {
    return row->storage == IMP_STORE_CONTENT_TERMS ? IMP_TERM_CONTENT : IMP_TERM_STYLE;
}

/* One "LAYER[:WEIGHT]" of `length` bytes. */
static bool read_term(const imp_setting *s, const char *text, size_t length, imp_term *term) {
    char item[96];
    double weight = 1;
    if (length == 0 || length >= sizeof item)
        return false;
    snprintf(item, sizeof item, "%.*s", (int)length, text);
    char *colon = strchr(item, ':');
    if (colon) {
        *colon = 0;
        if (!real_within(s, colon + 1, &weight))
            return false;
    }
    if (!*item || strlen(item) >= sizeof term->layer)
        return false;
    memcpy(term->layer, item, strlen(item) + 1);
    term->weight = (float)weight;
    return true;
}

/* Replaces the terms of one kind. */
static bool read_terms(const imp_setting_row *row, const char *text, imp_settings *settings) {
    imp_term terms[IMP_TERMS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < settings->term_count && i < IMP_TERMS_MAX; i++)
        if (settings->terms[i].kind != kind_of(row))
            terms[count++] = settings->terms[i];
    while (text && strcmp(text, "none") != 0) {
        const size_t length = strcspn(text, ",");
        imp_term term = {.kind = kind_of(row)};
        if (count == IMP_TERMS_MAX || !read_term(&row->setting, text, length, &term))
            return false;
        terms[count++] = term;
        text = text[length] ? text + length + 1 : NULL;
    }
    memcpy(settings->terms, terms, count * sizeof *terms);
    settings->term_count = count;
    return true;
}

static void write_terms(const imp_setting_row *row, const imp_settings *settings, char *text,
                        size_t size) {
    size_t used = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; i < settings->term_count && i < IMP_TERMS_MAX && used < size; i++) {
        const imp_term *term = &settings->terms[i];
        char weight[32] = "";
        if (term->kind != kind_of(row))
            continue;
        if (term->weight != 1) {
            weight[0] = ':';
            write_real(weight + 1, sizeof weight - 1, (double)term->weight, true);
        }
        used += (size_t)snprintf(text + used, size - used, "%s%.*s%s", used ? "," : "",
                                 IMP_NAME_MAX - 1, term->layer, weight);
    }
}

/* ---- Lists of whole numbers ------------------------------------------------------------------ */

/* Up to `max` whole numbers from 1 between commas; gives their number, 0 for anything else. */
static size_t read_list(const char *text, double high, uint64_t *values, size_t max) {
    size_t n = 0;
    for (const char *next = text; next; n++) {
        char item[24];
        const size_t length = strcspn(next, ",");
        if (n == max || length >= sizeof item)
            return 0;
        snprintf(item, sizeof item, "%.*s", (int)length, next);
        if (!read_whole(item, &values[n]) || values[n] < 1 || (double)values[n] > high)
            return 0;
        next = next[length] ? next + length + 1 : NULL;
    }
    return n;
}

static bool read_iterations(const imp_setting *s, const char *text, imp_settings *settings) {
    uint64_t values[2] = {0};
    if (!read_list(text, s->high, values, 2))
        return false;
    settings->iterations = (unsigned)values[0];
    settings->later_iterations = (unsigned)values[1];
    return true;
}

static bool read_scales(const imp_setting *s, const char *text, imp_settings *settings) {
    uint64_t values[IMP_SCALES_MAX];
    const size_t n = read_list(text, IMP_SIDE_MAX, values, IMP_SCALES_MAX);
    if (n == 0 || (n == 1 && (double)values[0] > s->high))
        return false;
    for (size_t i = 1; i < n; i++)
        if (values[i] <= values[i - 1])
            return false;
    settings->size_count = n > 1 ? n : 0;
    for (size_t i = 0; n > 1 && i < n; i++)
        settings->sizes[i] = (size_t)values[i];
    settings->scales = n > 1 ? (unsigned)n : (unsigned)values[0];
    return true;
}

static void write_scales(const imp_settings *settings, char *text, size_t size) {
    size_t used = 0;
    snprintf(text, size, "%u", settings->scales);
    for (size_t i = 0; i < settings->size_count && i < IMP_SCALES_MAX && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%zu", i ? "," : "", settings->sizes[i]);
}

static void write_iterations(const imp_settings *settings, char *text, size_t size) {
    if (settings->later_iterations)
        snprintf(text, size, "%u,%u", settings->iterations, settings->later_iterations);
    else
        snprintf(text, size, "%u", settings->iterations);
}

/* ---- Single values --------------------------------------------------------------------------- */

static bool store_whole(const imp_setting_row *row, const char *text, void *at) {
    uint64_t value = (uint64_t)row->off_value;
    const imp_setting *s = &row->setting;
    const bool off = s->off && strcmp(text, s->off) == 0;
    if (!off && (!read_whole(text, &value) || (double)value < s->low || (double)value > s->high))
        return false;
    if (row->storage == IMP_STORE_UNSIGNED)
        *(unsigned *)at = (unsigned)value;
    else if (row->storage == IMP_STORE_SIZE)
        *(size_t *)at = (size_t)value;
    else
        *(uint64_t *)at = value;
    return true;
}

static bool store_real(const imp_setting_row *row, const char *text, void *at) {
    double value = row->off_value;
    const bool off = row->setting.off && strcmp(text, row->setting.off) == 0;
    if (!off && !real_within(&row->setting, text, &value))
        return false;
    if (row->storage == IMP_STORE_FLOAT)
        *(float *)at = (float)value;
    else
        *(size_t *)at = (size_t)floor(value * mib + 0.5);
    return true;
}

static bool store_word(const imp_setting_row *row, const char *text, void *at) {
    const char *const words = row->storage == IMP_STORE_BOOL ? "off|on" : row->setting.words;
    const size_t i = imp_words_find(words, text);
    if (i == imp_words_count(words))
        return false;
    if (row->storage == IMP_STORE_BOOL)
        *(bool *)at = i == 1;
    else
        *(unsigned *)at = (unsigned)i;
    return true;
}

static bool store_name(const char *text, char *at) {
    const size_t length = strlen(text);
    if (length == 0 || length >= IMP_NAME_MAX)
        return false;
    memset(at, 0, IMP_NAME_MAX);
    memcpy(at, text, length);
    return true;
}

static bool store_preset(const char *text, imp_settings *settings) {
    const imp_settings *preset = imp_preset_settings(text);
    const size_t size = settings->struct_size;
    if (!preset)
        return false;
    memcpy(settings, preset, size);
    settings->struct_size = size;
    return true;
}

static bool store(const imp_setting_row *row, const char *text, imp_settings *settings) {
    void *const at = (char *)settings + row->offset;
    switch (row->storage) {
    case IMP_STORE_BOOL:
    case IMP_STORE_ENUM:
        return store_word(row, text, at);
    case IMP_STORE_UNSIGNED:
    case IMP_STORE_SIZE:
    case IMP_STORE_U64:
        return store_whole(row, text, at);
    case IMP_STORE_FLOAT:
    case IMP_STORE_MIB:
        return store_real(row, text, at);
    case IMP_STORE_NAME:
        return store_name(text, at);
    case IMP_STORE_PRESET:
        return store_preset(text, settings);
    case IMP_STORE_CONTENT_TERMS:
    case IMP_STORE_STYLE_TERMS:
        return read_terms(row, text, settings);
    case IMP_STORE_ITERATIONS:
        return read_iterations(&row->setting, text, settings);
    case IMP_STORE_SCALES:
        return read_scales(&row->setting, text, settings);
    }
    return false;
}

static void write_word(const char *words, size_t i, char *text, size_t size) {
    for (; i > 0 && strchr(words, '|'); i--)
        words = strchr(words, '|') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(words, "|"), words);
}

static void write(const imp_setting_row *row, const imp_settings *settings, char *text,
                  size_t size) {
    const void *const at = (const char *)settings + row->offset;
    switch (row->storage) {
    case IMP_STORE_BOOL:
        write_word("off|on", *(const bool *)at, text, size);
        break;
    case IMP_STORE_ENUM:
        write_word(row->setting.words, *(const unsigned *)at, text, size);
        break;
    case IMP_STORE_UNSIGNED:
        snprintf(text, size, "%u", *(const unsigned *)at);
        break;
    case IMP_STORE_SIZE:
        snprintf(text, size, "%zu", *(const size_t *)at);
        break;
    case IMP_STORE_U64:
        snprintf(text, size, "%" PRIu64, *(const uint64_t *)at);
        break;
    case IMP_STORE_FLOAT:
        write_real(text, size, (double)*(const float *)at, true);
        break;
    case IMP_STORE_MIB:
        write_real(text, size, (double)*(const size_t *)at / mib, false);
        break;
    case IMP_STORE_NAME:
    case IMP_STORE_PRESET:
        snprintf(text, size, "%.*s", IMP_NAME_MAX - 1, (const char *)at);
        break;
    case IMP_STORE_CONTENT_TERMS:
    case IMP_STORE_STYLE_TERMS:
        write_terms(row, settings, text, size);
        break;
    case IMP_STORE_ITERATIONS:
        write_iterations(settings, text, size);
        break;
    case IMP_STORE_SCALES:
        write_scales(settings, text, size);
        break;
    }
}

/* Whether the value is the one that the word `off` stands for. */
static bool is_off(const imp_setting_row *row, const imp_settings *settings) {
    const void *const at = (const char *)settings + row->offset;
    if (!row->setting.off)
        return false;
    return row->storage == IMP_STORE_FLOAT ? (double)*(const float *)at < row->setting.low
                                           : (double)*(const size_t *)at == row->off_value;
}

/* ---- By name --------------------------------------------------------------------------------- */

/* The row of that name, where the caller's imp_settings has the field. */
static imp_status find(const imp_setting_row **row, const imp_settings *settings, const char *name,
                       imp_error *err) {
    TRY(imp_settings_check_size(settings, err));
    *row = imp_setting_row_find(name);
    if (!*row)
        return imp_fail(err, IMP_ERR_ARGUMENT, "setting '%.100s': unknown", name ? name : "");
    if ((*row)->offset >= settings->struct_size)
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "setting '%s': the header that the program was compiled with does not have "
                        "it; compile it with impasto.h of version %s",
                        (*row)->setting.name, imp_version());
    return IMP_OK;
}

imp_status imp_settings_set(imp_settings *settings, const char *name, const char *text,
                            imp_error *err) {
    const imp_setting_row *row = NULL;
    char expected[256];
    TRY(find(&row, settings, name, err));
    const locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return fail_locale(err);
    const locale_t before = uselocale(c);
    const bool stored = text && store(row, text, settings);
    imp_setting_expected(row, expected, sizeof expected);
    uselocale(before);
    freelocale(c);
    if (stored)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT, "setting '%s': invalid value '%.100s'; expected %s",
                    row->setting.name, text ? text : "NULL", expected);
}

imp_status imp_settings_get(const imp_settings *settings, const char *name, char *text, size_t size,
                            imp_error *err) {
    const imp_setting_row *row = NULL;
    char all[IMP_SETTING_TEXT_MAX];
    TRY(find(&row, settings, name, err));
    const locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return fail_locale(err);
    const locale_t before = uselocale(c);
    if (is_off(row, settings))
        snprintf(all, sizeof all, "%s", row->setting.off);
    else
        write(row, settings, all, sizeof all);
    uselocale(before);
    freelocale(c);
    if (!text || strlen(all) >= size)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting '%s': its text needs %zu bytes, not %zu; "
                        "IMP_SETTING_TEXT_MAX always suffices",
                        row->setting.name, strlen(all) + 1, size);
    memcpy(text, all, strlen(all) + 1);
    return IMP_OK;
}
