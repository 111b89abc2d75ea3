/* SPDX-License-Identifier: MIT
 *
 * impasto grid: paints one picture with several values of one or two options and lays the results
 * out on a sheet. Each is a painting of its own that is not written to a file; network and device
 * are opened once and kept as long as they stay the same.
 */
#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/observer.h"
#include "cli/outputs.h"
#include "cli/sheet.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

/* SHEET_SHARE: writing the sheet takes at most one part in 50 of the time. */
enum { AXES = 2, VALUES_MAX = 64, SHEET_SHARE = 50 };

/* An option that varies: its index in the table, and its values. */
typedef struct axis {
    size_t option;
    char *text; /* owned; cut at the commas */
    const char *values[VALUES_MAX];
    size_t count;
} axis;

typedef struct grid {
    cli_request *request;
    axis axes[AXES]; /* the first runs across */
    size_t axis_count, count;
    imp_picture *pictures;                   /* owned, row by row; rgb is NULL if not painted */
    bool *failed;                            /* owned, by picture */
    size_t now, painted;                     /* index of the current picture; number painted */
    unsigned fewest, most;                   /* iterations of a picture */
    cli_painting *painting;                  /* owned */
    char network[IMP_PATH_MAX], device[128]; /* of the last complete picture */
    imp_precision precision;                 /* of the open device */
    cli_progress progress;
    double began, next_sheet; /* imp_now; when to write the sheet again */
    bool json, quiet;
} grid;

/* ---- The options that vary ------------------------------------------------------------------- */

static bool type_varies(imp_setting_type type) {
    return type == IMP_SETTING_WHOLE || type == IMP_SETTING_REAL || type == IMP_SETTING_CHOICE;
}

/* Whether an option takes one value without commas and changes the picture. */
static bool may_vary(const cli_option *o) {
    switch (o->kind) {
    case CLI_SETTING:
        return o->recorded && type_varies(cli_option_setting(o)->type);
    case CLI_WHOLE:
    case CLI_COUNT:
    case CLI_CHOICE:
    case CLI_INIT:
    case CLI_BACKGROUND:
    case CLI_PRESET:
        return o->recorded;
    default:
        return !strcmp(o->name, "network");
    }
}

/* Splits the text of an option at its commas. */
static int read_axis(axis *a, size_t option, const char *text) {
    const char *name = cli_options[option].name;
    *a = (axis){.option = option, .text = strdup(text)};
    if (!a->text)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    for (char *next = a->text; next; a->count++) {
        char *comma = strchr(next, ',');
        if (a->count == VALUES_MAX)
            return cli_complain(CLI_MISUSE, "option '--%s': too many values; give at most %d", name,
                                VALUES_MAX);
        a->values[a->count] = next;
        if (comma)
            *comma = 0;
        next = comma ? comma + 1 : NULL;
    }
    return CLI_DONE;
}

/* Finds the options given with commas. Of two, the one with more values runs across. */
static int read_axes(grid *g) {
    for (size_t i = 0; i < cli_option_count; i++) {
        const char *text = g->request->given[i];
        if (!text || !strchr(text, ',') || !may_vary(&cli_options[i]))
            continue;
        if (g->axis_count == AXES)
            return cli_complain(CLI_MISUSE, "grid: --%s, --%s and --%s vary; vary at most two",
                                cli_options[g->axes[0].option].name,
                                cli_options[g->axes[1].option].name, cli_options[i].name);
        const int status = read_axis(&g->axes[g->axis_count++], i, text);
        if (status)
            return status;
    }
    if (g->axis_count == 0)
        return cli_complain(CLI_MISUSE, "grid: nothing varies; give an option several values, as "
                                        "in --style-scale 0.5,1,2");
    if (g->axis_count == AXES && g->axes[1].count > g->axes[0].count) {
        const axis first = g->axes[0];
        g->axes[0] = g->axes[1];
        g->axes[1] = first;
    }
    g->count = g->axes[0].count * (g->axis_count == AXES ? g->axes[1].count : 1);
    return CLI_DONE;
}

static const char *axis_name(const grid *g, size_t k) {
    return cli_options[g->axes[k].option].name;
}

static const char *axis_value(const grid *g, size_t k, size_t i) {
    return g->axes[k].values[k ? i / g->axes[0].count : i % g->axes[0].count];
}

/* Gives the request the values of picture i. */
static void set_values(grid *g, size_t i) {
    for (size_t k = 0; k < g->axis_count; k++)
        g->request->given[g->axes[k].option] = axis_value(g, k, i);
}

/* "style-scale 0.5, size 256" */
static void settings_text(const grid *g, size_t i, char *text, size_t size) {
    size_t used = 0;
    for (size_t k = 0; k < g->axis_count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", k ? ", " : "",
                                 axis_name(g, k), axis_value(g, k, i));
}

/* Checks every combination before anything is painted; all that they read goes into o. */
static int check_values(grid *g, cli_outputs *o) {
    const cli_values *v = &g->request->values;
    imp_error err = {0};
    for (size_t i = 0; i < g->count; i++) {
        set_values(g, i);
        const int status = cli_resolve(g->request);
        if (status)
            return status;
        cli_outputs_read_values(o, g->request);
    }
    g->json = v->json;
    g->quiet = v->quiet;
    if (!v->out)
        return cli_complain(CLI_MISUSE, "grid: missing output; usage: impasto grid CONTENT STYLE "
                                        "--OPTION A,B -o SHEET.png");
    const int status = cli_outputs_write(o, "output", v->out, CLI_OUTPUT_RESULT);
    if (!status && cli_sheet_check(v->out, &err) != IMP_OK)
        return cli_complain_error(&err);
    return status;
}

static int check(grid *g) {
    cli_outputs o = {0};
    const int status = check_values(g, &o);
    cli_outputs_finish(&o);
    return status;
}

/* ---- Painting -------------------------------------------------------------------------------- */

/* The observer of each picture: shows the progress of all. */
static imp_status look(void *self, cli_view *view, imp_error *err) {
    grid *g = self;
    const double own = (double)view->now->iteration / (double)view->now->total;
    const double share = ((double)g->now + own) / (double)g->count;
    char text[200], time[48];
    (void)err;
    cli_time_text(time, sizeof time, (imp_now() - g->began) * (1 - share) / share);
    snprintf(text, sizeof text, "%zu of %zu pictures, %s left", g->now, g->count, time);
    cli_progress_line(&g->progress, share, text);
    return IMP_OK;
}

static void say_variation(const grid *g, size_t i, bool failed) {
    char settings[CLI_TEXT_MAX];
    const imp_progress *last = &g->painting->last;
    settings_text(g, i, settings, sizeof settings);
    if (failed && !g->json)
        cli_note("no picture with %s", settings);
    if (!g->json)
        return;
    json_t *object = cli_json_event("variation");
    json_object_set_new(object, "settings", cli_json_text(settings));
    json_object_set_new(object, "result", json_string(failed ? "failed" : "painted"));
    json_object_set_new(object, "seconds", failed ? json_null() : cli_json_real(last->seconds));
    json_object_set_new(object, "loss", failed ? json_null() : cli_json_real(last->loss));
    cli_json_line(object);
}

/* Sets the text of a flag for the paintings only. */
static void set_flag(grid *g, const char *name, const char *text) {
    for (size_t i = 0; i < cli_option_count; i++)
        if (!strcmp(cli_options[i].name, name) && cli_options[i].commands & CLI_GRID)
            g->request->given[i] = text;
}

/* Prepares a painting that keeps the previous one's device and network. */
static void begin(grid *g, size_t i) {
    cli_painting *p = g->painting;
    const cli_job kept = p->job;
    set_values(g, i);
    *p = (cli_painting){.request = g->request,
                        .values = &g->request->values,
                        .job = {.values = &g->request->values,
                                .progress = &g->progress,
                                .network = kept.network,
                                .device = kept.device},
                        .owner = {g, look, NULL},
                        .unwritten = true,
                        .began = imp_now()};
    cli_progress_init(&p->progress, true);
    g->now = i;
}

/* Resolves the values; closes network and device if they differ from the previous ones. */
static int resolve(grid *g) {
    cli_painting *p = g->painting;
    const int status = cli_resolve(g->request);
    const cli_values *v = p->values;
    const char *name = v->network ? v->network : v->settings.network;
    if (strcmp(name, g->network) != 0) {
        imp_network_close(p->job.network);
        p->job.network = NULL;
    }
    if (v->precision != g->precision) {
        imp_device_close(p->job.device);
        p->job.device = NULL;
    }
    snprintf(g->network, sizeof g->network, "%s", name);
    g->precision = v->precision;
    return status;
}

static int paint(grid *g, size_t i, bool *prepared) {
    cli_painting *p = g->painting;
    begin(g, i);
    int status = resolve(g);
    if (!status)
        status = cli_paint_prepare(p);
    *prepared = !status;
    if (!status)
        status = cli_paint_perform(p);
    if (!status) {
        const unsigned took = p->last.iteration;
        g->pictures[i] = p->picture;
        p->picture = (imp_picture){0};
        g->fewest = g->painted > 0 && g->fewest < took ? g->fewest : took;
        g->most = g->most > took ? g->most : took;
        g->painted++;
        snprintf(g->device, sizeof g->device, "%s",
                 cli_device_name(imp_device_describe(p->job.device)));
    }
    imp_picture_finish(&p->picture);
    cli_job_clear(&p->job);
    return status;
}

/* ---- The sheet ------------------------------------------------------------------------------- */

static const imp_picture *first_picture(const grid *g) {
    for (size_t i = 0; i < g->count; i++)
        if (g->pictures[i].rgb)
            return &g->pictures[i];
    return NULL;
}

/* What all pictures have in common. */
static void note_text(const grid *g, char *note, size_t size) {
    const cli_painting *p = g->painting;
    const imp_picture *first = first_picture(g);
    char changes[CLI_TEXT_MAX], time[48], preset[64] = "", length[64] = "", sides[64] = "";
    json_t *options = cli_record_options(p->values);
    for (size_t k = 0; k < g->axis_count; k++)
        json_object_del(options, axis_name(g, k));
    if (json_object_get(options, "size"))
        snprintf(sides, sizeof sides, "%zu × %zu, ", first->width, first->height);
    if (json_object_get(options, "preset")) {
        snprintf(preset, sizeof preset, "preset %s, ", p->values->settings.preset);
        if (g->fewest < g->most)
            snprintf(length, sizeof length, "%u to %u iterations, ", g->fewest, g->most);
        else
            snprintf(length, sizeof length, "%u iterations, ", g->most);
        cli_record_changes(options, changes, sizeof changes);
    } else {
        *changes = 0;
    }
    json_decref(options);
    cli_time_text(time, sizeof time, imp_now() - g->began);
    snprintf(note, size, "%s%s%s%s in total on %s%s%s", sides, preset, length, time, g->device,
             *changes ? ", " : "", changes);
}

static void title_text(const grid *g, char *title, size_t size) {
    const cli_sources *from = &g->painting->from;
    char name[256];
    cli_source_name(name, sizeof name, from->content);
    size_t used = (size_t)snprintf(title, size, "%s", name);
    for (size_t i = 0; i < from->style_count && used < size; i++) {
        cli_source_name(name, sizeof name, from->styles[i].path);
        used += (size_t)snprintf(title + used, size - used, "%s%s", i ? " + " : " × ", name);
    }
}

/* The values of one option are captions; those of two label columns and rows. */
static imp_status draw(const grid *g, imp_picture *drawn, imp_error *err) {
    const bool two = g->axis_count == AXES;
    char title[1024], note[2 * CLI_TEXT_MAX];
    cli_label labels[AXES][VALUES_MAX];
    cli_panel *panels = calloc(g->count, sizeof *panels);
    char(*captions)[256] = calloc(g->count, sizeof *captions);
    imp_status status = IMP_ERR_MEMORY;
    title_text(g, title, sizeof title);
    note_text(g, note, sizeof note);
    for (size_t k = 0; k < g->axis_count; k++)
        for (size_t i = 0; i < g->axes[k].count; i++)
            labels[k][i] = (cli_label){axis_name(g, k), g->axes[k].values[i]};
    for (size_t i = 0; panels && captions && i < g->count; i++) {
        const bool there = g->pictures[i].rgb;
        if (!two)
            settings_text(g, i, captions[i], sizeof captions[i]);
        panels[i] = (cli_panel){.picture = there ? &g->pictures[i] : NULL,
                                .title = two ? NULL : captions[i],
                                .note = there          ? NULL
                                        : g->failed[i] ? "failed"
                                                       : "not painted"};
    }
    const cli_sheet sheet = {.panels = panels,
                             .count = g->count,
                             .columns = two ? g->axes[0].count : 0,
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

/* Writes the sheet with the pictures painted so far. */
static int write_sheet(const grid *g, imp_picture *drawn) {
    const cli_values *v = &g->request->values;
    const imp_write_options options = {.quality = (int)v->quality};
    imp_error err = {0};
    imp_status status = draw(g, drawn, &err);
    if (status == IMP_OK)
        status = imp_picture_write(drawn, v->out, &options, &err);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

static int finish_sheet(const grid *g) {
    const char *out = g->request->values.out;
    imp_picture drawn = {0};
    char time[48];
    cli_interrupt_set(CLI_INTERRUPT_IGNORE);
    const int status = write_sheet(g, &drawn);
    cli_time_text(time, sizeof time, imp_now() - g->began);
    if (!status && g->json)
        cli_sheet_say(out, &drawn, g->painted);
    else if (!status && !g->quiet)
        cli_print("%s: %zu of %zu pictures in %s, %zu x %zu\n", out, g->painted, g->count, time,
                  drawn.width, drawn.height);
    imp_picture_finish(&drawn);
    return status;
}

/* Writes the sheet so far, in case the program is killed. The final one is written by finish_sheet.
 */
static int keep_sheet(grid *g) {
    const double began = imp_now();
    imp_picture drawn = {0};
    if (g->painted == 0 || g->now + 1 == g->count || began < g->next_sheet)
        return CLI_DONE;
    const int status = write_sheet(g, &drawn);
    const double ended = imp_now();
    imp_picture_finish(&drawn);
    g->next_sheet = ended + SHEET_SHARE * (ended - began);
    return status;
}

/* ---- The grid -------------------------------------------------------------------------------- */

/* If the first picture cannot be prepared, none can. */
static int paint_all(grid *g) {
    int status = CLI_DONE;
    for (size_t i = 0; i < g->count && status != CLI_INTERRUPTED && !cli_interrupted(); i++) {
        bool prepared;
        status = paint(g, i, &prepared);
        if (i == 0 && !prepared)
            return status;
        g->failed[i] = status != CLI_DONE && status != CLI_INTERRUPTED;
        cli_progress_clear(&g->progress);
        if (status != CLI_INTERRUPTED)
            say_variation(g, i, g->failed[i]);
        set_flag(g, "quiet", "on"); /* report notes about the sources once */
        const int kept = keep_sheet(g);
        if (kept)
            return kept;
    }
    return CLI_DONE;
}

static int perform(grid *g) {
    g->pictures = calloc(g->count + 1, sizeof *g->pictures);
    g->failed = calloc(g->count + 1, sizeof *g->failed);
    g->painting = calloc(1, sizeof *g->painting);
    if (!g->pictures || !g->failed || !g->painting)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    cli_progress_init(&g->progress, g->quiet || g->json);
    set_flag(g, "json", NULL);
    g->began = imp_now();
    int status = paint_all(g);
    if (status)
        return status;
    if (g->painted > 0)
        status = finish_sheet(g);
    if (!status && cli_interrupted())
        return cli_complain(CLI_INTERRUPTED,
                            g->painted
                                ? "interrupted after %zu of %zu pictures; '%s' holds them"
                                : "interrupted after %zu of %zu pictures; '%s' was not written",
                            g->painted, g->count, g->request->values.out);
    return status || g->painted < g->count ? CLI_FAILED : CLI_DONE;
}

int cli_grid_command(cli_request *request) {
    grid *g = calloc(1, sizeof *g);
    if (!g)
        return cli_complain(CLI_FAILED, "grid: out of memory");
    g->request = request;
    int status = read_axes(g);
    if (!status)
        status = check(g);
    if (!status)
        status = perform(g);
    for (size_t i = 0; g->pictures && i < g->count; i++)
        imp_picture_finish(&g->pictures[i]);
    if (g->painting)
        cli_job_finish(&g->painting->job);
    for (size_t k = 0; k < AXES; k++)
        free(g->axes[k].text);
    free(g->pictures);
    free(g->failed);
    free(g->painting);
    free(g);
    return status;
}
