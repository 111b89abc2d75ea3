/* SPDX-License-Identifier: MIT
 *
 * Messages and text formatting: see words.h.
 */
#include "cli/words.h"

#include "base/clean.h"
#include "cli/guard.h"
#include "cli/options.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { WORD_MAX = 64 };

static void print_line(const char *format, va_list arguments) {
    char text[1024], line[1024];
    vsnprintf(text, sizeof text, format, arguments);
    cli_name_options(line, sizeof line, text);
    imp_clean_addresses(line);
    imp_clean_controls(line);
    fprintf(cli_errors(), "impasto: %s\n", line);
}

int cli_complain(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    return status;
}

void cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

static void print_clean(FILE *out, const char *format, va_list arguments) {
    char text[8192];
    vsnprintf(text, sizeof text, format, arguments);
    for (char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        const bool more = line[length] == '\n';
        line[length] = 0;
        char *const next = line + length + more;
        imp_clean_controls(line);
        fprintf(out, "%s%s", line, more ? "\n" : "");
        line = next;
    }
}

void cli_print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_clean(stdout, format, arguments);
    va_end(arguments);
}

void cli_print_to(FILE *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_clean(out, format, arguments);
    va_end(arguments);
}

void cli_name_options(char *out, size_t size, const char *text) {
    static const char setting[] = "setting '";
    size_t used = 0;
    *out = 0;
    for (const char *next = text; *next && used < size;) {
        const char *const name = next + sizeof setting - 1;
        const bool named = !strncmp(next, setting, sizeof setting - 1);
        const size_t length = named ? strcspn(name, "'") : 0;
        char option[64];
        snprintf(option, sizeof option, "%.*s", (int)length, name);
        if (named && name[length] && cli_has_option(option)) {
            used +=
                (size_t)snprintf(out + used, size - used,
                                 next == text ? "option '--%.*s'" : "--%.*s", (int)length, name);
            const bool valued = next != text && !strncmp(name + length + 1, " = ", 3);
            next = name + length + 1;
            if (valued) { /* "setting 'NAME' = VALUE": "--NAME VALUE" */
                used += (size_t)snprintf(out + used, used < size ? size - used : 0, " ");
                next += 3;
            }
        } else {
            used += (size_t)snprintf(out + used, size - used, "%c", *next++);
        }
    }
}

int cli_complain_error(const imp_error *err) {
    return cli_complain(err->status == IMP_ERR_ARGUMENT ? CLI_MISUSE : CLI_FAILED, "%s", err->text);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool same(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edit distance with transpositions (optimal string alignment), row by row; words are truncated at
 * WORD_MAX. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    const size_t n = least(strlen(a), WORD_MAX), m = least(strlen(b), WORD_MAX);
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least(last[j] + 1, now[j - 1] + 1);
            now[j] = least(now[j], last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *const spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

void cli_nearest_offer(cli_nearest *nearest, const char *candidate) {
    const size_t d = distance(nearest->word, candidate);
    const size_t near_enough = 1 + strlen(nearest->word) / 4;
    /* On a tie, prefer the same first letter, which is rarely mistyped. */
    const bool tie_won = d == nearest->distance && same(candidate[0], nearest->word[0]) &&
                         !same(nearest->best[0], nearest->word[0]);
    if (d <= near_enough && (!*nearest->best || d < nearest->distance || tie_won)) {
        snprintf(nearest->best, sizeof nearest->best, "%s", candidate);
        nearest->distance = d;
    }
}

void cli_source_name(char *name, size_t size, const char *path) {
    const char *place = strstr(path, "://");
    const size_t length = place ? strcspn(path, "?#") : strlen(path);
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    snprintf(name, size, "%.*s", (int)(length - start), path + start);
    if (!strcmp(path, "-"))
        snprintf(name, size, "stdin");
    else if (!*name)
        snprintf(name, size, "picture");
}

const char *cli_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool cli_same_file(const char *a, const char *b) {
    struct stat s, t;
    return a && b && stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev &&
           s.st_ino == t.st_ino;
}

void cli_real_text(char *text, size_t size, float value) {
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, size, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
}

void cli_time_text(char *text, size_t size, double seconds) {
    const unsigned long whole = (unsigned long)(seconds + 0.5);
    if (seconds < 59.95)
        snprintf(text, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(text, size, "%lu min %lu s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%lu h %lu min", whole / 3600, whole / 60 % 60);
}

void cli_bytes_text(char *text, size_t size, double bytes) {
    const double kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
    if (bytes < mib)
        snprintf(text, size, "%.0f KiB", bytes / kib);
    else if (bytes < 10 * gib)
        snprintf(text, size, "%.0f MiB", bytes / mib);
    else
        snprintf(text, size, "%.1f GiB", bytes / gib);
}
