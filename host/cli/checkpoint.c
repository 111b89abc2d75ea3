/* SPDX-License-Identifier: MIT
 *
 * Checkpoints of a running painting, and `impasto resume`, which continues one. A checkpoint's text
 * is the record that the picture will carry, plus a member "job" with what a picture does not hold:
 * paths, device and limits.
 */
#include "base/clock.h"
#include "base/file.h"
#include "cli/guard.h"
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
    const char *shown; /* the path, as it is given to resume; borrowed */
    double last, cost; /* imp_now of the last checkpoint; seconds it took */
    bool written, dead;
} checkpoint;

/* The absolute path of an existing file, else the name itself. The caller frees. */
static char *whole_path(const char *path) {
    char whole[IMP_PATH_MAX];
    return strdup(access(path, F_OK) == 0 && imp_file_whole_path(whole, path) ? whole : path);
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

/* The absolute paths of all pictures and of the network. The result need not exist yet. */
static json_t *paths_of(const cli_painting *p) {
    char out[IMP_PATH_MAX];
    json_t *job = json_object();
    add_path(job, "content", p->from.content);
    add_path(job, "mask", p->from.mask);
    add_path(job, "init", p->from.init);
    add_path(job, "protect", p->from.protect);
    json_object_set_new(job, "protect-strength", cli_json_real((double)p->from.protect_strength));
    add_styles(job, &p->from);
    add_path(job, "network", p->values->network);
    json_object_set_new(job, "out", cli_json_text(imp_file_whole_path(out, p->out) ? out : p->out));
    return job;
}

/* What distinguishes this painting from any other, for the name of its checkpoint in the cache
 * folder: the paths, and all options that change the picture. NULL: out of memory. */
static char *key_of(const cli_painting *p) {
    json_t *job = paths_of(p);
    json_object_set_new(job, "options", cli_record_options(p->values));
    char *key = json_dumps(job, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(job);
    return key;
}

/* The checkpoint's text; NULL: out of memory. The caller frees. */
static char *text_of(const cli_painting *p) {
    const imp_device_info *info = imp_device_describe(p->job.device);
    const cli_values *v = p->values;
    char *record = cli_record_text(&p->record, v, p->last.iteration, cli_device_name(info));
    json_t *root = record ? json_loads(record, 0, NULL) : NULL, *job = paths_of(p);
    free(record);
    json_object_set_new(job, "named", json_boolean(p->named));
    if (v->preview_file)
        add_path(job, "preview-file", v->preview_file);
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
    if (c->written)
        cli_guard_note(c->path, c->painting->last.iteration);
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

/* Only what this run has written, or continues, is removed. */
static void drop(const checkpoint *c) {
    if (c->written || *c->painting->resume)
        imp_checkpoint_remove(c->path);
}

/* Removes the checkpoint of a complete picture; saves the last state of one ended early. */
static imp_status finish(void *self, cli_view *view, imp_error *err) {
    checkpoint *c = self;
    imp_status status = IMP_OK;
    const bool complete = view && view->now->iteration == view->now->total;
    const bool worth = c->written || c->painting->values->checkpoint ||
                       (view && view->now->seconds >= c->painting->values->checkpoint_every);
    if (c->painting->unsaved) { /* cli_checkpoint_rescue has the state */
        free(c);
        return IMP_OK;
    }
    if (complete)
        drop(c);
    else if (view && view->now->total && !c->dead && worth &&
             view->painting->ending != CLI_NOT_FINITE)
        status = save_or_tell(c, view->session, err);
    if (!complete && c->written && !c->painting->values->quiet)
        cli_note("continue with 'impasto resume %s'", c->shown);
    free(c);
    return status;
}

/* Standard input cannot be read twice. */
static bool can_resume(const cli_painting *p) {
    return cli_sources_streams(&p->from) == 0 && strcmp(p->out, "-") != 0;
}

static bool rescue_to(const cli_painting *p, const char *text, const char *path) {
    const bool free_name = access(path, F_OK) != 0 || imp_checkpoint_is(path);
    return free_name && imp_session_save(p->job.session, path, text, NULL) == IMP_OK;
}

bool cli_checkpoint_rescue(const cli_painting *p, char path[IMP_PATH_MAX]) {
    const char *asked = p->values->checkpoint, *tmp = getenv("TMPDIR");
    char *text = text_of(p), *key = key_of(p);
    bool saved = false;
    if (text && key && can_resume(p) && !p->owner.self) {
        snprintf(path, IMP_PATH_MAX, "%s", asked && strcmp(asked, "none") != 0 ? asked : "");
        saved = *path && rescue_to(p, text, path);
        if (!saved && imp_checkpoint_path(path, IMP_PATH_MAX, key))
            saved = rescue_to(p, text, path);
        if (!saved && snprintf(path, IMP_PATH_MAX, "%s/impasto-checkpoint-%ld",
                               tmp && *tmp ? tmp : "/tmp", (long)getpid()) < IMP_PATH_MAX)
            saved = rescue_to(p, text, path);
    }
    free(text);
    free(key);
    return saved;
}

/* The checkpoint that is resumed may be the one before, which stays under its name. */
static void set_path(checkpoint *c, const char *asked) {
    static const char before[] = ".before";
    if (!imp_file_whole_path(c->path, asked))
        snprintf(c->path, sizeof c->path, "%s", asked);
    const size_t length = strlen(c->path), end = strlen(before);
    const bool older = length > end && !strcmp(c->path + length - end, before);
    if (older && *c->painting->resume)
        c->path[length - end] = 0;
    c->shown = older && *c->painting->resume ? c->path : asked;
}

imp_status cli_checkpoint_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    const char *asked = p->values->checkpoint;
    checkpoint *c = calloc(1, sizeof *c);
    (void)err;
    if (c)
        *c = (checkpoint){.painting = p, .last = imp_now()};
    bool wanted = c && !p->owner.self && can_resume(p) && !(asked && !strcmp(asked, "none"));
    char *key = wanted && !asked ? key_of(p) : NULL;
    if (wanted && asked)
        set_path(c, asked);
    else if (wanted) {
        wanted = key && imp_checkpoint_path(c->path, sizeof c->path, key);
        c->shown = c->path;
    }
    free(key);
    if (wanted)
        *observer = (cli_observer){c, look, finish};
    else
        free(c);
    return IMP_OK;
}

/* ---- For a device that is lost --------------------------------------------------------------- */

/* Copies of the state, which take at most a hundredth of the time. */
typedef struct copies {
    double next; /* imp_now when one is due */
} copies;

static imp_status copy(void *self, cli_view *view, imp_error *err) {
    copies *c = self;
    const double began = imp_now();
    (void)err;
    if (began < c->next || view->now->iteration == view->now->total)
        return IMP_OK;
    cli_guard_keep(view->session, view->now->iteration);
    const double ended = imp_now();
    c->next = ended + 100 * (ended - began);
    return IMP_OK;
}

static imp_status end_copies(void *self, cli_view *view, imp_error *err) {
    (void)view;
    (void)err;
    free(self);
    return IMP_OK;
}

/* The processor's own device cannot be lost. */
imp_status cli_copies_observe(cli_observer *observer, const cli_painting *p, imp_error *err) {
    (void)err;
    if (imp_device_describe(p->job.device)->shares_host_memory)
        return IMP_OK;
    copies *c = calloc(1, sizeof *c);
    if (c)
        *observer = (cli_observer){c, copy, end_copies};
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
    take_text(p->from.protect, job, "protect");
    p->from.protect_strength = (float)json_number_value(json_object_get(job, "protect-strength"));
    take_styles(&p->from, job);
    take_text(p->network, job, "network");
    take_text(p->out, job, "out");
    take_text(p->device, job, "device");
    p->named = json_is_true(json_object_get(job, "named"));
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

/* made: the preview file of the run that is resumed, or "". */
static int read_text(cli_painting *p, const char *path, char made[IMP_PATH_MAX]) {
    imp_error err = {0};
    char *text;
    if (imp_checkpoint_text(&text, path, &err) != IMP_OK)
        return cli_complain_error(&err);
    json_t *root = json_loads(text, 0, NULL);
    int status = cli_record_take(&p->record, p->values, root, path);
    if (!status)
        status = take_job(p, json_object_get(root, "job"), path);
    take_text(made, json_object_get(root, "job"), "preview-file");
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
    if (!status)
        status = check_source("mask", from->protect, &was->protect, &is->protect);
    for (size_t i = 0; i < from->style_count && !status; i++) {
        const cli_style *style = &from->styles[i];
        status =
            check_source("style", style->path, &was->styles[i].picture, &is->styles[i].picture);
        if (!status)
            status = check_source("mask", style->mask, &was->styles[i].mask, &is->styles[i].mask);
    }
    return status;
}

/* The preview file may be that of the run that is resumed. */
static int check_preview(const cli_painting *p, const char *made) {
    const char *file = p->values->preview_file;
    imp_error err = {0};
    if (!file)
        return CLI_DONE;
    cli_outputs o = {.force = p->values->force || cli_same_file(file, made)};
    cli_sources_read(&o, &p->from);
    cli_outputs_read_values(&o, p->request);
    cli_outputs_read(&o, "the checkpoint", p->resume);
    int status = cli_outputs_write(&o, "output", p->out, CLI_OUTPUT_RESULT);
    if (!status)
        status = cli_outputs_write(&o, "preview-file", file, CLI_OUTPUT_BESIDE);
    cli_outputs_finish(&o);
    if (!status && imp_picture_check_output(file, 0, 0, NULL, &err) != IMP_OK)
        status = cli_complain_error(&err);
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
    char made[IMP_PATH_MAX] = "";
    status = read_text(p, p->resume, made);
    if (status)
        return status;
    p->values->checkpoint = p->resume;
    status = check_preview(p, made);
    if (status)
        return status;
    const cli_record was = p->record;
    status = cli_paint_sources(p);
    return status ? status : check_sources(&p->from, &was, &p->record);
}
