/* SPDX-License-Identifier: MIT
 *
 * A table of texts: aligned on a terminal, or in Markdown. Columns that are empty throughout are
 * left out.
 */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>

enum { CLI_TEXT_TABLE_COLUMNS = 14, CLI_GRID_TEXT = 96 };

typedef char cli_grid_row[CLI_TEXT_TABLE_COLUMNS][CLI_GRID_TEXT];

typedef struct cli_grid {
    const char *const *titles; /* borrowed; CLI_TEXT_TABLE_COLUMNS of them, NULL for none */
    cli_grid_row *rows;        /* owned */
    size_t count;
} cli_grid;

/* A new row, empty; NULL: no memory. It holds until the next one. */
cli_grid_row *cli_grid_add(cli_grid *grid);
/* Writes it to standard output, empties it, and frees the rows. */
void cli_grid_print(cli_grid *grid, bool markdown);

#endif
