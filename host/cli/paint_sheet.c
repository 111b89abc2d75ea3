/* SPDX-License-Identifier: MIT
 *
 * The sheet of a painting (--sheet): content, styles and result side by side, with the settings.
 */
#include "cli/paint.h"
#include "cli/sheet.h"
#include "cli/words.h"

#include <string.h>

enum { TITLE = 256, NOTE = 2 * CLI_TEXT_MAX };

static void note_result(char *note, const cli_painting *p) {
    char time[48], changes[CLI_TEXT_MAX];
    json_t *options = cli_record_options(p->values);
    cli_record_changes(options, changes, sizeof changes);
    json_decref(options);
    cli_time_text(time, sizeof time, p->last.seconds);
    snprintf(note, NOTE, "%zu × %zu, preset %s, %u iterations in %s on %s%s%s", p->picture.width,
             p->picture.height, p->values->settings.preset, p->last.iteration, time,
             cli_device_name(imp_device_describe(p->job.device)), *changes ? ", " : "", changes);
}

/* Content, styles and result. */
typedef struct panels {
    cli_panel all[2 + IMP_STYLES_MAX];
    char titles[2 + IMP_STYLES_MAX][TITLE], notes[2 + IMP_STYLES_MAX][NOTE];
    size_t count;
} panels;

/* Adds a panel and returns its note, to be filled in. */
static char *add_panel(panels *to, const imp_picture *picture, const char *path) {
    const size_t n = to->count++;
    cli_source_name(to->titles[n], TITLE, path);
    to->all[n] = (cli_panel){picture, to->titles[n], to->notes[n]};
    return to->notes[n];
}

/* weight: of a style; shown unless it is 1. */
static void add_source(panels *to, const imp_picture *picture, const char *path, float weight) {
    char *note = add_panel(to, picture, path), part[32];
    cli_real_text(part, sizeof part, weight);
    snprintf(note, NOTE, "%zu × %zu%s%s", picture->width, picture->height,
             weight != 1 ? ", weight " : "", weight != 1 ? part : "");
}

int cli_paint_sheet(const cli_painting *p) {
    const char *path = p->values->sheet;
    const imp_write_options options = {.quality = (int)p->values->quality};
    panels to = {.count = 0};
    imp_picture drawn;
    imp_error err = {0};
    if (!path)
        return CLI_DONE;
    if (!p->values->texture) /* a texture has no content */
        add_source(&to, &p->job.content, p->from.content, 1);
    for (size_t i = 0; i < p->from.style_count; i++)
        add_source(&to, &p->job.styles[i], p->from.styles[i].path, p->from.styles[i].weight);
    note_result(add_panel(&to, &p->picture, p->out), p);
    const cli_sheet sheet = {.panels = to.all,
                             .count = to.count,
                             .width = p->picture.width,
                             .height = p->picture.height};
    imp_status status = cli_sheet_draw(&drawn, &sheet, &err);
    if (status == IMP_OK)
        status = imp_picture_write(&drawn, path, &options, &err);
    imp_picture_finish(&drawn);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}
