/* SPDX-License-Identifier: MIT
 *
 * Network, pictures, device and session of a command: see stage.h.
 */
#include "cli/stage.h"

#include "cli/json.h"
#include "cli/weights.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The network ----------------------------------------------------------------------------- */

/* A convolution "conv3_2" gives the features "relu3_2". */
static void features_name(char *name, size_t size, const imp_network_layer *layer) {
    const char *number = strncmp(layer->name, "conv", 4) ? layer->name : layer->name + 4;
    snprintf(name, size, "relu%s", number);
}

static int check_layer(const cli_stage *stage, const char *wanted) {
    imp_network_info info;
    imp_network_describe(stage->network, &info);
    char name[64] = "";
    cli_nearest nearest = {.word = wanted};
    for (size_t i = 0; i < info.layers; i++) {
        const imp_network_layer layer = imp_network_layer_at(stage->network, i);
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
        "--style-layers and --content-layers, or bring a network that has it: "
        "'impasto weights list'",
        wanted, info.name, name);
}

int cli_stage_network(cli_stage *stage) {
    const cli_values *values = stage->values;
    const char *name = values->network ? values->network : values->settings.network;
    char because[64];
    snprintf(because, sizeof because, "preset '%s'", values->settings.preset);
    int status = CLI_DONE;
    if (!stage->network)
        status = cli_weights_open(&stage->network, values, name, values->network ? NULL : because);
    if (status)
        return status;
    for (size_t i = 0; i < values->settings.term_count; i++) {
        status = check_layer(stage, values->settings.terms[i].layer);
        if (status)
            return status;
    }
    return CLI_DONE;
}

/* ---- The pictures ---------------------------------------------------------------------------- */

static void log_note(void *user, const char *line) {
    (void)user;
    cli_note("%s", line);
}

static int read_picture(cli_stage *stage, imp_picture *picture, const char *path) {
    const cli_background *background = &stage->values->background;
    const imp_read_options options = {.max_pixels = stage->values->max_pixels,
                                      .keep_alpha = background->keep,
                                      .background = background->rgb,
                                      .log = stage->values->quiet ? NULL : log_note};
    imp_error err = {0};
    if (imp_picture_read(picture, path, &options, &err) != IMP_OK)
        return cli_complain_error(&err);
    if (picture->alpha && !background->keep && !stage->values->quiet)
        cli_note("'%s': has transparent parts; they are laid on the background", path);
    return CLI_DONE;
}

/* A colour is a mask as large as its picture. */
static int read_mask(cli_stage *stage, imp_picture *mask, const char *path, const imp_picture *of) {
    float rgb[3];
    const size_t count = 3 * of->width * of->height;
    if (access(path, F_OK) == 0 || !cli_colour_read(path, rgb))
        return read_picture(stage, mask, path);
    *mask = (imp_picture){
        .width = of->width, .height = of->height, .rgb = malloc(count * sizeof *mask->rgb)};
    if (!mask->rgb)
        return cli_complain(CLI_FAILED, "mask '%s': out of memory", path);
    for (size_t i = 0; i < count; i++)
        mask->rgb[i] = rgb[i % 3];
    return CLI_DONE;
}

static int read_style(cli_stage *stage, const cli_style *style, size_t i) {
    imp_picture *const picture = &stage->styles[i], *const mask = &stage->style_masks[i];
    int status = read_picture(stage, picture, style->path);
    stage->from.styles[i] = (imp_style){.picture = picture, .weight = style->weight};
    if (status || !*style->mask)
        return status;
    stage->from.styles[i].mask = mask;
    return read_mask(stage, mask, style->mask, picture);
}

int cli_stage_pictures(cli_stage *stage, const cli_sources *sources) {
    stage->from = (imp_sources){.content = &stage->content};
    int status = read_picture(stage, &stage->content, sources->content);
    for (size_t i = 0; i < sources->style_count && !status; i++)
        status = read_style(stage, &sources->styles[i], i);
    if (!status && *sources->mask) {
        stage->from.mask = &stage->mask;
        status = read_mask(stage, &stage->mask, sources->mask, &stage->content);
    }
    if (!status && *sources->init) {
        stage->from.init = &stage->init;
        status = read_picture(stage, &stage->init, sources->init);
    }
    return status;
}

/* ---- The device ------------------------------------------------------------------------------ */

const char *cli_device_name(const imp_device_info *info) {
    return info->kind == IMP_DEVICE_CPU      ? "cpu"
           : info->kind == IMP_DEVICE_ORACLE ? "oracle"
                                             : info->name;
}

const char *const cli_precision_words[] = {"fp32", "fp16"};

const char *cli_precision_aside(imp_precision precision) {
    return precision == IMP_FP16 ? " with fp16 filters" : "";
}

/* Offers the words of a device's names, at least three letters long. */
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

/* No such device: the nearest word of those that are there. */
static int complain_device(const char *which, const imp_error *err) {
    imp_device_info list[32];
    size_t count = imp_device_list(list, 32, false, NULL, NULL);
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
        return cli_complain(CLI_MISUSE, "device '%s': not here; the nearest is '%s'", which,
                            nearest.best);
    return cli_complain_error(err);
}

static imp_status open_device(cli_stage *stage, const char *which, imp_error *err) {
    const cli_values *v = stage->values;
    const imp_device_options options = {.threads = v->threads,
                                        .gemm = v->gemm,
                                        .precision = v->precision,
                                        .tune = v->tune == CLI_TUNE_AUTO,
                                        .profile = v->profile,
                                        .verbose = v->verbose,
                                        .quiet = v->quiet || v->json,
                                        .log = cli_progress_log,
                                        .user = stage->progress};
    return imp_device_open(&stage->device, which, &options, err);
}

/* The processor was not asked for, but there is nothing else: people should know. */
static void tell_no_opencl(const cli_stage *stage, const char *which) {
    if (!stage->values->quiet && !strcmp(which, "auto") &&
        imp_device_describe(stage->device)->kind == IMP_DEVICE_CPU &&
        imp_device_list(NULL, 0, false, NULL, NULL) == 1)
        cli_progress_log(stage->progress, "no OpenCL device is here; the processor does the work");
}

static void close_device(cli_stage *stage) {
    imp_session_close(stage->session);
    imp_reuse_close(stage->reuse);
    imp_device_close(stage->device);
    stage->session = NULL;
    stage->reuse = NULL;
    stage->device = NULL;
}

/* ---- The session and the work ---------------------------------------------------------------- */

static imp_status open_session(cli_stage *stage, imp_error *err) {
    const cli_values *v = stage->values;
    imp_estimate estimate;
    char bytes[32], line[256];
    imp_status status = IMP_OK;
    if (stage->sharing && !stage->reuse)
        status = imp_reuse_open(&stage->reuse, stage->device, stage->network, err);
    stage->from.reuse = stage->reuse;
    if (status == IMP_OK)
        status = imp_session_open(&stage->session, stage->device, stage->network, &v->settings,
                                  &stage->from, err);
    if (status != IMP_OK || !v->verbose)
        return status;
    imp_session_estimate(stage->session, &estimate);
    cli_bytes_text(bytes, sizeof bytes, (double)estimate.device_bytes);
    snprintf(line, sizeof line, "device '%s': %s of its memory planned",
             cli_device_name(imp_device_describe(stage->device)), bytes);
    cli_progress_log(stage->progress, line);
    return IMP_OK;
}

int cli_stage_device(cli_stage *stage) {
    imp_error err = {0};
    const char *which = stage->values->device;
    if (stage->device || open_device(stage, which, &err) == IMP_OK)
        return CLI_DONE;
    return err.status == IMP_ERR_ARGUMENT ? complain_device(which, &err) : cli_complain_error(&err);
}

int cli_stage_forecast(cli_stage *stage, imp_forecast *out) {
    imp_error err = {0};
    const int status = cli_stage_device(stage);
    if (status)
        return status;
    if (imp_session_forecast(out, stage->device, stage->network, &stage->values->settings,
                             &stage->from, &err) != IMP_OK)
        return cli_complain_error(&err);
    return CLI_DONE;
}

/* because: why another device was given up, told once it is sure that this one takes over. */
static imp_status perform_on(cli_stage *stage, const char *which, const char *because,
                             cli_work work, void *user, imp_error *err) {
    char line[640];
    imp_status status = stage->device ? IMP_OK : open_device(stage, which, err);
    if (status != IMP_OK)
        return status;
    tell_no_opencl(stage, which);
    status = open_session(stage, err);
    if (status != IMP_OK)
        return status;
    if (because) {
        snprintf(line, sizeof line, "%s; going on with the device %s", because, which);
        cli_progress_log(stage->progress, line);
    }
    return work(user, stage, err);
}

static bool may_fall_back(const cli_stage *stage, imp_status status) {
    return (status == IMP_ERR_MEMORY || status == IMP_ERR_DEVICE) && stage->device &&
           imp_device_describe(stage->device)->kind == IMP_DEVICE_OPENCL;
}

int cli_stage_perform(cli_stage *stage, cli_work work, void *user) {
    imp_error err = {0};
    const char *which = stage->values->device;
    imp_status status = perform_on(stage, which, NULL, work, user, &err);
    if (status == IMP_ERR_ARGUMENT && !stage->device)
        return complain_device(which, &err);
    if (may_fall_back(stage, status)) {
        const imp_error first = err;
        err = (imp_error){0};
        close_device(stage);
        status = perform_on(stage, "cpu", first.text, work, user, &err);
    }
    cli_progress_clear(stage->progress);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

void cli_stage_profile(const cli_stage *stage) {
    imp_profile_row rows[64];
    if (!stage->values->profile || !stage->device)
        return;
    const size_t count = imp_device_profile(stage->device, rows, 64);
    double whole = 0;
    for (size_t i = 0; i < count && i < 64; i++)
        whole += rows[i].seconds;
    FILE *const out = cli_talk(stage->values);
    if (!stage->values->json)
        fprintf(out, "%-32s %10s %6s %10s\n", "operation", "seconds", "%", "calls");
    for (size_t i = 0; i < count && i < 64; i++) {
        const imp_profile_row *row = &rows[i];
        if (!stage->values->json) {
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

void cli_stage_clear(cli_stage *stage) {
    imp_session_close(stage->session);
    stage->session = NULL;
    imp_picture_finish(&stage->content);
    imp_picture_finish(&stage->mask);
    imp_picture_finish(&stage->init);
    for (size_t i = 0; i < IMP_STYLES_MAX; i++) {
        imp_picture_finish(&stage->styles[i]);
        imp_picture_finish(&stage->style_masks[i]);
    }
}

void cli_stage_finish(cli_stage *stage) {
    cli_stage_clear(stage);
    close_device(stage);
    imp_network_close(stage->network);
    stage->network = NULL;
}
