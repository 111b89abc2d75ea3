/* SPDX-License-Identifier: MIT
 *
 * impasto paint and impasto resume: runs a painting and writes the result. Ctrl-C or --time-limit
 * ends the run early and keeps the picture so far.
 */
#include "base/clock.h"
#include "cli/observer.h"

#include "cli/guard.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/outputs.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The run --------------------------------------------------------------------------------- */

static void say_start(const cli_painting *p) {
    const imp_settings *settings = &p->values->settings;
    const char *device = cli_device_name(imp_device_describe(p->job.device));
    json_t *object = cli_json_event("start"), *styles = json_array();
    for (size_t i = 0; i < p->from.style_count; i++)
        json_array_append_new(styles, cli_json_text(p->from.styles[i].path));
    json_object_set_new(object, "version", json_string(imp_version()));
    json_object_set_new(object, "content", cli_json_text(p->from.content));
    json_object_set_new(object, "styles", styles);
    json_object_set_new(object, "out", cli_json_text(p->out));
    json_object_set_new(object, "preset", cli_json_text(settings->preset));
    json_object_set_new(object, "network", cli_json_text(p->record.network.name));
    json_object_set_new(object, "device", cli_json_text(device));
    json_object_set_new(object, "iterations", json_integer(settings->iterations));
    json_object_set_new(object, "options", cli_record_options(p->values));
    cli_json_line(object);
}

static void say_iteration(const imp_progress *now) {
    json_t *object = cli_json_event("iteration");
    json_object_set_new(object, "n", json_integer(now->iteration));
    json_object_set_new(object, "total", cli_json_real(now->loss));
    json_object_set_new(object, "content", cli_json_real(now->content));
    json_object_set_new(object, "style", cli_json_real(now->style));
    json_object_set_new(object, "tv", cli_json_real(now->tv));
    json_object_set_new(object, "edges", cli_json_real(now->edges));
    json_object_set_new(object, "seconds", cli_json_real(now->seconds));
    cli_json_line(object);
}

static void say_recovered(cli_painting *p, const imp_progress *now) {
    if (p->values->json) {
        json_t *object = cli_json_event("recovered");
        json_object_set_new(object, "n", json_integer(now->iteration));
        cli_json_line(object);
    }
    if (!p->recovered)
        cli_progress_note(p->job.progress,
                          "the loss grew far, or was not finite: went back to a better picture, "
                          "with half the step (reported once; a smaller --learning-rate avoids "
                          "it)");
    p->recovered = true;
}

/* An imp_callback: reports progress, and ends the run on interrupt or time limit. */
static bool on_step(void *user, imp_session *session, const imp_progress *now) {
    cli_painting *p = user;
    imp_estimate estimate;
    p->last = *now;
    if (now->recovered)
        say_recovered(p, now);
    if (p->values->json)
        say_iteration(now);
    imp_session_estimate(session, &estimate);
    const double limit = p->values->time_limit;
    const double left = limit - (imp_now() - p->began);
    if (limit > 0 && left < estimate.seconds_left)
        estimate.seconds_left = left > 0 ? left : 0;
    cli_progress_show(&p->progress, now, &estimate);
    cli_observers_look(p, session, now);
    if (now->iteration == now->total)
        return true;
    if (cli_interrupted())
        p->ending = CLI_BY_INTERRUPT;
    else if (limit > 0 && left <= 0)
        p->ending = CLI_BY_TIME;
    return p->ending == CLI_COMPLETE;
}

/* Checks the disk space for the result. Called once the session is open, because a size that does
 * not fit into memory is the more useful error. */
static imp_status check_space(const cli_painting *p, imp_error *err) {
    const imp_write_options options = cli_paint_options(p);
    size_t width, height;
    cli_paint_size(p, &width, &height);
    return imp_picture_check_output(p->out, width, height, &options, err);
}

/* The cli_work of painting. A loss that stays NaN or infinite still yields a picture. */
static imp_status run(void *user, cli_job *job, imp_error *err) {
    cli_painting *p = user;
    cli_interrupt_set(CLI_INTERRUPT_CATCH);
    const imp_status space = check_space(p, err);
    if (space != IMP_OK)
        return space;
    const imp_status opened = cli_observers_open(p, err);
    if (opened != IMP_OK)
        return opened;
    if (*p->resume && !job->goes_on) {
        const imp_status restored = imp_session_restore(job->session, p->resume, err);
        if (restored != IMP_OK)
            return restored;
        imp_session_progress(job->session, &p->last);
    }
    p->ending = CLI_COMPLETE;
    if (p->values->json)
        say_start(p);
    const imp_status status = imp_session_run(job->session, on_step, p, err);
    if (status != IMP_OK && status != IMP_ERR_NUMBER && status != IMP_ERR_STOPPED)
        return status;
    if (status == IMP_ERR_STOPPED) /* as on_step was asked to; p->ending says why */
        *err = (imp_error){0};
    if (status == IMP_ERR_NUMBER) {
        p->ending = CLI_NOT_FINITE;
        p->not_finite = *err;
        *err = (imp_error){0};
    }
    return imp_session_picture(job->session, &p->picture, err);
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

/* Copies what the result keeps of the content: camera and date, and transparency. */
static imp_status take_over(cli_painting *p, imp_error *err) {
    imp_picture resized = {0}, *const content = &p->job.content;
    if (!p->values->strip)
        p->picture.origin = content->origin;
    if (!content->opacity)
        return IMP_OK;
    const imp_status status =
        imp_picture_resize(&resized, content, p->picture.width, p->picture.height, err);
    p->picture.opacity = resized.opacity;
    resized.opacity = NULL;
    imp_picture_finish(&resized);
    return status;
}

/* A name that was free at the start may have been taken since. */
static int rename_output(cli_painting *p) {
    char taken[IMP_PATH_MAX];
    if (!p->named || access(p->out, F_OK) != 0)
        return CLI_DONE;
    snprintf(taken, sizeof taken, "%.*s", (int)(strrchr(p->out, '.') - p->out), p->out);
    return cli_free_name(p->out, "", taken, 0);
}

/* The result could not be written: hours of work are not lost to a full disk. */
static int rescue(cli_painting *p, const imp_error *err) {
    char path[IMP_PATH_MAX];
    p->unsaved = cli_checkpoint_rescue(p, path);
    if (!p->unsaved)
        return cli_complain_error(err);
    return cli_complain(CLI_FAILED, "%s; the state is kept: 'impasto resume %s' writes the picture",
                        err->text, path);
}

static int write_picture(cli_painting *p) {
    imp_error err = {0};
    const char *device = cli_device_name(imp_device_describe(p->job.device));
    char *text = cli_record_text(&p->record, p->values, p->last.iteration, device);
    imp_write_options options = cli_paint_options(p);
    options.text = text;
    cli_interrupt_set(CLI_INTERRUPT_IGNORE); /* finish writing */
    if (rename_output(p)) {
        free(text);
        return CLI_FAILED;
    }
    imp_status status = take_over(p, &err);
    if (status == IMP_OK)
        status = imp_picture_write(&p->picture, p->out, &options, &err);
    free(text);
    p->named = p->named && status != IMP_OK;
    return status == IMP_OK ? CLI_DONE : rescue(p, &err);
}

static void say_done(const cli_painting *p) {
    static const char *const endings[] = {"complete", "interrupted", "time-limit", "not-finite"};
    imp_estimate estimate;
    imp_session_estimate(p->job.session, &estimate);
    json_t *object = cli_json_event("done");
    json_object_set_new(object, "out", cli_json_text(p->out));
    json_object_set_new(object, "width", json_integer((json_int_t)p->picture.width));
    json_object_set_new(object, "height", json_integer((json_int_t)p->picture.height));
    json_object_set_new(object, "iterations", json_integer(p->last.iteration));
    json_object_set_new(object, "skipped", json_integer(p->last.skipped));
    json_object_set_new(object, "seconds", cli_json_real(p->last.seconds));
    json_object_set_new(object, "peak_mib", cli_json_real(imp_peak_mib(false)));
    json_object_set_new(object, "device_mib",
                        cli_json_real((double)estimate.device_bytes / 0x1p20));
    json_object_set_new(object, "device",
                        cli_json_text(cli_device_name(imp_device_describe(p->job.device))));
    json_object_set_new(object, "precision",
                        json_string(cli_precision_words[p->values->precision]));
    json_object_set_new(object, "loss", cli_json_real(p->last.loss));
    json_object_set_new(object, "returned", json_boolean(p->last.returned));
    json_object_set_new(object, "ended", json_string(endings[p->ending]));
    cli_json_line(object);
}

static void tell_done(const cli_painting *p) {
    char time[48];
    cli_time_text(time, sizeof time, p->last.seconds);
    cli_print_to(cli_talk(p->values),
                 "painted %s: %zu x %zu, %u iterations in %s on %s%s, loss %.6g\n", p->out,
                 p->picture.width, p->picture.height, p->last.iteration, time,
                 cli_device_name(imp_device_describe(p->job.device)),
                 cli_precision_aside(p->values->precision), p->last.loss);
    if (p->last.returned && p->recovered)
        cli_note("the last steps made the picture worse; '%s' is the best one, of loss %.6g",
                 p->out, p->last.loss);
    if (p->last.skipped)
        cli_note("converged: skipped the last %u iterations (--convergence 0 runs them)",
                 p->last.skipped);
}

static int finish(const cli_painting *p) {
    if (p->values->json && !p->unwritten)
        say_done(p);
    else if (!p->values->quiet && !p->unwritten)
        tell_done(p);
    if (p->ending == CLI_NOT_FINITE)
        return cli_complain_error(&p->not_finite);
    if (p->ending == CLI_BY_INTERRUPT)
        return cli_complain(CLI_INTERRUPTED,
                            "interrupted after %u of %u iterations; '%s' holds "
                            "the picture so far",
                            p->last.iteration, p->last.total, p->out);
    if (p->ending == CLI_BY_TIME && !p->values->quiet && !p->unwritten)
        cli_note("time limit after %u of %u iterations; '%s' holds the picture so far",
                 p->last.iteration, p->last.total, p->out);
    return p->observers_failed ? CLI_FAILED : CLI_DONE;
}

int cli_paint_perform(cli_painting *p) {
    int status = cli_job_perform(&p->job, run, p);
    if (!status && p->owner.self && p->ending == CLI_BY_INTERRUPT)
        status = CLI_INTERRUPTED;
    if (!status && !p->unwritten)
        status = write_picture(p);
    if (!status && cli_paint_sheet(p))
        p->observers_failed = true;
    cli_observers_close(p, p->picture.rgb ? p->job.session : NULL);
    if (status)
        return status;
    cli_job_profile(&p->job);
    return finish(p);
}

static int paint(cli_request *request, int (*prepare)(cli_painting *p)) {
    cli_painting *p = calloc(1, sizeof *p);
    if (!p)
        return cli_complain(CLI_FAILED, "paint: out of memory");
    p->request = request;
    p->values = &request->values;
    p->began = imp_now();
    p->job.values = p->values;
    p->job.progress = &p->progress;
    int status = prepare(p);
    cli_progress_init(&p->progress, p->values->quiet || p->values->json);
    if (!status)
        status = p->values->dry_run ? cli_paint_forecast(p) : cli_paint_perform(p);
    cli_guard_done(status);
    imp_picture_finish(&p->picture);
    cli_job_finish(&p->job);
    free(p);
    return status;
}

int cli_paint(cli_request *request) {
    return paint(request, cli_paint_prepare);
}

int cli_resume(cli_request *request) {
    return paint(request, cli_checkpoint_resume);
}
