/* SPDX-License-Identifier: MIT
 *
 * Pictures in the terminal with libchafa: see terminal.h.
 */
#include "cli/guard.h"
#include "cli/terminal.h"

#include <chafa.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The largest picture in cells and, for pixel graphics, in pixels, to limit the bytes sent; lines
 * that stay free. */
enum { COLUMNS = 100, ROWS = 32, PIXELS = 800, FREE = 3 };

struct cli_terminal {
    ChafaTermInfo *info;
    ChafaCanvasMode mode;
    ChafaPixelMode pixels;
    int columns, rows;           /* of the picture; 0: not known yet */
    int cell_width, cell_height; /* in pixels */
    int most_columns, most_rows;
    bool unicode;
};

/* Whether the locale's encoding is UTF-8. */
static bool is_unicode(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = NULL;
    for (size_t i = 0; i < 3 && !(value && *value); i++)
        value = getenv(names[i]);
    return value && (strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8") ||
                     strstr(value, "utf-8"));
}

static bool can(const cli_terminal *t, ChafaTermSeq sequence) {
    return chafa_term_info_have_seq(t->info, sequence);
}

/* The best output mode that the terminal is known to support. */
static void choose_mode(cli_terminal *t) {
    t->mode = CHAFA_CANVAS_MODE_TRUECOLOR;
    t->pixels = CHAFA_PIXEL_MODE_SYMBOLS;
    if (can(t, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1))
        t->pixels = CHAFA_PIXEL_MODE_KITTY;
    else if (can(t, CHAFA_TERM_SEQ_BEGIN_SIXELS))
        t->pixels = CHAFA_PIXEL_MODE_SIXELS;
    else if (can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT))
        t->mode = CHAFA_CANVAS_MODE_TRUECOLOR;
    else if (can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256))
        t->mode = CHAFA_CANVAS_MODE_INDEXED_240;
    else if (can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_16))
        t->mode = CHAFA_CANVAS_MODE_INDEXED_16;
    else
        t->mode = CHAFA_CANVAS_MODE_FGBG;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* The window's size as reported by the terminal, else 80 x 24 cells of 10 x 20 pixels. */
static void measure(cli_terminal *t) {
    struct winsize w = {0};
    const bool known =
        ioctl(fileno(cli_errors()), TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0;
    const int columns = known ? w.ws_col : 80, rows = known ? w.ws_row : 24;
    const bool pixels = known && w.ws_xpixel >= columns && w.ws_ypixel >= rows;
    t->cell_width = pixels ? w.ws_xpixel / columns : 10;
    t->cell_height = pixels ? w.ws_ypixel / rows : 20;
    t->most_columns = least(columns, COLUMNS);
    t->most_rows = least(rows - FREE, ROWS);
    if (t->pixels != CHAFA_PIXEL_MODE_SYMBOLS) {
        t->most_columns = least(t->most_columns, PIXELS / t->cell_width);
        t->most_rows = least(t->most_rows, PIXELS / t->cell_height);
    }
}

cli_terminal *cli_terminal_open(const cli_progress *progress, char *why, size_t size) {
    snprintf(why, size, "out of memory");
    if (!progress->terminal)
        snprintf(why, size, "standard error is not a terminal with cursor movement");
    cli_terminal *t = progress->terminal ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    gchar **variables = g_get_environ();
    t->info = chafa_term_db_detect(chafa_term_db_get_default(), variables);
    g_strfreev(variables);
    t->unicode = is_unicode();
    choose_mode(t);
    measure(t);
    if (t->most_rows >= 2 && t->most_columns >= 2)
        return t;
    snprintf(why, size, "the terminal is too small");
    cli_terminal_close(t);
    return NULL;
}

/* Rounds to 8 bits per colour, NaN to 0; NULL: out of memory. */
static unsigned char *bytes_of(const imp_picture *p) {
    const size_t n = 3 * p->width * p->height;
    unsigned char *bytes = malloc(n);
    for (size_t i = 0; i < n && bytes; i++)
        bytes[i] = (unsigned char)(fminf(fmaxf(p->rgb[i], 0), 1) * 255 + 0.5F);
    return bytes;
}

static ChafaCanvas *new_canvas(const cli_terminal *t) {
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    ChafaSymbolMap *symbols = chafa_symbol_map_new();
    if (t->unicode)
        chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_BORDER |
                                                  CHAFA_SYMBOL_TAG_SPACE);
    else
        chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_ASCII);
    chafa_canvas_config_set_symbol_map(config, symbols);
    chafa_canvas_config_set_canvas_mode(config, t->mode);
    chafa_canvas_config_set_pixel_mode(config, t->pixels);
    chafa_canvas_config_set_geometry(config, t->columns, t->rows);
    chafa_canvas_config_set_cell_geometry(config, t->cell_width, t->cell_height);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_symbol_map_unref(symbols);
    chafa_canvas_config_unref(config);
    return canvas;
}

void cli_terminal_show(cli_terminal *t, cli_progress *progress, const imp_picture *p) {
    unsigned char *bytes = bytes_of(p);
    if (!bytes)
        return;
    if (t->columns == 0) {
        t->columns = t->most_columns;
        t->rows = t->most_rows;
        chafa_calc_canvas_geometry((int)p->width, (int)p->height, &t->columns, &t->rows,
                                   (float)t->cell_width / (float)t->cell_height, TRUE, FALSE);
    }
    ChafaCanvas *canvas = new_canvas(t);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, bytes, (int)p->width, (int)p->height,
                                 3 * (int)p->width);
    GString *text = chafa_canvas_print(canvas, t->info);
    /* Kitty keeps pictures in memory: delete the one at the cursor, which is the last. */
    if (t->pixels == CHAFA_PIXEL_MODE_KITTY)
        g_string_prepend(text, "\033_Ga=d,d=C\033\\");
    cli_progress_block(progress, text->str, text->len, (unsigned)t->rows);
    g_string_free(text, TRUE);
    chafa_canvas_unref(canvas);
    free(bytes);
}

void cli_terminal_close(cli_terminal *t) {
    chafa_term_info_unref(t->info);
    free(t);
}
