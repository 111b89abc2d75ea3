/* SPDX-License-Identifier: MIT
 *
 * A job: the network, pictures, device and session of one painting or score. They are opened in the
 * order in which mistakes are cheapest to detect; when an OpenCL device fails, the job goes on from
 * its last state (guard.h) on the next device.
 */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "cli/progress.h"
#include "cli/sources.h"

typedef struct cli_job {
    const cli_values *values; /* borrowed */
    cli_progress *progress;   /* borrowed; receives messages */
    imp_picture content, mask, init, protect;
    imp_picture styles[IMP_STYLES_MAX], style_masks[IMP_STYLES_MAX];
    imp_sources from; /* points to the pictures above */
    bool sharing;     /* more sessions will follow on this device and network */
    bool goes_on;     /* the session was not begun but brought to the last state of a lost device */
    imp_reuse *reuse; /* what they share */
    imp_network *network;
    imp_device *device;
    imp_session *session;
} cli_job;

/* Each opens its part, or complains and returns the exit status. Zero the rest of the job first. */
int cli_job_network(cli_job *job);
int cli_job_pictures(cli_job *job, const cli_sources *sources);

/* Opens the device unless it is open. cli_job_perform does this, too. */
int cli_job_device(cli_job *job);

/* Opens the device and estimates memory and time by measuring an iteration. Complains. */
int cli_job_forecast(cli_job *job, imp_forecast *out);

/* The work done with an open session. */
typedef imp_status (*cli_work)(void *user, cli_job *job, imp_error *err);

/* Opens the device and a session and does the work. If an OpenCL device or its memory fails,
 * reports it and repeats this on the next device; job->goes_on says where to begin. Complains. */
int cli_job_perform(cli_job *job, cli_work work, void *user);

/* With --profile: prints the seconds by operation, after the work. */
void cli_job_profile(const cli_job *job);

/* The name of the device, or "cpu" or "oracle". */
const char *cli_device_name(const imp_device_info *info);

/* By imp_precision; and the suffix to a device's name: " with fp16 filters", or "". */
extern const char *const cli_precision_words[2];
const char *cli_precision_aside(imp_precision precision);

/* cli_job_clear closes the session and frees the pictures but keeps network and device for the next
 * job; cli_job_finish closes everything. */
void cli_job_clear(cli_job *job);
void cli_job_finish(cli_job *job);

#endif
