/* SPDX-License-Identifier: MIT
 *
 * A table of texts: see text_table.h.
 */
#include "cli/text_table.h"

#include "cli/words.h"

#include <ctype.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cli_text_row *cli_text_table_add(cli_text_table *table) {
    cli_text_row *rows = realloc(table->rows, (table->count + 1) * sizeof *rows);
    if (!rows)
        return NULL;
    table->rows = rows;
    memset(&rows[table->count], 0, sizeof *rows);
    return &rows[table->count++];
}

/* Width in terminal columns; a byte of invalid UTF-8 counts as one. */
static size_t width_of(const char *text) {
    size_t width = 0;
    while (*text) {
        const gunichar c = g_utf8_get_char_validated(text, -1);
        const bool whole = c < (gunichar)-2;
        width += !whole ? 1 : g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
        text = whole ? g_utf8_next_char(text) : text + 1;
    }
    return width;
}

/* 0: the column is empty. */
static size_t column_width(const cli_text_table *table, size_t column) {
    size_t width = 0;
    for (size_t i = 0; i < table->count; i++) {
        const size_t own = width_of(table->rows[i][column]);
        width = own > width ? own : width;
    }
    const size_t title = width_of(table->titles[column] ? table->titles[column] : "");
    return width && title > width ? title : width;
}

/* Whether a column holds numbers, which are right-aligned. */
static bool numeric(const cli_text_table *table, size_t column) {
    for (size_t i = 0; i < table->count; i++) {
        const char *text = table->rows[i][column];
        if (*text && !isdigit((unsigned char)*text) && strcmp(text, "-") != 0)
            return false;
    }
    return true;
}

static void put(const char *text, size_t width, bool right) {
    const int blanks = (int)(width - width_of(text));
    if (right)
        cli_print("%*s%s", blanks, "", text);
    else
        cli_print("%s%*s", text, blanks, "");
}

/* row: NULL for the titles. */
static void put_row(const cli_text_table *table, const cli_text_row *row, bool markdown) {
    bool first = true;
    for (size_t k = 0; k < CLI_TEXT_TABLE_COLUMNS; k++) {
        const size_t width = column_width(table, k);
        if (width == 0)
            continue;
        fputs(markdown ? "| " : first ? "" : "  ", stdout);
        put(row ? (*row)[k] : table->titles[k], width, numeric(table, k));
        fputs(markdown ? " " : "", stdout);
        first = false;
    }
    puts(markdown ? "|" : "");
}

static void put_rule(const cli_text_table *table) {
    for (size_t k = 0; k < CLI_TEXT_TABLE_COLUMNS; k++)
        if (column_width(table, k) > 0)
            fputs(numeric(table, k) ? "|---:" : "|---", stdout);
    puts("|");
}

void cli_text_table_print(cli_text_table *table, bool markdown) {
    put_row(table, NULL, markdown);
    if (markdown)
        put_rule(table);
    for (size_t i = 0; i < table->count; i++)
        put_row(table, (const cli_text_row *)&table->rows[i], markdown);
    free(table->rows);
    table->rows = NULL;
    table->count = 0;
}
