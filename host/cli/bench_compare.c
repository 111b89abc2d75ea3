/* SPDX-License-Identifier: MIT
 *
 * impasto bench compare: which differences between benchmarks exceed the noise.
 */
#include <math.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/job.h"
#include "cli/text_table.h"
#include "cli/words.h"

enum column { NAME, VARIANT, SIZE, BEFORE, AFTER, TIMES, NOISE, VERDICT, BAR };
static const char *const titles[CLI_TEXT_TABLE_COLUMNS] = {
    "what",    "variant", "size",
    "seconds", "against", "times as fast",
    "noise",   "verdict", "slower    |    faster"};

/* Two runs on one machine differ by this much even if the samples of each run agree. */
static const double between_runs = 0.03;

static bool same_thing(const imp_bench_result *a, const imp_bench_result *b) {
    return a->part == b->part && !strcmp(a->name, b->name) && !strcmp(a->variant, b->variant) &&
           a->size == b->size;
}

static bool same_device(const imp_device_info *a, const imp_device_info *b) {
    return !strcmp(a->backend, b->backend) && !strcmp(a->name, b->name) &&
           !strcmp(a->platform, b->platform);
}

/* The device of the first file to compare with: the same device, else the first one. */
static size_t counterpart(const cli_bench *first, const imp_device_info *device) {
    for (size_t i = 0; i < first->report.device_count; i++)
        if (same_device(&first->report.devices[i].info, device))
            return i;
    return 0;
}

static const imp_bench_result *find(const cli_bench *bench, const imp_bench_result *like,
                                    size_t device) {
    for (size_t i = 0; i < bench->report.result_count; i++)
        if (bench->report.results[i].device == device &&
            same_thing(&bench->report.results[i], like))
            return &bench->report.results[i];
    return NULL;
}

/* Three standard deviations of the ratio; relative errors add in quadrature. */
static double noise_of(const imp_bench_result *a, const imp_bench_result *b) {
    return between_runs + 3 * hypot(a->spread / a->seconds, b->spread / b->seconds);
}

/* Up to ten columns on either side; a factor of two is five. */
static void draw_bar(char *text, size_t size, double ratio) {
    enum { HALF = 10 };
    const int length = (int)fmin(HALF, fabs(round(5 * log2(ratio))));
    const char *const full = "##########";
    if (ratio < 1)
        snprintf(text, size, "%*s%.*s|", HALF - length, "", length, full);
    else
        snprintf(text, size, "%*s|%.*s", HALF, "", length, full);
}

typedef struct tally {
    unsigned faster, slower, same;
    double logs;
} tally;

static void compare(cli_text_row *row, const imp_bench_result *a, const imp_bench_result *b,
                    tally *t) {
    char(*c)[CLI_TEXT_TABLE_CELL] = *row;
    const double ratio = a->seconds / b->seconds, noise = noise_of(a, b);
    const bool more = ratio > 1 + noise, less = ratio < 1 / (1 + noise);
    snprintf(c[NAME], CLI_TEXT_TABLE_CELL, "%s", a->name);
    snprintf(c[VARIANT], CLI_TEXT_TABLE_CELL, "%s", a->variant);
    if (a->size)
        snprintf(c[SIZE], CLI_TEXT_TABLE_CELL, "%zu", a->size);
    snprintf(c[BEFORE], CLI_TEXT_TABLE_CELL, "%.4g", a->seconds);
    snprintf(c[AFTER], CLI_TEXT_TABLE_CELL, "%.4g", b->seconds);
    snprintf(c[TIMES], CLI_TEXT_TABLE_CELL, "%.2f", ratio);
    snprintf(c[NOISE], CLI_TEXT_TABLE_CELL, "%.0f %%", 100 * noise);
    snprintf(c[VERDICT], CLI_TEXT_TABLE_CELL, "%s", more ? "faster" : less ? "slower" : "same");
    if (b->verdict == IMP_BENCH_WRONG || a->verdict == IMP_BENCH_WRONG)
        snprintf(c[VERDICT], CLI_TEXT_TABLE_CELL, "WRONG");
    draw_bar(c[BAR], CLI_TEXT_TABLE_CELL, ratio);
    t->faster += more;
    t->slower += less;
    t->same += !more && !less;
    t->logs += log(ratio);
}

/* One device of a later file against its counterpart in the first. */
static void compare_device(const cli_bench *first, const cli_bench *later, size_t device,
                           const char *names[2], bool markdown) {
    const imp_bench_device *d = &later->report.devices[device];
    const size_t other = counterpart(first, &d->info);
    const imp_bench_device *before = &first->report.devices[other];
    cli_text_table table = {.titles = titles};
    tally t = {0};
    for (size_t i = 0; i < later->report.result_count; i++) {
        const imp_bench_result *b = &later->report.results[i];
        const imp_bench_result *a = b->device == device ? find(first, b, other) : NULL;
        cli_text_row *row =
            a && a->seconds > 0 && b->seconds > 0 ? cli_text_table_add(&table) : NULL;
        if (row)
            compare(row, a, b, &t);
    }
    const unsigned all = t.faster + t.slower + t.same;
    cli_print(markdown ? "\n**%s: %s%s** against **%s: %s%s**\n\n"
                       : "\n%s: %s%s against %s: %s%s\n",
              names[1], cli_device_name(&d->info), cli_precision_aside(d->precision), names[0],
              cli_device_name(&before->info), cli_precision_aside(before->precision));
    if (all == 0) {
        puts("nothing was measured in both");
        return;
    }
    cli_text_table_print(&table, markdown);
    cli_print("%s%u faster, %u slower, %u the same within the noise; geometric mean %.2f times as "
              "fast\n",
              markdown ? "\n" : "", t.faster, t.slower, t.same, exp(t.logs / all));
    if (d->precision != before->precision)
        puts("scores of different precisions are not comparable");
    else if (d->score > 0 && before->score > 0)
        cli_print("score %.2f against %.2f\n", d->score, before->score);
}

void cli_bench_compare(const cli_bench *benches, char *const *names, size_t count, bool markdown) {
    for (size_t i = 1; i < count; i++) {
        const char *pair[] = {names[0], names[i]};
        for (size_t k = 0; k < benches[i].report.device_count; k++)
            if (benches[0].report.device_count > 0)
                compare_device(&benches[0], &benches[i], k, pair, markdown);
    }
}
