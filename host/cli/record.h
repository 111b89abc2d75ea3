/* SPDX-License-Identifier: MIT
 *
 * The parameters that a picture remembers: a JSON text that the picture's file carries. It holds
 * every recorded option of the table as the text that the command line takes, and what the picture
 * was made from by base name and SHA-256; never a path.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "cli/json.h"
#include "cli/sources.h"

/* A file that a picture was made from; name "" where there was none. A mask of one colour has the
 * colour for a name, and no hash. */
typedef struct cli_source {
    char name[256];
    char sha256[65];
} cli_source;

typedef struct cli_record {
    cli_source content, mask, init, protect, network;
    float protect_strength;
    struct {
        cli_source picture, mask;
        float weight;
    } styles[IMP_STYLES_MAX];
    size_t style_count;
    char folder[IMP_PATH_MAX]; /* of the picture that was read */
} cli_record;

/* What a picture was read from. */
cli_source cli_source_of(const imp_picture *picture, const char *path);

/* Finds a source in the current folder or the record's by its name and recorded hash;
 * path holds IMP_PATH_MAX. */
bool cli_record_find(const cli_record *record, const cli_source *source, char *path);

/* Reads the record of the picture at path, and the options in it over the default values of its
 * preset. Complains. */
int cli_record_read(cli_record *record, cli_values *values, const char *path);

/* The same from the record itself; path: where it is from, for messages. */
int cli_record_take(cli_record *record, cli_values *values, const json_t *root, const char *path);

/* Sets values from a preset file, as written by `impasto presets NAME --json`: "options" holds
 * texts of recorded options; its "preset" names the preset for the others; "network" may replace
 * that preset's network. Complains. */
int cli_record_preset(cli_values *values, const char *path);

/* The name of recorded value i, NULL after the last: the settings, except those whose option does
 * not change the picture, then the program's own options that do. And its text, "" for none. */
const char *cli_recorded_name(size_t i);
void cli_recorded_text(const char *name, const cli_values *values, char *text, size_t size);

/* Every recorded value as text, by name; without init if it is a file. */
json_t *cli_record_options(const cli_values *values);

/* The options that differ from their preset, such as "content-weight 30, color match", without size
 * and iterations; "" for none. */
void cli_record_changes(const json_t *options, char *text, size_t size);

/* The record of the picture at path as a line for people, such as "preset default, 200 iterations
 * on cpu, color match"; "" if it has none. */
void cli_record_summary(const char *path, char *text, size_t size);

/* The text to store in the picture: values, sources, iterations done and device. The caller frees;
 * NULL: out of memory. */
char *cli_record_text(const cli_record *record, const cli_values *values, unsigned iterations,
                      const char *device);

#endif
