/* SPDX-License-Identifier: MIT
 *
 * Observers of a painting: film, numbered frames, checkpoint, preview. Each fills in one
 * cli_observer, which is all that paint knows of it. An observer that fails reports it in one line
 * and is dropped; the painting goes on.
 */
#ifndef CLI_OBSERVER_H
#define CLI_OBSERVER_H

#include "cli/paint.h"

/* What an observer sees after an iteration. */
typedef struct cli_view {
    const cli_painting *painting;
    imp_session *session;
    const imp_progress *now;
    imp_picture picture; /* read on demand by cli_view_picture */
} cli_view;

/* The current picture, borrowed until the next iteration. */
imp_status cli_view_picture(cli_view *view, const imp_picture **picture, imp_error *err);

/* The two functions of a cli_observer:
 * look: called after each iteration, any of which may be the last.
 * close: ends it and frees self. view: the state after the last iteration; NULL if the observer or
 * the run failed, and what was observed is to be discarded.
 *
 * The observers. Each opens itself if the painting's values ask for it, else leaves `self` NULL. */
imp_status cli_film_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_checkpoint_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_copies_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_frames_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_preview_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_preview_file_observe(cli_observer *observer, const cli_painting *p, imp_error *err);

/* Opens all observers asked for and discards those of an earlier attempt. cli_observers_close must
 * follow in any case. */
imp_status cli_observers_open(cli_painting *painting, imp_error *err);
void cli_observers_look(cli_painting *painting, imp_session *session, const imp_progress *now);
/* session: NULL where the run failed. */
void cli_observers_close(cli_painting *painting, imp_session *session);

#endif
