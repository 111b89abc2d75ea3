/* SPDX-License-Identifier: MIT
 *
 * What is painted from, as it is named: files, addresses, "-", and how much each style counts.
 */
#ifndef CLI_SOURCES_H
#define CLI_SOURCES_H

#include "cli/options.h"

/* mask: "" where there is none; a colour (white, #rrggbb) is a mask that is of it everywhere. */
typedef struct cli_style {
    char path[IMP_PATH_MAX], mask[IMP_PATH_MAX];
    float weight;
} cli_style;

typedef struct cli_sources {
    char content[IMP_PATH_MAX], mask[IMP_PATH_MAX], init[IMP_PATH_MAX]; /* "": none */
    cli_style styles[IMP_STYLES_MAX];
    size_t style_count;
} cli_sources;

/* Adds "FILE" or "FILE:WEIGHT". What stands behind the last colon is a weight if it is a number, no
 * file has the whole name, and it is not an address's port. Complains of a negative one, and of too
 * many styles. */
int cli_sources_add_style(cli_sources *sources, const char *text);

/* Adds the styles, and then the masks, that options name. Complains of masks where there are fewer
 * or more of them than styles. */
int cli_sources_add_options(cli_sources *sources, const cli_values *values);

/* How many of them are standard input; and whether one of them is the file at path. */
size_t cli_sources_streams(const cli_sources *sources);
bool cli_sources_hold(const cli_sources *sources, const char *path);

#endif
