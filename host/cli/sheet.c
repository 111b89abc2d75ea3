/* SPDX-License-Identifier: MIT
 *
 * Sheets: see sheet.h. All lengths follow from the frame, which every picture fits into, and from
 * the em, the size of the text. A column is as wide as its widest picture, a row as high as its
 * highest. The pictures of a row are aligned at the bottom, with captions directly below.
 */
#include "cli/sheet.h"

#include "cli/drawing.h"
#include "cli/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Multiples of 1/255, so that drawings and pictures have the same background. */
static const cli_colour paper = {250.0 / 255, 249.0 / 255, 247.0 / 255},
                        blank = {236.0 / 255, 235.0 / 255, 232.0 / 255}, ink = {0.11, 0.11, 0.12},
                        faint = {0.40, 0.40, 0.42};

enum { SHEET_MAX = 8192, LEAST_EM = 11, NOTE_LINES = 4 };

/* In pixels, except columns and rows. */
typedef struct layout {
    const cli_sheet *sheet;
    size_t columns, rows;
    size_t frame_width, frame_height;
    double em;
    size_t margin, gap; /* around the sheet; between panels */
    size_t head;        /* height of title and note, with space below */
    size_t beside;      /* width of row labels, with space after */
    size_t above;       /* height of column labels, with space below */
    size_t caption;     /* height of a row's captions, with space above */
    size_t *widths;     /* by column; owned */
    size_t *heights;    /* by row, without captions; owned */
} layout;

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t whole(double length) {
    return (size_t)ceil(length);
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static cli_text title_text(const layout *l, const char *text, double width) {
    return (cli_text){.text = text,
                      .size = l->em,
                      .width = width,
                      .bold = true,
                      .elide = CLI_ELIDE_MIDDLE,
                      .colour = ink};
}

static cli_text note_text(const layout *l, const char *text, double width) {
    return (cli_text){
        .text = text, .size = 0.86 * l->em, .width = width, .lines = NOTE_LINES, .colour = faint};
}

/* Draws title and note, each if not NULL; returns their height. d: NULL to measure only. */
static double put_caption(cli_drawing *d, double x, double y, const layout *l, const char *title,
                          const char *note, double width) {
    const cli_text texts[] = {title_text(l, title, width), note_text(l, note, width)};
    double height = 0;
    for (size_t i = 0; i < 2; i++) {
        double w, h;
        if (!texts[i].text)
            continue;
        height += height > 0 ? 0.15 * l->em : 0;
        if (d)
            cli_drawing_text(d, x, y + height, &texts[i]);
        cli_text_measure(&texts[i], &w, &h);
        height += h;
    }
    return height;
}

/* Draws a label's name and value on two lines; returns the larger width. d: NULL to measure. */
static double put_label(cli_drawing *d, double x, double y, const layout *l, const cli_label *label,
                        cli_align align) {
    cli_text name = note_text(l, label->name, 0), value = title_text(l, label->value, 0);
    double w, h, v;
    name.align = value.align = align;
    cli_text_measure(&name, &w, &h);
    cli_text_measure(&value, &v, &(double){0});
    if (d) {
        cli_drawing_text(d, x, y, &name);
        cli_drawing_text(d, x, y + h, &value);
    }
    return fmax(w, v);
}

/* One line of a note and one of a title. */
static double label_height(const layout *l) {
    return 2.4 * l->em;
}

/* ---- Layout ---------------------------------------------------------------------------------- */

/* The largest size with the picture's aspect ratio within width x height. */
static void fit(const imp_picture *p, size_t width, size_t height, size_t *w, size_t *h) {
    const double scale = fmin((double)width / (double)p->width, (double)height / (double)p->height);
    *w = larger(1, (size_t)((double)p->width * scale + 0.5));
    *h = larger(1, (size_t)((double)p->height * scale + 0.5));
}

static void panel_size(const layout *l, size_t i, size_t *w, size_t *h) {
    const imp_picture *p = i < l->sheet->count ? l->sheet->panels[i].picture : NULL;
    *w = i < l->sheet->count ? l->frame_width : 0;
    *h = i < l->sheet->count ? l->frame_height : 0;
    if (p)
        fit(p, l->frame_width, l->frame_height, w, h);
}

/* The frame that holds every picture once all longer sides are equal. A given frame is widened so
 * that other aspect ratios fit, too. */
static void choose_frame(layout *l, size_t size) {
    const cli_sheet *s = l->sheet;
    size_t longest = 1, w = 1, h = 1;
    for (size_t i = 0; i < s->count; i++)
        if (s->panels[i].picture)
            longest =
                larger(longest, larger(s->panels[i].picture->width, s->panels[i].picture->height));
    if (s->width)
        longest = larger(s->width, s->height);
    if (size || longest > CLI_SHEET_SIZE)
        longest = size ? size : CLI_SHEET_SIZE;
    l->frame_width = l->frame_height = s->width ? 1 : 0;
    if (s->width) {
        fit(&(imp_picture){.width = s->width, .height = s->height}, longest, longest,
            &l->frame_width, &l->frame_height);
        l->frame_width = larger(l->frame_width, l->frame_height / 3);
        l->frame_height = larger(l->frame_height, l->frame_width / 3);
    }
    for (size_t i = 0; i < s->count && !s->width; i++) {
        if (!s->panels[i].picture)
            continue;
        fit(s->panels[i].picture, longest, longest, &w, &h);
        l->frame_width = larger(l->frame_width, w);
        l->frame_height = larger(l->frame_height, h);
    }
    l->frame_width = larger(1, l->frame_width);
    l->frame_height = larger(1, l->frame_height);
}

/* Up to three pictures form one row, or one column if they are wide. More are arranged so that the
 * sheet is close to 1.6:1 with few empty places. */
static size_t choose_columns(const layout *l) {
    const size_t n = l->sheet->count;
    const double shape = (double)l->frame_width / (double)l->frame_height;
    size_t best = 1;
    double least = INFINITY;
    if (l->sheet->columns)
        return l->sheet->columns;
    if (n <= 3)
        return shape <= 2 ? larger(n, 1) : 1;
    for (size_t c = 1; c <= n; c++) {
        const size_t rows = (n + c - 1) / c;
        const double cost = fabs(log(shape * (double)c / (double)rows / 1.6)) +
                            0.5 * (double)(rows * c - n) / (double)n;
        if (cost < least) {
            least = cost;
            best = c;
        }
    }
    return best;
}

/* Text that is legible both at the pictures' own size and with the whole sheet on a screen, but not
 * too wide for its column. */
static double choose_em(const layout *l) {
    const double w = (double)l->frame_width, h = (double)l->frame_height;
    const double sheet = fmax((double)l->columns * w / 110, (double)l->rows * h / 75);
    return fmax(LEAST_EM, fmin(fmax(0.032 * sqrt(w * h), sheet), w / 11));
}

static void measure_columns(layout *l) {
    const cli_sheet *s = l->sheet;
    bool captions = false;
    for (size_t i = 0; i < s->count; i++)
        captions |= s->panels[i].title || s->panels[i].note;
    for (size_t c = 0; c < l->columns; c++) {
        if (captions)
            l->widths[c] = whole(9 * l->em);
        if (s->above)
            l->widths[c] =
                larger(l->widths[c], whole(put_label(NULL, 0, 0, l, &s->above[c], CLI_LEFT)));
    }
    for (size_t i = 0; i < l->columns * l->rows; i++) {
        size_t w, h;
        panel_size(l, i, &w, &h);
        l->widths[i % l->columns] = larger(l->widths[i % l->columns], w);
        l->heights[i / l->columns] = larger(l->heights[i / l->columns], h);
    }
    for (size_t r = 0; s->beside && r < l->rows; r++)
        l->heights[r] = larger(l->heights[r], whole(label_height(l)));
}

static size_t column_left(const layout *l, size_t column) {
    size_t x = l->margin + l->beside;
    for (size_t c = 0; c < column; c++)
        x += l->widths[c] + l->gap;
    return x;
}

/* As put_caption, half an em below the panel. The note of an empty frame is drawn inside it. */
static double put_panel_caption(cli_drawing *d, const layout *l, size_t i) {
    const cli_panel *panel = &l->sheet->panels[i];
    const size_t column = i % l->columns;
    return put_caption(d, (double)column_left(l, column), 0.5 * l->em, l, panel->title,
                       panel->picture ? panel->note : NULL, (double)l->widths[column]);
}

static size_t inner_width(const layout *l) {
    size_t width = l->beside + (l->columns - 1) * l->gap;
    for (size_t c = 0; c < l->columns; c++)
        width += l->widths[c];
    return width;
}

static void measure_texts(layout *l) {
    const cli_sheet *s = l->sheet;
    for (size_t r = 0; s->beside && r < l->rows; r++)
        l->beside =
            larger(l->beside, whole(l->em + put_label(NULL, 0, 0, l, &s->beside[r], CLI_LEFT)));
    if (s->above)
        l->above = whole(label_height(l) + 0.5 * l->em);
    for (size_t i = 0; i < s->count; i++) {
        const double height = put_panel_caption(NULL, l, i);
        if (height > 0)
            l->caption = larger(l->caption, whole(0.5 * l->em + height));
    }
    if (s->title || s->note)
        l->head = whole(put_caption(NULL, 0, 0, l, s->title, s->note, (double)inner_width(l)) +
                        1.5 * l->em);
}

/* Returns false when out of memory. */
static bool lay_out(layout *l, const cli_sheet *sheet) {
    *l = (layout){.sheet = sheet};
    choose_frame(l, sheet->size);
    l->columns = choose_columns(l);
    l->rows = larger(1, (sheet->count + l->columns - 1) / l->columns);
    const double large =
        fmax((double)(l->columns * l->frame_width), (double)(l->rows * l->frame_height));
    if (large > SHEET_MAX) /* many or large pictures */
        choose_frame(l, larger(1, (size_t)((double)larger(l->frame_width, l->frame_height) *
                                           SHEET_MAX / large)));
    l->em = choose_em(l);
    l->margin = whole(1.6 * l->em);
    l->gap = whole(1.2 * l->em);
    l->widths = calloc(l->columns, sizeof *l->widths);
    l->heights = calloc(l->rows, sizeof *l->heights);
    if (!l->widths || !l->heights)
        return false;
    measure_columns(l);
    measure_texts(l);
    return true;
}

/* The y of the lower edge of a row's pictures. */
static size_t row_bottom(const layout *l, size_t row) {
    size_t y = l->margin + l->head + l->above;
    for (size_t r = 0; r <= row; r++)
        y += l->heights[r] + (r < row ? l->caption + l->gap : 0);
    return y;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

/* Copies a picture of the right size onto the background. */
static void paste(imp_picture *out, const imp_picture *p, size_t x, size_t y) {
    const float under[] = {(float)paper.r, (float)paper.g, (float)paper.b};
    for (size_t j = 0; j < p->height; j++) {
        float *to = out->rgb + 3 * ((y + j) * out->width + x);
        const float *from = p->rgb + 3 * j * p->width;
        for (size_t i = 0; i < 3 * p->width; i++) {
            const float share = p->opacity ? p->opacity[j * p->width + i / 3] : 1;
            to[i] = under[i % 3] + share * (from[i] - under[i % 3]);
        }
    }
}

static imp_status put_picture(imp_picture *out, const layout *l, size_t i, imp_error *err) {
    const imp_picture *p = l->sheet->panels[i].picture;
    imp_picture resized = {0};
    size_t w, h;
    panel_size(l, i, &w, &h);
    const size_t x = column_left(l, i % l->columns), y = row_bottom(l, i / l->columns) - h;
    if (p->width == w && p->height == h) {
        paste(out, p, x, y);
        return IMP_OK;
    }
    const imp_status status = imp_picture_resize(&resized, p, w, h, err);
    if (status == IMP_OK)
        paste(out, &resized, x, y);
    imp_picture_finish(&resized);
    return status;
}

/* An empty frame with its note inside. */
static imp_status put_frame(imp_picture *out, const layout *l, size_t i, imp_error *err) {
    const cli_panel *panel = &l->sheet->panels[i];
    const double inset = fmin(l->em, (double)l->frame_width / 8);
    const size_t y = row_bottom(l, i / l->columns) - l->frame_height;
    cli_drawing d;
    cli_drawing_open(&d, l->frame_width, l->frame_height, blank);
    put_caption(&d, inset, inset, l, NULL, panel->note,
                fmax(1, (double)l->frame_width - 2 * inset));
    const imp_status status = cli_drawing_take(&d, out, column_left(l, i % l->columns), y, err);
    cli_drawing_close(&d);
    return status;
}

static imp_status put_captions(imp_picture *out, const layout *l, size_t row, imp_error *err) {
    cli_drawing d;
    if (l->caption == 0)
        return IMP_OK;
    cli_drawing_open(&d, out->width, l->caption, paper);
    for (size_t c = 0; c < l->columns; c++) {
        const size_t i = row * l->columns + c;
        if (i < l->sheet->count)
            put_panel_caption(&d, l, i);
    }
    const imp_status status = cli_drawing_take(&d, out, 0, row_bottom(l, row), err);
    cli_drawing_close(&d);
    return status;
}

static imp_status put_head(imp_picture *out, const layout *l, imp_error *err) {
    const cli_sheet *s = l->sheet;
    cli_drawing d;
    if (l->head + l->above == 0)
        return IMP_OK;
    cli_drawing_open(&d, out->width, l->head + l->above, paper);
    put_caption(&d, (double)l->margin, 0, l, s->title, s->note,
                (double)(out->width - 2 * l->margin));
    for (size_t c = 0; s->above && c < l->columns; c++)
        put_label(&d, (double)column_left(l, c), (double)l->head, l, &s->above[c], CLI_LEFT);
    const imp_status status = cli_drawing_take(&d, out, 0, l->margin, err);
    cli_drawing_close(&d);
    return status;
}

static imp_status put_beside(imp_picture *out, const layout *l, size_t row, imp_error *err) {
    const size_t height = l->heights[row];
    cli_drawing d;
    if (!l->sheet->beside)
        return IMP_OK;
    cli_drawing_open(&d, l->beside, height, paper);
    put_label(&d, (double)l->beside - l->em, ((double)height - label_height(l)) / 2, l,
              &l->sheet->beside[row], CLI_RIGHT);
    const imp_status status =
        cli_drawing_take(&d, out, l->margin, row_bottom(l, row) - l->heights[row], err);
    cli_drawing_close(&d);
    return status;
}

static imp_status draw(imp_picture *out, const layout *l, imp_error *err) {
    const float rgb[] = {(float)paper.r, (float)paper.g, (float)paper.b};
    imp_status status = IMP_OK;
    for (size_t i = 0; i < 3 * out->width * out->height; i++)
        out->rgb[i] = rgb[i % 3];
    status = put_head(out, l, err);
    for (size_t r = 0; r < l->rows && status == IMP_OK; r++) {
        status = put_beside(out, l, r, err);
        if (status == IMP_OK)
            status = put_captions(out, l, r, err);
    }
    for (size_t i = 0; i < l->sheet->count && status == IMP_OK; i++)
        status =
            l->sheet->panels[i].picture ? put_picture(out, l, i, err) : put_frame(out, l, i, err);
    return status;
}

imp_status cli_sheet_check(const char *path, imp_error *err) {
    if (!strcmp(path, "-")) {
        *err = (imp_error){IMP_ERR_ARGUMENT,
                           "sheet '-': cannot be written to standard output; give a file"};
        return err->status;
    }
    const imp_status status = imp_picture_check_output(path, 0, 0, NULL, err);
    return status == IMP_OK && !cli_fonts_here(err) ? err->status : status;
}

void cli_sheet_say(const char *path, const imp_picture *drawn, size_t pictures) {
    json_t *object = cli_json_event("sheet");
    json_object_set_new(object, "out", cli_json_text(path));
    json_object_set_new(object, "width", json_integer((json_int_t)drawn->width));
    json_object_set_new(object, "height", json_integer((json_int_t)drawn->height));
    json_object_set_new(object, "pictures", json_integer((json_int_t)pictures));
    cli_json_line(object);
}

imp_status cli_sheet_draw(imp_picture *out, const cli_sheet *sheet, imp_error *err) {
    layout l;
    *out = (imp_picture){0};
    if (lay_out(&l, sheet)) {
        out->width = inner_width(&l) + 2 * l.margin;
        out->height = row_bottom(&l, l.rows - 1) + l.caption + l.margin;
        out->rgb = malloc(3 * out->width * out->height * sizeof *out->rgb);
    }
    imp_status status = IMP_ERR_MEMORY;
    if (out->rgb)
        status = draw(out, &l, err);
    else
        *err = (imp_error){IMP_ERR_MEMORY, "sheet: out of memory; show fewer or smaller pictures"};
    free(l.widths);
    free(l.heights);
    if (status != IMP_OK)
        imp_picture_finish(out);
    return status;
}
