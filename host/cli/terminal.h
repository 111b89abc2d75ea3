/* SPDX-License-Identifier: MIT
 *
 * Pictures in the terminal of standard error, as it can show them: by the graphics of kitty, by
 * sixels, or by characters. Needs libchafa; without it, terminal_none.c stands in.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "cli/progress.h"

typedef struct cli_terminal cli_terminal;

/* NULL, and the reason in `why`, where pictures cannot be shown. */
cli_terminal *cli_terminal_open(const cli_progress *progress, char *why, size_t size);

/* Shows the picture above the bar, in place of the last one shown. All pictures have one shape. */
void cli_terminal_show(cli_terminal *terminal, cli_progress *progress, const imp_picture *picture);
void cli_terminal_close(cli_terminal *terminal);

#endif
