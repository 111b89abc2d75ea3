/* SPDX-License-Identifier: MIT
 *
 * The roofline picture of a benchmark (Williams, Waterman, Patterson 2009): both axes logarithmic,
 * executed operations for each byte to the right, operations a second upwards; a device's roof
 * rises with its memory and is flat where its arithmetic ends. Drawn by a painter of lines, discs
 * and a small font.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/stage.h"
#include "cli/words.h"

enum { WIDTH = 1200, HEIGHT = 800, LEFT = 110, RIGHT = 40, TOP = 40, BOTTOM = 80 };
enum { COLORS = 6, GLYPH_ROWS = 7, GLYPH_COLUMNS = 5, ZOOM = 2 };

typedef struct color {
    float r, g, b;
} color;

static const color black = {0.1F, 0.1F, 0.12F}, pale = {0.88F, 0.88F, 0.9F};
static const color colors[COLORS] = {{0.12F, 0.35F, 0.75F}, {0.85F, 0.35F, 0.05F},
                                     {0.1F, 0.55F, 0.25F},  {0.6F, 0.15F, 0.55F},
                                     {0.7F, 0.1F, 0.15F},   {0.3F, 0.45F, 0.5F}};

/* ---- The painter ----------------------------------------------------------------------------- */

/* Lays a color over a pixel by its share of it. */
static void blend(imp_picture *p, int x, int y, color c, float share) {
    if (x < 0 || y < 0 || (size_t)x >= p->width || (size_t)y >= p->height || share <= 0)
        return;
    float *at = p->rgb + 3 * ((size_t)y * p->width + (size_t)x);
    const float rgb[] = {c.r, c.g, c.b};
    for (int k = 0; k < 3; k++)
        at[k] += fminf(share, 1) * (rgb[k] - at[k]);
}

/* Everything nearer than `radius` to the piece of a line, with a soft edge; a disc where its ends
 * are one point. */
static void draw_line(imp_picture *p, double x0, double y0, double x1, double y1, double radius,
                      color c) {
    const double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    for (int y = (int)(fmin(y0, y1) - radius - 1); y <= fmax(y0, y1) + radius + 1; y++)
        for (int x = (int)(fmin(x0, x1) - radius - 1); x <= fmax(x0, x1) + radius + 1; x++) {
            const double along =
                square > 0 ? fmax(0, fmin(1, ((x - x0) * dx + (y - y0) * dy) / square)) : 0;
            const double far = hypot(x - x0 - along * dx, y - y0 - along * dy);
            blend(p, x, y, c, (float)(radius + 0.5 - far));
        }
}

/* Rows from the top, the highest of five bits to the left. */
static const struct glyph {
    char character;
    unsigned char rows[GLYPH_ROWS];
} glyphs[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'A', {14, 17, 17, 31, 17, 17, 17}}, {'B', {30, 17, 17, 30, 17, 17, 30}},
    {'C', {14, 17, 16, 16, 16, 17, 14}}, {'D', {28, 18, 17, 17, 17, 18, 28}},
    {'E', {31, 16, 16, 30, 16, 16, 31}}, {'F', {31, 16, 16, 30, 16, 16, 16}},
    {'G', {14, 17, 16, 23, 17, 17, 15}}, {'H', {17, 17, 17, 31, 17, 17, 17}},
    {'I', {14, 4, 4, 4, 4, 4, 14}},      {'J', {7, 2, 2, 2, 2, 18, 12}},
    {'K', {17, 18, 20, 24, 20, 18, 17}}, {'L', {16, 16, 16, 16, 16, 16, 31}},
    {'M', {17, 27, 21, 21, 17, 17, 17}}, {'N', {17, 17, 25, 21, 19, 17, 17}},
    {'O', {14, 17, 17, 17, 17, 17, 14}}, {'P', {30, 17, 17, 30, 16, 16, 16}},
    {'Q', {14, 17, 17, 17, 21, 18, 13}}, {'R', {30, 17, 17, 30, 20, 18, 17}},
    {'S', {15, 16, 16, 14, 1, 1, 30}},   {'T', {31, 4, 4, 4, 4, 4, 4}},
    {'U', {17, 17, 17, 17, 17, 17, 14}}, {'V', {17, 17, 17, 17, 17, 10, 4}},
    {'W', {17, 17, 17, 21, 21, 21, 10}}, {'X', {17, 17, 10, 4, 10, 17, 17}},
    {'Y', {17, 17, 17, 10, 4, 4, 4}},    {'Z', {31, 1, 2, 4, 8, 16, 31}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},      {'/', {0, 1, 2, 4, 8, 16, 0}},
    {'-', {0, 0, 0, 31, 0, 0, 0}},       {'(', {2, 4, 8, 8, 8, 4, 2}},
    {')', {8, 4, 2, 2, 2, 4, 8}},        {':', {0, 12, 12, 0, 12, 12, 0}},
};

static void draw_text(imp_picture *p, int x, int y, const char *text, color c) {
    for (; *text; text++, x += (GLYPH_COLUMNS + 1) * ZOOM)
        for (size_t g = 0; g < sizeof glyphs / sizeof *glyphs; g++)
            for (int k = 0; glyphs[g].character == toupper((unsigned char)*text) &&
                            k < GLYPH_ROWS * ZOOM * GLYPH_COLUMNS * ZOOM;
                 k++) {
                const int row = k / (GLYPH_COLUMNS * ZOOM), column = k % (GLYPH_COLUMNS * ZOOM);
                const int bit = GLYPH_COLUMNS - 1 - column / ZOOM;
                if (glyphs[g].rows[row / ZOOM] >> bit & 1)
                    blend(p, x + column, y + row, c, 1);
            }
}

static int text_width(const char *text) {
    return (int)strlen(text) * (GLYPH_COLUMNS + 1) * ZOOM;
}

/* ---- The picture ----------------------------------------------------------------------------- */

/* Powers of ten at the edges. */
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

/* Decades that hold every point and roof. */
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

static void draw_axes(imp_picture *p, const scale *s) {
    char text[32];
    for (int k = s->x0; k <= s->x1; k++) {
        const double x = across(s, pow(10, k));
        draw_line(p, x, TOP, x, HEIGHT - BOTTOM, 0.5, pale);
        snprintf(text, sizeof text, "%g", pow(10, k));
        draw_text(p, (int)x - text_width(text) / 2, HEIGHT - BOTTOM + 12, text, black);
    }
    for (int k = s->y0; k <= s->y1; k++) {
        const double y = down(s, pow(10, k));
        draw_line(p, LEFT, y, WIDTH - RIGHT, y, 0.5, pale);
        snprintf(text, sizeof text, "%g", pow(10, k));
        draw_text(p, LEFT - 12 - text_width(text), (int)y - GLYPH_ROWS, text, black);
    }
    draw_line(p, LEFT, TOP, LEFT, HEIGHT - BOTTOM, 1, black);
    draw_line(p, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, 1, black);
    draw_text(p, WIDTH / 2 - text_width("executed flop/byte") / 2, HEIGHT - BOTTOM + 44,
              "executed flop/byte", black);
    draw_text(p, 10, TOP - 28, "gflop/s", black);
}

static void draw_roof(imp_picture *p, const scale *s, const imp_device_info *d, color c) {
    const double left = pow(10, s->x0), right = pow(10, s->x1), ridge = d->gflops / d->gbs;
    const double bottom = fmax(left, pow(10, s->y0) / d->gbs), knee = fmax(ridge, bottom);
    if (knee > bottom)
        draw_line(p, across(s, bottom), down(s, bottom * d->gbs), across(s, knee),
                  down(s, d->gflops), 1.5, c);
    if (knee < right)
        draw_line(p, across(s, knee), down(s, d->gflops), across(s, right), down(s, d->gflops), 1.5,
                  c);
}

static void draw_device(imp_picture *p, const scale *s, const imp_bench_report *report,
                        size_t device) {
    const imp_device_info *d = &report->devices[device].info;
    const color c = colors[device % COLORS];
    char legend[96];
    if (d->gflops > 0 && d->gbs > 0)
        draw_roof(p, s, d, c);
    for (size_t i = 0; i < report->result_count; i++) {
        const imp_bench_result *r = &report->results[i];
        const double x = plotted(r) ? across(s, r->executed / r->bytes) : 0;
        if (plotted(r) && r->device == device)
            draw_line(p, x, down(s, gflops_of(r)), x, down(s, gflops_of(r)),
                      r->part == IMP_BENCH_LAYERS ? 5 : 2.5, c);
    }
    snprintf(legend, sizeof legend, "%.48s: %.0f gflop/s  %.1f gb/s", cli_device_name(d), d->gflops,
             d->gbs);
    draw_text(p, LEFT + 20, TOP + 12 + (int)device * 24, legend, c);
}

int cli_bench_plot(const cli_bench *bench, const char *path) {
    imp_error err = {0};
    imp_picture p = {.width = WIDTH, .height = HEIGHT};
    const scale s = scale_of(&bench->report);
    p.rgb = malloc((size_t)3 * WIDTH * HEIGHT * sizeof *p.rgb);
    if (!p.rgb)
        return cli_complain(CLI_FAILED, "'%s': out of memory", path);
    for (size_t i = 0; i < (size_t)3 * WIDTH * HEIGHT; i++)
        p.rgb[i] = 1;
    draw_axes(&p, &s);
    for (size_t i = 0; i < bench->report.device_count; i++)
        draw_device(&p, &s, &bench->report, i);
    const imp_status status = imp_picture_write(&p, path, NULL, &err);
    imp_picture_finish(&p);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}
