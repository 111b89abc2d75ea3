/* SPDX-License-Identifier: MIT
 *
 * Checkpoints of a running painting, and `impasto resume`, which continues one. A checkpoint's text
 * is the record that the picture will carry, plus a member "job" with what a picture does not hold:
 * paths, device and limits.
 */
#include "base/clock.h"
#include "cli/observer.h"
#include "cli/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- While painting -------------------------------------------------------------------------- */

typedef struct checkpoint {
    const cli_painting *painting;
    char path[IMP_PATH_MAX];
    double last, cost; /* imp_now of the last checkpoint; seconds it took */
    bool written, dead;
} checkpoint;

/* The absolute path of an existing file, else the name itself. The caller frees. */
static char *whole_path(const char *path) {
    char folder[IMP_PATH_MAX], whole[2 * IMP_PATH_MAX];
    if (*path == '/' || access(path, F_OK) != 0 || !getcwd(folder, sizeof folder))
        return strdup(path);
    snprintf(whole, sizeof whole, "%s/%s", folder, path);
    return strdup(whole);
}

static void add_path(json_t *job, const char *key, const char *path) {
    char *whole = path && *path ? whole_path(path) : NULL;
    if (whole)
        json_object_set_new(job, key, cli_json_text(whole));
    free(whole);
}

static void add_styles(json_t *job, const cli_sources *from) {
    json_t *array = json_array();
    for (size_t i = 0; i < from->style_count; i++) {
        json_t *style = json_object();
        add_path(style, "path", from->styles[i].path);
        add_path(style, "mask", from->styles[i].mask);
        json_object_set_new(style, "weight", cli_json_real((double)from->styles[i].weight));
        json_array_append_new(array, style);
    }
    json_object_set_new(job, "styles", array);
}

/* The absolute path of the result, which need not exist yet. */
static void add_output(json_t *job, const char *out) {
    char path[2 * IMP_PATH_MAX], folder[IMP_PATH_MAX];
    const char *base = cli_base_name(out);
    snprintf(folder, sizeof folder, "%.*s", (int)(base - out), out);
    char *whole = whole_path(*folder ? folder : ".");
    snprintf(path, sizeof path, "%s/%s", whole ? whole : ".", base);
    json_object_set_new(job, "out", cli_json_text(path));
    free(whole);
}

/* The checkpoint's text; NULL: out of memory. The caller frees. */
static char *text_of(const cli_painting *p) {
    const imp_device_info *info = imp_device_describe(p->job.device);
    const cli_values *v = p->values;
    char *record = cli_record_text(&p->record, v, p->last.iteration, cli_device_name(info));
    json_t *root = record ? json_loads(record, 0, NULL) : NULL, *job = json_object();
    free(record);
    add_path(job, "content", p->from.content);
    add_path(job, "mask", p->from.mask);
    add_path(job, "init", p->from.init);
    add_styles(job, &p->from);
    add_path(job, "network", v->network);
    add_output(job, p->out);
    json_object_set_new(job, "device", cli_json_text(cli_device_name(info)));
    json_object_set_new(job, "threads", json_integer(v->threads));
    json_object_set_new(job, "gemm", json_integer(v->gemm));
    json_object_set_new(job, "tune", json_integer(v->tune));
    json_object_set_new(job, "max-pixels", json_integer((json_int_t)v->max_pixels));
    json_object_set_new(root, "job", job);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

/* Seconds until the next checkpoint: as requested, and at least 100 times the cost of one. The
 * first is assumed to be written at 200 MB/s. */
static double pause_of(const checkpoint *c, imp_session *session) {
    imp_estimate estimate;
    imp_session_estimate(session, &estimate);
    const double cost = c->written ? c->cost : (double)estimate.optimizer_bytes / 2e8;
    const double least = c->painting->values->checkpoint_every;
    return least > 100 * cost ? least : 100 * cost;
}

static imp_status save(checkpoint *c, imp_session *session, imp_error *err) {
    const double began = imp_now();
    char *text = text_of(c->painting);
    const imp_status status = imp_session_save(session, c->path, text ? text : "", err);
    free(text);
    c->last = imp_now();
    c->cost = c->last - began;
    c->written = status == IMP_OK;
    return status;
}

/* Failing to write a checkpoint is an error only if --checkpoint asked for it. */
static imp_status save_or_tell(checkpoint *c, imp_session *session, imp_error *err) {
    imp_error own = {0};
    const imp_status status = save(c, session, &own);
    if (status == IMP_OK)
        return IMP_OK;
    c->dead = true;
    if (c->painting->values->checkpoint)
        return *err = own, status;
    cli_note("%s (continuing without checkpoints)", own.text);
    return IMP_OK;
}

static imp_status look(void *self, cli_view *view, imp_error *err) {
    checkpoint *c = self;
    if (c->dead || view->now->iteration == view->now->total ||
        imp_now() - c->last < pause_of(c, view->session))
        return IMP_OK;
    return save_or_tell(c, view->session, err);
}

/* Removes the checkpoint of a complete picture; saves the last state of one ended early. */
static imp_status finish(void *self, cli_view *view, imp_error *err) {
    checkpoint *c = self;
    imp_status status = IMP_OK;
    const bool complete = view && view->now->iteration == view->now->total;
    const bool worth = c->written || c->painting->values->checkpoint ||
                       (view && view->now->seconds >= c->painting->values->checkpoint_every);
    if (complete)
        unlink(c->path);
    else if (view && view->now->total && !c->dead && worth &&
             view->painting->ending != CLI_NOT_FINITE)
        status = save_or_tell(c, view->session, err);
    if (!complete && c->written && !c->painting->values->quiet)
        cli_note("continue with 'impasto resume %s'", c->path);
    free(c);
    return status;
}

/* Standard input cannot be read twice. */
static bool can_resume(const cli_painting *p) {
    return cli_sources_streams(&p->from) == 0 && strcmp(p->out, "-") != 0;
}

imp_status cli_checkpoint_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    const char *asked = p->values->checkpoint;
    char *key = whole_path(p->out);
    checkpoint *c = calloc(1, sizeof *c);
    (void)err;
    if (c)
        *c = (checkpoint){.painting = p, .last = imp_now()};
    bool wanted = c && key && !p->owner.self && can_resume(p) && !(asked && !strcmp(asked, "none"));
    if (wanted && asked)
        snprintf(c->path, sizeof c->path, "%s", asked);
    else if (wanted)
        wanted = imp_checkpoint_path(c->path, sizeof c->path, key);
    free(key);
    if (wanted)
        *observer = (cli_observer){c, look, finish};
    else
        free(c);
    return IMP_OK;
}

/* ---- impasto resume -------------------------------------------------------------------------- */

static void take_text(char *to, const json_t *job, const char *key) {
    const char *text = json_string_value(json_object_get(job, key));
    snprintf(to, IMP_PATH_MAX, "%s", text ? text : "");
}

static void take_styles(cli_sources *from, const json_t *job) {
    const json_t *array = json_object_get(job, "styles");
    from->style_count = 0;
    for (size_t i = 0; i < json_array_size(array) && i < IMP_STYLES_MAX; i++) {
        const json_t *object = json_array_get(array, i);
        cli_style *style = &from->styles[from->style_count++];
        take_text(style->path, object, "path");
        take_text(style->mask, object, "mask");
        style->weight = (float)json_number_value(json_object_get(object, "weight"));
    }
}

static int take_job(cli_painting *p, const json_t *job, const char *path) {
    cli_values *v = p->values;
    const size_t most = (size_t)json_integer_value(json_object_get(job, "max-pixels"));
    take_text(p->from.content, job, "content");
    take_text(p->from.mask, job, "mask");
    take_text(p->from.init, job, "init");
    take_styles(&p->from, job);
    take_text(p->network, job, "network");
    take_text(p->out, job, "out");
    take_text(p->device, job, "device");
    if (!*p->from.content || p->from.style_count == 0 || !*p->out || !*p->device)
        return cli_complain(
            CLI_FAILED, "checkpoint '%s': damaged: does not name its pictures, output or device",
            path);
    v->network = *p->network ? p->network : NULL;
    v->settings.init = *p->from.init ? IMP_INIT_PICTURE : v->settings.init;
    v->device = p->device;
    v->threads = (unsigned)json_integer_value(json_object_get(job, "threads"));
    v->gemm = (imp_gemm)json_integer_value(json_object_get(job, "gemm"));
    v->tune = (cli_tune)json_integer_value(json_object_get(job, "tune"));
    v->max_pixels = most ? most : v->max_pixels;
    return CLI_DONE;
}

static int read_text(cli_painting *p, const char *path) {
    imp_error err = {0};
    char *text;
    if (imp_checkpoint_text(&text, path, &err) != IMP_OK)
        return cli_complain_error(&err);
    json_t *root = json_loads(text, 0, NULL);
    int status = cli_record_take(&p->record, p->values, root, path);
    if (!status)
        status = take_job(p, json_object_get(root, "job"), path);
    if (!status)
        status = cli_apply(p->request);
    json_decref(root);
    free(text);
    return status;
}

static int check_source(const char *what, const char *path, const cli_source *was,
                        const cli_source *is) {
    if (!strcmp(was->sha256, is->sha256))
        return CLI_DONE;
    return cli_complain(
        CLI_FAILED,
        "%s '%s': has changed since the checkpoint was written; restore it or paint "
        "anew",
        what, path);
}

static int check_sources(const cli_sources *from, const cli_record *was, const cli_record *is) {
    int status = check_source("content", from->content, &was->content, &is->content);
    if (!status)
        status = check_source("mask", from->mask, &was->mask, &is->mask);
    if (!status)
        status = check_source("picture", from->init, &was->init, &is->init);
    for (size_t i = 0; i < from->style_count && !status; i++) {
        const cli_style *style = &from->styles[i];
        status =
            check_source("style", style->path, &was->styles[i].picture, &is->styles[i].picture);
        if (!status)
            status = check_source("mask", style->mask, &was->styles[i].mask, &is->styles[i].mask);
    }
    return status;
}

int cli_checkpoint_resume(cli_painting *p) {
    const bool named = p->request->operand_count == 1;
    int status = cli_resolve(p->request);
    if (status)
        return status;
    if (named)
        snprintf(p->resume, sizeof p->resume, "%s", p->request->operands[0]);
    else if (!imp_checkpoint_newest(p->resume, sizeof p->resume))
        return cli_complain(
            CLI_FAILED,
            "resume: found no unfinished painting in the cache folder; give a checkpoint file");
    status = read_text(p, p->resume);
    if (status)
        return status;
    p->values->checkpoint = p->resume;
    const cli_record was = p->record;
    status = cli_paint_sources(p);
    return status ? status : check_sources(&p->from, &was, &p->record);
}
