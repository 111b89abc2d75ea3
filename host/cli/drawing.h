/* SPDX-License-Identifier: MIT
 *
 * Figures with text in them, drawn by cairo and pango and taken over into pictures. What is drawn
 * looks alike on every screen: grey antialiasing, letters where they fall.
 */
#ifndef CLI_DRAWING_H
#define CLI_DRAWING_H

#include <cairo.h>
#include <impasto.h>

typedef struct cli_colour {
    double r, g, b; /* of sRGB, 0..1 */
} cli_colour;

typedef struct cli_drawing {
    cairo_surface_t *surface;
    cairo_t *pen;
} cli_drawing;

/* Where a text that is too long for its lines is cut. */
typedef enum cli_elide { CLI_ELIDE_END, CLI_ELIDE_MIDDLE } cli_elide;
typedef enum cli_align { CLI_LEFT, CLI_CENTRE, CLI_RIGHT } cli_align;

typedef struct cli_text {
    const char *text; /* any bytes: what is not UTF-8 is shown as such */
    double size;      /* of an em, in pixels */
    double width;     /* of a line in pixels; 0: whatever it takes */
    unsigned lines;   /* at most; 0: one */
    bool bold;
    cli_elide elide;
    cli_align align; /* within width; without one, x is this side of the text */
    cli_colour colour;
} cli_text;

/* A sheet of paper of that colour. What fails shows in cli_drawing_take. */
void cli_drawing_open(cli_drawing *drawing, size_t width, size_t height, cli_colour paper);
void cli_drawing_close(cli_drawing *drawing);

/* Copies the drawing into the picture, its upper left corner at (x, y); the picture must hold it.
 */
imp_status cli_drawing_take(cli_drawing *drawing, imp_picture *picture, size_t x, size_t y,
                            imp_error *err);

/* The pixels that a text takes. */
void cli_text_measure(const cli_text *text, double *width, double *height);

/* Draws the text below and, but for its alignment, to the right of (x, y). */
void cli_drawing_text(cli_drawing *drawing, double x, double y, const cli_text *text);

/* Whether letters can be drawn: complains where no font is installed. */
bool cli_fonts_here(imp_error *err);

#endif
