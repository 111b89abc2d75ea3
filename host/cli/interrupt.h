/* SPDX-License-Identifier: MIT
 *
 * Ctrl-C: the first ends the work cleanly, the second ends the program at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

typedef enum cli_interrupt_mode {
    CLI_INTERRUPT_CATCH,  /* record the first, exit on the second */
    CLI_INTERRUPT_IGNORE, /* while a file is written */
    CLI_INTERRUPT_RELEASE /* default action; forget a recorded one */
} cli_interrupt_mode;

void cli_interrupt_set(cli_interrupt_mode mode);

/* Whether one has been recorded. */
bool cli_interrupted(void);

#endif
