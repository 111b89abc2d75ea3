/* SPDX-License-Identifier: MIT
 *
 * A batch: the pictures to paint, and the messages between its processes. The parent (batch.c)
 * plans and reports and never opens a device; each device has a worker process (batch_worker.c),
 * which takes the next free item until none is left.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "cli/record.h"

/* One picture to paint. */
typedef struct cli_batch_item {
    const char *content, *style;       /* borrowed from the lists of files */
    char *out;                         /* owned, like these */
    char *mask, *style_mask, *protect; /* NULL: none */
    float protect_strength;
} cli_batch_item;

typedef struct cli_batch {
    cli_request *request;
    cli_batch_item *items; /* owned */
    size_t count;
    char template[IMP_PATH_MAX + 32]; /* of the names of their files */
    imp_network *network;             /* opened once, shared by all workers */
    int next;     /* descriptor of a file of item numbers, whose offset the workers share */
    int messages; /* descriptor of the pipe from them to the parent: cli_message */
} cli_batch;

typedef enum cli_message_kind {
    CLI_ITEM_BEGUN,
    CLI_ITEM_STEP,
    CLI_ITEM_PAINTED,
    CLI_ITEM_SKIPPED,
    CLI_ITEM_FAILED, /* text: why */
    CLI_ITEM_NOTE,   /* text: a message */
    CLI_WORKER_LOST  /* text: why a worker could not start */
} cli_message_kind;

/* One message, small enough for an atomic write to a pipe. */
typedef struct cli_message {
    cli_message_kind kind;
    unsigned item;
    double share;   /* fraction of the item done */
    double seconds; /* since the item was started */
    char text[460];
} cli_message;
_Static_assert(sizeof(cli_message) <= 512, "writes longer than POSIX's PIPE_BUF are not atomic");

/* Runs a worker on this device, in a process of its own; returns its exit status. */
int cli_batch_work(cli_batch *batch, const char *device);

#endif
