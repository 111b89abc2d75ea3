/* SPDX-License-Identifier: MIT
 *
 * A table of texts, printed with aligned columns or in Markdown. Empty columns are left out.
 */
#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CLI_TEXT_TABLE_COLUMNS = 14, CLI_TEXT_TABLE_CELL = 96 };

typedef char cli_text_row[CLI_TEXT_TABLE_COLUMNS][CLI_TEXT_TABLE_CELL];

typedef struct cli_text_table {
    const char *const *titles; /* borrowed; CLI_TEXT_TABLE_COLUMNS of them, NULL for none */
    cli_text_row *rows;        /* owned */
    size_t count;
} cli_text_table;

/* Adds an empty row; NULL: out of memory. Valid until the next call. */
cli_text_row *cli_text_table_add(cli_text_table *table);
/* Prints the table to standard output and frees its rows. */
void cli_text_table_print(cli_text_table *table, bool markdown);

#endif
