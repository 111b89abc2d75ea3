/* SPDX-License-Identifier: MIT
 *
 * What painting and scoring share: network, pictures, device and session, opened in the order in
 * which mistakes are cheapest to tell, and the way down to the processor when a device fails.
 */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "cli/progress.h"
#include "cli/sources.h"

typedef struct cli_job {
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
} cli_job;

/* Each opens its part, or complains and gives the exit status. Zero the rest of the stage first. */
int cli_job_network(cli_job *job);
int cli_job_pictures(cli_job *job, const cli_sources *sources);

/* Opens the device where that has not been done; cli_job_perform does it, too. */
int cli_job_device(cli_job *job);

/* What the work would take: opens the device, and measures an iteration. Complains. */
int cli_job_forecast(cli_job *job, imp_forecast *out);

/* What is done with an open session. */
typedef imp_status (*cli_work)(void *user, cli_job *job, imp_error *err);

/* Opens the device and a session on it and does the work. When an OpenCL device or its memory fails
 * on the way, says so, and does it all again on the processor. Complains. */
int cli_job_perform(cli_job *job, cli_work work, void *user);

/* The seconds by operation, after the work, when --profile asks for them. */
void cli_job_profile(const cli_job *job);

/* How the device is called: its name, or "cpu" and "oracle". */
const char *cli_device_name(const imp_device_info *info);

/* By imp_precision; and what is said behind a device's name: " with fp16 filters", or nothing. */
extern const char *const cli_precision_words[2];
const char *cli_precision_aside(imp_precision precision);

/* Closes the session and lets the pictures go; network and device stay for the next ones. */
void cli_job_clear(cli_job *job);
void cli_job_finish(cli_job *job);

#endif
