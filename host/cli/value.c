/* SPDX-License-Identifier: MIT
 *
 * The value of an option as text, both ways: what cli_value_text writes, cli_value_read reads back
 * as the same. That is how a picture's record repeats a run, and how the help shows defaults.
 */
#include "cli/options.h"
#include "cli/words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(imp_optimizer) == sizeof(unsigned), "enums are kept like unsigned");

static void *place(const cli_option *option, cli_values *values) {
    return (char *)values + option->offset;
}

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

/* ---- Reading --------------------------------------------------------------------------------- */

/* Digits only, up to the given largest value. */
static bool read_whole(const char *text, uint64_t *value) {
    char *end = NULL;
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return !errno && !*end;
}

static bool read_range(const cli_option *o, const char *text, uint64_t *value, char *why,
                       size_t size) {
    snprintf(why, size, "a whole number from %.0f to %.0f", o->low, o->high);
    return read_whole(text, value) && (double)*value >= o->low && (double)*value <= o->high;
}

/* A decimal number; strtod alone would also take "nan", "inf" and hexadecimal. */
static bool read_decimal(const char *text, double *value, const char **rest) {
    char *end = NULL;
    const size_t digits = strspn(text, "0123456789+-.eE");
    *value = strtod(text, &end);
    *rest = end;
    return end != text && (size_t)(end - text) <= digits && isfinite(*value);
}

static bool read_real(const cli_option *o, const char *text, double *value, char *why,
                      size_t size) {
    const char *rest;
    snprintf(why, size, "a number from %g to %g", o->low, o->high);
    return read_decimal(text, value, &rest) && !*rest && *value >= o->low && *value <= o->high;
}

static bool read_time(const cli_option *o, const char *text, double *seconds, char *why,
                      size_t size) {
    const char *rest;
    snprintf(why, size, "seconds from %g to %g, or a time like 90s, 5m or 2h", o->low, o->high);
    if (!read_decimal(text, seconds, &rest))
        return false;
    if (!strcmp(rest, "m"))
        *seconds *= 60;
    else if (!strcmp(rest, "h"))
        *seconds *= 3600;
    else if (*rest && strcmp(rest, "s") != 0)
        return false;
    return *seconds >= o->low && *seconds <= o->high;
}

static bool read_size(const cli_option *o, const char *text, size_t *size_value, char *why,
                      size_t size) {
    uint64_t value = 0;
    const bool original = !strcmp(text, "original");
    const bool right = original || read_range(o, text, &value, why, size);
    snprintf(why, size, "a whole number from %.0f to %.0f, or 'original'", o->low, o->high);
    *size_value = (size_t)value;
    return right;
}

static bool read_indices(const cli_option *o, const char *text, unsigned *value, char *why,
                         size_t size) {
    char word[32];
    cli_nearest nearest = {.word = text};
    for (size_t i = 0; cli_choice_word(o->argument, i, word, sizeof word); i++) {
        if (!strcmp(word, text)) {
            *value = (unsigned)i;
            return true;
        }
        cli_nearest_offer(&nearest, word);
    }
    snprintf(why, size, "one of %s%s%s", o->argument, *nearest.best ? "; the nearest is " : "",
             nearest.best);
    return false;
}

/* One "LAYER[:WEIGHT]" of `length` characters. */
static bool read_term(const char *text, size_t length, imp_term *term) {
    char item[96];
    const char *rest = "";
    double weight = 1;
    if (length == 0 || length >= sizeof item)
        return false;
    snprintf(item, sizeof item, "%.*s", (int)length, text);
    char *colon = strchr(item, ':');
    if (colon) {
        *colon = 0;
        if (!read_decimal(colon + 1, &weight, &rest) || *rest || weight < 0 || weight > 1e15)
            return false;
    }
    if (!*item || strlen(item) >= sizeof term->layer)
        return false;
    memcpy(term->layer, item, strlen(item) + 1);
    term->weight = (float)weight;
    return true;
}

void cli_drop_terms(imp_settings *settings, imp_term_kind kind) {
    size_t kept = 0;
    for (size_t i = 0; i < settings->term_count; i++)
        if (settings->terms[i].kind != kind)
            settings->terms[kept++] = settings->terms[i];
    settings->term_count = kept;
}

/* Replaces the terms of one kind. */
static bool read_layers(imp_term_kind kind, const char *text, imp_settings *settings, char *why,
                        size_t size) {
    imp_settings made = *settings;
    cli_drop_terms(&made, kind);
    snprintf(why, size, "LAYER[:WEIGHT],... such as relu1_1:0.2,relu2_1 (at most %d in all)",
             IMP_TERMS_MAX);
    while (text && strcmp(text, "none") != 0) {
        const size_t length = strcspn(text, ",");
        imp_term term = {.kind = kind};
        if (made.term_count == IMP_TERMS_MAX || !read_term(text, length, &term))
            return false;
        made.terms[made.term_count++] = term;
        text = text[length] ? text + length + 1 : NULL;
    }
    *settings = made;
    return true;
}

/* Up to `most` whole numbers within low..high between commas; gives their number, 0 for anything
 * else. */
static size_t read_list(const char *text, uint64_t low, uint64_t high, uint64_t *values,
                        size_t most) {
    size_t n = 0;
    for (const char *next = text; next; n++) {
        char item[24];
        const size_t length = strcspn(next, ",");
        if (n == most || length >= sizeof item)
            return 0;
        snprintf(item, sizeof item, "%.*s", (int)length, next);
        if (!read_whole(item, &values[n]) || values[n] < low || values[n] > high)
            return 0;
        next = next[length] ? next + length + 1 : NULL;
    }
    return n;
}

static bool read_iterations(const cli_option *o, const char *text, imp_settings *settings,
                            char *why, size_t size) {
    uint64_t values[2] = {0};
    snprintf(why, size, "a whole number from %.0f to %.0f, or two as in 1000,500", o->low, o->high);
    if (!read_list(text, (uint64_t)o->low, (uint64_t)o->high, values, 2))
        return false;
    settings->iterations = (unsigned)values[0];
    settings->later_iterations = (unsigned)values[1];
    return true;
}

static bool read_scales(const cli_option *o, const char *text, imp_settings *settings, char *why,
                        size_t size) {
    uint64_t values[IMP_SCALES_MAX];
    const size_t n = read_list(text, 1, 1000000, values, IMP_SCALES_MAX);
    snprintf(why, size,
             "a whole number from %.0f to %.0f, or 2 to %d rising sizes as in 128,256,512", o->low,
             o->high, IMP_SCALES_MAX);
    if (n == 0 || (n == 1 && (double)values[0] > o->high))
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

/* One of the words, or else the path of a picture. */
static bool read_init(const char *text, cli_values *values) {
    char word[32];
    for (unsigned i = 0; i < IMP_INIT_PICTURE; i++) {
        static const char *const words = "content|noise|style";
        if (cli_choice_word(words, i, word, sizeof word) && !strcmp(word, text)) {
            values->settings.init = (imp_init)i;
            values->init = NULL;
            return true;
        }
    }
    values->settings.init = IMP_INIT_PICTURE;
    values->init = text;
    return *text != 0;
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

/* One more. */
static bool read_file(const char *text, cli_files *files, char *why, size_t size) {
    snprintf(why, size, "at most %d of them, none empty", IMP_STYLES_MAX);
    if (!*text || files->count == IMP_STYLES_MAX)
        return false;
    files->paths[files->count++] = text;
    return true;
}

static bool read_background(const char *text, cli_background *background, char *why, size_t size) {
    snprintf(why, size,
             "keep, or a colour: white, black, grey, red, green, blue, yellow or #rrggbb");
    *background = (cli_background){.rgb = {1, 1, 1}, .keep = !strcmp(text, "keep")};
    return background->keep || cli_colour_read(text, background->rgb);
}

bool cli_value_read(const cli_option *o, const char *text, cli_values *values, char *why,
                    size_t size) {
    void *const at = place(o, values);
    uint64_t whole = 0;
    double real = 0;
    snprintf(why, size, "a text that is not empty");
    switch (o->kind) {
    case CLI_FLAG:
        snprintf(why, size, "'on' or 'off'");
        *(bool *)at = !strcmp(text, "on");
        return !strcmp(text, "on") || !strcmp(text, "off");
    case CLI_WHOLE:
        if (!read_range(o, text, &whole, why, size))
            return false;
        *(unsigned *)at = (unsigned)whole;
        return true;
    case CLI_COUNT:
        if (!read_range(o, text, &whole, why, size))
            return false;
        *(size_t *)at = (size_t)whole;
        return true;
    case CLI_SIZE:
        return read_size(o, text, at, why, size);
    case CLI_SEED:
        snprintf(why, size, "a whole number from 0 to %" PRIu64, UINT64_MAX);
        return read_whole(text, at);
    case CLI_REAL:
        if (!read_real(o, text, &real, why, size))
            return false;
        *(float *)at = (float)real;
        return true;
    case CLI_TIME:
        return read_time(o, text, at, why, size);
    case CLI_CHOICE:
        return read_indices(o, text, at, why, size);
    case CLI_CONTENT_LAYERS:
        return read_layers(IMP_TERM_CONTENT, text, &values->settings, why, size);
    case CLI_STYLE_LAYERS:
        return read_layers(IMP_TERM_STYLE, text, &values->settings, why, size);
    case CLI_ITERATIONS:
        return read_iterations(o, text, &values->settings, why, size);
    case CLI_SCALES:
        return read_scales(o, text, &values->settings, why, size);
    case CLI_INIT:
        return read_init(text, values);
    case CLI_BACKGROUND:
        return read_background(text, at, why, size);
    case CLI_FILES:
        return read_file(text, at, why, size);
    case CLI_PRESET: /* what cli_values_default has read */
        return true;
    case CLI_TEXT:
    case CLI_LIST:
    case CLI_FILE:
    case CLI_FOLDER:
        *(const char **)at = text;
        return *text != 0;
    }
    return false;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void layers_text(imp_term_kind kind, const imp_settings *settings, char *text, size_t size) {
    size_t used = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; i < settings->term_count && used < size; i++) {
        const imp_term *term = &settings->terms[i];
        char weight[32] = "";
        if (term->kind != kind)
            continue;
        if (term->weight != 1) {
            weight[0] = ':';
            cli_real_text(weight + 1, sizeof weight - 1, term->weight);
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", used ? "," : "", term->layer,
                                 weight);
    }
}

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

static void numbers_text(const cli_option *o, const imp_settings *settings, char *text,
                         size_t size) {
    size_t used = 0;
    if (o->kind == CLI_SCALES && settings->size_count) {
        for (size_t i = 0; i < settings->size_count && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? "," : "",
                                     settings->sizes[i]);
    } else if (o->kind == CLI_SCALES)
        snprintf(text, size, "%u", settings->scales);
    else if (settings->later_iterations)
        snprintf(text, size, "%u,%u", settings->iterations, settings->later_iterations);
    else
        snprintf(text, size, "%u", settings->iterations);
}

static void words_text(const cli_option *o, const cli_values *values, char *text, size_t size) {
    const imp_settings *settings = &values->settings;
    const void *const at = (const char *)values + o->offset;
    if (o->kind == CLI_PRESET)
        snprintf(text, size, "%s", settings->preset);
    else if (o->kind == CLI_INIT && settings->init == IMP_INIT_PICTURE)
        snprintf(text, size, "%s", values->init ? values->init : "");
    else if (o->kind == CLI_INIT)
        cli_choice_word(o->argument, settings->init, text, size);
    else if (o->kind == CLI_CHOICE)
        cli_choice_word(o->argument, *(const unsigned *)at, text, size);
    else if (*(const char *const *)at)
        snprintf(text, size, "%s", *(const char *const *)at);
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
    case CLI_SIZE:
        if (!*(const size_t *)at) {
            snprintf(text, size, "original");
            break;
        }
        /* fall through */
    case CLI_COUNT:
        snprintf(text, size, "%zu", *(const size_t *)at);
        break;
    case CLI_SEED:
        snprintf(text, size, "%" PRIu64, *(const uint64_t *)at);
        break;
    case CLI_REAL:
        if ((double)*(const float *)at >= o->low) /* below: not asked for */
            cli_real_text(text, size, *(const float *)at);
        break;
    case CLI_TIME:
        if (*(const double *)at > 0)
            snprintf(text, size, "%g", *(const double *)at);
        break;
    case CLI_CONTENT_LAYERS:
        layers_text(IMP_TERM_CONTENT, &values->settings, text, size);
        break;
    case CLI_STYLE_LAYERS:
        layers_text(IMP_TERM_STYLE, &values->settings, text, size);
        break;
    case CLI_BACKGROUND:
        background_text(at, text, size);
        break;
    case CLI_ITERATIONS:
    case CLI_SCALES:
        numbers_text(o, &values->settings, text, size);
        break;
    case CLI_FILES: /* no option of this kind is recorded or has a default */
        break;
    case CLI_CHOICE:
    case CLI_INIT:
    case CLI_PRESET:
    case CLI_TEXT:
    case CLI_LIST:
    case CLI_FILE:
    case CLI_FOLDER:
        words_text(o, values, text, size);
        break;
    }
}
