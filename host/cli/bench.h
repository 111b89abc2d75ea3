/* SPDX-License-Identifier: MIT
 *
 * What the parts of `impasto bench` share: a report, its file, and the ways in which it is shown.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <impasto.h>

/* A report, and what stands in its file beside it. */
typedef struct cli_bench {
    imp_bench_report report; /* owned */
    char version[32];        /* of the program that measured */
    char time[32];           /* when, UTC */
    char system[160];        /* kernel and machine */
    bool quick;
} cli_bench;

void cli_bench_finish(cli_bench *bench);

/* Adds a result; false: no memory. */
bool cli_bench_add(cli_bench *bench, const imp_bench_result *result);

/* Reads sides of squares from a list with commas (NULL: none); complains and gives the exit status.
 */
int cli_bench_sizes(size_t sizes[IMP_BENCH_SIZES], const char *list);

/* The words of parts: "roofs", "layers" and so on, in the order of the bits; NULL beyond. */
const char *cli_bench_part_word(size_t i);

/* Seconds of the program's first start on a device, everything compiled and tested anew (left out
 * where quick), and of its second. */
bool cli_bench_starts(cli_bench *bench, size_t device, unsigned threads);

/* The file: see bench_json.c, which describes it. To "-": standard output. Both complain and give
 * an exit status. */
int cli_bench_write(const cli_bench *bench, const char *path);
int cli_bench_read(cli_bench *bench, const char *path);

/* To standard output: everything measured; and how several files compare with the first. */
void cli_bench_show(const cli_bench *bench, bool markdown);
void cli_bench_compare(const cli_bench *benches, char *const *names, size_t count, bool markdown);

/* Draws the roofs of all devices and where their operations lie below. Complains. */
int cli_bench_plot(const cli_bench *bench, const char *path);

#endif
