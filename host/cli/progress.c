/* SPDX-License-Identifier: MIT
 *
 * Progress: see progress.h.
 */
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/guard.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 16 };
static const double redraw_seconds = 0.1, line_seconds = 5;

void cli_progress_init(cli_progress *p, bool silent) {
    const char *term = getenv("TERM");
    *p = (cli_progress){.silent = silent,
                        .terminal =
                            isatty(fileno(cli_errors())) && term && strcmp(term, "dumb") != 0,
                        .shown = -line_seconds};
}

/* ", 3.2 a second" or, below one, ", 1.4 s each". */
static void speed_text(char *text, size_t size, const imp_estimate *e) {
    if (e->seconds_per_iteration <= 0)
        *text = 0;
    else if (e->seconds_per_iteration < 1)
        snprintf(text, size, ", %.1f a second", 1 / e->seconds_per_iteration);
    else
        snprintf(text, size, ", %.1f s each", e->seconds_per_iteration);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Terminal width. A line that fills it would wrap. */
static size_t columns(void) {
    struct winsize w = {0};
    return ioctl(fileno(cli_errors()), TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : SIZE_MAX;
}

/* part: the filled fraction of the bar, 0..1. */
static void draw(cli_progress *p, const char *text, double part) {
    char line[256];
    const unsigned filled = (unsigned)(BAR * part);
    snprintf(line, least(sizeof line, columns()), "[%.*s%.*s] %s", (int)filled, "################",
             (int)(BAR - filled), "................", text);
    fprintf(cli_errors(), "\r%-*s", (int)p->standing, line);
    fflush(cli_errors());
    p->standing = strlen(line);
}

/* Whether the next update is due. */
static bool is_time(cli_progress *p) {
    const double clock = imp_now();
    if (p->silent || clock - p->shown < (p->terminal ? redraw_seconds : line_seconds))
        return false;
    p->shown = clock;
    return true;
}

static void show(cli_progress *p, const char *text, double part) {
    if (p->terminal)
        draw(p, text, part);
    else
        fprintf(cli_errors(), "%s\n", text);
}

void cli_progress_show(cli_progress *p, const imp_progress *now, const imp_estimate *left) {
    char text[200], speed[48], time[48];
    if (!is_time(p))
        return;
    speed_text(speed, sizeof speed, left);
    cli_time_text(time, sizeof time, left->seconds_left);
    snprintf(text, sizeof text, "%u of %u%s, loss %.4g, %s left", now->iteration, now->total, speed,
             now->loss, time);
    show(p, text, now->total ? (double)now->iteration / now->total : 0);
}

void cli_progress_line(cli_progress *p, double share, const char *text) {
    if (is_time(p))
        show(p, text, share);
}

void cli_progress_bytes(cli_progress *p, const char *what, uint64_t done, uint64_t total) {
    char text[200], here[32], all[32];
    if (!is_time(p))
        return;
    cli_bytes_text(here, sizeof here, (double)done);
    cli_bytes_text(all, sizeof all, (double)total);
    snprintf(text, sizeof text, "%s: %s%s%s", what, here, total ? " of " : "", total ? all : "");
    show(p, text, total ? (double)done / (double)total : 0);
}

static void wipe(cli_progress *p) {
    if (p->standing)
        fprintf(cli_errors(), "\r%*s\r", (int)p->standing, "");
    p->standing = 0;
}

void cli_progress_clear(cli_progress *p) {
    wipe(p);
    p->block = 0;
}

/* New lines make space and scroll if needed; DECSC and DECRC restore the cursor whatever the bytes
 * do to it. */
void cli_progress_block(cli_progress *p, const char *bytes, size_t size, unsigned rows) {
    wipe(p);
    for (unsigned i = p->block; i < rows; i++)
        fputc('\n', cli_errors());
    fprintf(cli_errors(), "\033[%uA\r\0337", rows);
    fwrite(bytes, 1, size, cli_errors());
    fprintf(cli_errors(), "\0338\033[%uB\r", rows);
    fflush(cli_errors());
    p->block = rows;
    p->shown = -line_seconds; /* redraw the bar at once */
}

void cli_progress_note(cli_progress *p, const char *line) {
    cli_progress_clear(p);
    cli_note("%s", line);
}

void cli_progress_log(void *progress, imp_log_level level, const char *line) {
    (void)level;
    cli_progress_note(progress, line);
}
