/* SPDX-License-Identifier: MIT
 *
 * impasto grid: one picture painted with several values of one or two options, and the results laid
 * out on a sheet. Each is a painting of its own, that is not written; network and device are opened
 * once, as long as they stay the same.
 */
#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/observer.h"
#include "cli/sheet.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

/* Keeping the sheet takes one part in so many of the time at most. */
enum { AXES = 2, VALUES_MAX = 64, SHEET_SHARE = 50 };

/* An option that varies: its place in the table, and its values. */
typedef struct axis {
    size_t option;
    char *text; /* owned; cut at the commas */
    const char *values[VALUES_MAX];
    size_t count;
} axis;

typedef struct matrix {
    cli_request *request;
    axis axes[AXES]; /* the first runs across */
    size_t axis_count, count;
    imp_picture *pictures; /* owned, like these: row by row; what is not there has no colours */
    bool *failed;
    size_t now, painted;                     /* the one that is being painted; how many are */
    unsigned fewest, most;                   /* iterations that one of them took */
    cli_painting *painting;                  /* owned */
    char network[IMP_PATH_MAX], device[128]; /* of the last picture that was complete */
    imp_precision precision;                 /* of the device that is open */
    cli_progress progress;
    double began, next_sheet; /* imp_now; the sheet is not kept before */
    bool json, quiet;
} matrix;

/* ---- What varies ----------------------------------------------------------------------------- */

/* Whether an option takes one value, in which there is no comma, and makes another picture. */
static bool may_vary(const cli_option *o) {
    switch (o->kind) {
    case CLI_WHOLE:
    case CLI_COUNT:
    case CLI_SIZE:
    case CLI_SEED:
    case CLI_REAL:
    case CLI_CHOICE:
    case CLI_INIT:
    case CLI_BACKGROUND:
    case CLI_PRESET:
        return o->recorded;
    default:
        return !strcmp(o->name, "network");
    }
}

/* Cuts the text of an option at its commas. */
static int read_axis(axis *a, size_t option, const char *text) {
    const char *name = cli_options[option].name;
    *a = (axis){.option = option, .text = strdup(text)};
    if (!a->text)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    for (char *next = a->text; next; a->count++) {
        char *comma = strchr(next, ',');
        if (a->count == VALUES_MAX)
            return cli_complain(CLI_MISUSE, "option '--%s': more than %d values", name, VALUES_MAX);
        a->values[a->count] = next;
        if (comma)
            *comma = 0;
        next = comma ? comma + 1 : NULL;
    }
    return CLI_DONE;
}

/* The options given with commas; of two the one with more values runs across. */
static int read_axes(matrix *m) {
    for (size_t i = 0; i < cli_option_count; i++) {
        const char *text = m->request->given[i];
        if (!text || !strchr(text, ',') || !may_vary(&cli_options[i]))
            continue;
        if (m->axis_count == AXES)
            return cli_complain(CLI_MISUSE, "grid: --%s, --%s and --%s vary; two at most",
                                cli_options[m->axes[0].option].name,
                                cli_options[m->axes[1].option].name, cli_options[i].name);
        const int status = read_axis(&m->axes[m->axis_count++], i, text);
        if (status)
            return status;
    }
    if (m->axis_count == 0)
        return cli_complain(CLI_MISUSE, "grid: nothing varies; give an option several values, as "
                                        "in --style-scale 0.5,1,2");
    if (m->axis_count == AXES && m->axes[1].count > m->axes[0].count) {
        const axis first = m->axes[0];
        m->axes[0] = m->axes[1];
        m->axes[1] = first;
    }
    m->count = m->axes[0].count * (m->axis_count == AXES ? m->axes[1].count : 1);
    return CLI_DONE;
}

static const char *axis_name(const matrix *m, size_t k) {
    return cli_options[m->axes[k].option].name;
}

static const char *axis_value(const matrix *m, size_t k, size_t i) {
    return m->axes[k].values[k ? i / m->axes[0].count : i % m->axes[0].count];
}

/* Gives the request the values of picture i. */
static void set_values(matrix *m, size_t i) {
    for (size_t k = 0; k < m->axis_count; k++)
        m->request->given[m->axes[k].option] = axis_value(m, k, i);
}

/* "style-scale 0.5, size 256" */
static void settings_text(const matrix *m, size_t i, char *text, size_t size) {
    size_t used = 0;
    for (size_t k = 0; k < m->axis_count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", k ? ", " : "",
                                 axis_name(m, k), axis_value(m, k, i));
}

/* Whatever is wrong with a value is told before any picture is painted. */
static int check_values(matrix *m) {
    const cli_values *v = &m->request->values;
    imp_error err = {0};
    for (size_t i = 0; i < m->count; i++) {
        set_values(m, i);
        const int status = cli_resolve(m->request);
        if (status)
            return status;
    }
    m->json = v->json;
    m->quiet = v->quiet;
    if (!v->out)
        return cli_complain(CLI_MISUSE, "grid: no name for the sheet; say: impasto grid CONTENT "
                                        "STYLE --OPTION A,B -o SHEET.png");
    if (cli_sheet_check(v->out, &err) != IMP_OK)
        return cli_complain_error(&err);
    return CLI_DONE;
}

/* ---- Painting -------------------------------------------------------------------------------- */

/* Looks on at each picture, and says how far all of them are. */
static imp_status look(void *self, cli_view *view, imp_error *err) {
    matrix *m = self;
    const double own = (double)view->now->iteration / (double)view->now->total;
    const double share = ((double)m->now + own) / (double)m->count;
    char text[200], time[48];
    (void)err;
    cli_time_text(time, sizeof time, (imp_now() - m->began) * (1 - share) / share);
    snprintf(text, sizeof text, "%zu of %zu pictures, %s left", m->now, m->count, time);
    cli_progress_line(&m->progress, share, text);
    return IMP_OK;
}

static void say_variation(const matrix *m, size_t i, bool failed) {
    char settings[CLI_TEXT_MAX];
    const imp_progress *last = &m->painting->last;
    settings_text(m, i, settings, sizeof settings);
    if (failed && !m->json)
        cli_note("no picture with %s", settings);
    if (!m->json)
        return;
    json_t *object = cli_json_event("variation");
    json_object_set_new(object, "settings", cli_json_text(settings));
    json_object_set_new(object, "result", json_string(failed ? "failed" : "painted"));
    json_object_set_new(object, "seconds", failed ? json_null() : cli_json_real(last->seconds));
    json_object_set_new(object, "loss", failed ? json_null() : cli_json_real(last->loss));
    cli_json_line(object);
}

/* Texts for flags that the paintings get otherwise than the grid. */
static void set_flag(matrix *m, const char *name, const char *text) {
    for (size_t i = 0; i < cli_option_count; i++)
        if (!strcmp(cli_options[i].name, name) && cli_options[i].commands & CLI_GRID)
            m->request->given[i] = text;
}

/* A new painting on the device and with the network of the last one, if they are the same. */
static void begin(matrix *m, size_t i) {
    cli_painting *p = m->painting;
    const cli_job kept = p->job;
    set_values(m, i);
    *p = (cli_painting){.request = m->request,
                        .values = &m->request->values,
                        .job = {.values = &m->request->values,
                                .progress = &m->progress,
                                .network = kept.network,
                                .device = kept.device},
                        .owner = {m, look, NULL},
                        .unwritten = true,
                        .began = imp_now()};
    cli_progress_init(&p->progress, true);
    m->now = i;
}

static int convergence(matrix *m) {
    cli_painting *p = m->painting;
    const int status = cli_resolve(m->request);
    const cli_values *v = p->values;
    const char *name = v->network ? v->network : v->settings.network;
    if (strcmp(name, m->network) != 0) {
        imp_network_close(p->job.network);
        p->job.network = NULL;
    }
    if (v->precision != m->precision) {
        imp_device_close(p->job.device);
        p->job.device = NULL;
    }
    snprintf(m->network, sizeof m->network, "%s", name);
    m->precision = v->precision;
    return status;
}

static int paint(matrix *m, size_t i, bool *prepared) {
    cli_painting *p = m->painting;
    begin(m, i);
    int status = convergence(m);
    if (!status)
        status = cli_paint_prepare(p);
    *prepared = !status;
    if (!status)
        status = cli_paint_perform(p);
    if (!status) {
        const unsigned took = p->last.iteration;
        m->pictures[i] = p->picture;
        p->picture = (imp_picture){0};
        m->fewest = m->painted > 0 && m->fewest < took ? m->fewest : took;
        m->most = m->most > took ? m->most : took;
        m->painted++;
        snprintf(m->device, sizeof m->device, "%s",
                 cli_device_name(imp_device_describe(p->job.device)));
    }
    imp_picture_finish(&p->picture);
    cli_job_clear(&p->job);
    return status;
}

/* ---- The sheet ------------------------------------------------------------------------------- */

static const imp_picture *first_picture(const matrix *m) {
    for (size_t i = 0; i < m->count; i++)
        if (m->pictures[i].rgb)
            return &m->pictures[i];
    return NULL;
}

/* What all have in common. */
static void note_text(const matrix *m, char *note, size_t size) {
    const cli_painting *p = m->painting;
    const imp_picture *first = first_picture(m);
    char changes[CLI_TEXT_MAX], time[48], preset[64] = "", length[64] = "", sides[64] = "";
    json_t *options = cli_record_options(p->values);
    for (size_t k = 0; k < m->axis_count; k++)
        json_object_del(options, axis_name(m, k));
    if (json_object_get(options, "size"))
        snprintf(sides, sizeof sides, "%zu × %zu, ", first->width, first->height);
    if (json_object_get(options, "preset")) {
        snprintf(preset, sizeof preset, "preset %s, ", p->values->settings.preset);
        if (m->fewest < m->most)
            snprintf(length, sizeof length, "%u to %u iterations, ", m->fewest, m->most);
        else
            snprintf(length, sizeof length, "%u iterations, ", m->most);
        cli_record_changes(options, changes, sizeof changes);
    } else {
        *changes = 0;
    }
    json_decref(options);
    cli_time_text(time, sizeof time, imp_now() - m->began);
    snprintf(note, size, "%s%s%s%s in all on %s%s%s", sides, preset, length, time, m->device,
             *changes ? ", " : "", changes);
}

static void title_text(const matrix *m, char *title, size_t size) {
    const cli_sources *from = &m->painting->from;
    char name[256];
    cli_source_name(name, sizeof name, from->content);
    size_t used = (size_t)snprintf(title, size, "%s", name);
    for (size_t i = 0; i < from->style_count && used < size; i++) {
        cli_source_name(name, sizeof name, from->styles[i].path);
        used += (size_t)snprintf(title + used, size - used, "%s%s", i ? " + " : " × ", name);
    }
}

/* With one option the values stand below the pictures, with two above and beside them. */
static imp_status draw(const matrix *m, imp_picture *drawn, imp_error *err) {
    const bool two = m->axis_count == AXES;
    char title[1024], note[2 * CLI_TEXT_MAX];
    cli_label labels[AXES][VALUES_MAX];
    cli_panel *panels = calloc(m->count, sizeof *panels);
    char(*captions)[256] = calloc(m->count, sizeof *captions);
    imp_status status = IMP_ERR_MEMORY;
    title_text(m, title, sizeof title);
    note_text(m, note, sizeof note);
    for (size_t k = 0; k < m->axis_count; k++)
        for (size_t i = 0; i < m->axes[k].count; i++)
            labels[k][i] = (cli_label){axis_name(m, k), m->axes[k].values[i]};
    for (size_t i = 0; panels && captions && i < m->count; i++) {
        const bool there = m->pictures[i].rgb;
        if (!two)
            settings_text(m, i, captions[i], sizeof captions[i]);
        panels[i] = (cli_panel){.picture = there ? &m->pictures[i] : NULL,
                                .title = two ? NULL : captions[i],
                                .note = there          ? NULL
                                        : m->failed[i] ? "failed"
                                                       : "not painted"};
    }
    const cli_sheet sheet = {.panels = panels,
                             .count = m->count,
                             .columns = two ? m->axes[0].count : 0,
                             .title = title,
                             .note = note,
                             .above = two ? labels[0] : NULL,
                             .beside = two ? labels[1] : NULL};
    if (panels && captions)
        status = cli_sheet_draw(drawn, &sheet, err);
    else
        *err = (imp_error){IMP_ERR_MEMORY, "grid: out of memory"};
    free(panels);
    free(captions);
    return status;
}

/* Writes the sheet with the pictures that are complete. */
static int write_sheet(const matrix *m, imp_picture *drawn) {
    const cli_values *v = &m->request->values;
    const imp_write_options options = {.quality = (int)v->quality};
    imp_error err = {0};
    imp_status status = draw(m, drawn, &err);
    if (status == IMP_OK)
        status = imp_picture_write(drawn, v->out, &options, &err);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

static int finish_sheet(const matrix *m) {
    const char *out = m->request->values.out;
    imp_picture drawn = {0};
    char time[48];
    cli_interrupt_set(CLI_INTERRUPT_IGNORE);
    const int status = write_sheet(m, &drawn);
    cli_time_text(time, sizeof time, imp_now() - m->began);
    if (!status && m->json)
        cli_sheet_say(out, &drawn, m->painted);
    else if (!status && !m->quiet)
        printf("%s: %zu of %zu pictures in %s, %zu x %zu\n", out, m->painted, m->count, time,
               drawn.width, drawn.height);
    imp_picture_finish(&drawn);
    return status;
}

/* The sheet so far, so that no end of the program loses what has been painted. The last one is
 * written at the end anyhow. */
static int keep_sheet(matrix *m) {
    const double began = imp_now();
    imp_picture drawn = {0};
    if (m->painted == 0 || m->now + 1 == m->count || began < m->next_sheet)
        return CLI_DONE;
    const int status = write_sheet(m, &drawn);
    const double ended = imp_now();
    imp_picture_finish(&drawn);
    m->next_sheet = ended + SHEET_SHARE * (ended - began);
    return status;
}

/* ---- The grid -------------------------------------------------------------------------------- */

/* What cannot be prepared the first time cannot be at all. */
static int paint_all(matrix *m) {
    int status = CLI_DONE;
    for (size_t i = 0; i < m->count && status != CLI_INTERRUPTED && !cli_interrupted(); i++) {
        bool prepared;
        status = paint(m, i, &prepared);
        if (i == 0 && !prepared)
            return status;
        m->failed[i] = status != CLI_DONE && status != CLI_INTERRUPTED;
        cli_progress_clear(&m->progress);
        if (status != CLI_INTERRUPTED)
            say_variation(m, i, m->failed[i]);
        set_flag(m, "quiet", "on"); /* what is said of the sources is said once */
        const int kept = keep_sheet(m);
        if (kept)
            return kept;
    }
    return CLI_DONE;
}

static int perform(matrix *m) {
    m->pictures = calloc(m->count + 1, sizeof *m->pictures);
    m->failed = calloc(m->count + 1, sizeof *m->failed);
    m->painting = calloc(1, sizeof *m->painting);
    if (!m->pictures || !m->failed || !m->painting)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    cli_progress_init(&m->progress, m->quiet || m->json);
    set_flag(m, "json", NULL);
    m->began = imp_now();
    int status = paint_all(m);
    if (status)
        return status;
    if (m->painted > 0)
        status = finish_sheet(m);
    if (!status && cli_interrupted())
        return cli_complain(CLI_INTERRUPTED,
                            m->painted ? "interrupted after %zu of %zu pictures; '%s' holds them"
                                       : "interrupted after %zu of %zu pictures; there is no '%s'",
                            m->painted, m->count, m->request->values.out);
    return status || m->painted < m->count ? CLI_FAILED : CLI_DONE;
}

int cli_grid_command(cli_request *request) {
    matrix *m = calloc(1, sizeof *m);
    if (!m)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    m->request = request;
    int status = read_axes(m);
    if (!status)
        status = check_values(m);
    if (!status)
        status = perform(m);
    for (size_t i = 0; m->pictures && i < m->count; i++)
        imp_picture_finish(&m->pictures[i]);
    if (m->painting)
        cli_job_finish(&m->painting->job);
    for (size_t k = 0; k < AXES; k++)
        free(m->axes[k].text);
    free(m->pictures);
    free(m->failed);
    free(m->painting);
    free(m);
    return status;
}
