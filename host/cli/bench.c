/* SPDX-License-Identifier: MIT
 *
 * impasto bench: measures devices, or compares measurements.
 */
#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/guard.h"
#include "cli/job.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/words.h"

enum { DEVICES_MAX = 16, WORD = 64 };
enum { BOTH_OPTIMIZERS, ONLY_LBFGS, ONLY_ADAM }; /* in the order of the option's choices */

static const char *const part_words[] = {"roofs",    "layers",    "operations",
                                         "products", "iteration", "start"};

const char *cli_bench_part_word(size_t i) {
    return i < sizeof part_words / sizeof *part_words ? part_words[i] : NULL;
}

void cli_bench_finish(cli_bench *bench) {
    imp_bench_finish(&bench->report);
}

bool cli_bench_add(cli_bench *bench, const imp_bench_result *result) {
    imp_bench_report *r = &bench->report;
    imp_bench_result *more = realloc(r->results, (r->result_count + 1) * sizeof *more);
    if (!more)
        return false;
    r->results = more;
    r->results[r->result_count++] = *result;
    return true;
}

/* ---- Options --------------------------------------------------------------------------------- */

/* Takes the next word of a comma-separated list; false at its end. */
static bool next_word(const char **list, char *word) {
    if (!*list || !**list)
        return false;
    const size_t length = strcspn(*list, ",");
    snprintf(word, WORD, "%.*s", (int)length, *list);
    *list += length + ((*list)[length] == ',');
    return true;
}

static int read_parts(unsigned *parts, const char *list) {
    char word[WORD];
    while (next_word(&list, word)) {
        size_t i = 0;
        while (cli_bench_part_word(i) && strcmp(cli_bench_part_word(i), word) != 0)
            i++;
        if (!cli_bench_part_word(i))
            return cli_complain(CLI_MISUSE,
                                "option '--only': invalid value '%s'; expected some of roofs, "
                                "layers, operations, products, iteration, start",
                                word);
        *parts |= 1U << i;
    }
    return CLI_DONE;
}

int cli_bench_sizes(size_t sizes[IMP_BENCH_SIZES], const char *list) {
    char word[WORD], *end;
    for (size_t n = 0; next_word(&list, word); n++) {
        const unsigned long size = strtoul(word, &end, 10);
        if (n == IMP_BENCH_SIZES || *end || size < 16 || size > 1 << 16)
            return cli_complain(CLI_MISUSE,
                                "option '--size': invalid value '%s'; expected at most %d whole "
                                "numbers from 16 to 65536, such as 256,512",
                                word, IMP_BENCH_SIZES);
        sizes[n] = size;
    }
    return CLI_DONE;
}

/* ---- Devices --------------------------------------------------------------------------------- */

/* A device that was asked for but failed its self-test or did not open. */
typedef struct refusal {
    char which[WORD], reason[256];
} refusal;

typedef struct measuring {
    const cli_values *values;
    cli_progress progress;
    cli_bench bench;
    imp_device *devices[DEVICES_MAX];
    refusal refused[DEVICES_MAX];
    size_t count, refused_count;
    char said[256]; /* why the device that is being opened was passed over; "": it was not */
    bool terminal;
} measuring;

static void on_log(void *user, imp_log_level level, const char *line) {
    measuring *m = user;
    if (level <= IMP_LOG_WARNING && strstr(line, "; passed over"))
        snprintf(m->said, sizeof m->said, "%.255s", line);
    cli_progress_log(&m->progress, level, line);
}

/* A device named twice is measured once. */
static bool open_already(const measuring *m, const imp_device_info *info) {
    for (size_t i = 0; i < m->count; i++) {
        const imp_device_info *other = imp_device_describe(m->devices[i]);
        if (!strcmp(other->backend, info->backend) && other->index == info->index)
            return true;
    }
    return false;
}

static int open_device(measuring *m, const char *which) {
    const cli_values *v = m->values;
    const imp_device_options options = {.threads = v->threads,
                                        .gemm = v->gemm,
                                        .precision = v->precision,
                                        .tune = v->tune == CLI_TUNE_AUTO,
                                        .level = v->verbose ? IMP_LOG_DEBUG : IMP_LOG_INFO,
                                        .log = on_log,
                                        .user = m,
                                        .watch = cli_guard(v->verbose)};
    const char *const loss = cli_guard_loss();
    imp_error err = {0};
    imp_device *d = NULL;
    if (m->count == DEVICES_MAX || m->refused_count == DEVICES_MAX)
        return cli_complain(CLI_MISUSE, "bench: at most %d devices at once", DEVICES_MAX);
    if (loss)
        cli_note("%s; passed over", loss);
    m->said[0] = 0;
    if (imp_device_open(&d, which, &options, &err) != IMP_OK)
        return cli_complain_error(&err);
    const imp_device_info *info = imp_device_describe(d);
    if (*m->said && strcmp(which, "auto") != 0) { /* the library took the next one */
        refusal *r = &m->refused[m->refused_count++];
        snprintf(r->which, sizeof r->which, "%s", which);
        snprintf(r->reason, sizeof r->reason, "%s", m->said);
        imp_device_close(d);
    } else if (open_already(m, info)) {
        imp_device_close(d);
    } else {
        m->devices[m->count++] = d;
    }
    return CLI_DONE;
}

static int open_all(measuring *m) {
    imp_device_info list[DEVICES_MAX];
    const imp_device_options options = {.watch = cli_guard(m->values->verbose)};
    const size_t count = imp_device_list(list, DEVICES_MAX, false, &options);
    int status = CLI_DONE;
    for (size_t i = 0; i < count && i < DEVICES_MAX && !status; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", list[i].index);
        status = open_device(m, list[i].index >= 0 ? number : list[i].backend);
    }
    return status;
}

static int open_devices(measuring *m) {
    const char *list = m->values->device;
    char which[WORD];
    int status = CLI_DONE;
    while (!status && next_word(&list, which))
        status = strcmp(which, "all") == 0 ? open_all(m) : open_device(m, which);
    return status;
}

/* Lists refused devices after the measured ones: no score, and why. */
static int list_refused(measuring *m) {
    imp_bench_report *r = &m->bench.report;
    for (size_t i = 0; i < m->refused_count; i++) {
        imp_bench_device *more = realloc(r->devices, (r->device_count + 1) * sizeof *more);
        if (!more)
            return cli_complain(CLI_FAILED, "bench: out of memory");
        r->devices = more;
        imp_bench_device *d = &more[r->device_count++];
        *d = (imp_bench_device){.info = {.backend = "opencl", .index = -1}};
        snprintf(d->info.name, sizeof d->info.name, "%s", m->refused[i].which);
        snprintf(d->note, sizeof d->note, "no score: %.240s", m->refused[i].reason);
    }
    return CLI_DONE;
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static bool progress(void *user, const char *what) {
    const measuring *m = user;
    if (m->terminal)
        fprintf(cli_errors(), "\r\033[K%s", what);
    return true;
}

static int starts(measuring *m, unsigned parts) {
    for (size_t i = 0; i < m->count && parts & IMP_BENCH_START; i++) {
        progress(m, "starts");
        if (!cli_bench_starts(&m->bench, i, m->values->threads))
            return cli_complain(CLI_FAILED, "bench: out of memory");
    }
    return CLI_DONE;
}

static void describe(cli_bench *bench, bool quick) {
    struct utsname name;
    const time_t now = time(NULL);
    struct tm utc;
    snprintf(bench->version, sizeof bench->version, "%s", imp_version());
    if (gmtime_r(&now, &utc))
        strftime(bench->time, sizeof bench->time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (uname(&name) == 0)
        snprintf(bench->system, sizeof bench->system, "%.40s %.60s %.40s", name.sysname,
                 name.release, name.machine);
    bench->quick = quick;
}

static int run(measuring *m) {
    const cli_values *v = m->values;
    imp_bench_options options = {.quick = v->quick,
                                 .adam = v->bench_optimizer == ONLY_ADAM,
                                 .lbfgs = v->bench_optimizer == ONLY_LBFGS,
                                 .progress = progress,
                                 .user = m};
    imp_error err = {0};
    int status = read_parts(&options.parts, v->only);
    if (!status)
        status = cli_bench_sizes(options.sizes, v->sizes);
    if (!status)
        status = open_devices(m);
    if (status)
        return status;
    /* starts are measured by the program, not the library; --quick skips their minute */
    const unsigned all = v->quick ? IMP_BENCH_ALL & ~IMP_BENCH_START : IMP_BENCH_ALL;
    options.parts = options.parts ? options.parts : all;
    describe(&m->bench, v->quick);
    const imp_status measured = imp_bench(&m->bench.report, m->devices, m->count, &options, &err);
    status = measured == IMP_OK || measured == IMP_ERR_STOPPED ? starts(m, options.parts)
                                                               : cli_complain_error(&err);
    progress(m, "");
    return status ? status : list_refused(m);
}

static int deliver(const cli_values *v, const cli_bench *bench) {
    int status = CLI_DONE;
    const bool standard = v->json_file && !strcmp(v->json_file, "-");
    if (!standard)
        cli_bench_show(bench, v->markdown);
    if (v->json_file)
        status = cli_bench_write(bench, v->json_file);
    if (!status && v->plot)
        status = cli_bench_plot(bench, v->plot);
    return status;
}

/* What is measured for minutes must not be lost to a name that cannot be written. */
static int check_outputs(const cli_values *v) {
    const struct { const char *option, *path; } all[] = {{"json", v->json_file}, {"plot", v->plot}};
    cli_outputs o = {.force = v->force};
    int status = CLI_DONE;
    imp_error err = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all && !status; i++) {
        if (!all[i].path || !strcmp(all[i].path, "-"))
            continue;
        status = cli_outputs_write(&o, all[i].option, all[i].path, CLI_OUTPUT_BESIDE);
        if (!status && imp_file_check_output(all[i].path, 0, &err) != IMP_OK)
            status = cli_complain_error(&err);
    }
    cli_outputs_finish(&o);
    return status;
}

static int measure(const cli_request *request) {
    measuring *m = calloc(1, sizeof *m);
    if (!m)
        return cli_complain(CLI_FAILED, "bench: out of memory");
    m->values = &request->values;
    m->terminal = isatty(fileno(cli_errors()));
    cli_progress_init(&m->progress, true);
    int status = check_outputs(m->values);
    if (!status)
        status = run(m);
    if (!status)
        status = deliver(m->values, &m->bench);
    for (size_t i = 0; i < m->count; i++)
        imp_device_close(m->devices[i]);
    cli_bench_finish(&m->bench);
    free(m);
    return status;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static int compare(const cli_request *request) {
    char *const *names = request->operands + 1;
    const size_t count = (size_t)request->operand_count - 1;
    cli_bench *benches = calloc(count, sizeof *benches);
    int status = benches ? CLI_DONE : cli_complain(CLI_FAILED, "bench: out of memory");
    for (size_t i = 0; i < count && !status; i++)
        status = cli_bench_read(&benches[i], names[i]);
    if (!status)
        cli_bench_compare(benches, names, count, request->values.markdown);
    for (size_t i = 0; i < count && benches; i++)
        cli_bench_finish(&benches[i]);
    free(benches);
    return status;
}

int cli_bench_command(cli_request *request) {
    const int status = cli_resolve(request);
    if (status)
        return status;
    if (request->operand_count == 0)
        return measure(request);
    if (strcmp(request->operands[0], "compare") != 0 || request->operand_count < 3)
        return cli_complain(CLI_MISUSE,
                            "bench '%s': usage: impasto bench, or impasto bench compare FILE "
                            "FILE...",
                            request->operands[0]);
    return compare(request);
}
