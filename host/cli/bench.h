/* SPDX-License-Identifier: MIT
 *
 * What the files of `impasto bench` share: a report, its file format, and its displays.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <impasto.h>

/* A report with the facts that its file adds. */
typedef struct cli_bench {
    imp_bench_report report; /* owned */
    char version[32];        /* of the program that measured */
    char time[32];           /* when, UTC */
    char system[160];        /* kernel and machine */
    bool quick;
} cli_bench;

void cli_bench_finish(cli_bench *bench);

/* Adds a result; false: out of memory. */
bool cli_bench_add(cli_bench *bench, const imp_bench_result *result);

/* Reads sides of squares from a comma-separated list (NULL: none). Complains; returns the status.
 */
int cli_bench_sizes(size_t sizes[IMP_BENCH_SIZES], const char *list);

/* The names of the parts, "roofs", "layers", ..., in the order of their bits; NULL after the last.
 */
const char *cli_bench_part_word(size_t i);

/* Adds the seconds of a first start on a device, with empty caches, and of later ones. False: out
 * of memory. */
bool cli_bench_starts(cli_bench *bench, size_t device, unsigned threads);

/* Write and read the file that bench_json.c describes; "-" is standard output. Both complain and
 * return an exit status. */
int cli_bench_write(const cli_bench *bench, const char *path);
int cli_bench_read(cli_bench *bench, const char *path);

/* Print to standard output: all results; later files compared with the first. */
void cli_bench_show(const cli_bench *bench, bool markdown);
void cli_bench_compare(const cli_bench *benches, char *const *names, size_t count, bool markdown);

/* Draws the rooflines of all devices with their operations. Complains. */
int cli_bench_plot(const cli_bench *bench, const char *path);

#endif
