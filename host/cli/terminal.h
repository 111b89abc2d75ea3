/* SPDX-License-Identifier: MIT
 *
 * Shows pictures in the terminal of standard error: as kitty graphics, sixels or characters. Needs
 * libchafa; terminal_none.c replaces it in builds without.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "cli/progress.h"

typedef struct cli_terminal cli_terminal;

/* Returns NULL and the reason in `why` if pictures cannot be shown. */
cli_terminal *cli_terminal_open(const cli_progress *progress, char *why, size_t size);

/* Shows the picture above the bar, replacing the last. All pictures must have the same size. */
void cli_terminal_show(cli_terminal *terminal, cli_progress *progress, const imp_picture *picture);
void cli_terminal_close(cli_terminal *terminal);

#endif
