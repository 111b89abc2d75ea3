/* SPDX-License-Identifier: MIT
 *
 * The names of the pictures to paint from: files, URLs or "-", and the weight of each style.
 */
#ifndef CLI_SOURCES_H
#define CLI_SOURCES_H

#include "cli/outputs.h"

/* mask: "" for none; a colour (white, #rrggbb) is a mask of that colour everywhere. */
typedef struct cli_style {
    char path[IMP_PATH_MAX], mask[IMP_PATH_MAX];
    float weight;
} cli_style;

typedef struct cli_sources {
    char content[IMP_PATH_MAX], mask[IMP_PATH_MAX], init[IMP_PATH_MAX], protect[IMP_PATH_MAX];
    float protect_strength; /* of the file `protect`. Above: "" is none */
    cli_style styles[IMP_STYLES_MAX];
    size_t style_count;
} cli_sources;

/* Adds "FILE" or "FILE:WEIGHT". The text after the last colon is a weight if it is a number, no
 * file has the whole name, and it is not the port of a URL. Complains of a negative weight and of
 * too many styles. */
int cli_sources_add_style(cli_sources *sources, const char *text);

/* Reads "FILE" or "FILE:STRENGTH", in the same form, of --protect. Complains of a strength beyond
 * 0..1. */
int cli_read_protect(char path[IMP_PATH_MAX], float *strength, const char *text);

/* Adds the styles and masks given by options. Complains unless there are as many style masks as
 * styles, or none. */
int cli_sources_add_options(cli_sources *sources, const cli_values *values);

/* How many of them are standard input. */
size_t cli_sources_streams(const cli_sources *sources);

/* States that a command reads them. */
void cli_sources_read(cli_outputs *outputs, const cli_sources *sources);

#endif
