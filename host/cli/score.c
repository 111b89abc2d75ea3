/* SPDX-License-Identifier: MIT
 *
 * impasto score: evaluates the objective at a picture by term, layer and level, and writes the
 * arrays behind it.
 */
#include "cli/job.h"
#include "cli/json.h"
#include "cli/npy.h"
#include "cli/record.h"
#include "cli/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOSSES_MAX = 4096 };

typedef struct scoring {
    cli_request *request;
    cli_values *values; /* the request's */
    const char *picture;
    cli_sources from;
    cli_progress progress;
    cli_job job;
    imp_loss losses[LOSSES_MAX];
    size_t count;
    double sums[IMP_TERM_EDGES + 1]; /* by kind of term */
    size_t files;                    /* arrays written */
} scoring;

/* ---- Preparation ----------------------------------------------------------------------------- */

/* Checks that the folder of --dump exists or can be created. */
static int check_folder(const char *dump) {
    struct stat s;
    char parent[IMP_PATH_MAX];
    if (stat(dump, &s) == 0) {
        if (!S_ISDIR(s.st_mode))
            return cli_complain(CLI_FAILED, "folder '%s': is a file; give a folder", dump);
        if (access(dump, W_OK | X_OK) != 0)
            return cli_complain(CLI_FAILED, "folder '%s': %s", dump, strerror(errno));
        return CLI_DONE;
    }
    snprintf(parent, sizeof parent, "%.*s.", (int)(cli_base_name(dump) - dump), dump);
    if (access(parent, W_OK | X_OK) != 0)
        return cli_complain(CLI_FAILED, "folder '%s': cannot be created: %s", dump,
                            strerror(errno));
    return CLI_DONE;
}

static int prepare(scoring *s) {
    cli_values *v = s->values;
    int status = cli_resolve(s->request);
    if (status)
        return status;
    if (!v->content || v->styles.count == 0)
        return cli_complain(CLI_MISUSE, "score: needs --content FILE and --style FILE");
    if (v->dump && (status = check_folder(v->dump)))
        return status;
    if ((status = cli_job_network(&s->job)))
        return status;
    snprintf(s->from.content, sizeof s->from.content, "%s", v->content);
    snprintf(s->from.init, sizeof s->from.init, "%s", s->picture);
    if ((status = cli_sources_add_options(&s->from, v)))
        return status;
    if ((status = cli_job_pictures(&s->job, &s->from)))
        return status;
    const imp_picture *picture = &s->job.init;
    if (!cli_given(s->request, "size"))
        v->settings.size = picture->width > picture->height ? picture->width : picture->height;
    v->settings.init = IMP_INIT_PICTURE;
    v->settings.scales = 1;
    v->settings.optimizer = IMP_ADAM; /* no step is taken; Adam needs less memory */
    return CLI_DONE;
}

/* ---- The arrays ------------------------------------------------------------------------------ */

static imp_error fail_array(const char *path) {
    imp_error err = {.status = IMP_ERR_IO};
    snprintf(err.text, sizeof err.text,
             "'%.400s': exists already; choose another folder, or write over it with --force",
             path);
    return err;
}

/* Writes the array to DIR/[prefix]name.npy and frees it. */
static imp_status write_array(scoring *s, const char *prefix, const char *name, imp_array *array,
                              unsigned dimensions, imp_error *err) {
    char path[IMP_PATH_MAX];
    struct stat about;
    const int length = snprintf(path, sizeof path, "%s/%s%s.npy", s->values->dump, prefix, name);
    imp_status status = IMP_ERR_IO;
    if (length < 0 || (size_t)length >= sizeof path || (!s->values->force && !lstat(path, &about)))
        *err = fail_array(path);
    else
        status = cli_npy_write(path, array, dimensions, err);
    imp_array_finish(array);
    s->files += status == IMP_OK;
    return status;
}

static imp_status dump_term(scoring *s, const imp_term *term, imp_error *err) {
    imp_array array = {0};
    imp_status status = imp_session_features(s->job.session, term->layer, &array, err);
    if (status == IMP_OK)
        status = write_array(s, "", term->layer, &array, 3, err);
    if (status != IMP_OK || term->kind != IMP_TERM_STYLE)
        return status;
    status = imp_session_gram(s->job.session, term->layer, &array, err);
    return status == IMP_OK ? write_array(s, "gram_", term->layer, &array, 2, err) : status;
}

static imp_status dump(scoring *s, imp_error *err) {
    const imp_settings *settings = &s->values->settings;
    imp_array gradient = {0};
    s->files = 0;
    if (mkdir(s->values->dump, 0777) != 0 && errno != EEXIST) {
        err->status = IMP_ERR_IO;
        snprintf(err->text, sizeof err->text, "folder '%.400s': cannot be created: %s",
                 s->values->dump, strerror(errno));
        return IMP_ERR_IO;
    }
    for (size_t i = 0; i < settings->term_count; i++) {
        const imp_status status = dump_term(s, &settings->terms[i], err);
        if (status != IMP_OK)
            return status;
    }
    const imp_status status = imp_session_gradient(s->job.session, &gradient, err);
    return status == IMP_OK ? write_array(s, "", "gradient", &gradient, 3, err) : status;
}

/* ---- The work -------------------------------------------------------------------------------- */

/* The cli_work of scoring. */
static imp_status evaluate(void *user, cli_job *job, imp_error *err) {
    scoring *s = user;
    const imp_status status = imp_session_evaluate(job->session, err);
    if (status != IMP_OK)
        return status;
    const size_t count = imp_session_losses(job->session, s->losses, LOSSES_MAX);
    s->count = count < LOSSES_MAX ? count : LOSSES_MAX;
    memset(s->sums, 0, sizeof s->sums);
    for (size_t i = 0; i < s->count; i++)
        s->sums[s->losses[i].kind] += s->losses[i].value;
    return s->values->dump ? dump(s, err) : IMP_OK;
}

static const char *const term_names[] = {[IMP_TERM_CONTENT] = "content",
                                         [IMP_TERM_STYLE] = "style",
                                         [IMP_TERM_TV] = "tv",
                                         [IMP_TERM_EDGES] = "edges"};

static double total(const scoring *s) {
    double sum = 0;
    for (size_t kind = 0; kind <= IMP_TERM_EDGES; kind++)
        sum += s->sums[kind];
    return sum;
}

/* A region's colour as "#rrggbb". */
static void region_name(char name[16], const imp_loss *loss) {
    snprintf(name, 16, loss->region >= 0 ? "#%06x" : "-", (unsigned)loss->region);
}

static void say(const scoring *s, const imp_progress *size, const char *device) {
    for (size_t i = 0; i < s->count; i++) {
        const imp_loss *loss = &s->losses[i];
        json_t *object = cli_json_event("loss");
        char region[16];
        json_object_set_new(object, "term", json_string(term_names[loss->kind]));
        json_object_set_new(object, "layer", *loss->layer ? json_string(loss->layer) : json_null());
        json_object_set_new(object, "level", json_integer(loss->level));
        region_name(region, loss);
        if (loss->region >= 0)
            json_object_set_new(object, "region", json_string(region));
        json_object_set_new(object, "value", cli_json_real(loss->value));
        cli_json_line(object);
    }
    json_t *object = cli_json_event("score");
    json_object_set_new(object, "picture", cli_json_text(s->picture));
    json_object_set_new(object, "width", json_integer((json_int_t)size->width));
    json_object_set_new(object, "height", json_integer((json_int_t)size->height));
    json_object_set_new(object, "total", cli_json_real(total(s)));
    json_object_set_new(object, "content", cli_json_real(s->sums[IMP_TERM_CONTENT]));
    json_object_set_new(object, "style", cli_json_real(s->sums[IMP_TERM_STYLE]));
    json_object_set_new(object, "tv", cli_json_real(s->sums[IMP_TERM_TV]));
    json_object_set_new(object, "edges", cli_json_real(s->sums[IMP_TERM_EDGES]));
    json_object_set_new(object, "device", cli_json_text(device));
    json_object_set_new(object, "precision",
                        json_string(cli_precision_words[s->values->precision]));
    json_object_set_new(object, "files", json_integer((json_int_t)s->files));
    cli_json_line(object);
}

static void tell(const scoring *s, const imp_progress *size, const char *device) {
    const char *dump = s->values->dump;
    cli_print("%-8s %-10s %5s %14s%s\n", "term", "layer", "level", "value",
              *s->from.mask ? " region" : "");
    for (size_t i = 0; i < s->count; i++) {
        const imp_loss *loss = &s->losses[i];
        const bool tv = loss->kind == IMP_TERM_TV;
        char level[16] = "-", region[16];
        if (!tv)
            snprintf(level, sizeof level, "%u", loss->level);
        region_name(region, loss);
        cli_print("%-8s %-10s %5s %14.6g%s%s\n", term_names[loss->kind],
                  *loss->layer ? loss->layer : "-", level, loss->value, *s->from.mask ? " " : "",
                  *s->from.mask ? region : "");
    }
    cli_print("%-8s %-10s %5s %14.6g\n", "total", "", "", total(s));
    if (s->values->quiet)
        return;
    cli_print("%s: measured at %zu x %zu on %s%s", s->picture, size->width, size->height, device,
              cli_precision_aside(s->values->precision));
    if (dump)
        cli_print("; %zu arrays in %s", s->files, dump);
    putchar('\n');
}

static int score(scoring *s) {
    int status = prepare(s);
    cli_progress_init(&s->progress, true);
    if (!status)
        status = cli_job_perform(&s->job, evaluate, s);
    if (status)
        return status;
    imp_progress size;
    imp_session_progress(s->job.session, &size);
    const char *device = cli_device_name(imp_device_describe(s->job.device));
    if (s->values->json)
        say(s, &size, device);
    else
        tell(s, &size, device);
    cli_job_profile(&s->job);
    return CLI_DONE;
}

int cli_score(cli_request *request) {
    scoring *s = calloc(1, sizeof *s);
    if (!s)
        return cli_complain(CLI_FAILED, "score: out of memory");
    s->request = request;
    s->values = &request->values;
    s->picture = request->operands[0];
    s->job.values = s->values;
    s->job.progress = &s->progress;
    const int status = score(s);
    cli_job_finish(&s->job);
    free(s);
    return status;
}
