/* SPDX-License-Identifier: MIT
 *
 * Sheets: pictures laid side by side with captions, for people to look at. The pictures are brought
 * to one size; those that have it already are shown pixel by pixel.
 */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include <impasto.h>

enum { CLI_SHEET_SIZE = 1024 };

/* A place on the sheet. */
typedef struct cli_panel {
    const imp_picture *picture; /* borrowed; NULL: an empty frame */
    const char *title, *note;   /* borrowed, or NULL: below; the note of an empty frame in it */
} cli_panel;

/* How a row or a column is called: "style-scale" "0.5". */
typedef struct cli_label {
    const char *name, *value; /* borrowed */
} cli_label;

typedef struct cli_sheet {
    const cli_panel *panels; /* row by row; borrowed like the others */
    size_t count;
    size_t columns;       /* 0: as many as look well */
    size_t width, height; /* of the frame that each picture is fitted into; 0: as large as all */
    size_t size; /* the frame's longer side; 0: that of the largest picture, at most this: */
    const char *title, *note;        /* above all; or NULL */
    const cli_label *above, *beside; /* a label for each column, and for each row; or NULL */
} cli_sheet;

/* Whether a sheet could be drawn and written to path: asked before anything slow. */
imp_status cli_sheet_check(const char *path, imp_error *err);

/* Says in JSON that a sheet of so many pictures is written. */
void cli_sheet_say(const char *path, const imp_picture *drawn, size_t pictures);

/* Draws it. */
imp_status cli_sheet_draw(imp_picture *out, const cli_sheet *sheet, imp_error *err);

#endif
