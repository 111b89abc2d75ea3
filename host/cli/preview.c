/* SPDX-License-Identifier: MIT
 *
 * Previews of a painting: in the terminal (--preview), or in a file that is rewritten repeatedly
 * (--preview-file). Each takes at most one fiftieth of the time.
 */
#include "base/clock.h"
#include "cli/observer.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <stdlib.h>

static const double least_pause = 0.2, share = 50;

typedef struct preview {
    cli_progress *progress;   /* borrowed from the painting */
    const cli_values *values; /* likewise */
    cli_terminal *terminal;   /* owned; NULL: preview to a file */
    double next;              /* imp_now when it is due */
} preview;

static imp_status show(preview *v, cli_view *view, imp_error *err) {
    const imp_picture *picture;
    const imp_write_options options = {.quality = (int)v->values->quality};
    const imp_status status = cli_view_picture(view, &picture, err);
    if (status != IMP_OK)
        return status;
    if (!v->terminal)
        return imp_picture_write(picture, v->values->preview_file, &options, err);
    cli_terminal_show(v->terminal, v->progress, picture);
    return IMP_OK;
}

static imp_status look(void *self, cli_view *view, imp_error *err) {
    preview *v = self;
    const double began = imp_now();
    const bool last = view->now->iteration == view->now->total;
    if (began < v->next && !last)
        return IMP_OK;
    const imp_status status = show(v, view, err);
    const double ended = imp_now(), pause = share * (ended - began);
    v->next = ended + (pause > least_pause ? pause : least_pause);
    return status;
}

/* The file of a run ended early gets the last state. */
static imp_status finish(void *self, cli_view *view, imp_error *err) {
    preview *v = self;
    imp_status status = IMP_OK;
    if (v->terminal)
        cli_terminal_close(v->terminal);
    else if (view && view->now->total && view->now->iteration < view->now->total)
        status = show(v, view, err);
    free(v);
    return status;
}

static imp_status observe(cli_observer *observer, const cli_painting *p, cli_terminal *terminal,
                          imp_error *err) {
    preview *v = calloc(1, sizeof *v);
    if (!v) {
        *err = (imp_error){IMP_ERR_MEMORY, "preview: out of memory"};
        return IMP_ERR_MEMORY;
    }
    *v = (preview){.progress = p->job.progress, .values = p->values, .terminal = terminal};
    *observer = (cli_observer){v, look, finish};
    return IMP_OK;
}

/* Without a preview the painting goes on. */
imp_status cli_preview_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    char why[128], line[256];
    if (!p->values->preview)
        return IMP_OK;
    cli_terminal *terminal = cli_terminal_open(p->job.progress, why, sizeof why);
    if (!terminal) {
        snprintf(line, sizeof line, "no preview: %s; use --preview-file FILE", why);
        cli_progress_note(p->job.progress, line);
        return IMP_OK;
    }
    const imp_status status = observe(observer, p, terminal, err);
    if (status != IMP_OK)
        cli_terminal_close(terminal);
    return status;
}

imp_status cli_preview_file_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    return p->values->preview_file ? observe(observer, p, NULL, err) : IMP_OK;
}
