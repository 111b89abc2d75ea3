/* SPDX-License-Identifier: MIT
 *
 * Ctrl-C: see interrupt.h. A signal handler can only set a global flag.
 */
#include "cli/interrupt.h"

#include "cli/words.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;

static void record(int signal_number) {
    (void)signal_number;
    if (interrupts++)
        _exit(CLI_INTERRUPTED);
}

void cli_interrupt_set(cli_interrupt_mode mode) {
    struct sigaction action = {.sa_handler = mode == CLI_INTERRUPT_CATCH    ? record
                                             : mode == CLI_INTERRUPT_IGNORE ? SIG_IGN
                                                                            : SIG_DFL,
                               .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (mode == CLI_INTERRUPT_RELEASE)
        interrupts = 0;
    sigaction(SIGINT, &action, NULL);
}

bool cli_interrupted(void) {
    return interrupts != 0;
}
