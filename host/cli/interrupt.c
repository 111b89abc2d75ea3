/* SPDX-License-Identifier: MIT
 *
 * Signals that ask the program to end: see interrupt.h. A signal handler can only set a global
 * flag.
 */
#include "cli/interrupt.h"

#include "cli/words.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { SIGNAL_STATUS = 128 }; /* a shell's exit status of a signal, less its number */

static volatile sig_atomic_t received, pressed, writing;

static void record(int number) {
    received = received ? received : number;
    if (number == SIGINT && pressed++ && !writing)
        _exit(CLI_INTERRUPTED);
}

static void leave(int number) {
    _exit(SIGNAL_STATUS + number);
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    if (number == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return; /* nohup */
    sigaction(number, &action, NULL);
}

void cli_interrupt_set(cli_interrupt_mode mode) {
    const bool release = mode == CLI_INTERRUPT_RELEASE;
    if (release)
        received = pressed = 0;
    writing = mode == CLI_INTERRUPT_IGNORE;
    handle(SIGINT, release ? SIG_DFL : record);
    handle(SIGPIPE, release ? SIG_DFL : record);
    handle(SIGTERM, release ? leave : record);
    handle(SIGHUP, release ? leave : record);
    handle(SIGXFSZ, record); /* the write fails, which is told like a full disk */
}

bool cli_interrupted(void) {
    return received != 0;
}

int cli_interrupt_status(int status) {
    const bool grown = status == CLI_FAILED && received == SIGXFSZ;
    return received && (status == CLI_INTERRUPTED || grown) ? SIGNAL_STATUS + received : status;
}
