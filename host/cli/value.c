/* SPDX-License-Identifier: MIT
 *
 * Values of options as text. cli_value_read reads back what cli_value_text writes; records rely on
 * this to repeat a run, and help shows defaults with it. Settings are left to the library.
 */
#include "cli/options.h"
#include "cli/words.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(imp_gemm) == sizeof(unsigned), "enums are kept like unsigned");

bool cli_choice_word(const char *choices, size_t i, char *word, size_t size) {
    for (; i > 0; i--) {
        choices = strchr(choices, '|');
        if (!choices)
            return false;
        choices++;
    }
    snprintf(word, size, "%.*s", (int)strcspn(choices, "|"), choices);
    return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static bool
refuse(imp_error *err, const cli_option *o, const char *text, const char *format, ...) {
    va_list arguments;
    err->status = IMP_ERR_ARGUMENT;
    const int used = snprintf(err->text, sizeof err->text,
                              "setting '%s': invalid value '%.100s'; expected ", o->name, text);
    va_start(arguments, format);
    vsnprintf(err->text + used, sizeof err->text - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* Appends the nearest word to the message. */
static void add_nearest(imp_error *err, const char *words, const char *text) {
    char word[64];
    cli_nearest nearest = {.word = text};
    const size_t used = strlen(err->text);
    for (size_t i = 0; cli_choice_word(words, i, word, sizeof word); i++)
        cli_nearest_offer(&nearest, word);
    if (*nearest.best)
        snprintf(err->text + used, sizeof err->text - used, "; the nearest is %s", nearest.best);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_whole(const cli_option *o, const char *text, uint64_t *value, imp_error *err) {
    char *end = NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (*text && strspn(text, "0123456789") == strlen(text) && !errno && (double)*value >= o->low &&
        (double)*value <= o->high)
        return true;
    return refuse(err, o, text, "a whole number from %.0f to %.0f", o->low, o->high);
}

/* Decimal seconds; strtod alone would also take "nan", "inf" and hexadecimal. */
static bool parse_time(const char *text, double *seconds) {
    char *end = NULL;
    const size_t digits = strspn(text, "0123456789+-.eE");
    *seconds = strtod(text, &end);
    if (end == text || (size_t)(end - text) > digits || !isfinite(*seconds))
        return false;
    if (!strcmp(end, "m"))
        *seconds *= 60;
    else if (!strcmp(end, "h"))
        *seconds *= 3600;
    else if (*end && strcmp(end, "s") != 0)
        return false;
    return true;
}

static bool read_time(const cli_option *o, const char *text, double *seconds, imp_error *err) {
    if (parse_time(text, seconds) && *seconds >= o->low && *seconds <= o->high)
        return true;
    return refuse(err, o, text, "seconds from %g to %g, or a time like 90s, 5m or 2h", o->low,
                  o->high);
}

static bool read_word(const cli_option *o, const char *text, unsigned *value, imp_error *err) {
    char word[32];
    for (size_t i = 0; cli_choice_word(o->argument, i, word, sizeof word); i++)
        if (!strcmp(word, text)) {
            *value = (unsigned)i;
            return true;
        }
    refuse(err, o, text, "one of %s", o->argument);
    add_nearest(err, o->argument, text);
    return false;
}

bool cli_setting_read(const char *name, const char *text, imp_settings *settings, imp_error *err) {
    const imp_setting *setting = imp_setting_find(name);
    if (imp_settings_set(settings, name, text, err) == IMP_OK)
        return true;
    if (setting && setting->words)
        add_nearest(err, setting->words, text);
    return false;
}

/* A word of the setting, or else the path of a picture. */
static bool read_init(const cli_option *o, const char *text, cli_values *values, imp_error *err) {
    const bool named =
        strcmp(text, "picture") != 0; /* the setting's word for a file; here it is a path */
    values->init = NULL;
    if (named && imp_settings_set(&values->settings, o->name, text, NULL) == IMP_OK)
        return true;
    values->settings.init = IMP_INIT_PICTURE;
    values->init = text;
    return *text || refuse(err, o, text, "%s", o->argument);
}

static const struct colour_name {
    const char *name;
    unsigned rgb;
} colour_names[] = {{"white", 0xffffff}, {"black", 0x000000}, {"grey", 0x808080},
                    {"gray", 0x808080},  {"red", 0xff0000},   {"green", 0x008000},
                    {"blue", 0x0000ff},  {"yellow", 0xffff00}};

/* A name, #rgb or #rrggbb. */
static bool read_colour(const char *text, unsigned *rgb) {
    for (size_t i = 0; i < sizeof colour_names / sizeof *colour_names; i++)
        if (!strcmp(text, colour_names[i].name)) {
            *rgb = colour_names[i].rgb;
            return true;
        }
    const size_t digits = *text == '#' ? strspn(text + 1, "0123456789abcdefABCDEF") : 0;
    if ((digits != 3 && digits != 6) || text[1 + digits])
        return false;
    const unsigned v = (unsigned)strtoul(text + 1, NULL, 16);
    *rgb = digits == 6 ? v
                       : ((v >> 8) * 0x11U) << 16 | ((v >> 4 & 15) * 0x11U) << 8 | (v & 15) * 0x11U;
    return true;
}

bool cli_colour_read(const char *text, float rgb[3]) {
    unsigned value = 0;
    const bool known = read_colour(text, &value);
    for (unsigned c = 0; known && c < 3; c++)
        rgb[c] = (float)(value >> (16 - 8 * c) & 255) / 255;
    return known;
}

/* Appends a path. */
static bool read_file(const cli_option *o, const char *text, cli_files *files, imp_error *err) {
    if (!*text || files->count == IMP_STYLES_MAX)
        return refuse(err, o, text, "at most %d files, none empty", IMP_STYLES_MAX);
    files->paths[files->count++] = text;
    return true;
}

static bool read_background(const cli_option *o, const char *text, cli_background *background,
                            imp_error *err) {
    *background = (cli_background){.rgb = {1, 1, 1}, .keep = !strcmp(text, "keep")};
    if (background->keep || cli_colour_read(text, background->rgb))
        return true;
    return refuse(err, o, text,
                  "keep, or a colour: white, black, grey, red, green, blue, yellow or #rrggbb");
}

static bool read_flag(const cli_option *o, const char *text, bool *value, imp_error *err) {
    *value = !strcmp(text, "on");
    return *value || !strcmp(text, "off") || refuse(err, o, text, "'on' or 'off'");
}

bool cli_value_read(const cli_option *o, const char *text, cli_values *values, imp_error *err) {
    void *const at = (char *)values + o->offset;
    uint64_t whole = 0;
    switch (o->kind) {
    case CLI_FLAG:
        return read_flag(o, text, at, err);
    case CLI_WHOLE:
        if (!read_whole(o, text, &whole, err))
            return false;
        *(unsigned *)at = (unsigned)whole;
        return true;
    case CLI_COUNT:
        if (!read_whole(o, text, &whole, err))
            return false;
        *(size_t *)at = (size_t)whole;
        return true;
    case CLI_TIME:
        return read_time(o, text, at, err);
    case CLI_CHOICE:
        return read_word(o, text, at, err);
    case CLI_SETTING:
        return cli_setting_read(o->name, text, &values->settings, err);
    case CLI_INIT:
        return read_init(o, text, values, err);
    case CLI_BACKGROUND:
        return read_background(o, text, at, err);
    case CLI_FILES:
        return read_file(o, text, at, err);
    case CLI_PRESET: /* cli_values_default has read it */
        return true;
    case CLI_TEXT:
    case CLI_LIST:
    case CLI_FILE:
    case CLI_FOLDER:
        *(const char **)at = text;
        return *text || refuse(err, o, text, "a text that is not empty");
    }
    return false;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void background_text(const cli_background *background, char *text, size_t size) {
    unsigned rgb = 0;
    for (unsigned c = 0; c < 3; c++)
        rgb = rgb << 8 | (unsigned)(background->rgb[c] * 255 + 0.5F);
    snprintf(text, size, "#%06x", rgb);
    for (size_t i = sizeof colour_names / sizeof *colour_names; i-- > 0;)
        if (colour_names[i].rgb == rgb)
            snprintf(text, size, "%s", colour_names[i].name);
    if (background->keep)
        snprintf(text, size, "keep");
}

void cli_value_text(const cli_option *o, const cli_values *values, char *text, size_t size) {
    const void *const at = (const char *)values + o->offset;
    *text = 0;
    switch (o->kind) {
    case CLI_FLAG:
        snprintf(text, size, "%s", *(const bool *)at ? "on" : "off");
        break;
    case CLI_WHOLE:
        snprintf(text, size, "%u", *(const unsigned *)at);
        break;
    case CLI_COUNT:
        snprintf(text, size, "%zu", *(const size_t *)at);
        break;
    case CLI_TIME:
        if (*(const double *)at > 0)
            snprintf(text, size, "%g", *(const double *)at);
        break;
    case CLI_CHOICE:
        cli_choice_word(o->argument, *(const unsigned *)at, text, size);
        break;
    case CLI_INIT:
        if (values->settings.init == IMP_INIT_PICTURE) {
            snprintf(text, size, "%s", values->init ? values->init : "");
            break;
        }
        /* fall through */
    case CLI_SETTING:
    case CLI_PRESET:
        imp_settings_get(&values->settings, o->name, text, size, NULL);
        break;
    case CLI_BACKGROUND:
        background_text(at, text, size);
        break;
    case CLI_FILES: /* no option of this kind is recorded or has a default */
        break;
    case CLI_TEXT:
    case CLI_LIST:
    case CLI_FILE:
    case CLI_FOLDER:
        snprintf(text, size, "%s", *(const char *const *)at ? *(const char *const *)at : "");
        break;
    }
}
