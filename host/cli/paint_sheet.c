/* SPDX-License-Identifier: MIT
 *
 * The sheet of a painting (--sheet): content, style and result side by side, with what made it.
 */
#include "cli/paint.h"
#include "cli/sheet.h"
#include "cli/words.h"

#include <string.h>

enum { TITLE = 256, NOTE = 2 * CLI_TEXT_MAX };

/* A picture's size, and what is to be said besides. */
static void note_size(char *note, const imp_picture *picture) {
    snprintf(note, NOTE, "%zu × %zu", picture->width, picture->height);
}

static void note_result(char *note, const cli_painting *p) {
    char time[48], changes[CLI_TEXT_MAX];
    json_t *options = cli_record_options(p->values);
    cli_record_changes(options, changes, sizeof changes);
    json_decref(options);
    cli_time_text(time, sizeof time, p->last.seconds);
    snprintf(note, NOTE, "%zu × %zu, preset %s, %u iterations in %s on %s%s%s", p->picture.width,
             p->picture.height, p->values->settings.preset, p->last.iteration, time,
             cli_device_name(imp_device_describe(p->stage.device)), *changes ? ", " : "", changes);
}

int cli_paint_sheet(const cli_painting *p) {
    const char *path = p->values->sheet;
    const imp_write_options options = {.quality = (int)p->values->quality};
    const imp_picture *pictures[] = {&p->stage.content, &p->stage.style, &p->picture};
    const char *const paths[] = {p->content, p->style, p->out};
    char titles[3][TITLE], notes[3][NOTE];
    cli_panel panels[3];
    cli_sheet sheet = {.panels = panels};
    imp_picture drawn;
    imp_error err = {0};
    if (!path)
        return CLI_DONE;
    sheet.width = p->picture.width;
    sheet.height = p->picture.height;
    for (size_t i = p->values->texture ? 1 : 0; i < 3; i++) { /* a texture has no content */
        const size_t n = sheet.count++;
        cli_source_name(titles[n], TITLE, paths[i]);
        if (i == 2)
            note_result(notes[n], p);
        else
            note_size(notes[n], pictures[i]);
        panels[n] = (cli_panel){pictures[i], titles[n], notes[n]};
    }
    imp_status status = cli_sheet_draw(&drawn, &sheet, &err);
    if (status == IMP_OK)
        status = imp_picture_write(&drawn, path, &options, &err);
    imp_picture_finish(&drawn);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}
