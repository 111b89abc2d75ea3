/* SPDX-License-Identifier: MIT
 *
 * Drawings with text, made with cairo and pango and copied into pictures. Results do not depend on
 * the screen: grey antialiasing, no hinting.
 */
#ifndef CLI_DRAWING_H
#define CLI_DRAWING_H

#include <cairo.h>
#include <impasto.h>

typedef struct cli_colour {
    double r, g, b; /* sRGB, 0..1 */
} cli_colour;

typedef struct cli_drawing {
    cairo_surface_t *surface;
    cairo_t *pen;
} cli_drawing;

/* Where a text that is too long is shortened. */
typedef enum cli_elide { CLI_ELIDE_END, CLI_ELIDE_MIDDLE } cli_elide;
typedef enum cli_align { CLI_LEFT, CLI_CENTRE, CLI_RIGHT } cli_align;

typedef struct cli_text {
    const char *text; /* any bytes; invalid UTF-8 is shown as such */
    double size;      /* the em in pixels */
    double width;     /* line width in pixels; 0: unlimited */
    unsigned lines;   /* maximum; 0: one */
    bool bold;
    cli_elide elide;
    cli_align align; /* within width; without a width, x is this edge of the text */
    cli_colour colour;
} cli_text;

/* A drawing filled with that colour. Errors are reported by cli_drawing_take. */
void cli_drawing_open(cli_drawing *drawing, size_t width, size_t height, cli_colour paper);
void cli_drawing_close(cli_drawing *drawing);

/* Copies the drawing into the picture, its upper left corner at (x, y); the picture must hold it.
 */
imp_status cli_drawing_take(cli_drawing *drawing, imp_picture *picture, size_t x, size_t y,
                            imp_error *err);

/* The size of a text in pixels. */
void cli_text_measure(const cli_text *text, double *width, double *height);

/* Draws the text with its top at y, aligned at x. */
void cli_drawing_text(cli_drawing *drawing, double x, double y, const cli_text *text);

/* Whether text can be drawn; an error if no font is installed. */
bool cli_fonts_here(imp_error *err);

#endif
