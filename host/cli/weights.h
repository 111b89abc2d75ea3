/* SPDX-License-Identifier: MIT
 *
 * The actions of `impasto weights`, and opening a network, which may have to be fetched first.
 */
#ifndef CLI_WEIGHTS_H
#define CLI_WEIGHTS_H

#include "cli/options.h"

/* Each takes the `count` operands after its name and returns the exit status. */
int cli_weights_list(cli_request *request, char **operands, int count);
int cli_weights_info(cli_request *request, char **operands, int count);
int cli_weights_fetch(cli_request *request, char **operands, int count);
int cli_weights_import(cli_request *request, char **operands, int count);
int cli_weights_verify(cli_request *request, char **operands, int count);
int cli_weights_remove(cli_request *request, char **operands, int count);

/* Reports an installed network: its name ("": none) and path. */
void cli_weights_installed(const cli_values *values, const char *name, const char *path,
                           const imp_import_report *report);

/* Opens the network with this name or path. If it is published but not installed: on a terminal,
 * offers to fetch it; otherwise, or if the answer is no, complains with the command to run.
 * because: what needs it ("preset 'gatys'"), or NULL if the user named it. */
int cli_weights_open(imp_network **out, const cli_values *values, const char *name,
                     const char *because);

#endif
