/* SPDX-License-Identifier: MIT
 *
 * The actions of `impasto weights`, and the way from a preset to a network that is not here yet.
 */
#ifndef CLI_WEIGHTS_H
#define CLI_WEIGHTS_H

#include "cli/options.h"

/* Each takes the operands behind its name, `count` of them, and gives the exit status. */
int cli_weights_list(cli_request *request, char **operands, int count);
int cli_weights_info(cli_request *request, char **operands, int count);
int cli_weights_fetch(cli_request *request, char **operands, int count);
int cli_weights_import(cli_request *request, char **operands, int count);
int cli_weights_verify(cli_request *request, char **operands, int count);
int cli_weights_remove(cli_request *request, char **operands, int count);

/* Says what was installed, as NAME ("": none) in path. */
void cli_weights_installed(const cli_values *values, const char *name, const char *path,
                           const imp_import_report *report);

/* Opens the network of a name or a path. One that is published and not here is offered: on a
 * terminal it is asked for and fetched; elsewhere, or where the answer is no, the complaint names
 * the command. because: what asks for it ("preset 'gatys'"), NULL where the person did. */
int cli_weights_open(imp_network **out, const cli_values *values, const char *name,
                     const char *because);

#endif
