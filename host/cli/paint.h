/* SPDX-License-Identifier: MIT
 *
 * A painting on its way through `impasto paint`: what its two halves share. paint_inputs.c settles
 * what is painted from what; paint.c runs it and keeps the result.
 */
#ifndef CLI_PAINT_H
#define CLI_PAINT_H

#include "cli/job.h"
#include "cli/record.h"

/* How the run ended. */
typedef enum cli_ending {
    CLI_COMPLETE,
    CLI_BY_INTERRUPT,
    CLI_BY_TIME,
    CLI_NOT_FINITE /* the loss left the finite numbers for good */
} cli_ending;

enum { CLI_OBSERVERS = 6 }; /* at most */

/* Something that looks on; explained in observer.h. */
struct cli_view;
typedef struct cli_observer {
    void *self; /* NULL: none */
    imp_status (*look)(void *self, struct cli_view *view, imp_error *err);
    imp_status (*close)(void *self, struct cli_view *view, imp_error *err); /* or NULL */
} cli_observer;

typedef struct cli_painting {
    cli_request *request;
    cli_values *values; /* the request's */
    cli_record record;  /* what a picture given with --like records, then what this one will */
    cli_sources from;
    char network[IMP_PATH_MAX];
    char out[IMP_PATH_MAX];
    char resume[IMP_PATH_MAX], device[IMP_PATH_MAX]; /* a checkpoint to go on with, "": none */
    cli_progress progress;
    cli_job job;
    double began;      /* imp_now */
    imp_progress last; /* after the last iteration */
    bool recovered;    /* it has been said that a step was taken back */
    cli_ending ending;
    imp_picture picture;
    imp_error not_finite;
    cli_observer owner; /* a batch or a grid, in which only what is complete is kept; else none */
    bool unwritten;     /* the picture stays in `picture`, and nothing is said of it */
    cli_observer observers[CLI_OBSERVERS];
    bool observers_failed;
} cli_painting;

/* Settles values, paths and the place of the result, opens the network and reads the pictures.
 * Gives the exit status, after a complaint. */
int cli_paint_prepare(cli_painting *painting);

/* Of a painting whose paths are settled: hashes and reads what it is made from, and opens the
 * network where it is not open; and paints, saves and says so. Like cli_paint_prepare. */
int cli_paint_sources(cli_painting *painting);
int cli_paint_perform(cli_painting *painting);

/* Says what cli_paint_perform would take, without doing it. Complains where it does not fit. */
int cli_paint_forecast(cli_painting *painting);

/* cli_paint_prepare from the checkpoint that is named, or the newest. */
int cli_checkpoint_resume(cli_painting *painting);

/* The size that the result will have, once the content has been read. */
void cli_paint_size(const cli_painting *painting, size_t *width, size_t *height);

/* The sheet of a painting that is complete, where one is asked for. Complains. */
int cli_paint_sheet(const cli_painting *painting);

/* How the result is written, without its text. */
imp_write_options cli_paint_options(const cli_painting *painting);

#endif
