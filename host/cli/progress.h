/* SPDX-License-Identifier: MIT
 *
 * Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere, and
 * messages that do not disturb the bar.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <impasto.h>

typedef struct cli_progress {
    bool silent, terminal;
    double shown;    /* imp_now of the last update */
    size_t standing; /* columns of the bar now on the terminal */
    unsigned block;  /* lines above the bar that may be overdrawn; 0: none */
} cli_progress;

/* silent: show messages only. */
void cli_progress_init(cli_progress *progress, bool silent);

/* Shows the state, unless the last update was a moment ago. */
void cli_progress_show(cli_progress *progress, const imp_progress *now, const imp_estimate *left);

/* The same for `done` of `total` bytes (0: unknown). */
void cli_progress_bytes(cli_progress *progress, const char *what, uint64_t done, uint64_t total);

/* The same for any work; share: the fraction done, 0..1. */
void cli_progress_line(cli_progress *progress, double share, const char *text);

/* Writes `bytes`, which draw `rows` terminal lines, above the bar. They replace the previous block
 * unless a message came between. The bytes may leave the cursor anywhere but must not scroll. */
void cli_progress_block(cli_progress *progress, const char *bytes, size_t size, unsigned rows);

/* Erases the bar before other output. */
void cli_progress_clear(cli_progress *progress);

/* Prints a message on a line of its own. */
void cli_progress_note(cli_progress *progress, const char *line);

/* The same as an imp_log whose user is a cli_progress. */
void cli_progress_log(void *progress, imp_log_level level, const char *line);

#endif
