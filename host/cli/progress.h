/* SPDX-License-Identifier: MIT
 *
 * How far the painting is: a bar that redraws itself on a terminal, plain lines every few seconds
 * elsewhere, and messages that do not break into the bar. All on standard error.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <impasto.h>

typedef struct cli_progress {
    bool silent, terminal;
    double shown;    /* imp_now when it was last shown */
    size_t standing; /* columns of the bar that stands on the terminal's line now */
    unsigned block;  /* lines above it that may be drawn over; 0: none */
} cli_progress;

/* silent: show nothing but messages. */
void cli_progress_init(cli_progress *progress, bool silent);

/* Shows the state unless it was shown a moment ago. */
void cli_progress_show(cli_progress *progress, const imp_progress *now, const imp_estimate *left);

/* The same for `done` bytes of `total` (0: not known) of something. */
void cli_progress_bytes(cli_progress *progress, const char *what, uint64_t done, uint64_t total);

/* The same for any work of which a share of 0..1 is done. */
void cli_progress_line(cli_progress *progress, double share, const char *text);

/* Writes what draws `rows` lines of a terminal above the bar, over those that it drew before unless
 * something else has been said since. It may leave the cursor anywhere and must not scroll. */
void cli_progress_block(cli_progress *progress, const char *bytes, size_t size, unsigned rows);

/* Wipes the bar: something else is about to be said. */
void cli_progress_clear(cli_progress *progress);

/* An imp_log whose user is a cli_progress: a message on a line of its own. */
void cli_progress_log(void *progress, const char *line);

#endif
