/* SPDX-License-Identifier: MIT
 *
 * Drawings with text: see drawing.h.
 */
#include "cli/drawing.h"

#include <pango/pangocairo.h>

/* ---- Text ------------------------------------------------------------------------------------ */

/* Layout must not depend on the screen. */
static PangoContext *text_context(void) {
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);
    cairo_font_options_destroy(options);
    return context;
}

/* The caller frees with g_object_unref. */
static PangoLayout *layout_of(const cli_text *t) {
    static const PangoAlignment aligns[] = {
        [CLI_LEFT] = PANGO_ALIGN_LEFT,
        [CLI_CENTRE] = PANGO_ALIGN_CENTER,
        [CLI_RIGHT] = PANGO_ALIGN_RIGHT,
    };
    PangoContext *context = text_context();
    PangoLayout *layout = pango_layout_new(context);
    PangoFontDescription *font = pango_font_description_new();
    char *text = g_utf8_make_valid(t->text, -1);
    pango_font_description_set_family(font, "sans-serif");
    pango_font_description_set_absolute_size(font, t->size * PANGO_SCALE);
    pango_font_description_set_weight(font, t->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_auto_dir(layout, FALSE);
    pango_layout_set_alignment(layout, aligns[t->align]);
    pango_layout_set_text(layout, text, -1);
    if (t->width > 0) {
        pango_layout_set_width(layout, (int)(t->width * PANGO_SCALE));
        pango_layout_set_height(layout, t->lines > 1 ? -(int)t->lines : -1);
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_ellipsize(layout, t->elide == CLI_ELIDE_END ? PANGO_ELLIPSIZE_END
                                                                     : PANGO_ELLIPSIZE_MIDDLE);
    }
    g_free(text);
    pango_font_description_free(font);
    g_object_unref(context);
    return layout;
}

static void extents(PangoLayout *layout, double *width, double *height) {
    PangoRectangle r;
    pango_layout_get_extents(layout, NULL, &r);
    *width = (double)r.width / PANGO_SCALE;
    *height = (double)r.height / PANGO_SCALE;
}

void cli_text_measure(const cli_text *text, double *width, double *height) {
    PangoLayout *layout = layout_of(text);
    extents(layout, width, height);
    g_object_unref(layout);
}

void cli_drawing_text(cli_drawing *d, double x, double y, const cli_text *text) {
    static const double before[] = {[CLI_LEFT] = 0, [CLI_CENTRE] = 0.5, [CLI_RIGHT] = 1};
    PangoLayout *layout = layout_of(text);
    double width, height;
    extents(layout, &width, &height);
    cairo_set_source_rgb(d->pen, text->colour.r, text->colour.g, text->colour.b);
    cairo_move_to(d->pen, text->width > 0 ? x : x - width * before[text->align], y);
    pango_cairo_show_layout(d->pen, layout);
    g_object_unref(layout);
}

bool cli_fonts_here(imp_error *err) {
    PangoContext *context = text_context();
    PangoFontDescription *any = pango_font_description_from_string("sans-serif");
    PangoFont *font = pango_context_load_font(context, any);
    pango_font_description_free(any);
    g_object_unref(context);
    if (font) {
        g_object_unref(font);
        return true;
    }
    err->status = IMP_ERR_UNSUPPORTED;
    snprintf(err->text, sizeof err->text,
             "no fonts are installed; captions need one: install DejaVu (fonts-dejavu-core) or "
             "another");
    return false;
}

/* ---- Drawings -------------------------------------------------------------------------------- */

void cli_drawing_open(cli_drawing *d, size_t width, size_t height, cli_colour paper) {
    d->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    d->pen = cairo_create(d->surface);
    cairo_set_source_rgb(d->pen, paper.r, paper.g, paper.b);
    cairo_paint(d->pen);
}

void cli_drawing_close(cli_drawing *d) {
    cairo_destroy(d->pen);
    cairo_surface_destroy(d->surface);
    *d = (cli_drawing){0};
}

/* A pixel is a native-endian integer 0xRRGGBB. */
imp_status cli_drawing_take(cli_drawing *d, imp_picture *picture, size_t x, size_t y,
                            imp_error *err) {
    cairo_surface_flush(d->surface);
    const cairo_status_t failed =
        cairo_status(d->pen) ? cairo_status(d->pen) : cairo_surface_status(d->surface);
    if (failed) {
        err->status = failed == CAIRO_STATUS_NO_MEMORY ? IMP_ERR_MEMORY : IMP_ERR_UNSUPPORTED;
        snprintf(err->text, sizeof err->text, "drawing: %s", cairo_status_to_string(failed));
        return err->status;
    }
    const unsigned char *row = cairo_image_surface_get_data(d->surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(d->surface);
    const size_t width = (size_t)cairo_image_surface_get_width(d->surface);
    const size_t height = (size_t)cairo_image_surface_get_height(d->surface);
    for (size_t j = 0; j < height; j++, row += stride) {
        const uint32_t *from = (const uint32_t *)(const void *)row;
        float *to = picture->rgb + 3 * ((y + j) * picture->width + x);
        for (size_t i = 0; i < 3 * width; i++)
            to[i] = (float)(from[i / 3] >> (16 - 8 * (i % 3)) & 255) / 255;
    }
    return IMP_OK;
}
