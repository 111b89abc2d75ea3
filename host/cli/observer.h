/* SPDX-License-Identifier: MIT
 *
 * What looks on while a picture is painted: a film, numbered frames, a checkpoint, a preview. Each
 * fills in one cli_observer; paint knows no more of them than that. One that fails says so in one
 * line and is left out from then on; the picture is painted all the same.
 */
#ifndef CLI_OBSERVER_H
#define CLI_OBSERVER_H

#include "cli/paint.h"

/* What can be seen after an iteration. */
typedef struct cli_view {
    const cli_painting *painting;
    imp_session *session;
    const imp_progress *now;
    imp_picture picture; /* read once, by cli_view_picture */
} cli_view;

/* The picture as it is now, borrowed until the next iteration. */
imp_status cli_view_picture(cli_view *view, const imp_picture **picture, imp_error *err);

/* The two functions of a cli_observer:
 * look: after each iteration; the end may follow any of them.
 * close: ends it and frees self. view: after the last iteration; NULL: what was seen is void,
 * because looking failed or the run did.
 *
 * Those that there are: each opens its observer where the painting's values ask for it, and else
 * leaves `self` NULL. */
imp_status cli_film_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_checkpoint_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_frames_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_preview_observe(cli_observer *observer, const cli_painting *p, imp_error *err);
imp_status cli_preview_file_observe(cli_observer *observer, const cli_painting *p, imp_error *err);

/* All that are asked for; what an earlier run has left open is void. cli_observers_close must
 * follow in any case. */
imp_status cli_observers_open(cli_painting *painting, imp_error *err);
void cli_observers_look(cli_painting *painting, imp_session *session, const imp_progress *now);
/* session: NULL where the run failed. */
void cli_observers_close(cli_painting *painting, imp_session *session);

#endif
