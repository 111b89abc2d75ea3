/* SPDX-License-Identifier: MIT
 *
 * The time of a whole run of the program with hardly any work: first with empty caches, then again.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "cli/job.h"
#include "cli/words.h"

extern char **environ;

enum { STARTS = 5, SIDE = 64, PATH_SIZE = 256, ENVIRONMENT = 512 };

/* A temporary folder with the pictures and the caches of the program and of drivers. */
typedef struct start {
    char folder[PATH_SIZE], content[PATH_SIZE], style[PATH_SIZE], out[PATH_SIZE];
    char program[IMP_PATH_MAX];
    char caches[4][PATH_SIZE + 32];
    char *environment[ENVIRONMENT];
    char which[16], threads[16], precision[8];
} start;

static bool write_pictures(const start *s) {
    imp_picture p = {
        .width = SIDE, .height = SIDE, .rgb = calloc((size_t)3 * SIDE * SIDE, sizeof(float))};
    for (size_t i = 0; p.rgb && i < (size_t)3 * SIDE * SIDE; i++)
        p.rgb[i] = (float)(i * 2654435761u % 256) / 255;
    const bool written = p.rgb && imp_picture_write(&p, s->content, NULL, NULL) == IMP_OK &&
                         imp_picture_write(&p, s->style, NULL, NULL) == IMP_OK;
    imp_picture_finish(&p);
    return written;
}

/* This process's environment with the caches moved to the folder. */
static void set_environment(start *s) {
    static const char *const names[] = {"IMPASTO_CACHE", "POCL_CACHE_DIR", "XDG_CACHE_HOME",
                                        "MESA_SHADER_CACHE_DIR"};
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        snprintf(s->caches[i], sizeof s->caches[i], "%s=%s/cache", names[i], s->folder);
        s->environment[n++] = s->caches[i];
    }
    for (char **e = environ; *e && n + 1 < ENVIRONMENT; e++) {
        bool ours = false;
        for (size_t i = 0; i < 4; i++)
            ours |= !strncmp(*e, names[i], strlen(names[i])) && (*e)[strlen(names[i])] == '=';
        if (!ours)
            s->environment[n++] = *e;
    }
    s->environment[n] = NULL;
}

static bool prepare(start *s, const imp_device_info *device, unsigned threads,
                    imp_precision precision) {
    const char *tmp = getenv("TMPDIR");
    if (device->index < 0)
        snprintf(s->which, sizeof s->which, "cpu");
    else
        snprintf(s->which, sizeof s->which, "%d", device->index);
    snprintf(s->threads, sizeof s->threads, "%u", threads);
    snprintf(s->precision, sizeof s->precision, "%s", cli_precision_words[precision]);
    const ssize_t length = readlink("/proc/self/exe", s->program, sizeof s->program - 1);
    const int n = snprintf(s->folder, 200, "%s/impasto-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (length <= 0 || n >= 200 || !mkdtemp(s->folder)) {
        *s->folder = 0;
        return false;
    }
    snprintf(s->content, sizeof s->content, "%.200s/content.png", s->folder);
    snprintf(s->style, sizeof s->style, "%.200s/style.png", s->folder);
    snprintf(s->out, sizeof s->out, "%.200s/out.png", s->folder);
    set_environment(s);
    return write_pictures(s);
}

/* Runs argv silently; returns whether it succeeded. */
static bool run(const char *program, char **argv, char **environment) {
    posix_spawn_file_actions_t quiet;
    pid_t child;
    int status = -1;
    if (posix_spawn_file_actions_init(&quiet) != 0)
        return false;
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&child, program, &quiet, NULL, argv, environment) == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    posix_spawn_file_actions_destroy(&quiet);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool paint(start *s, double *seconds) {
    char *argv[] = {"impasto", "paint",     s->content, s->style,       "-o",         s->out,
                    "--quiet", "--size",    "64",       "--iterations", "1",          "--device",
                    s->which,  "--threads", s->threads, "--precision",  s->precision, NULL};
    const double begin = imp_now();
    const bool painted = run(s->program, argv, s->environment);
    *seconds = imp_now() - begin;
    return painted;
}

static void remove_folder(const start *s) {
    char *argv[] = {"rm", "-rf", "--", (char *)s->folder, NULL};
    if (*s->folder)
        run("rm", argv, environ);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static imp_bench_result result_of(size_t device, const char *variant, double *seconds,
                                  unsigned count) {
    imp_bench_result r = {.part = IMP_BENCH_START, .name = "start", .device = device};
    snprintf(r.variant, sizeof r.variant, "%s", variant);
    r.samples = count;
    if (count == 0) {
        snprintf(r.note, sizeof r.note, "the program failed");
        return r;
    }
    qsort(seconds, count, sizeof *seconds, ascending);
    r.seconds = seconds[count / 2];
    for (unsigned i = 0; i < count; i++)
        seconds[i] = seconds[i] < r.seconds ? r.seconds - seconds[i] : seconds[i] - r.seconds;
    qsort(seconds, count, sizeof *seconds, ascending);
    r.spread = 1.4826 * seconds[count / 2];
    return r;
}

bool cli_bench_starts(cli_bench *bench, size_t device, unsigned threads) {
    const imp_bench_device *d = &bench->report.devices[device];
    start *s = calloc(1, sizeof *s);
    double first = 0, seconds[STARTS] = {0};
    unsigned count = 0;
    bool kept = false;
    if (!s)
        return false;
    const bool ready = prepare(s, &d->info, threads, d->precision);
    const bool begun = ready && paint(s, &first);
    while (begun && count < STARTS && paint(s, &seconds[count]))
        count++;
    const imp_bench_result cold = result_of(device, "first", &first, begun);
    const imp_bench_result warm = result_of(device, "second", seconds, count);
    kept = cli_bench_add(bench, &cold) && cli_bench_add(bench, &warm);
    remove_folder(s);
    free(s);
    return kept;
}
