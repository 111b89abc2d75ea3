/* SPDX-License-Identifier: MIT
 *
 * Signals that ask the program to end: see interrupt.h. A signal handler can only set a global
 * flag.
 */
#include "cli/interrupt.h"

#include "base/clock.h"
#include "cli/guard.h"
#include "cli/words.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum { SIGNAL_STATUS = 128 }; /* a shell's exit status of a signal, less its number */

static volatile sig_atomic_t received, pressed, writing;
/* When Ctrl-C last came directly, and when by way of the parent (guard.h); 0: never, or matched. */
static double came[2];

/* A signal to all processes of a group arrives twice, directly and from the parent, in any order.
 */
static bool is_echo(const siginfo_t *info) {
    const int way = info->si_code <= 0 && info->si_pid == getppid();
    const double now = imp_now();
    const bool echo = came[!way] > 0 && now - came[!way] <= 1;
    came[way] = echo ? 0 : now;
    if (echo)
        came[!way] = 0;
    return echo;
}

static void record(int number, siginfo_t *info, void *context) {
    (void)context;
    received = received && received != SIGXFSZ ? received : number;
    if (number == SIGINT && !is_echo(info) && pressed++ && !writing)
        cli_guard_leave(CLI_INTERRUPTED);
}

static void leave(int number, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    cli_guard_leave(SIGNAL_STATUS + number);
}

/* handler: NULL: the default. */
static void handle(int number, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action = {.sa_flags = SA_RESTART}, old;
    if (handler) {
        action.sa_sigaction = handler;
        action.sa_flags |= SA_SIGINFO;
    } else
        action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    if (number == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return; /* nohup */
    sigaction(number, &action, NULL);
}

void cli_interrupt_set(cli_interrupt_mode mode) {
    const bool release = mode == CLI_INTERRUPT_RELEASE;
    if (release)
        received = pressed = 0;
    else if (received == SIGXFSZ && !pressed && mode == CLI_INTERRUPT_CATCH)
        received = 0; /* a driver could not keep what it compiled */
    writing = mode == CLI_INTERRUPT_IGNORE;
    handle(SIGINT, release ? NULL : record);
    handle(SIGPIPE, release ? NULL : record);
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
