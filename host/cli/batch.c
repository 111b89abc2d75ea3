/* SPDX-License-Identifier: MIT
 *
 * impasto batch: paints many pictures. This is the parent process: see batch.h.
 */
#include "cli/batch.h"
#include "base/clock.h"
#include "base/folder.h"
#include "cli/guard.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/outputs.h"
#include "cli/words.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEVICES_MAX = 32, NAME_LENGTH_MAX = 255 };

/* ---- Planning -------------------------------------------------------------------------------- */

static int expand(glob_t *files, const char *option, const char *pattern) {
    if (!pattern)
        return cli_complain(CLI_MISUSE, "batch: needs --content PATTERN and --style PATTERN");
    const int code = glob(pattern, 0, NULL, files);
    if (code == GLOB_NOMATCH)
        return cli_complain(CLI_FAILED,
                            "--%s '%s': matches no file; check the path, and quote the pattern",
                            option, pattern);
    if (code != 0)
        return cli_complain(CLI_FAILED, "--%s '%s': a folder in the path cannot be read", option,
                            pattern);
    return CLI_DONE;
}

/* The template with {content} and {style} replaced by the base names without extensions; NULL
 * without a template, without memory, or if it is too long. The caller frees. */
static char *name_of(const char *template, const char *content, const char *style) {
    char *name = template ? calloc(1, IMP_PATH_MAX) : NULL;
    size_t used = 0;
    while (name && *template && used < IMP_PATH_MAX) {
        const bool first = !strncmp(template, "{content}", 9);
        const bool second = !strncmp(template, "{style}", 7);
        if (!first && !second) {
            name[used++] = *template ++;
            continue;
        }
        const char *base = cli_base_name(first ? content : style), *dot = strrchr(base, '.');
        used +=
            (size_t)snprintf(name + used, IMP_PATH_MAX - used, "%.*s",
                             (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base)), base);
        template += first ? 9 : 7;
    }
    if (used >= IMP_PATH_MAX) {
        free(name);
        return NULL;
    }
    return name;
}

/* Makes the folder of a picture, and checks that a file of its name can be written there. */
static int prepare_folder(const char *out) {
    char folder[IMP_PATH_MAX];
    imp_error err = {0};
    const int length = (int)(cli_base_name(out) - out);
    snprintf(folder, sizeof folder, "%.*s", length ? length : 1, length ? out : ".");
    if (!imp_folder_make(folder))
        return cli_complain(CLI_FAILED, "output '%s': cannot make its folder: %s", out,
                            strerror(errno));
    return imp_picture_check_output(out, 0, 0, NULL, &err) == IMP_OK ? CLI_DONE
                                                                     : cli_complain_error(&err);
}

/* A picture in a folder that has been prepared. */
static int check_name(const char *out) {
    struct stat about;
    if (stat(out, &about) == 0 && S_ISDIR(about.st_mode))
        return cli_complain(CLI_FAILED, "output '%s': is a folder; choose another name", out);
    if (strlen(cli_base_name(out)) > NAME_LENGTH_MAX)
        return cli_complain(CLI_FAILED, "output '%s': the name is too long; choose a shorter one",
                            out);
    return CLI_DONE;
}

static bool same_folder(const char *a, const char *b) {
    const ptrdiff_t length = cli_base_name(a) - a;
    return cli_base_name(b) - b == length && !strncmp(a, b, (size_t)length);
}

/* Checks that no output is an input, of this pair or another, or the output of another. */
static int check_outputs(const cli_batch *b, cli_outputs *o) {
    static const char input[] = "one of the input pictures";
    int status = CLI_DONE;
    cli_outputs_read_values(o, b->request);
    for (size_t i = 0; i < b->count; i++) {
        const cli_batch_item *item = &b->items[i];
        const char *const sources[] = {item->content, item->style, item->mask, item->style_mask,
                                       item->protect};
        for (size_t k = 0; k < sizeof sources / sizeof *sources; k++)
            cli_outputs_read(o, input, sources[k]);
    }
    for (size_t i = 0; i < b->count && !status; i++)
        status = cli_outputs_write(o, "output", b->items[i].out, CLI_OUTPUT_RESULT);
    return status;
}

/* Checks the outputs, and makes their folders. */
static int check_names(const cli_batch *b) {
    cli_outputs o = {0};
    int status = check_outputs(b, &o);
    cli_outputs_finish(&o);
    for (size_t i = 0; i < b->count && !status; i++) {
        const char *out = b->items[i].out;
        status = check_name(out);
        if (!status && (i == 0 || !same_folder(out, b->items[i - 1].out)))
            status = prepare_folder(out);
    }
    return status;
}

/* Each picture has one style, hence one style mask, which needs a content mask. */
static int check_masks(const cli_values *v) {
    if (!v->mask != (v->style_masks.count == 0))
        return cli_complain(CLI_MISUSE,
                            "batch: --mask and --style-mask belong together; give both");
    if (v->style_masks.count > 1)
        return cli_complain(CLI_MISUSE,
                            "--style-mask: given %zu times; give it once, with {style} for the "
                            "style's name",
                            v->style_masks.count);
    return CLI_DONE;
}

/* Derives output and masks from content and style. */
static int plan_item(const cli_batch *b, cli_batch_item *item) {
    const cli_values *v = &b->request->values;
    item->out = name_of(b->template, item->content, item->style);
    item->mask = name_of(v->mask, item->content, item->style);
    item->style_mask = name_of(v->style_masks.paths[0], item->content, item->style);
    char *protect = name_of(v->protect, item->content, item->style);
    item->protect = protect ? calloc(1, IMP_PATH_MAX) : NULL;
    int status = CLI_DONE;
    if (!item->out || (v->mask && !(item->mask && item->style_mask)) ||
        (v->protect && !item->protect))
        status = cli_complain(CLI_FAILED, "batch: a name is too long, or there is no memory");
    else if (protect)
        status = cli_read_protect(item->protect, &item->protect_strength, protect);
    free(protect);
    return status;
}

/* All pairs, grouped by style; with --zip the i-th content with the i-th style. */
static int plan(cli_batch *b, const glob_t *contents, const glob_t *styles) {
    static const char names[] = "{content}_{style}.png";
    const cli_values *v = &b->request->values;
    const char *out = v->out ? v->out : names;
    snprintf(b->template, sizeof b->template, "%s%s%s", out, cli_is_folder(out) ? "/" : "",
             cli_is_folder(out) ? names : "");
    const size_t n = contents->gl_pathc, m = styles->gl_pathc;
    if (v->zip && n != m)
        return cli_complain(CLI_MISUSE, "--zip: %zu contents and %zu styles; give as many of each",
                            n, m);
    b->count = v->zip ? n : n * m;
    b->items = calloc(b->count + 1, sizeof *b->items);
    if (!b->items)
        return cli_complain(CLI_FAILED, "batch: out of memory");
    for (size_t i = 0; i < b->count; i++) {
        cli_batch_item *item = &b->items[i];
        item->content = contents->gl_pathv[v->zip ? i : i % n];
        item->style = styles->gl_pathv[v->zip ? i : i / n];
        const int status = plan_item(b, item);
        if (status)
            return status;
    }
    return check_names(b);
}

/* ---- Workers --------------------------------------------------------------------------------- */

/* The numbers of the OpenCL devices that pass the self-test; "cpu" if there are none. They are
 * listed in a child process, because OpenCL drivers do not survive a fork. */
static size_t find_devices(char names[DEVICES_MAX][64]) {
    size_t count = 0;
    FILE *list = tmpfile();
    const pid_t pid = list ? fork() : -1;
    if (pid == 0) {
        imp_device_info all[DEVICES_MAX];
        const imp_device_options options = {.watch = cli_guard(false)};
        const size_t found = imp_device_list(all, DEVICES_MAX, true, &options);
        for (size_t i = 0; i < found && i < DEVICES_MAX; i++)
            if (!all[i].shares_host_memory && all[i].usable)
                fprintf(list, "%d\n", all[i].index);
        fflush(list);
        _exit(0);
    }
    if (pid > 0 && waitpid(pid, NULL, 0) == pid) {
        rewind(list);
        while (count < DEVICES_MAX && fgets(names[count], sizeof names[count], list)) {
            names[count][strcspn(names[count], "\n")] = 0;
            count++;
        }
    }
    if (list)
        fclose(list);
    if (count == 0)
        snprintf(names[count++], sizeof names[0], "cpu");
    return count;
}

/* A temporary file with the item numbers in order; NULL on failure. */
static FILE *queue(const cli_batch *b) {
    FILE *file = tmpfile();
    for (unsigned i = 0; file && i < b->count; i++)
        fwrite(&i, sizeof i, 1, file);
    if (file && fflush(file) == 0 && lseek(fileno(file), 0, SEEK_SET) == 0)
        return file;
    if (file)
        fclose(file);
    return NULL;
}

/* ---- Reports --------------------------------------------------------------------------------- */

typedef struct report {
    const cli_batch *batch;
    cli_progress progress;
    double *shares; /* fraction done, by item */
    size_t painted, skipped, failed;
    double began;
} report;

static void say_item(const cli_batch_item *item, const cli_message *message, const char *result) {
    json_t *object = cli_json_event("picture");
    json_object_set_new(object, "content", cli_json_text(item->content));
    json_object_set_new(object, "style", cli_json_text(item->style));
    json_object_set_new(object, "out", cli_json_text(item->out));
    json_object_set_new(object, "result", json_string(result));
    json_object_set_new(object, "seconds", cli_json_real(message->seconds));
    json_object_set_new(object, "reason",
                        *message->text ? cli_json_text(message->text) : json_null());
    cli_json_line(object);
}

static void show(report *r) {
    double done = 0;
    char text[200], time[48];
    for (size_t i = 0; i < r->batch->count; i++)
        done += r->shares[i];
    const double work = (double)(r->batch->count - r->skipped);
    const double share = work > 0 ? (done - (double)r->skipped) / work : 1;
    const double spent = imp_now() - r->began;
    cli_time_text(time, sizeof time, share > 0 ? spent / share * (1 - share) : 0);
    snprintf(text, sizeof text, "%zu of %zu pictures%s%s%s", r->painted + r->skipped + r->failed,
             r->batch->count, share > 0 ? ", " : "", share > 0 ? time : "",
             share > 0 ? " left" : "");
    cli_progress_line(&r->progress, done / (double)r->batch->count, text);
}

static void receive(report *r, const cli_message *message) {
    static const char *const results[] = {[CLI_ITEM_PAINTED] = "painted",
                                          [CLI_ITEM_SKIPPED] = "skipped",
                                          [CLI_ITEM_FAILED] = "failed"};
    const cli_batch_item *item = &r->batch->items[message->item];
    const bool over = message->kind == CLI_ITEM_PAINTED || message->kind == CLI_ITEM_SKIPPED ||
                      message->kind == CLI_ITEM_FAILED;
    r->painted += message->kind == CLI_ITEM_PAINTED;
    r->skipped += message->kind == CLI_ITEM_SKIPPED;
    r->failed += message->kind == CLI_ITEM_FAILED;
    if (message->kind != CLI_ITEM_NOTE && message->kind != CLI_WORKER_LOST)
        r->shares[message->item] = message->share;
    if (message->kind == CLI_ITEM_FAILED || message->kind == CLI_ITEM_NOTE ||
        message->kind == CLI_WORKER_LOST)
        cli_progress_clear(&r->progress);
    if (message->kind == CLI_WORKER_LOST)
        cli_note("%s", message->text);
    else if (message->kind == CLI_ITEM_FAILED ||
             (message->kind == CLI_ITEM_NOTE && !r->batch->request->values.quiet))
        cli_note("'%s': %s", item->out, message->text);
    if (over && r->batch->request->values.json)
        say_item(item, message, results[message->kind]);
    show(r);
}

static int conclude(report *r, bool interrupted) {
    const size_t left = r->batch->count - r->painted - r->skipped - r->failed;
    const double seconds = imp_now() - r->began;
    const cli_values *v = &r->batch->request->values;
    char time[48];
    cli_progress_clear(&r->progress);
    cli_time_text(time, sizeof time, seconds);
    if (v->json) {
        json_t *object = cli_json_event("batch");
        json_object_set_new(object, "pictures", json_integer((json_int_t)r->batch->count));
        json_object_set_new(object, "painted", json_integer((json_int_t)r->painted));
        json_object_set_new(object, "skipped", json_integer((json_int_t)r->skipped));
        json_object_set_new(object, "failed", json_integer((json_int_t)r->failed));
        json_object_set_new(object, "left", json_integer((json_int_t)left));
        json_object_set_new(object, "seconds", cli_json_real(seconds));
        cli_json_line(object);
    } else if (!v->quiet) {
        cli_print("%zu pictures: %zu painted, %zu existed, %zu failed, %zu left, in %s\n",
                  r->batch->count, r->painted, r->skipped, r->failed, left, time);
    }
    if (interrupted)
        return cli_complain(CLI_INTERRUPTED, "interrupted; run the same command again to continue");
    return r->failed || left ? CLI_FAILED : CLI_DONE;
}

/* ---- The batch ------------------------------------------------------------------------------- */

/* A worker as the parent sees it. */
typedef struct worker_place {
    char device[64];
    pid_t pid; /* 0: it has ended */
    int pipe;  /* its messages */
    int item;  /* that it paints; -1: none */
    bool begun;
} worker_place;

typedef struct workers {
    worker_place all[DEVICES_MAX];
    size_t count, alive;
    bool interrupted;
} workers;

/* Becomes a worker. The pipes of the others are closed, so that each notices when nobody listens.
 */
static pid_t start(cli_batch *b, const workers *w, const worker_place *place) {
    fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (size_t i = 0; i < w->count; i++)
        if (w->all[i].pid)
            close(w->all[i].pipe);
    close(place->pipe);
    cli_interrupt_set(CLI_INTERRUPT_RELEASE);
    b->request->values.quiet = true;
    b->request->values.json = false;
    const int status = cli_batch_work(b, place->device);
    fflush(NULL);
    _exit(status);
}

/* Starts a worker with a pipe of its own. */
static void employ(cli_batch *b, workers *w, worker_place *place) {
    int ends[2];
    if (pipe(ends) != 0) {
        cli_note("batch: cannot create a pipe: %s", strerror(errno));
        return;
    }
    b->messages = ends[1];
    place->pid = 0;
    place->pipe = ends[0];
    place->item = -1;
    place->begun = false;
    place->pid = start(b, w, place);
    close(ends[1]);
    if (place->pid > 0) {
        w->alive++;
        return;
    }
    place->pid = 0;
    close(ends[0]);
    cli_note("batch: cannot start a process for device %s: %s", place->device, strerror(errno));
}

/* A worker was ended by a signal: its picture has failed, and another takes its place. One that
 * never began a picture would only end again. */
static void replace(cli_batch *b, workers *w, worker_place *place, report *r, int number) {
    cli_message message = {.kind = place->item >= 0 ? CLI_ITEM_FAILED : CLI_WORKER_LOST,
                           .item = place->item >= 0 ? (unsigned)place->item : 0,
                           .share = 1};
    snprintf(message.text, sizeof message.text, "the process on device %s was ended by signal %d%s",
             place->device, number,
             number == SIGKILL ? ", perhaps because no memory was left" : "");
    receive(r, &message);
    if (place->begun)
        employ(b, w, place);
}

/* The pipe of a worker has ended, and so has the worker. */
static void dismiss(cli_batch *b, workers *w, worker_place *place, report *r) {
    int status = 0;
    close(place->pipe);
    while (waitpid(place->pid, &status, 0) < 0 && errno == EINTR)
        ;
    place->pid = 0;
    w->alive--;
    w->interrupted |= cli_interrupted() ||
                      (WIFEXITED(status) && WEXITSTATUS(status) == CLI_INTERRUPTED) ||
                      (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    if (WIFSIGNALED(status) && !w->interrupted)
        replace(b, w, place, r, WTERMSIG(status));
}

static void listen_to(cli_batch *b, workers *w, worker_place *place, report *r) {
    cli_message message;
    const ssize_t n = read(place->pipe, &message, sizeof message);
    if (n < 0 && errno == EINTR)
        return;
    if (n != (ssize_t)sizeof message) {
        dismiss(b, w, place, r);
        return;
    }
    const bool over = message.kind == CLI_ITEM_PAINTED || message.kind == CLI_ITEM_SKIPPED ||
                      message.kind == CLI_ITEM_FAILED;
    place->begun |= message.kind == CLI_ITEM_BEGUN;
    if (message.kind == CLI_ITEM_BEGUN)
        place->item = (int)message.item;
    else if (over)
        place->item = -1;
    receive(r, &message);
}

/* A signal may reach the parent alone. The workers get one that they never take for a second
 * Ctrl-C. */
static void pass_on(const workers *w) {
    for (size_t i = 0; i < w->count; i++)
        if (w->all[i].pid)
            kill(w->all[i].pid, SIGTERM);
}

/* Receives what the workers say until the last one ends. */
static void supervise(cli_batch *b, workers *w, report *r) {
    enum { PAUSE_MS = 200 };
    bool passed = false;
    while (w->alive > 0) {
        struct pollfd fds[DEVICES_MAX];
        for (size_t i = 0; i < w->count; i++)
            fds[i] = (struct pollfd){.fd = w->all[i].pid ? w->all[i].pipe : -1, .events = POLLIN};
        const int ready = poll(fds, (nfds_t)w->count, PAUSE_MS);
        if (cli_interrupted() && !passed)
            pass_on(w);
        passed |= cli_interrupted();
        for (size_t i = 0; ready > 0 && i < w->count; i++)
            if (w->all[i].pid && fds[i].revents)
                listen_to(b, w, &w->all[i], r);
    }
}

/* Ctrl-C makes the workers abandon their current picture. */
static int perform(cli_batch *b, report *r) {
    char names[DEVICES_MAX][64];
    workers *w = calloc(1, sizeof *w);
    if (!w)
        return cli_complain(CLI_FAILED, "batch: out of memory");
    w->count = 1;
    if (strcmp(b->request->values.device, "all") == 0)
        w->count = find_devices(names);
    else
        snprintf(names[0], sizeof names[0], "%s", b->request->values.device);
    for (size_t i = 0; i < w->count; i++) {
        memcpy(w->all[i].device, names[i], sizeof names[i]);
        employ(b, w, &w->all[i]);
    }
    cli_interrupt_set(CLI_INTERRUPT_CATCH);
    supervise(b, w, r);
    const bool interrupted = w->interrupted;
    free(w);
    return conclude(r, interrupted);
}

static int prepare(cli_batch *b) {
    const cli_values *v = &b->request->values;
    cli_job job = {.values = v};
    report r = {.batch = b, .shares = calloc(b->count + 1, sizeof(double))};
    FILE *items = queue(b);
    int status = cli_job_network(&job);
    if (!status && (!r.shares || !items))
        status = cli_complain(CLI_FAILED, "batch: out of memory or disk space for temporary files");
    if (!status) {
        b->network = job.network;
        b->next = fileno(items);
        r.began = imp_now();
        cli_progress_init(&r.progress, v->quiet || v->json);
        status = perform(b, &r);
    }
    if (items)
        fclose(items);
    free(r.shares);
    cli_job_finish(&job);
    return status;
}

int cli_batch_command(cli_request *request) {
    cli_batch b = {.request = request};
    glob_t contents = {0}, styles = {0};
    int status = cli_resolve(request);
    if (!status)
        status = check_masks(&request->values);
    if (!status)
        status = expand(&contents, "content", request->values.content);
    if (!status)
        status = expand(&styles, "style", request->values.style);
    if (!status)
        status = plan(&b, &contents, &styles);
    if (!status)
        status = prepare(&b);
    for (size_t i = 0; b.items && i < b.count; i++) {
        free(b.items[i].out);
        free(b.items[i].mask);
        free(b.items[i].protect);
        free(b.items[i].style_mask);
    }
    free(b.items);
    globfree(&contents);
    globfree(&styles);
    return status;
}
