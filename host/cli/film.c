/* SPDX-License-Identifier: MIT
 *
 * Films of a painting (--film), numbered intermediate pictures (--save-every), and `impasto film`,
 * which makes a film from pictures on disk.
 */
#include "cli/observer.h"
#include "cli/outputs.h"
#include "cli/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- --film ---------------------------------------------------------------------------------- */

static imp_film_options film_options(const cli_values *values) {
    return (imp_film_options){.seconds = values->film_seconds, .size = values->film_size};
}

static imp_status film_look(void *self, cli_view *view, imp_error *err) {
    const imp_progress *now = view->now;
    const double done = (double)now->iteration / (double)now->total;
    const imp_picture *picture;
    if (!imp_film_due(self, done))
        return IMP_OK;
    const imp_status status = cli_view_picture(view, &picture, err);
    return status == IMP_OK ? imp_film_add(self, picture, done, err) : status;
}

/* The film of a run ended early is closed at its current state. */
static imp_status film_close(void *self, cli_view *view, imp_error *err) {
    const imp_picture *picture;
    imp_status status = IMP_OK;
    if (view && view->now->total) {
        status = cli_view_picture(view, &picture, err);
        if (status == IMP_OK)
            status =
                imp_film_add(self, picture, (double)view->now->iteration / view->now->total, err);
    }
    const imp_status closed = imp_film_close(self, view && status == IMP_OK, err);
    return status == IMP_OK ? closed : status;
}

imp_status cli_film_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    const cli_values *values = p->values;
    const imp_picture *content = &p->job.content;
    const imp_film_options options = film_options(values);
    imp_film *film = NULL;
    size_t width, height;
    if (!values->film)
        return IMP_OK;
    cli_paint_size(p, &width, &height);
    imp_status status = imp_film_open(&film, values->film, width, height, &options, err);
    if (status == IMP_OK)
        *observer = (cli_observer){film, film_look, film_close};
    return status == IMP_OK ? imp_film_add(film, content, 0, err) : status;
}

/* ---- --save-every ---------------------------------------------------------------------------- */

static imp_status frames_look(void *self, cli_view *view, imp_error *err) {
    const cli_values *values = self;
    const imp_picture *picture;
    const imp_write_options options = {.quality = (int)values->quality};
    char path[IMP_PATH_MAX];
    if (view->now->iteration % values->save_every != 0)
        return IMP_OK;
    if (!cli_frame_path(path, view->painting->out, view->now->iteration)) {
        *err = (imp_error){IMP_ERR_IO, "--save-every: the path of the result is too long"};
        return IMP_ERR_IO;
    }
    const imp_status status = cli_view_picture(view, &picture, err);
    return status == IMP_OK ? imp_picture_write(picture, path, &options, err) : status;
}

static imp_status frames_close(void *self, cli_view *view, imp_error *err) {
    (void)self;
    (void)view;
    (void)err;
    return IMP_OK;
}

imp_status cli_frames_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    (void)err;
    if (p->values->save_every)
        *observer = (cli_observer){p->values, frames_look, frames_close};
    return IMP_OK;
}

/* ---- impasto film ---------------------------------------------------------------------------- */

static int read_frame(imp_picture *picture, const cli_values *values, const char *path) {
    const imp_read_options options = {.max_pixels = values->max_pixels};
    imp_error err = {0};
    imp_picture_finish(picture);
    const imp_status status = imp_picture_read(picture, path, &options, &err);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* The film has the size of the last picture; it opens with the first, the content. */
static int make_film(imp_film **film, const cli_request *request) {
    const cli_values *values = &request->values;
    const imp_film_options options = film_options(values);
    const int count = request->operand_count;
    imp_error err = {0};
    imp_picture picture = {0};
    int status = read_frame(&picture, values, request->operands[count - 1]);
    if (!status &&
        imp_film_open(film, values->out, picture.width, picture.height, &options, &err) != IMP_OK)
        status = cli_complain_error(&err);
    for (int i = 0; i < count && !status; i++) {
        const double done = (double)i / (double)(count - 1);
        status = read_frame(&picture, values, request->operands[i]);
        if (!status && imp_film_add(*film, &picture, done, &err) != IMP_OK)
            status = cli_complain_error(&err);
    }
    imp_picture_finish(&picture);
    return status;
}

static int check_output(const cli_request *request) {
    cli_outputs o = {0};
    for (int i = 0; i < request->operand_count; i++)
        cli_outputs_read(&o, "one of the input pictures", request->operands[i]);
    const int status = cli_outputs_write(&o, "output", request->values.out, CLI_OUTPUT_RESULT);
    cli_outputs_finish(&o);
    return status;
}

int cli_film(cli_request *request) {
    const cli_values *values = &request->values;
    imp_error err = {0};
    imp_film *film = NULL;
    int status = cli_resolve(request);
    if (!status && !values->out)
        status = cli_complain(CLI_MISUSE,
                              "film: missing output; usage: impasto film CONTENT FRAME... -o "
                              "FILM.mp4");
    if (!status)
        status = check_output(request);
    if (!status && imp_film_check_output(values->out, &err) != IMP_OK)
        status = cli_complain_error(&err);
    if (status)
        return status;
    status = make_film(&film, request);
    if (imp_film_close(film, !status, &err) != IMP_OK)
        status = cli_complain_error(&err);
    if (status)
        return status;
    if (values->json) {
        json_t *object = cli_json_event("film");
        json_object_set_new(object, "out", cli_json_text(values->out));
        json_object_set_new(object, "pictures", json_integer(request->operand_count));
        cli_json_line(object);
    } else if (!values->quiet) {
        cli_print("%s: made from %d pictures\n", values->out, request->operand_count);
    }
    return CLI_DONE;
}
