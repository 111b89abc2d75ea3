/* SPDX-License-Identifier: MIT
 *
 * What a command may write. A person's files are safe: no output is a file that the command reads,
 * and none replaces a file that was there before, except the one that -o names and a checkpoint.
 * A command states all that it reads, then each output, before anything slow starts.
 */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "cli/options.h"

typedef enum cli_output_kind {
    CLI_OUTPUT_RESULT,    /* named by -o: replaces what is there */
    CLI_OUTPUT_BESIDE,    /* any other: must be new, unless --force was given */
    CLI_OUTPUT_CHECKPOINT /* must be new, or a checkpoint */
} cli_output_kind;

/* Zero it first; cli_outputs_finish frees it. */
typedef struct cli_outputs {
    struct cli_place *places; /* of inputs and outputs */
    size_t count;
    bool force;  /* --force */
    bool memory; /* ran out of it */
} cli_outputs;

/* A file that the command reads. what: "one of the input pictures". path: NULL, "", "-" and an
 * address are no files. */
void cli_outputs_read(cli_outputs *o, const char *what, const char *path);

/* The files behind --preset, --like and --network, where they are files. */
void cli_outputs_read_values(cli_outputs *o, const cli_request *request);

/* A file that the command writes. option: "output", "film". Complains if it may not. */
int cli_outputs_write(cli_outputs *o, const char *option, const char *path, cli_output_kind kind);

/* The frames that --save-every N writes beside the result `out`, after all other outputs. */
int cli_outputs_write_frames(cli_outputs *o, const char *out, unsigned every);

void cli_outputs_finish(cli_outputs *o);

/* NAME.png gives NAME-000120.png. path holds IMP_PATH_MAX; false: it is too long. */
bool cli_frame_path(char *path, const char *out, unsigned iteration);

/* Makes `out` the path of a result whose name is not given: FOLDER/STEM.png, or the first of
 * STEM-2.png, STEM-3.png, ... that is free, with its frames. Complains if that is too long. */
int cli_free_name(char *out, const char *folder, const char *stem, unsigned save_every);

/* Whether a path names a folder: by its last letter, or by what is there. */
bool cli_is_folder(const char *path);

#endif
