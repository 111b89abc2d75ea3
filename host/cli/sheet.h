/* SPDX-License-Identifier: MIT
 *
 * Contact sheets: pictures side by side with captions. Pictures are resized to fit a common frame;
 * those that already fit are copied unchanged.
 */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include <impasto.h>

enum { CLI_SHEET_SIZE = 1024 };

/* One picture and its caption. */
typedef struct cli_panel {
    const imp_picture *picture; /* borrowed; NULL: an empty frame */
    const char *title, *note;   /* borrowed, or NULL; below the picture, or inside an empty frame */
} cli_panel;

/* The label of a row or column: "style-scale" "0.5". */
typedef struct cli_label {
    const char *name, *value; /* borrowed */
} cli_label;

typedef struct cli_sheet {
    const cli_panel *panels; /* row by row; borrowed, like all pointers here */
    size_t count;
    size_t columns;       /* 0: chosen by the layout */
    size_t width, height; /* shape of the frame; 0: large enough for every picture */
    size_t size; /* longer side of the frame; 0: the largest picture's, at most CLI_SHEET_SIZE */
    const char *title, *note;        /* heading, or NULL */
    const cli_label *above, *beside; /* labels of columns and of rows, or NULL */
} cli_sheet;

/* Whether a sheet can be drawn and written to path. Call it before slow work. */
imp_status cli_sheet_check(const char *path, imp_error *err);

/* Reports a written sheet in JSON. */
void cli_sheet_say(const char *path, const imp_picture *drawn, size_t pictures);

/* Draws the sheet into *out, which the caller finishes. */
imp_status cli_sheet_draw(imp_picture *out, const cli_sheet *sheet, imp_error *err);

#endif
