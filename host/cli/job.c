/* SPDX-License-Identifier: MIT
 *
 * Network, pictures, device and session: see job.h.
 */
#include "cli/job.h"

#include "cli/guard.h"
#include "cli/json.h"
#include "cli/weights.h"
#include "cli/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The network ----------------------------------------------------------------------------- */

/* A convolution "conv3_2" gives the features "relu3_2". */
static void features_name(char *name, size_t size, const imp_network_layer *layer) {
    const char *number = strncmp(layer->name, "conv", 4) ? layer->name : layer->name + 4;
    snprintf(name, size, "relu%s", number);
}

static int check_layer(const cli_job *job, const char *wanted) {
    imp_network_info info;
    imp_network_describe(job->network, &info);
    char name[64] = "";
    cli_nearest nearest = {.word = wanted};
    for (size_t i = 0; i < info.layers; i++) {
        const imp_network_layer layer = imp_network_layer_at(job->network, i);
        features_name(name, sizeof name, &layer);
        if (!strcmp(name, wanted))
            return CLI_DONE;
        cli_nearest_offer(&nearest, name);
    }
    const bool typed = strncmp(wanted, "relu", 4) != 0 || strcmp(wanted, name) < 0;
    if (*nearest.best && typed)
        return cli_complain(CLI_MISUSE, "layer '%s': not in network '%s'; the nearest is '%s'",
                            wanted, info.name, nearest.best);
    return cli_complain(
        CLI_MISUSE,
        "layer '%s': not in network '%s', whose deepest is '%s'; choose others with "
        "--style-layers and --content-layers, or a network that has it: 'impasto weights list'",
        wanted, info.name, name);
}

int cli_job_network(cli_job *job) {
    const cli_values *values = job->values;
    const char *name = values->network ? values->network : values->settings.network;
    char because[64];
    snprintf(because, sizeof because, "preset '%s'", values->settings.preset);
    int status = CLI_DONE;
    if (!job->network)
        status = cli_weights_open(&job->network, values, name, values->network ? NULL : because);
    if (status)
        return status;
    for (size_t i = 0; i < values->settings.term_count; i++) {
        status = check_layer(job, values->settings.terms[i].layer);
        if (status)
            return status;
    }
    return CLI_DONE;
}

/* ---- The pictures ---------------------------------------------------------------------------- */

static void log_note(void *user, imp_log_level level, const char *line) {
    (void)user;
    (void)level;
    cli_note("%s", line);
}

/* needed: as in imp_read_options. */
static int read_picture(cli_job *job, imp_picture *picture, const char *path, size_t needed) {
    const cli_background *background = &job->values->background;
    const imp_read_options options = {.max_pixels = job->values->max_pixels,
                                      .keep_alpha = background->keep,
                                      .background = background->rgb,
                                      .log = job->values->quiet ? NULL : log_note,
                                      .needed = needed};
    imp_error err = {0};
    if (imp_picture_read(picture, path, &options, &err) != IMP_OK)
        return cli_complain_error(&err);
    if (picture->alpha && !background->keep && !job->values->quiet)
        cli_note("'%s': has transparent parts, which are laid on the background; see --background",
                 path);
    return CLI_DONE;
}

/* A colour stands for a mask of that colour everywhere. */
static int read_mask(cli_job *job, imp_picture *mask, const char *path, const imp_picture *of) {
    float rgb[3];
    const size_t count = 3 * of->width * of->height;
    if (access(path, F_OK) == 0 || !cli_colour_read(path, rgb))
        return read_picture(job, mask, path, 0);
    *mask = (imp_picture){
        .width = of->width, .height = of->height, .rgb = malloc(count * sizeof *mask->rgb)};
    if (!mask->rgb)
        return cli_complain(CLI_FAILED, "mask '%s': out of memory", path);
    for (size_t i = 0; i < count; i++)
        mask->rgb[i] = rgb[i % 3];
    return CLI_DONE;
}

/* How large the pictures of a painting are needed; with masks whole, since a mask has the size of
 * its picture. */
static size_t needed(const cli_job *job, const cli_sources *sources, float scale) {
    const double size = (double)job->values->settings.size * (double)scale;
    return *sources->mask || *sources->protect ? 0 : (size_t)fmin(ceil(size), 1e9);
}

static int read_style(cli_job *job, const cli_sources *sources, size_t i) {
    const cli_style *const style = &sources->styles[i];
    imp_picture *const picture = &job->styles[i], *const mask = &job->style_masks[i];
    int status = read_picture(job, picture, style->path,
                              needed(job, sources, job->values->settings.style_scale));
    job->from.styles[i] = (imp_style){.picture = picture, .weight = style->weight};
    if (status || !*style->mask)
        return status;
    job->from.styles[i].mask = mask;
    return read_mask(job, mask, style->mask, picture);
}

int cli_job_pictures(cli_job *job, const cli_sources *sources) {
    job->from = (imp_sources){.content = &job->content};
    int status = read_picture(job, &job->content, sources->content, needed(job, sources, 1));
    for (size_t i = 0; i < sources->style_count && !status; i++)
        status = read_style(job, sources, i);
    if (!status && *sources->mask) {
        job->from.mask = &job->mask;
        status = read_mask(job, &job->mask, sources->mask, &job->content);
    }
    if (!status && *sources->protect) {
        job->from.protect = &job->protect;
        job->from.protect_strength = sources->protect_strength;
        status = read_picture(job, &job->protect, sources->protect, 0);
    }
    if (!status && *sources->init) {
        job->from.init = &job->init;
        status = read_picture(job, &job->init, sources->init, needed(job, sources, 1));
    }
    return status;
}

/* ---- The device ------------------------------------------------------------------------------ */

const char *cli_device_name(const imp_device_info *info) {
    return info->shares_host_memory ? info->backend : info->name;
}

const char *const cli_precision_words[] = {"fp32", "fp16"};

const char *cli_precision_aside(imp_precision precision) {
    return precision == IMP_FP16 ? " with fp16 filters" : "";
}

/* Offers the words of a device's name that have three letters or more. */
static void offer_words(cli_nearest *nearest, const char *text) {
    static const char separators[] = " ,()/-:";
    char word[64];
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        const size_t length = strcspn(text, separators);
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        if (length >= 3)
            cli_nearest_offer(nearest, word);
        text += length;
    }
}

/* No such device: suggests the nearest word of those present. */
static int complain_device(const char *which, const imp_error *err) {
    imp_device_info list[32];
    size_t count = imp_device_list(list, 32, false, NULL);
    cli_nearest nearest = {.word = which};
    cli_nearest_offer(&nearest, "auto");
    cli_nearest_offer(&nearest, "cpu");
    cli_nearest_offer(&nearest, "oracle");
    for (size_t i = 0; i < count && i < 32; i++) {
        offer_words(&nearest, list[i].platform);
        offer_words(&nearest, list[i].vendor);
        offer_words(&nearest, list[i].name);
    }
    if (*nearest.best)
        return cli_complain(CLI_MISUSE, "device '%s': not found; the nearest is '%s'", which,
                            nearest.best);
    return cli_complain_error(err);
}

static imp_status open_device(cli_job *job, const char *which, imp_error *err) {
    const cli_values *v = job->values;
    const imp_device_options options = {.threads = v->threads,
                                        .gemm = v->gemm,
                                        .precision = v->precision,
                                        .tune = v->tune == CLI_TUNE_AUTO,
                                        .profile = v->profile,
                                        .level = v->verbose            ? IMP_LOG_DEBUG
                                                 : v->quiet || v->json ? IMP_LOG_WARNING
                                                                       : IMP_LOG_INFO,
                                        .log = cli_progress_log,
                                        .user = job->progress,
                                        .watch = cli_guard(v->verbose)};
    return imp_device_open(&job->device, which, &options, err);
}

/* Tells people that "auto" took the processor because there is nothing else. */
static void tell_no_opencl(const cli_job *job, const char *which) {
    if (!job->values->quiet && !strcmp(which, "auto") &&
        imp_device_describe(job->device)->shares_host_memory &&
        imp_device_list(NULL, 0, false, NULL) == 1)
        cli_progress_note(job->progress, "no OpenCL device found; computing on the processor");
}

static void close_device(cli_job *job) {
    imp_session_close(job->session);
    imp_reuse_close(job->reuse);
    imp_device_close(job->device);
    job->session = NULL;
    job->reuse = NULL;
    job->device = NULL;
}

/* ---- The session and the work ---------------------------------------------------------------- */

static imp_status open_session(cli_job *job, imp_error *err) {
    const cli_values *v = job->values;
    imp_estimate estimate;
    char bytes[32], line[256];
    imp_status status = IMP_OK;
    if (job->sharing && !job->reuse)
        status = imp_reuse_open(&job->reuse, job->device, job->network, err);
    job->from.reuse = job->reuse;
    if (status == IMP_OK)
        status = imp_session_open(&job->session, job->device, job->network, &v->settings,
                                  &job->from, err);
    if (status != IMP_OK || !v->verbose)
        return status;
    imp_session_estimate(job->session, &estimate);
    cli_bytes_text(bytes, sizeof bytes, (double)estimate.device_bytes);
    snprintf(line, sizeof line, "device '%s': %s of memory planned",
             cli_device_name(imp_device_describe(job->device)), bytes);
    cli_progress_note(job->progress, line);
    return IMP_OK;
}

int cli_job_device(cli_job *job) {
    imp_error err = {0};
    const char *which = job->values->device;
    if (job->device || open_device(job, which, &err) == IMP_OK)
        return CLI_DONE;
    return err.status == IMP_ERR_ARGUMENT ? complain_device(which, &err) : cli_complain_error(&err);
}

int cli_job_forecast(cli_job *job, imp_forecast *out) {
    imp_error err = {0};
    const int status = cli_job_device(job);
    if (status)
        return status;
    if (imp_session_forecast(out, job->device, job->network, &job->values->settings, &job->from,
                             &err) != IMP_OK)
        return cli_complain_error(&err);
    return CLI_DONE;
}

/* Brings the session to the last state that a lost device left; one that it does not fit is not
 * used. *iteration: where that is. */
static imp_status go_on(cli_job *job, unsigned *iteration, imp_error *err) {
    imp_error own = {0};
    job->goes_on = cli_guard_return(job->session, iteration, &own) == IMP_OK && *iteration > 0;
    if (own.status == IMP_OK || own.status == IMP_ERR_DEVICE)
        return own.status == IMP_OK ? IMP_OK : (*err = own, own.status);
    imp_session_close(job->session);
    job->session = NULL;
    *iteration = 0;
    return open_session(job, err);
}

/* because: why another device failed, reported once this one has taken over; or NULL. */
static void tell_change(const cli_job *job, const char *because, unsigned iteration) {
    char line[768], where[48] = "";
    if (iteration > 0)
        snprintf(where, sizeof where, " from iteration %u", iteration);
    snprintf(line, sizeof line, "%s; continuing on device %s%s", because,
             cli_device_name(imp_device_describe(job->device)), where);
    cli_progress_note(job->progress, line);
}

static imp_status perform_on(cli_job *job, const char *which, const char *because, cli_work work,
                             void *user, imp_error *err) {
    unsigned iteration = 0;
    imp_status status = job->device ? IMP_OK : open_device(job, which, err);
    if (status != IMP_OK)
        return status;
    tell_no_opencl(job, which);
    status = open_session(job, err);
    if (status == IMP_OK)
        status = go_on(job, &iteration, err);
    if (status != IMP_OK)
        return status;
    because = because ? because : cli_guard_loss();
    if (because)
        tell_change(job, because, iteration);
    return work(user, job, err);
}

static bool may_fall_back(const cli_job *job, imp_status status) {
    return (status == IMP_ERR_MEMORY || status == IMP_ERR_DEVICE) && job->device &&
           !imp_device_describe(job->device)->shares_host_memory;
}

int cli_job_perform(cli_job *job, cli_work work, void *user) {
    imp_error err = {0}, lost;
    const char *which = job->values->device;
    cli_guard(job->values->verbose);
    cli_guard_begin();
    imp_status status = perform_on(job, which, NULL, work, user, &err);
    if (status == IMP_ERR_ARGUMENT && !job->device)
        return complain_device(which, &err);
    while (may_fall_back(job, status)) {
        lost = err;
        err = (imp_error){0};
        cli_guard_lose(job->device, lost.text);
        close_device(job);
        status = perform_on(job, "auto", lost.text, work, user, &err);
    }
    cli_progress_clear(job->progress);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

void cli_job_profile(const cli_job *job) {
    imp_profile_row rows[64];
    if (!job->values->profile || !job->device)
        return;
    const size_t count = imp_device_profile(job->device, rows, 64);
    double whole = 0;
    for (size_t i = 0; i < count && i < 64; i++)
        whole += rows[i].seconds;
    FILE *const out = cli_talk(job->values);
    if (!job->values->json)
        fprintf(out, "%-32s %10s %6s %10s\n", "operation", "seconds", "%", "calls");
    for (size_t i = 0; i < count && i < 64; i++) {
        const imp_profile_row *row = &rows[i];
        if (!job->values->json) {
            fprintf(out, "%-32s %10.3f %6.1f %10llu\n", row->operation, row->seconds,
                    whole > 0 ? 100 * row->seconds / whole : 0, (unsigned long long)row->calls);
            continue;
        }
        json_t *object = cli_json_event("profile");
        json_object_set_new(object, "operation", json_string(row->operation));
        json_object_set_new(object, "seconds", cli_json_real(row->seconds));
        json_object_set_new(object, "calls", json_integer((json_int_t)row->calls));
        cli_json_line(object);
    }
}

void cli_job_clear(cli_job *job) {
    imp_session_close(job->session);
    job->session = NULL;
    imp_picture_finish(&job->content);
    imp_picture_finish(&job->mask);
    imp_picture_finish(&job->protect);
    imp_picture_finish(&job->init);
    for (size_t i = 0; i < IMP_STYLES_MAX; i++) {
        imp_picture_finish(&job->styles[i]);
        imp_picture_finish(&job->style_masks[i]);
    }
}

void cli_job_finish(cli_job *job) {
    cli_job_clear(job);
    close_device(job);
    imp_network_close(job->network);
    job->network = NULL;
}
