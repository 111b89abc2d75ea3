/* SPDX-License-Identifier: MIT
 *
 * What painting and scoring share: network, pictures, device and session, opened in the order in
 * which mistakes are cheapest to tell, and the way down to the processor when a device fails.
 */
#ifndef CLI_STAGE_H
#define CLI_STAGE_H

#include "cli/progress.h"
#include "cli/sources.h"

typedef struct cli_stage {
    const cli_values *values; /* borrowed */
    cli_progress *progress;   /* borrowed: where messages go */
    imp_picture content, mask, init;
    imp_picture styles[IMP_STYLES_MAX], style_masks[IMP_STYLES_MAX];
    imp_sources from; /* those above */
    bool sharing;     /* there will be further sessions, */
    imp_reuse *reuse; /* to which this belongs */
    imp_network *network;
    imp_device *device;
    imp_session *session;
} cli_stage;

/* Each opens its part, or complains and gives the exit status. Zero the rest of the stage first. */
int cli_stage_network(cli_stage *stage);
int cli_stage_pictures(cli_stage *stage, const cli_sources *sources);

/* Opens the device where that has not been done; cli_stage_perform does it, too. */
int cli_stage_device(cli_stage *stage);

/* What the work would take: opens the device, and measures an iteration. Complains. */
int cli_stage_forecast(cli_stage *stage, imp_forecast *out);

/* What is done with an open session. */
typedef imp_status (*cli_work)(void *user, cli_stage *stage, imp_error *err);

/* Opens the device and a session on it and does the work. When an OpenCL device or its memory fails
 * on the way, says so, and does it all again on the processor. Complains. */
int cli_stage_perform(cli_stage *stage, cli_work work, void *user);

/* The seconds by operation, after the work, when --profile asks for them. */
void cli_stage_profile(const cli_stage *stage);

/* How the device is called: its name, or "cpu" and "oracle". */
const char *cli_device_name(const imp_device_info *info);

/* By imp_precision; and what is said behind a device's name: " with fp16 filters", or nothing. */
extern const char *const cli_precision_words[2];
const char *cli_precision_aside(imp_precision precision);

/* Closes the session and lets the pictures go; network and device stay for the next ones. */
void cli_stage_clear(cli_stage *stage);
void cli_stage_finish(cli_stage *stage);

#endif
