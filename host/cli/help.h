/* SPDX-License-Identifier: MIT
 *
 * The table of commands and options in its printed forms: help, man page, completions.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/options.h"

/* The help of a command with the defaults of `values`; of the program. To standard output. */
void cli_help_command(const cli_command *command, const cli_values *values);
void cli_help_program(void);

/* The man page in roff; the completions for a shell, by its place in bash|zsh|fish. */
void cli_man_page(const cli_values *values);
void cli_completions(unsigned shell);

/* An option's default as text, "" where there is none to show. */
void cli_default_text(const cli_option *option, const cli_values *values, char *text, size_t size);

/* A name, or an exit status, and what it means. */
typedef struct cli_meaning {
    const char *name, *meaning;
} cli_meaning;
extern const cli_meaning cli_exit_statuses[]; /* ends with name NULL */

#endif
