/* SPDX-License-Identifier: MIT
 *
 * The table of fields that callers fill, and its comparison with the header.
 */
#include "misuse.h"

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impasto.h"

/* ---- The table ------------------------------------------------------------------------------- */

#define FIELD(type, field, kind)                                                                   \
    { #field, kind, offsetof(type, field), sizeof(((type *)0)->field) }
#define SUBJECT(type, fields)                                                                      \
    { #type, sizeof(type), fields, sizeof(fields) / sizeof *(fields) }

#define SET(field, kind) FIELD(imp_settings, field, MISUSE_##kind)
static const misuse_field settings_fields[] = {
    SET(struct_size, SIZE),
    SET(preset, TEXT),
    SET(network, TEXT),
    SET(terms[0].kind, ENUM),
    SET(terms[0].layer, TEXT),
    SET(terms[0].weight, REAL),
    SET(terms[2].kind, ENUM),
    SET(terms[2].layer, TEXT),
    SET(terms[2].weight, REAL),
    SET(term_count, SIZE),
    SET(content_weight, REAL),
    SET(style_weight, REAL),
    SET(tv_weight, REAL),
    SET(strength, REAL),
    SET(range, REAL),
    SET(content_form, ENUM),
    SET(style_form, ENUM),
    SET(gram_norm, ENUM),
    SET(metric, BOOL),
    SET(tv_form, ENUM),
    SET(tv_mean, BOOL),
    SET(pooling, ENUM),
    SET(replicate_first, BOOL),
    SET(normalize_gradients, BOOL),
    SET(levels, UNSIGNED),
    SET(size, SIZE),
    SET(style_scale, REAL),
    SET(style_natural, BOOL),
    SET(color, ENUM),
    SET(color_method, ENUM),
    SET(scales, UNSIGNED),
    SET(scale_step, REAL),
    SET(sizes[0], SIZE),
    SET(sizes[1], SIZE),
    SET(size_count, SIZE),
    SET(iterations, UNSIGNED),
    SET(later_iterations, UNSIGNED),
    SET(optimizer, ENUM),
    SET(learning_rate, REAL),
    SET(beta1, REAL),
    SET(beta2, REAL),
    SET(epsilon, REAL),
    SET(adam_form, ENUM),
    SET(history, UNSIGNED),
    SET(clamp, BOOL),
    SET(convergence, REAL),
    SET(average, REAL),
    SET(warm_start, BOOL),
    SET(tileable, ENUM),
    SET(init, ENUM),
    SET(noise, REAL),
    SET(seed, U64),
    SET(memory, SIZE),
    SET(keep_edges, REAL),
    SET(iterations_step, REAL),
};

#define SOURCE(field, kind) FIELD(imp_sources, field, MISUSE_##kind)
static const misuse_field sources_fields[] = {
    SOURCE(content, POINTER),
    SOURCE(styles[0].picture, POINTER),
    SOURCE(styles[0].weight, REAL),
    SOURCE(styles[0].mask, POINTER),
    SOURCE(styles[1].picture, POINTER),
    SOURCE(styles[1].weight, REAL),
    SOURCE(styles[1].mask, POINTER),
    SOURCE(init, POINTER),
    SOURCE(mask, POINTER),
    SOURCE(reuse, POINTER),
    SOURCE(protect, POINTER),
    SOURCE(protect_strength, REAL),
};

#define PICTURE(field, kind) FIELD(imp_picture, field, MISUSE_##kind)
static const misuse_field picture_fields[] = {
    PICTURE(width, SIZE),        PICTURE(height, SIZE),      PICTURE(rgb, POINTER),
    PICTURE(opacity, POINTER),   PICTURE(alpha, BOOL),       PICTURE(origin.make, TEXT),
    PICTURE(origin.model, TEXT), PICTURE(origin.date, TEXT), PICTURE(sha256, TEXT),
    PICTURE(full_width, SIZE),   PICTURE(full_height, SIZE),
};

#define READ(field, kind) FIELD(imp_read_options, field, MISUSE_##kind)
static const misuse_field read_fields[] = {
    READ(max_pixels, SIZE),    READ(needed, SIZE), READ(keep_alpha, BOOL),
    READ(background, POINTER), READ(log, POINTER), READ(user, POINTER),
};

#define WRITE(field, kind) FIELD(imp_write_options, field, MISUSE_##kind)
static const misuse_field write_fields[] = {
    WRITE(quality, INT),
    WRITE(depth, UNSIGNED),
    WRITE(opacity, BOOL),
    WRITE(text, POINTER),
};

#define PIXELS(field, kind) FIELD(imp_pixels, field, MISUSE_##kind)
static const misuse_field pixels_fields[] = {
    PIXELS(width, SIZE),  PIXELS(height, SIZE), PIXELS(stride, SIZE),
    PIXELS(layout, ENUM), PIXELS(type, ENUM),
};

#define FILM(field, kind) FIELD(imp_film_options, field, MISUSE_##kind)
static const misuse_field film_fields[] = {
    FILM(seconds, DOUBLE),
    FILM(size, SIZE),
};

#define DEVICE(field, kind) FIELD(imp_device_options, field, MISUSE_##kind)
static const misuse_field device_fields[] = {
    DEVICE(threads, UNSIGNED), DEVICE(gemm, ENUM),    DEVICE(precision, ENUM),
    DEVICE(profile, BOOL),     DEVICE(tune, BOOL),    DEVICE(level, ENUM),
    DEVICE(log, POINTER),      DEVICE(user, POINTER), DEVICE(watch, POINTER),
};

#define IMPORT(field, kind) FIELD(imp_import_options, field, MISUSE_##kind)
static const misuse_field import_fields[] = {
    IMPORT(half, BOOL),       IMPORT(input, ENUM),         IMPORT(name, POINTER),
    IMPORT(licence, POINTER), IMPORT(provenance, POINTER),
};

#define FETCH(field, kind) FIELD(imp_fetch_options, field, MISUSE_##kind)
static const misuse_field fetch_fields[] = {
    FETCH(from, POINTER),      FETCH(stall, DOUBLE),        FETCH(import.half, BOOL),
    FETCH(import.input, ENUM), FETCH(import.name, POINTER), FETCH(progress, POINTER),
    FETCH(log, POINTER),       FETCH(user, POINTER),
};

#define BENCH(field, kind) FIELD(imp_bench_options, field, MISUSE_##kind)
static const misuse_field bench_fields[] = {
    BENCH(parts, UNSIGNED), BENCH(sizes[0], SIZE), BENCH(sizes[7], SIZE),    BENCH(adam, BOOL),
    BENCH(lbfgs, BOOL),     BENCH(quick, BOOL),    BENCH(progress, POINTER), BENCH(user, POINTER),
};

const misuse_subject misuse_subjects[] = {
    SUBJECT(imp_settings, settings_fields),     SUBJECT(imp_sources, sources_fields),
    SUBJECT(imp_picture, picture_fields),       SUBJECT(imp_read_options, read_fields),
    SUBJECT(imp_write_options, write_fields),   SUBJECT(imp_pixels, pixels_fields),
    SUBJECT(imp_film_options, film_fields),     SUBJECT(imp_device_options, device_fields),
    SUBJECT(imp_import_options, import_fields), SUBJECT(imp_fetch_options, fetch_fields),
    SUBJECT(imp_bench_options, bench_fields),
};
const size_t misuse_subject_count = sizeof misuse_subjects / sizeof *misuse_subjects;

/* Structs that only the library fills, or that are fields of those above. */
static const char *const others[] = {
    "imp_error",         "imp_origin",       "imp_device_info",   "imp_profile_row",
    "imp_network_layer", "imp_network_info", "imp_import_report", "imp_weights_entry",
    "imp_term",          "imp_preset",       "imp_setting",       "imp_progress",
    "imp_loss",          "imp_estimate",     "imp_style",         "imp_footprint",
    "imp_forecast",      "imp_array",        "imp_tuned",         "imp_bench_result",
    "imp_bench_device",  "imp_bench_report", "imp_lost",          "imp_watch",
};

/* ---- Wrong values ---------------------------------------------------------------------------- */

#define CHOOSE(type, ...)                                                                          \
    do {                                                                                           \
        const type values[] = {__VA_ARGS__};                                                       \
        if (i >= sizeof values / sizeof *values)                                                   \
            return false;                                                                          \
        memcpy(at, &values[i], sizeof values[i]);                                                  \
        return true;                                                                               \
    } while (0)

bool misuse_apply(void *object, const misuse_field *field, size_t i) {
    char *const at = (char *)object + field->offset;
    int number;
    switch (field->kind) {
    case MISUSE_REAL:
        CHOOSE(float, NAN, INFINITY, -INFINITY, -1, -5, -FLT_MAX, FLT_MAX, 0, 1, FLT_MIN);
    case MISUSE_DOUBLE:
        CHOOSE(double, (double)NAN, (double)INFINITY, (double)-INFINITY, -1, -DBL_MAX, DBL_MAX, 0,
               DBL_MIN);
    case MISUSE_ENUM:
        memcpy(&number, at, sizeof number);
        CHOOSE(int, number + 100, -1, INT_MIN, INT_MAX, 0, 1, 2, 3, 4);
    case MISUSE_INT:
        CHOOSE(int, -1, INT_MIN, INT_MAX, 0);
    case MISUSE_UNSIGNED:
        CHOOSE(unsigned, UINT_MAX, 1U << 31, 0, 1);
    case MISUSE_SIZE:
        CHOOSE(size_t, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 62, 0);
    case MISUSE_U64:
        CHOOSE(uint64_t, UINT64_MAX, 0);
    case MISUSE_BOOL:
        CHOOSE(bool, false, true);
    case MISUSE_POINTER:
        CHOOSE(void *, NULL);
    case MISUSE_TEXT:
        memset(at, i == 0 ? 'x' : 0, field->size);
        return i < 2;
    }
    return false;
}

/* ---- The header ------------------------------------------------------------------------------ */

/* The header without its comments; the caller frees. */
static char *read_header(void) {
    FILE *file = fopen(IMP_TEST_SOURCES "/include/impasto.h", "r");
    char *const text = calloc(1, 1 << 18);
    size_t n = 0;
    bool comment = false;
    for (int c = 0, before = 0; file && text && (c = fgetc(file)) != EOF; before = c) {
        if (before == '/' && c == '*' && !comment) {
            comment = true;
            n--;
        } else if (before == '*' && c == '/' && comment) {
            comment = false;
        } else if (!comment) {
            text[n++] = (char)c;
        }
    }
    if (file)
        fclose(file);
    return text;
}

/* Whether the row names the member, or a part of it. */
static bool is_of(const misuse_field *field, const char *member, size_t length) {
    return strncmp(field->name, member, length) == 0 &&
           (field->name[length] == 0 || strchr(".[", field->name[length]));
}

static bool has_row(const misuse_subject *s, const char *member, size_t length) {
    for (size_t i = 0; i < s->count; i++)
        if (is_of(&s->fields[i], member, length))
            return true;
    printf("%s.%.*s: no row in misuse.c\n", s->name, (int)length, member);
    return false;
}

/* The declarators before one semicolon: the identifiers before ',', '[' or ';', or "(*name)". */
static bool check_declaration(const misuse_subject *s, const char *text, size_t length) {
    const char *const function = memchr(text, '(', length);
    bool complete = true;
    if (function) {
        const char *const name = function + 2; /* "(*" */
        return has_row(s, name, strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789"));
    }
    for (size_t i = 0, begin = 0; i <= length; i++) {
        if (i < length && (isalnum((unsigned char)text[i]) || text[i] == '_'))
            continue;
        const bool ends = i == length || text[i] == ',' || text[i] == '[';
        if (ends && i > begin && !isdigit((unsigned char)text[begin]) &&
            (begin == 0 || text[begin - 1] != '['))
            complete &= has_row(s, text + begin, i - begin);
        begin = i + 1;
    }
    return complete;
}

static bool check_struct(const misuse_subject *s, const char *body) {
    bool complete = true;
    while (*body && *body != '}') {
        const size_t length = strcspn(body, ";");
        if (length > strspn(body, " \n"))
            complete &= check_declaration(s, body, length);
        body += length + 1;
        body += strspn(body, " \n");
    }
    return complete;
}

static bool is_known(const char *name, const char *body) {
    for (size_t i = 0; i < misuse_subject_count; i++)
        if (strcmp(misuse_subjects[i].name, name) == 0)
            return check_struct(&misuse_subjects[i], body);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i], name) == 0)
            return true;
    printf("%s: a struct that misuse.c does not know\n", name);
    return false;
}

bool misuse_table_is_complete(void) {
    static const char begin[] = "typedef struct ";
    char *const text = read_header();
    bool complete = text != NULL;
    size_t structs = 0;
    for (const char *next = text; next && (next = strstr(next, begin));) {
        char name[64];
        next += sizeof begin - 1;
        const size_t length = strcspn(next, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, next);
        if (strncmp(next + length, " {", 2) != 0)
            continue; /* an opaque one */
        structs++;
        complete &= is_known(name, next + length + 2);
    }
    free(text);
    return complete && structs == misuse_subject_count + sizeof others / sizeof *others;
}
