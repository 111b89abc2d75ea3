/* SPDX-License-Identifier: MIT
 *
 * impasto compare: the differences of pictures from the first one, and a sheet of all.
 */
#include "cli/outputs.h"
#include "cli/record.h"
#include "cli/sheet.h"
#include "cli/text_table.h"
#include "cli/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *path;  /* borrowed */
    char *label;       /* owned */
    imp_picture shown; /* owned; reduced for the sheet; empty without one, or for the first */
    char settings[CLI_TEXT_MAX + 128], note[CLI_TEXT_MAX + 192];
    size_t width, height;
    bool measured;              /* same size as the first */
    double psnr, mean, largest; /* dB; differences of colours in 0..1 */
} entry;

typedef struct comparison {
    const cli_request *request;
    const cli_values *values;
    entry *entries; /* owned */
    size_t count;
    imp_picture first; /* as it was read */
} comparison;

/* ---- Names ----------------------------------------------------------------------------------- */

/* The base name if it is unique, else the path. */
static char *name_of(const comparison *c, size_t i) {
    char name[256], other[256];
    const char *path = c->entries[i].path;
    cli_source_name(name, sizeof name, path);
    for (size_t k = 0; k < c->count; k++) {
        cli_source_name(other, sizeof other, c->entries[k].path);
        if (k != i && !strcmp(name, other))
            return strdup(path);
    }
    return strdup(name);
}

static int set_labels(comparison *c) {
    const char *next = c->values->labels;
    size_t given = 0;
    for (; next; given++) {
        const size_t length = strcspn(next, ",");
        if (given < c->count && length > 0)
            c->entries[given].label = strndup(next, length);
        next = next[length] ? next + length + 1 : NULL;
    }
    if (given > c->count)
        return cli_complain(CLI_MISUSE,
                            "--labels: %zu labels for %zu pictures; give at most one for each",
                            given, c->count);
    for (size_t i = 0; i < c->count; i++) {
        entry *e = &c->entries[i];
        e->label = e->label ? e->label : name_of(c, i);
        if (!e->label)
            return cli_complain(CLI_FAILED, "compare: out of memory");
    }
    return CLI_DONE;
}

/* ---- Pictures -------------------------------------------------------------------------------- */

static void measure(entry *e, const imp_picture *p, const imp_picture *first) {
    double squares = 0, sum = 0;
    const size_t n = 3 * p->width * p->height;
    e->measured = p->width == first->width && p->height == first->height;
    for (size_t i = 0; i < n && e->measured; i++) {
        const double d = fabs((double)p->rgb[i] - (double)first->rgb[i]);
        squares += d * d;
        sum += d;
        e->largest = fmax(e->largest, d);
    }
    e->mean = sum / (double)n;
    e->psnr = -10 * log10(squares / (double)n);
}

/* Keeps the picture at the size of the sheet. The first is kept at full size in any case. */
static imp_status keep(const comparison *c, entry *e, imp_picture *p, imp_error *err) {
    const size_t longer = p->width > p->height ? p->width : p->height;
    const size_t most = c->values->panel ? c->values->panel : CLI_SHEET_SIZE;
    const double scale = (double)most / (double)longer;
    const size_t width = (size_t)((double)p->width * scale + 0.5);
    const size_t height = (size_t)((double)p->height * scale + 0.5);
    if (!c->values->out || (longer <= most && p == &c->first))
        return IMP_OK;
    if (longer > most)
        return imp_picture_resize(&e->shown, p, width ? width : 1, height ? height : 1, err);
    e->shown = *p;
    *p = (imp_picture){0};
    return IMP_OK;
}

static int read_one(comparison *c, size_t i) {
    const imp_read_options options = {.max_pixels = c->values->max_pixels};
    entry *e = &c->entries[i];
    imp_picture own = {0}, *p = i ? &own : &c->first;
    imp_error err = {0};
    imp_status status = imp_picture_read(p, e->path, &options, &err);
    if (status == IMP_OK) {
        e->width = p->width;
        e->height = p->height;
        measure(e, p, &c->first);
        status = keep(c, e, p, &err);
    }
    if (strcmp(e->path, "-") != 0 && !strstr(e->path, "://"))
        cli_record_summary(e->path, e->settings, sizeof e->settings);
    snprintf(e->note, sizeof e->note, "%zu × %zu%s%s", e->width, e->height,
             *e->settings ? ", " : "", e->settings);
    imp_picture_finish(&own);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

static imp_status draw(const comparison *c, imp_picture *drawn, imp_error *err) {
    cli_panel *panels = calloc(c->count, sizeof *panels);
    const cli_sheet sheet = {.panels = panels,
                             .count = c->count,
                             .columns = c->values->columns,
                             .size = c->values->panel};
    if (!panels)
        return *err = (imp_error){IMP_ERR_MEMORY, "compare: out of memory"}, IMP_ERR_MEMORY;
    for (size_t i = 0; i < c->count; i++) {
        const entry *e = &c->entries[i];
        panels[i] = (cli_panel){e->shown.rgb ? &e->shown : &c->first, e->label, e->note};
    }
    const imp_status status = cli_sheet_draw(drawn, &sheet, err);
    free(panels);
    return status;
}

static int write_sheet(const comparison *c) {
    const char *out = c->values->out;
    imp_picture drawn = {0};
    imp_error err = {0};
    if (!out)
        return CLI_DONE;
    imp_status status = draw(c, &drawn, &err);
    if (status == IMP_OK)
        status = imp_picture_write(&drawn, out, NULL, &err);
    if (status == IMP_OK && c->values->json)
        cli_sheet_say(out, &drawn, c->count);
    imp_picture_finish(&drawn);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* ---- The table ------------------------------------------------------------------------------- */

static void say(const comparison *c) {
    for (size_t i = 0; i < c->count; i++) {
        const entry *e = &c->entries[i];
        const double nothing = nan("");
        json_t *object = cli_json_event("compared");
        json_object_set_new(object, "picture", cli_json_text(e->path));
        json_object_set_new(object, "label", cli_json_text(e->label));
        json_object_set_new(object, "width", json_integer((json_int_t)e->width));
        json_object_set_new(object, "height", json_integer((json_int_t)e->height));
        json_object_set_new(object, "psnr", cli_json_real(e->measured ? e->psnr : nothing));
        json_object_set_new(object, "mean", cli_json_real(e->measured ? e->mean : nothing));
        json_object_set_new(object, "largest", cli_json_real(e->measured ? e->largest : nothing));
        json_object_set_new(object, "settings",
                            *e->settings ? cli_json_text(e->settings) : json_null());
        cli_json_line(object);
    }
}

static void tell(const comparison *c) {
    static const char *const titles[CLI_TEXT_TABLE_COLUMNS] = {"picture", "size", "PSNR", "mean",
                                                               "largest"};
    cli_text_table table = {.titles = titles};
    for (size_t i = 0; i < c->count; i++) {
        const entry *e = &c->entries[i];
        cli_text_row *row = cli_text_table_add(&table);
        if (!row)
            break;
        snprintf((*row)[0], CLI_TEXT_TABLE_CELL, "%s", e->label);
        snprintf((*row)[1], CLI_TEXT_TABLE_CELL, "%zu x %zu", e->width, e->height);
        snprintf((*row)[2], CLI_TEXT_TABLE_CELL, "-");
        snprintf((*row)[3], CLI_TEXT_TABLE_CELL, "-");
        snprintf((*row)[4], CLI_TEXT_TABLE_CELL, "-");
        if (!e->measured || i == 0)
            continue;
        snprintf((*row)[2], CLI_TEXT_TABLE_CELL, isinf(e->psnr) ? "same" : "%.2f dB", e->psnr);
        snprintf((*row)[3], CLI_TEXT_TABLE_CELL, "%.2f", 255 * e->mean);
        snprintf((*row)[4], CLI_TEXT_TABLE_CELL, "%.1f", 255 * e->largest);
    }
    cli_text_table_print(&table, false);
}

static int check_output(const comparison *c) {
    cli_outputs o = {0};
    for (size_t i = 0; i < c->count; i++)
        cli_outputs_read(&o, "one of the input pictures", c->entries[i].path);
    const int status = cli_outputs_write(&o, "output", c->values->out, CLI_OUTPUT_RESULT);
    cli_outputs_finish(&o);
    return status;
}

static int compare(comparison *c) {
    imp_error err = {0};
    int status = set_labels(c);
    if (!status && c->values->out)
        status = check_output(c);
    if (!status && c->values->out && cli_sheet_check(c->values->out, &err) != IMP_OK)
        status = cli_complain_error(&err);
    for (size_t i = 0; i < c->count && !status; i++)
        status = read_one(c, i);
    if (status)
        return status;
    if (c->values->json)
        say(c);
    else if (!c->values->quiet)
        tell(c);
    return write_sheet(c);
}

int cli_compare(cli_request *request) {
    comparison c = {.request = request, .values = &request->values};
    int status = cli_resolve(request);
    if (status)
        return status;
    c.count = (size_t)request->operand_count;
    c.entries = calloc(c.count, sizeof *c.entries);
    if (!c.entries)
        return cli_complain(CLI_FAILED, "compare: out of memory");
    for (size_t i = 0; i < c.count; i++)
        c.entries[i].path = request->operands[i];
    status = compare(&c);
    for (size_t i = 0; i < c.count; i++) {
        free(c.entries[i].label);
        imp_picture_finish(&c.entries[i].shown);
    }
    imp_picture_finish(&c.first);
    free(c.entries);
    return status;
}
