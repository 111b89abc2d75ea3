/* SPDX-License-Identifier: MIT
 *
 * The roofline plot of a benchmark (Williams, Waterman, Patterson 2009): operations per second over
 * executed operations per byte, both logarithmic. A device's roof rises at its memory bandwidth and
 * is flat at its peak arithmetic rate.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/drawing.h"
#include "cli/job.h"
#include "cli/words.h"

enum { WIDTH = 1200, HEIGHT = 800, LEFT = 110, RIGHT = 40, TOP = 50, BOTTOM = 80 };
enum { COLORS = 6, EM = 18 };

static const cli_colour white = {1, 1, 1}, black = {0.1, 0.1, 0.12}, pale = {0.88, 0.88, 0.9};
static const cli_colour colors[COLORS] = {{0.12, 0.35, 0.75}, {0.85, 0.35, 0.05}, {0.1, 0.55, 0.25},
                                          {0.6, 0.15, 0.55},  {0.7, 0.1, 0.15},   {0.3, 0.45, 0.5}};

static void draw_line(cli_drawing *d, double x0, double y0, double x1, double y1, double width,
                      cli_colour c) {
    cairo_set_source_rgb(d->pen, c.r, c.g, c.b);
    cairo_set_line_width(d->pen, width);
    cairo_move_to(d->pen, x0, y0);
    cairo_line_to(d->pen, x1, y1);
    cairo_stroke(d->pen);
}

static void draw_disc(cli_drawing *d, double x, double y, double radius, cli_colour c) {
    cairo_set_source_rgb(d->pen, c.r, c.g, c.b);
    cairo_arc(d->pen, x, y, radius, 0, 2 * acos(-1));
    cairo_fill(d->pen);
}

static void draw_text(cli_drawing *d, double x, double y, const char *text, cli_align align,
                      cli_colour c) {
    const cli_text t = {.text = text, .size = EM, .align = align, .colour = c};
    cli_drawing_text(d, x, y, &t);
}

/* ---- The plot -------------------------------------------------------------------------------- */

/* Exponents of ten at the edges. */
typedef struct scale {
    int x0, x1, y0, y1;
} scale;

static double across(const scale *s, double intensity) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (log10(intensity) - s->x0) / (s->x1 - s->x0);
}

static double down(const scale *s, double gflops) {
    return HEIGHT - BOTTOM -
           (HEIGHT - TOP - BOTTOM) * (log10(gflops) - s->y0) / (double)(s->y1 - s->y0);
}

static bool plotted(const imp_bench_result *r) {
    return (r->part == IMP_BENCH_LAYERS || r->part == IMP_BENCH_OPERATIONS) && r->samples > 0 &&
           r->seconds > 0 && r->executed > 0 && r->bytes > 0;
}

static double gflops_of(const imp_bench_result *r) {
    return 1e-9 * r->executed / r->seconds;
}

/* The decades that contain every point and roof. */
static scale scale_of(const imp_bench_report *report) {
    scale s = {0, 3, 1, 2};
    for (size_t i = 0; i < report->result_count; i++) {
        const imp_bench_result *r = &report->results[i];
        if (!plotted(r))
            continue;
        s.x0 = (int)fmin(s.x0, floor(log10(r->executed / r->bytes)));
        s.x1 = (int)fmax(s.x1, ceil(log10(r->executed / r->bytes)));
        s.y0 = (int)fmin(s.y0, floor(log10(gflops_of(r))));
        s.y1 = (int)fmax(s.y1, ceil(log10(gflops_of(r))));
    }
    for (size_t i = 0; i < report->device_count; i++)
        if (report->devices[i].info.gflops > 0)
            s.y1 = (int)fmax(s.y1, ceil(log10(report->devices[i].info.gflops)));
    return s;
}

static void draw_axes(cli_drawing *d, const scale *s) {
    char text[32];
    for (int k = s->x0; k <= s->x1; k++) {
        const double x = across(s, pow(10, k));
        draw_line(d, x, TOP, x, HEIGHT - BOTTOM, 1, pale);
        snprintf(text, sizeof text, "%g", pow(10, k));
        draw_text(d, x, HEIGHT - BOTTOM + 8, text, CLI_CENTRE, black);
    }
    for (int k = s->y0; k <= s->y1; k++) {
        const double y = down(s, pow(10, k));
        draw_line(d, LEFT, y, WIDTH - RIGHT, y, 1, pale);
        snprintf(text, sizeof text, "%g", pow(10, k));
        draw_text(d, LEFT - 12, y - 0.6 * EM, text, CLI_RIGHT, black);
    }
    draw_line(d, LEFT, TOP, LEFT, HEIGHT - BOTTOM, 2, black);
    draw_line(d, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, 2, black);
    draw_text(d, LEFT + 0.5 * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM + 40, "executed flop/byte",
              CLI_CENTRE, black);
    draw_text(d, LEFT - 12, TOP - 2.2 * EM, "Gflop/s", CLI_RIGHT, black);
}

static void draw_roof(cli_drawing *d, const scale *s, const imp_device_info *info, cli_colour c) {
    const double left = pow(10, s->x0), right = pow(10, s->x1), ridge = info->gflops / info->gbs;
    const double bottom = fmax(left, pow(10, s->y0) / info->gbs), knee = fmax(ridge, bottom);
    const double level = down(s, info->gflops);
    if (knee > bottom)
        draw_line(d, across(s, bottom), down(s, bottom * info->gbs), across(s, knee), level, 3, c);
    if (knee < right)
        draw_line(d, across(s, knee), level, across(s, right), level, 3, c);
}

static void draw_device(cli_drawing *d, const scale *s, const imp_bench_report *report,
                        size_t device) {
    const imp_device_info *info = &report->devices[device].info;
    const cli_colour c = colors[device % COLORS];
    char legend[256];
    if (info->gflops > 0 && info->gbs > 0)
        draw_roof(d, s, info, c);
    for (size_t i = 0; i < report->result_count; i++) {
        const imp_bench_result *r = &report->results[i];
        if (plotted(r) && r->device == device)
            draw_disc(d, across(s, r->executed / r->bytes), down(s, gflops_of(r)),
                      r->part == IMP_BENCH_LAYERS ? 5.5 : 3, c);
    }
    snprintf(legend, sizeof legend, "%s: %.0f Gflop/s, %.1f GB/s", cli_device_name(info),
             info->gflops, info->gbs);
    draw_text(d, LEFT + 20, TOP + 12 + 1.4 * EM * (double)device, legend, CLI_LEFT, c);
}

int cli_bench_plot(const cli_bench *bench, const char *path) {
    imp_error err = {0};
    imp_picture p = {.width = WIDTH, .height = HEIGHT};
    const scale s = scale_of(&bench->report);
    cli_drawing d;
    if (!cli_fonts_here(&err))
        return cli_complain_error(&err);
    p.rgb = malloc((size_t)3 * WIDTH * HEIGHT * sizeof *p.rgb);
    if (!p.rgb)
        return cli_complain(CLI_FAILED, "'%s': out of memory", path);
    cli_drawing_open(&d, WIDTH, HEIGHT, white);
    draw_axes(&d, &s);
    for (size_t i = 0; i < bench->report.device_count; i++)
        draw_device(&d, &s, &bench->report, i);
    imp_status status = cli_drawing_take(&d, &p, 0, 0, &err);
    cli_drawing_close(&d);
    if (status == IMP_OK)
        status = imp_picture_write(&p, path, NULL, &err);
    imp_picture_finish(&p);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}
