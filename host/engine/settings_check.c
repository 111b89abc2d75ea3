/* SPDX-License-Identifier: MIT
 *
 * Whether settings make sense: every field against its row of the table, then what several fields
 * say together.
 */
#include <string.h>

#include "base/error.h"
#include "engine/settings.h"

static imp_status refuse(const imp_setting_row *row, const char *value, imp_error *err) {
    char expected[256];
    imp_setting_expected(row, expected, sizeof expected);
    return imp_fail(err, IMP_ERR_ARGUMENT, "setting '%s': invalid value '%.100s'; expected %s",
                    row->setting.name, value, expected);
}

static imp_status check_number(const imp_setting_row *row, double value, double low,
                               imp_error *err) {
    char text[32];
    const bool single = row->storage == IMP_STORE_FLOAT || row->storage == IMP_STORE_CONTENT_TERMS;
    const double high = row->setting.high;
    /* The ends of a float's range are rounded as the value was. False for NaN. */
    if (single ? value >= (double)(float)low && value <= (double)(float)high
               : value >= low && value <= high)
        return IMP_OK;
    snprintf(text, sizeof text, "%.9g", value);
    return refuse(row, text, err);
}

/* A choice, or a flag, whose bytes may hold anything. */
static imp_status check_word(const imp_setting_row *row, const void *at, imp_error *err) {
    const bool flag = row->storage == IMP_STORE_BOOL;
    unsigned value = *(const unsigned char *)at;
    char text[32];
    if (!flag)
        memcpy(&value, at, sizeof value);
    if (value < (flag ? 2 : imp_words_count(row->setting.words)))
        return IMP_OK;
    snprintf(text, sizeof text, "%d", (int)value);
    return refuse(row, text, err);
}

static imp_status check_name(const imp_setting_row *row, const char *name, imp_error *err) {
    if (memchr(name, 0, IMP_NAME_MAX))
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT, "setting '%s': the name does not end; expected %s",
                    row->setting.name, "at most 31 bytes and a 0");
}

static imp_status check_scales(const imp_setting_row *row, const imp_settings *s, imp_error *err) {
    TRY(check_number(row, s->scales, row->setting.low, err));
    if (s->size_count > IMP_SCALES_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT, "setting 'scales': %zu sizes; expected at most %d",
                        s->size_count, IMP_SCALES_MAX);
    for (size_t i = 0; i < s->size_count; i++)
        if (s->sizes[i] <= (i ? s->sizes[i - 1] : 0) || s->sizes[i] > IMP_SIDE_MAX)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "setting 'scales': invalid size %zu; expected rising sizes up to %d",
                            s->sizes[i], IMP_SIDE_MAX);
    return IMP_OK;
}

/* The terms of both kinds: of neither setting alone is a term of an unknown kind. */
static imp_status check_terms(const imp_setting_row *row, const imp_settings *s, imp_error *err) {
    if (s->term_count > IMP_TERMS_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT, "settings: %zu terms; expected at most %d",
                        s->term_count, IMP_TERMS_MAX);
    for (size_t i = 0; i < s->term_count; i++) {
        const imp_term *term = &s->terms[i];
        if (term->kind != IMP_TERM_CONTENT && term->kind != IMP_TERM_STYLE)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "settings: term %zu: invalid kind %d; expected content or style", i,
                            (int)term->kind);
        if (!memchr(term->layer, 0, sizeof term->layer) || !*term->layer)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "settings: term %zu: invalid layer; expected a name of 1 to %d bytes",
                            i, IMP_NAME_MAX - 1);
        TRY(check_number(row, (double)term->weight, row->setting.low, err));
    }
    return IMP_OK;
}

static imp_status check_row(const imp_setting_row *row, const imp_settings *s, imp_error *err) {
    const void *const at = (const char *)s + row->offset;
    const double low = row->setting.off ? row->off_value : row->setting.low;
    switch (row->storage) {
    case IMP_STORE_BOOL:
    case IMP_STORE_ENUM:
        return check_word(row, at, err);
    case IMP_STORE_UNSIGNED:
        return check_number(row, *(const unsigned *)at, low, err);
    case IMP_STORE_SIZE:
        return check_number(row, (double)*(const size_t *)at, low, err);
    case IMP_STORE_FLOAT:
        return check_number(row, (double)*(const float *)at, low, err);
    case IMP_STORE_NAME:
    case IMP_STORE_PRESET:
        return check_name(row, at, err);
    case IMP_STORE_CONTENT_TERMS:
        return check_terms(row, s, err);
    case IMP_STORE_ITERATIONS:
        TRY(check_number(row, s->iterations, row->setting.low, err));
        return check_number(row, s->later_iterations, 0, err);
    case IMP_STORE_SCALES:
        return check_scales(row, s, err);
    case IMP_STORE_STYLE_TERMS: /* with those of content */
    case IMP_STORE_U64:         /* any number will do */
    case IMP_STORE_MIB:
        return IMP_OK;
    }
    return IMP_OK;
}

/* Whether any layer has a weight above 0. */
static bool has_aim(const imp_settings *s) {
    for (size_t i = 0; i < s->term_count; i++) {
        const bool content = s->terms[i].kind == IMP_TERM_CONTENT;
        if (s->terms[i].weight > 0 && (content ? s->content_weight : s->style_weight) > 0)
            return true;
    }
    return false;
}

imp_status imp_settings_check_size(const imp_settings *settings, imp_error *err) {
    if (!settings)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "settings: NULL; expected what imp_settings_init "
                        "has filled");
    if (settings->struct_size >= IMP_SETTINGS_SIZE_MIN &&
        settings->struct_size <= sizeof(imp_settings))
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "settings: struct_size is %zu; expected %zu: call imp_settings_init, and "
                    "compile the program with impasto.h of version %s",
                    settings->struct_size, sizeof(imp_settings), imp_version());
}

imp_status imp_settings_take(imp_settings *out, const imp_settings *in, imp_error *err) {
    TRY(imp_settings_check_size(in, err));
    imp_settings_init(out, sizeof *out);
    memcpy(out, in, in->struct_size);
    out->struct_size = sizeof *out;
    for (size_t i = 0; imp_setting_row_at(i); i++)
        TRY(check_row(imp_setting_row_at(i), out, err));
    if (out->term_count > 0 && !has_aim(out))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "weights: all of content and style are 0; expected one above 0");
    if (out->style_form == IMP_LOSS_NEAREST && out->levels > 1)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "settings: 'style-form' nearest compares one size of the picture, and "
                        "'levels' is %u; set it to 1",
                        out->levels);
    return IMP_OK;
}

imp_status imp_settings_check(const imp_settings *settings, imp_error *err) {
    imp_settings copy;
    return imp_settings_take(&copy, settings, err);
}
