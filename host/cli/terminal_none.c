/* SPDX-License-Identifier: MIT
 *
 * Pictures in the terminal, in a build without libchafa: there are none.
 */
#include "cli/terminal.h"

cli_terminal *cli_terminal_open(const cli_progress *progress, char *why, size_t size) {
    (void)progress;
    snprintf(why, size, "this program was built without libchafa");
    return NULL;
}

void cli_terminal_show(cli_terminal *terminal, cli_progress *progress, const imp_picture *picture) {
    (void)terminal;
    (void)progress;
    (void)picture;
}

void cli_terminal_close(cli_terminal *terminal) {
    (void)terminal;
}
