/* SPDX-License-Identifier: MIT
 *
 * The worker of a batch: paints one item after another on one device. Standard error is redirected
 * and its lines are sent to the parent; the last line of a failed item is the reason.
 */
#include "base/clock.h"
#include "cli/batch.h"
#include "cli/guard.h"
#include "cli/observer.h"
#include "cli/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct cli_worker {
    cli_batch *batch;
    cli_painting painting; /* of the current item; uses the batch's network and keeps the device */
    FILE *said;            /* replaces standard error */
    unsigned item;
    double began, told; /* imp_now */
} worker;

static void tell(const worker *w, cli_message_kind kind, double share, const char *text) {
    cli_message message = {
        .kind = kind, .item = w->item, .share = share, .seconds = imp_now() - w->began};
    snprintf(message.text, sizeof message.text, "%.*s", (int)sizeof message.text - 1, text);
    while (write(w->batch->messages, &message, sizeof message) < 0 && errno == EINTR)
        ;
}

/* Forwards the lines since the last call. The last line of a failure goes to `last` instead. */
static void forward(worker *w, bool failed, char *last, size_t size) {
    static const char own[] = "impasto: ";
    char line[1024], before[1024] = "";
    fflush(cli_errors());
    rewind(w->said);
    while (fgets(line, sizeof line, w->said)) {
        line[strcspn(line, "\n")] = 0;
        const size_t skip = strncmp(line, own, sizeof own - 1) ? 0 : sizeof own - 1;
        if (*before)
            tell(w, CLI_ITEM_NOTE, 0, before);
        memmove(before, line + skip, strlen(line + skip) + 1);
    }
    if (*before && !failed)
        tell(w, CLI_ITEM_NOTE, 0, before);
    snprintf(last, size, "%s", *before ? before : "failed without a message");
    rewind(w->said);
    if (ftruncate(fileno(w->said), 0) != 0)
        clearerr(w->said);
}

/* The observer that reports progress to the parent. */
static imp_status look(void *self, cli_view *view, imp_error *err) {
    worker *w = self;
    const double now = imp_now();
    (void)err;
    if (now - w->told < 0.2)
        return IMP_OK;
    w->told = now;
    tell(w, CLI_ITEM_STEP, (double)view->now->iteration / (double)view->now->total, "");
    return IMP_OK;
}

/* from: NULL for none */
static void set_path(char path[IMP_PATH_MAX], const char *from) {
    snprintf(path, IMP_PATH_MAX, "%s", from ? from : "");
}

static void begin(worker *w) {
    const cli_batch_item *item = &w->batch->items[w->item];
    cli_painting *p = &w->painting;
    cli_style *style = &p->from.styles[0];
    set_path(p->from.content, item->content);
    set_path(p->from.mask, item->mask);
    set_path(p->from.protect, item->protect);
    p->from.protect_strength = item->protect_strength;
    set_path(p->from.init, p->values->init);
    set_path(style->path, item->style);
    set_path(style->mask, item->style_mask);
    style->weight = 1;
    p->from.style_count = 1;
    set_path(p->out, item->out);
    p->record = (cli_record){0};
    p->recovered = false;
    w->began = p->began = imp_now();
    tell(w, CLI_ITEM_BEGUN, 0, "");
}

static int paint(worker *w) {
    cli_painting *p = &w->painting;
    begin(w);
    int status = cli_paint_sources(p);
    if (!status)
        status = cli_paint_perform(p);
    cli_job_clear(&p->job);
    imp_picture_finish(&p->picture);
    return status;
}

static bool take(worker *w) {
    return read(w->batch->next, &w->item, sizeof w->item) == (ssize_t)sizeof w->item;
}

static int work(worker *w) {
    const bool force = w->batch->request->values.force;
    char why[512];
    int status = CLI_DONE;
    bool again = cli_guard_unfinished(&w->item);
    while (status != CLI_INTERRUPTED && (again || take(w))) {
        again = false;
        cli_guard_item(w->item, true);
        w->began = imp_now();
        if (!force && access(w->batch->items[w->item].out, F_OK) == 0) {
            tell(w, CLI_ITEM_SKIPPED, 1, "");
            continue;
        }
        status = paint(w);
        forward(w, status != CLI_DONE, why, sizeof why);
        cli_guard_item(w->item, false);
        if (status != CLI_INTERRUPTED)
            tell(w, status ? CLI_ITEM_FAILED : CLI_ITEM_PAINTED, 1, status ? why : "");
    }
    return status;
}

/* Tells the parent why the device cannot be opened. */
static int lose(worker *w) {
    char why[512];
    forward(w, true, why, sizeof why);
    tell(w, CLI_WORKER_LOST, 0, why);
    return CLI_FAILED;
}

int cli_batch_work(cli_batch *batch, const char *device) {
    worker *w = calloc(1, sizeof *w);
    FILE *said = tmpfile();
    if (!w || !said || dup2(fileno(said), STDERR_FILENO) < 0) {
        free(w);
        return CLI_FAILED;
    }
    cli_painting *p = &w->painting;
    batch->request->values.device = device;
    *w = (worker){.batch = batch, .said = said};
    p->request = batch->request;
    p->values = &batch->request->values;
    p->owner = (cli_observer){w, look, NULL};
    p->job = (cli_job){
        .values = p->values, .progress = &p->progress, .network = batch->network, .sharing = true};
    cli_progress_init(&p->progress, true);
    const int status = cli_job_device(&p->job) ? lose(w) : work(w);
    p->job.network = NULL; /* the batch's */
    cli_job_finish(&p->job);
    free(w);
    return status;
}
