/* SPDX-License-Identifier: MIT
 *
 * The state of one painting. paint_inputs.c prepares its values, paths, network and pictures;
 * paint.c runs it and writes the result.
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
    CLI_NOT_FINITE /* the loss became NaN or infinite and did not recover */
} cli_ending;

enum { CLI_OBSERVERS = 7 };

/* See observer.h. */
struct cli_view;
typedef struct cli_observer {
    void *self; /* NULL: none */
    imp_status (*look)(void *self, struct cli_view *view, imp_error *err);
    imp_status (*close)(void *self, struct cli_view *view, imp_error *err); /* or NULL */
} cli_observer;

typedef struct cli_painting {
    cli_request *request;
    cli_values *values; /* the request's */
    cli_record record;  /* that of the --like picture, then that of this one */
    cli_sources from;
    char network[IMP_PATH_MAX];
    char out[IMP_PATH_MAX];
    bool named; /* by cli_free_name: no file of that name is ours before it is written */
    char resume[IMP_PATH_MAX], device[IMP_PATH_MAX]; /* checkpoint to resume, or ""; its device */
    cli_progress progress;
    cli_job job;
    double began;      /* imp_now */
    imp_progress last; /* after the last iteration */
    bool recovered;    /* an undone step has been reported */
    cli_ending ending;
    imp_picture picture;
    imp_error not_finite;
    cli_observer owner; /* a batch or grid, which keeps complete pictures only; else none */
    bool unsaved;       /* the result could not be written */
    bool unwritten;     /* keep the result in `picture` and print nothing */
    cli_observer observers[CLI_OBSERVERS];
    bool observers_failed;
} cli_painting;

/* Determines values, paths and the output, opens the network and reads the pictures. Complains, and
 * returns the exit status. */
int cli_paint_prepare(cli_painting *painting);

/* Once the paths are known: cli_paint_sources opens the network unless it is open, and reads and
 * hashes the pictures; cli_paint_perform paints, writes and reports. Both like cli_paint_prepare.
 */
int cli_paint_sources(cli_painting *painting);
int cli_paint_perform(cli_painting *painting);

/* Reports what cli_paint_perform would need. Complains if it does not fit. */
int cli_paint_forecast(cli_painting *painting);

/* Saves the state where it can be, after the result could not be written: in the checkpoint that
 * was asked for, the cache folder or TMPDIR. False: nowhere. */
bool cli_checkpoint_rescue(const cli_painting *painting, char path[IMP_PATH_MAX]);

/* cli_paint_prepare from the checkpoint given, or from the newest. */
int cli_checkpoint_resume(cli_painting *painting);

/* The size of the result; the content must have been read. */
void cli_paint_size(const cli_painting *painting, size_t *width, size_t *height);

/* With --sheet: writes the sheet of a complete painting. Complains. */
int cli_paint_sheet(const cli_painting *painting);

/* How to write the result; without the record. */
imp_write_options cli_paint_options(const cli_painting *painting);

#endif
