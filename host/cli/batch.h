/* SPDX-License-Identifier: MIT
 *
 * A batch on its way: the pictures to paint, and what its processes say to each other. The parent
 * (batch.c) plans and reports, and never touches a device; for each device one worker process
 * (batch_worker.c) takes the next picture that nobody has taken, until none is left.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "cli/record.h"

typedef struct cli_batch_job {
    const char *content, *style; /* borrowed from the lists of files */
    char *out;                   /* owned, like these */
    char *mask, *style_mask;     /* NULL: none */
} cli_batch_job;

typedef struct cli_batch {
    cli_request *request;
    cli_batch_job *jobs; /* owned */
    size_t count;
    imp_network *network; /* opened once, shared by all workers */
    int next;             /* descriptor of a file of job numbers, whose offset the workers share */
    int words;            /* descriptor of the pipe from them to the parent: cli_word */
} cli_batch;

typedef enum cli_word_kind {
    CLI_JOB_BEGUN,
    CLI_JOB_STEP,
    CLI_JOB_PAINTED,
    CLI_JOB_SKIPPED,
    CLI_JOB_FAILED, /* text: why */
    CLI_JOB_NOTE,   /* text: what was said on the way */
    CLI_WORKER_LOST /* text: why a worker could not begin */
} cli_word_kind;

/* One message, small enough for a pipe to keep whole. */
typedef struct cli_word {
    cli_word_kind kind;
    unsigned job;
    double share;   /* of the job that is done */
    double seconds; /* since it was begun */
    char text[460];
} cli_word;
_Static_assert(sizeof(cli_word) <= 512, "a pipe may tear what is longer than POSIX's PIPE_BUF");

/* A worker's whole life, in a process of its own, on this device; gives its exit status. */
int cli_batch_work(cli_batch *batch, const char *device);

#endif
