/* SPDX-License-Identifier: MIT
 *
 * impasto weights fetch, and the offer to fetch a network that is needed but not installed.
 */
#include "cli/guard.h"
#include "cli/weights.h"

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/words.h"

#include <string.h>
#include <unistd.h>

typedef struct fetching {
    const char *name;
    const cli_values *values;
    cli_progress progress;
    double said; /* imp_now of the last JSON line */
} fetching;

static void say_progress(fetching *f, uint64_t done, uint64_t total) {
    if (imp_now() - f->said < 1)
        return;
    f->said = imp_now();
    json_t *object = cli_json_event("fetching");
    json_object_set_new(object, "name", json_string(f->name));
    json_object_set_new(object, "done", json_integer((json_int_t)done));
    json_object_set_new(object, "total", total ? json_integer((json_int_t)total) : json_null());
    cli_json_line(object);
}

static bool on_bytes(void *user, uint64_t done, uint64_t total) {
    fetching *const f = user;
    if (f->values->json)
        say_progress(f, done, total);
    cli_progress_bytes(&f->progress, f->name, done, total);
    return !cli_interrupted();
}

static void on_log(void *user, imp_log_level level, const char *line) {
    fetching *const f = user;
    cli_progress_log(&f->progress, level, line);
}

static void tell_installed(const cli_values *values, const char *name,
                           const imp_import_report *report) {
    char path[IMP_PATH_MAX] = "";
    imp_weights_path(path, sizeof path, name, NULL);
    cli_weights_installed(values, name, path, report);
}

static int fetch(const cli_values *values, const char *name, imp_import_report *report) {
    fetching f = {.name = name, .values = values, .said = -1};
    const imp_fetch_options options = {.from = values->from,
                                       .stall = values->stall,
                                       .import = {.half = values->half, .input = values->input},
                                       .progress = on_bytes,
                                       .log = on_log,
                                       .user = &f};
    imp_error err = {0};
    cli_progress_init(&f.progress, values->json);
    f.progress.shown = imp_now(); /* no bar for a short download */
    cli_interrupt_set(CLI_INTERRUPT_CATCH);
    const imp_status status = imp_weights_fetch(name, &options, report, &err);
    cli_interrupt_set(CLI_INTERRUPT_RELEASE);
    cli_progress_clear(&f.progress);
    if (status == IMP_ERR_STOPPED)
        return cli_complain(CLI_INTERRUPTED, "%s; run the same command again to continue",
                            err.text);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* Whether the network is installed and intact, so that it need not be fetched again. */
static bool is_whole(const cli_values *values, const char *name) {
    char sha256[65];
    bool noted = false;
    return !values->from && imp_weights_here(name) &&
           imp_weights_verify(name, sha256, &noted, NULL) == IMP_OK && noted;
}

int cli_weights_fetch(cli_request *request, char **operands, int count) {
    const cli_values *const values = &request->values;
    imp_import_report report = {0};
    (void)count;
    if (is_whole(values, operands[0])) {
        cli_note("weights '%s': already installed and intact", operands[0]);
        return CLI_DONE;
    }
    const int status = fetch(values, operands[0], &report);
    if (!status)
        tell_installed(values, operands[0], &report);
    return status;
}

/* ---- The offer ------------------------------------------------------------------------------- */

static bool agrees(const imp_weights_entry *entry, const char *because) {
    char bytes[48] = "a file of unknown size", answer[16] = "";
    if (entry->bytes)
        cli_bytes_text(bytes, sizeof bytes, (double)entry->bytes);
    cli_print_to(cli_errors(),
                 "%s%snetwork '%s' is not installed: %s (%s).\nFetch %s from %s? [y/N] ",
                 because ? because : "", because ? ": " : "", entry->name, entry->origin,
                 entry->licence, bytes, entry->addresses[0]);
    fflush(cli_errors());
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int offer(const cli_values *values, const imp_weights_entry *entry, const char *because) {
    const bool asks = isatty(STDIN_FILENO) && isatty(fileno(cli_errors())) && !values->json;
    imp_import_report report;
    if (asks && agrees(entry, because))
        return fetch(values, entry->name, &report);
    return cli_complain(CLI_FAILED,
                        "%s%snetwork '%s' is not installed; run 'impasto weights fetch %s', or "
                        "choose another with --network",
                        because ? because : "", because ? ": its " : "", entry->name, entry->name);
}

/* Neither a file nor a known name: suggests the nearest. */
static int complain_unknown(const char *name, const imp_error *err) {
    char names[256][IMP_NAME_MAX];
    const size_t here = imp_weights_list(names, 256);
    const imp_weights_entry *entry;
    cli_nearest nearest = {.word = name};
    cli_nearest_offer(&nearest, "builtin");
    for (size_t i = 0; (entry = imp_weights_at(i)); i++)
        cli_nearest_offer(&nearest, entry->name);
    for (size_t i = 0; i < here && i < 256; i++)
        cli_nearest_offer(&nearest, names[i]);
    if (!*nearest.best || strchr(name, '/'))
        return cli_complain_error(err);
    return cli_complain(CLI_FAILED, "network '%s': not a known name or a file; the nearest is '%s'",
                        name, nearest.best);
}

int cli_weights_open(imp_network **out, const cli_values *values, const char *name,
                     const char *because) {
    const imp_weights_entry *const entry = imp_weights_find(name);
    const bool here = imp_weights_here(name) || access(name, F_OK) == 0;
    const int status = entry && !here ? offer(values, entry, because) : CLI_DONE;
    imp_error err = {0};
    if (status)
        return status;
    if (imp_network_open(out, name, &err) == IMP_OK)
        return CLI_DONE;
    return err.status == IMP_ERR_IO && !here ? complain_unknown(name, &err)
                                             : cli_complain_error(&err);
}
