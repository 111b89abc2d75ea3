/* SPDX-License-Identifier: MIT
 *
 * Prints a benchmark as tables.
 */
#include <math.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/job.h"
#include "cli/text_table.h"
#include "cli/words.h"

enum column {
    NAME,
    VARIANT,
    SIZE,
    DEVICE,
    TIME,
    SPREAD,
    DIRECT,
    EXECUTED,
    BYTES,
    ROOF,
    ALGORITHM,
    MEMORY,
    ORACLE,
    NOTE
};
static const char *const titles[CLI_TEXT_TABLE_COLUMNS] = {
    "what",     "variant", "size", "device", "time",          "spread", "GFLOP/s direct",
    "executed", "GB/s",    "roof", "by",     "host + device", "oracle", "note"};

static const struct part {
    imp_bench_part part;
    const char *title;
} parts[] = {{IMP_BENCH_ROOFS, "Roofs, launches, transfers"},
             {IMP_BENCH_LAYERS, "Convolutions of VGG-19"},
             {IMP_BENCH_OPERATIONS, "Gram matrices, pooling, total variation"},
             {IMP_BENCH_PRODUCTS, "Matrix products: our kernels and CLBlast"},
             {IMP_BENCH_ITERATION, "The whole iteration (gatys on VGG-19's shapes)"},
             {IMP_BENCH_START, "Whole runs of the program: one iteration at 64 x 64"}};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* Three digits with a suitable unit. */
static void time_text(char *text, size_t size, double seconds) {
    static const char *const units[] = {"s", "ms", "us", "ns"};
    size_t unit = 0;
    for (; seconds > 0 && seconds < 1 && unit < 3; unit++)
        seconds *= 1000;
    snprintf(text, size,
             seconds < 9.995   ? "%.2f %s"
             : seconds < 99.95 ? "%.1f %s"
                               : "%.0f %s",
             seconds, units[unit]);
}

static void rate_text(char *text, size_t size, double amount, double seconds) {
    const double rate = 1e-9 * amount / seconds;
    if (amount > 0)
        snprintf(text, size, rate < 9.995 ? "%.2f" : rate < 99.95 ? "%.1f" : "%.0f", rate);
}

static void fill(cli_text_row *row, const cli_bench *bench, const imp_bench_result *r) {
    char(*c)[CLI_TEXT_TABLE_CELL] = *row;
    snprintf(c[NAME], CLI_TEXT_TABLE_CELL, "%s", r->name);
    snprintf(c[VARIANT], CLI_TEXT_TABLE_CELL, "%s", r->variant);
    snprintf(c[ALGORITHM], CLI_TEXT_TABLE_CELL, "%s", r->algorithm);
    snprintf(c[NOTE], CLI_TEXT_TABLE_CELL, "%.95s", r->note);
    if (r->size)
        snprintf(c[SIZE], CLI_TEXT_TABLE_CELL, "%zu", r->size);
    if (bench->report.device_count > 1)
        snprintf(c[DEVICE], CLI_TEXT_TABLE_CELL, "%.40s",
                 cli_device_name(&bench->report.devices[r->device].info));
    if (r->samples == 0) {
        snprintf(c[TIME], CLI_TEXT_TABLE_CELL, "-");
        return;
    }
    time_text(c[TIME], CLI_TEXT_TABLE_CELL, r->seconds);
    snprintf(c[SPREAD], CLI_TEXT_TABLE_CELL, "%.1f %%", 100 * r->spread / r->seconds);
    rate_text(c[DIRECT], CLI_TEXT_TABLE_CELL, r->flop, r->seconds);
    rate_text(c[EXECUTED], CLI_TEXT_TABLE_CELL, r->part == IMP_BENCH_ROOFS ? 0 : r->executed,
              r->seconds);
    rate_text(c[BYTES], CLI_TEXT_TABLE_CELL, r->bytes, r->seconds);
    if (r->roof > 0)
        snprintf(c[ROOF], CLI_TEXT_TABLE_CELL, "%.0f %%", 100 * r->roof);
    if (r->host_mib > 0)
        snprintf(c[MEMORY], CLI_TEXT_TABLE_CELL, "%.0f + %.0f MiB", r->host_mib, r->device_mib);
    if (r->verdict != IMP_BENCH_UNCHECKED)
        snprintf(c[ORACLE], CLI_TEXT_TABLE_CELL, r->verdict == IMP_BENCH_RIGHT ? "right" : "WRONG");
}

static void show_part(const cli_bench *bench, const struct part *part, bool markdown) {
    cli_text_table table = {.titles = titles};
    for (size_t i = 0; i < bench->report.result_count; i++) {
        const imp_bench_result *r = &bench->report.results[i];
        cli_text_row *row = r->part == part->part ? cli_text_table_add(&table) : NULL;
        if (row)
            fill(row, bench, r);
    }
    if (table.count == 0)
        return;
    cli_print(markdown ? "\n**%s**\n\n" : "\n%s\n", part->title);
    cli_text_table_print(&table, markdown);
}

static void show_device(const imp_bench_device *device, bool markdown) {
    const imp_device_info *d = &device->info;
    char memory[32], largest[32];
    cli_bytes_text(memory, sizeof memory, (double)d->memory_bytes);
    cli_bytes_text(largest, sizeof largest, (double)d->max_alloc_bytes);
    cli_print("%s%s: %s, %s, driver %s; %u units, %s", markdown ? "- " : "", cli_device_name(d),
              d->shares_host_memory ? d->name : d->platform, d->vendor, d->driver, d->units,
              memory);
    if (!d->shares_host_memory)
        cli_print(", largest buffer %s", largest);
    puts(cli_precision_aside(device->precision));
}

/* Warns about throttling and noise. */
static void warn(const cli_bench *bench) {
    const double much = 0.1;
    for (size_t i = 0; i < bench->report.device_count; i++) {
        const imp_bench_device *d = &bench->report.devices[i];
        if (d->fall > much)
            cli_print(
                "%s: arithmetic was %.0f %% slower at the end than at the beginning; the device "
                "is hot or the machine is busy\n",
                cli_device_name(&d->info), 100 * d->fall);
    }
    for (size_t i = 0; i < bench->report.result_count; i++) {
        const imp_bench_result *r = &bench->report.results[i];
        if (r->part == IMP_BENCH_ITERATION && r->drift > 1 + much)
            cli_print(
                "%s: the iteration at %zu (%s) slowed down by %.0f %% during the measurement\n",
                cli_device_name(&bench->report.devices[r->device].info), r->size, r->variant,
                100 * (r->drift - 1));
    }
}

static void show_score(const imp_bench_device *d) {
    const char *name = cli_device_name(&d->info);
    if (d->score > 0)
        cli_print("score of %s%s: %.2f (iterations per second of gatys at 512 x 512 with Adam%s)\n",
                  name, cli_precision_aside(d->precision), d->score,
                  d->precision == IMP_FP16 ? "; not comparable with fp32 scores" : "");
    else
        cli_print("%s: %s\n", name, d->note);
}

void cli_bench_show(const cli_bench *bench, bool markdown) {
    cli_print(markdown ? "**impasto %s bench%s**, %s, %s\n\n" : "impasto %s bench%s, %s, %s\n",
              bench->version, bench->quick ? " --quick" : "", bench->system, bench->time);
    for (size_t i = 0; i < bench->report.device_count; i++)
        show_device(&bench->report.devices[i], markdown);
    for (size_t i = 0; i < PARTS; i++)
        show_part(bench, &parts[i], markdown);
    puts("");
    warn(bench);
    for (size_t i = 0; i < bench->report.device_count; i++)
        show_score(&bench->report.devices[i]);
}
