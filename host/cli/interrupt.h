/* SPDX-License-Identifier: MIT
 *
 * Ctrl-C: once, it ends the work in good order; twice, the program at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

typedef enum cli_interrupt_mode {
    CLI_INTERRUPT_CATCH,  /* the first is noted, the second ends the program */
    CLI_INTERRUPT_IGNORE, /* while something is written that is worth nothing by half */
    CLI_INTERRUPT_RELEASE /* as the system has it; what was noted is forgotten */
} cli_interrupt_mode;

void cli_interrupt_set(cli_interrupt_mode mode);

/* Whether one has been noted. */
bool cli_interrupted(void);

#endif
