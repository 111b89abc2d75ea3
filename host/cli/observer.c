/* SPDX-License-Identifier: MIT
 *
 * The list of observers of a painting: see observer.h.
 */
#include "cli/observer.h"

#include "cli/words.h"

/* The owner of the painting, a batch or a grid, is an observer, too. */
static imp_status observe_owner(cli_observer *observer, const cli_painting *p, imp_error *err) {
    (void)err;
    *observer = p->owner;
    return IMP_OK;
}

static imp_status (*const kinds[CLI_OBSERVERS])(cli_observer *, const cli_painting *,
                                                imp_error *) = {
    cli_film_observe,         cli_frames_observe, observe_owner,
    cli_checkpoint_observe,   cli_copies_observe, cli_preview_observe,
    cli_preview_file_observe,
};

imp_status cli_view_picture(cli_view *view, const imp_picture **picture, imp_error *err) {
    *picture = &view->picture;
    return view->picture.rgb ? IMP_OK : imp_session_picture(view->session, &view->picture, err);
}

/* Reports the error; the painting goes on. */
static void give_up(cli_painting *p, const imp_error *err) {
    cli_progress_clear(p->job.progress);
    cli_complain_error(err);
    p->observers_failed = true;
}

static void close_one(cli_painting *p, cli_observer *o, cli_view *view) {
    imp_error err = {0};
    if (o->self && o->close && o->close(o->self, view, &err) != IMP_OK)
        give_up(p, &err);
    *o = (cli_observer){0};
}

imp_status cli_observers_open(cli_painting *p, imp_error *err) {
    imp_status status = IMP_OK;
    cli_observers_close(p, NULL);
    for (size_t i = 0; i < CLI_OBSERVERS && status == IMP_OK; i++)
        status = kinds[i](&p->observers[i], p, err);
    return status;
}

void cli_observers_look(cli_painting *p, imp_session *session, const imp_progress *now) {
    cli_view view = {.painting = p, .session = session, .now = now};
    for (size_t i = 0; i < CLI_OBSERVERS; i++) {
        cli_observer *o = &p->observers[i];
        imp_error err = {0};
        if (o->self && o->look(o->self, &view, &err) != IMP_OK) {
            give_up(p, &err);
            close_one(p, o, NULL);
        }
    }
    imp_picture_finish(&view.picture);
}

void cli_observers_close(cli_painting *p, imp_session *session) {
    cli_view view = {.painting = p, .session = session, .now = &p->last};
    for (size_t i = 0; i < CLI_OBSERVERS; i++)
        close_one(p, &p->observers[i], session ? &view : NULL);
    imp_picture_finish(&view.picture);
}
