/* SPDX-License-Identifier: MIT
 *
 * Signals that ask the program to end: Ctrl-C (INT), TERM, a closed terminal (HUP), an output that
 * nobody reads (PIPE) and a file that may not grow (XFSZ). The first ends the work cleanly; a
 * second Ctrl-C ends the program at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

typedef enum cli_interrupt_mode {
    CLI_INTERRUPT_RELEASE, /* end at once: there is nothing to keep */
    CLI_INTERRUPT_CATCH,   /* record the first, exit on the second Ctrl-C */
    CLI_INTERRUPT_IGNORE   /* record only, while a file is written */
} cli_interrupt_mode;

void cli_interrupt_set(cli_interrupt_mode mode);

/* Whether one has been recorded since the last release. */
bool cli_interrupted(void);

/* The exit status of the program, whose work ended with `status`: 128 and the signal's number if
 * that was the reason. */
int cli_interrupt_status(int status);

#endif
