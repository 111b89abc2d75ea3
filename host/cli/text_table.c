/* SPDX-License-Identifier: MIT
 *
 * A table of texts: see text_table.h.
 */
#include "cli/text_table.h"

#include <ctype.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cli_grid_row *cli_grid_add(cli_grid *grid) {
    cli_grid_row *rows = realloc(grid->rows, (grid->count + 1) * sizeof *rows);
    if (!rows)
        return NULL;
    grid->rows = rows;
    memset(&rows[grid->count], 0, sizeof *rows);
    return &rows[grid->count++];
}

/* Columns on the screen; what is no UTF-8 takes one a byte. */
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

/* 0: nothing stands in the column. */
static size_t column_width(const cli_grid *grid, size_t column) {
    size_t width = 0;
    for (size_t i = 0; i < grid->count; i++) {
        const size_t own = width_of(grid->rows[i][column]);
        width = own > width ? own : width;
    }
    const size_t title = width_of(grid->titles[column] ? grid->titles[column] : "");
    return width && title > width ? title : width;
}

/* Whether the texts of a column are numbers, which stand to the right. */
static bool numeric(const cli_grid *grid, size_t column) {
    for (size_t i = 0; i < grid->count; i++) {
        const char *text = grid->rows[i][column];
        if (*text && !isdigit((unsigned char)*text) && strcmp(text, "-") != 0)
            return false;
    }
    return true;
}

static void put(const char *text, size_t width, bool right) {
    const int blanks = (int)(width - width_of(text));
    if (right)
        printf("%*s%s", blanks, "", text);
    else
        printf("%s%*s", text, blanks, "");
}

/* row: NULL for the titles. */
static void put_row(const cli_grid *grid, const cli_grid_row *row, bool markdown) {
    bool first = true;
    for (size_t k = 0; k < CLI_TEXT_TABLE_COLUMNS; k++) {
        const size_t width = column_width(grid, k);
        if (width == 0)
            continue;
        fputs(markdown ? "| " : first ? "" : "  ", stdout);
        put(row ? (*row)[k] : grid->titles[k], width, numeric(grid, k));
        fputs(markdown ? " " : "", stdout);
        first = false;
    }
    puts(markdown ? "|" : "");
}

static void put_rule(const cli_grid *grid) {
    for (size_t k = 0; k < CLI_TEXT_TABLE_COLUMNS; k++)
        if (column_width(grid, k) > 0)
            fputs(numeric(grid, k) ? "|---:" : "|---", stdout);
    puts("|");
}

void cli_grid_print(cli_grid *grid, bool markdown) {
    put_row(grid, NULL, markdown);
    if (markdown)
        put_rule(grid);
    for (size_t i = 0; i < grid->count; i++)
        put_row(grid, (const cli_grid_row *)&grid->rows[i], markdown);
    free(grid->rows);
    grid->rows = NULL;
    grid->count = 0;
}
