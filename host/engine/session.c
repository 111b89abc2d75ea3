/* SPDX-License-Identifier: MIT
 *
 * Sessions: working sizes, one arena a scale, the loop of iterations.
 */
#include "engine/session.h"

#include <stdlib.h>

#include "backend/profile.h"
#include "base/clock.h"
#include "base/digest.h"
#include "engine/planes.h"

/* ---- Settings ---- */

static imp_status check_range(const char *name, double value, double low, double high,
                              imp_error *err) {
    if (value >= low && value <= high) /* false for NaN */
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT, "%s: %g is not between %g and %g", name, value, low,
                    high);
}

/* Whether any layer counts. */
static bool has_aim(const imp_settings *s) {
    for (size_t i = 0; i < s->term_count; i++) {
        const bool content = s->terms[i].kind == IMP_TERM_CONTENT;
        if (s->terms[i].weight > 0 && (content ? s->content_weight : s->style_weight) > 0)
            return true;
    }
    return false;
}

static imp_status check_settings(const imp_settings *s, imp_error *err) {
    TRY(check_range("content weight", (double)s->content_weight, 0, 1e30, err));
    TRY(check_range("style weight", (double)s->style_weight, 0, 1e30, err));
    TRY(check_range("tv weight", (double)s->tv_weight, 0, 1e30, err));
    TRY(check_range("number of layers", (double)s->term_count, 0, IMP_TERMS_MAX, err));
    TRY(check_range("strength", (double)s->strength, -1, 1, err));
    TRY(check_range("range", (double)s->range, 1e-3, 1e6, err));
    TRY(check_range("levels", s->levels, 1, IMP_LEVELS_MAX, err));
    TRY(check_range("scales", s->scales, 1, IMP_SCALES_MAX, err));
    TRY(check_range("style scale", (double)s->style_scale, 0.01, 100, err));
    TRY(check_range("learning rate", (double)s->learning_rate, 1e-12, 1e6, err));
    TRY(check_range("history", s->history, 1, 1000, err));
    TRY(check_range("scale step", (double)s->scale_step, 1.01, 100, err));
    TRY(check_range("number of sizes", (double)s->size_count, 0, IMP_SCALES_MAX, err));
    TRY(check_range("settle", (double)s->convergence, 0, 255, err));
    TRY(check_range("average", (double)s->average, 0, 0.999999, err));
    TRY(check_range("style form", s->style_form, 0, IMP_LOSS_WASSERSTEIN, err));
    TRY(check_range("iterations", s->iterations, 1, 1e9, err));
    TRY(check_range("later iterations", s->later_iterations, 0, 1e8, err));
    for (size_t i = 0; i < s->size_count; i++)
        TRY(check_range("size", (double)s->sizes[i], i ? (double)s->sizes[i - 1] + 1 : 1, 1e9,
                        err));
    if (s->content_form == IMP_LOSS_WASSERSTEIN)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "content form: content has no Wasserstein form; give mean or relative");
    for (size_t i = 0; i < s->term_count; i++)
        TRY(check_range(s->terms[i].layer, (double)s->terms[i].weight, 0, 1e30, err));
    if (s->term_count > 0 && !has_aim(s))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "weights: all of content and style are 0: give one of them more than 0");
    return IMP_OK;
}

/* ---- Entering a scale ---- */

static imp_status write_picture(imp_session *s, imp_tensor x, const imp_picture *p,
                                imp_error *err) {
    float *planes = imp_planes_from(p, x.h, x.w, s->settings.range);
    if (!planes)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    const imp_status status = s->device->ops->write(s->device, x, planes);
    free(planes);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

/* Adds style i to what is aimed at. */
static imp_status add_style(imp_session *s, const imp_sides *k, size_t i, imp_error *err) {
    const imp_style_source *style = &s->styles[i];
    imp_picture resized = {0};
    TRY(imp_planes_resize(&resized, &style->picture, k->width, k->height, err));
    float *planes = imp_planes_from(&resized, k->h, k->w, s->settings.range);
    imp_picture_finish(&resized);
    if (!planes)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    const imp_style_image example = {
        .x = planes, .h = k->h, .w = k->w, .weight = style->weight, .regions = &style->regions};
    const imp_status status = imp_objective_style_add(&s->objective, &example);
    free(planes);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

static imp_status add_styles(imp_session *s, const imp_scale *k, imp_error *err) {
    imp_objective_style_begin(&s->objective);
    for (size_t i = 0; i < s->style_count; i++)
        TRY(add_style(s, &k->styles[i], i, err));
    return imp_objective_style_finish(&s->objective) == IMP_OK ? IMP_OK
                                                               : imp_fail_device(err, s->device);
}

/* Whether a layer of that size may be one of a style's: halved any number of times. Which way it is
 * made by tells in the last bits. */
static bool is_style_size(const imp_scale *k, size_t count, const imp_algorithm_choice *p) {
    for (size_t i = 0; i < count; i++)
        for (size_t h = k->styles[i].h, w = k->styles[i].w; h > 0 && w > 0; h /= 2, w /= 2)
            if (p->h == h && p->w == w)
                return true;
    return false;
}

/* All that the targets of a size depend on, but the device and the network. */
static imp_status targets_key(const imp_session *s, const imp_scale *k, char key[65],
                              imp_error *err) {
    const imp_settings *set = &s->settings;
    char all[IMP_STYLES_MAX * 240 + IMP_TERMS_MAX * 40 + IMP_ALGORITHM_CHOICES_MAX * 8 + 160] = "";
    int used = snprintf(all, sizeof all, "%d %d %d %d %d %u %a %zu", set->style_form,
                        set->gram_norm, set->metric, set->pooling, set->replicate_first,
                        set->levels, (double)set->range, s->regions.count);
    for (size_t i = 0; i < set->term_count; i++)
        if (set->terms[i].kind == IMP_TERM_STYLE)
            used +=
                snprintf(all + used, sizeof all - (size_t)used, " %zu%s", i, set->terms[i].layer);
    for (size_t i = 0; i < s->style_count; i++)
        used += snprintf(all + used, sizeof all - (size_t)used, " %s %s %a %zu %zu",
                         s->styles[i].sha256, s->styles[i].regions_sha256,
                         (double)s->styles[i].weight, k->styles[i].width, k->styles[i].height);
    for (size_t i = 0; i < s->device->algorithm_choice_count; i++)
        if (is_style_size(k, s->style_count, &s->device->algorithm_choices[i]))
            used += snprintf(all + used, sizeof all - (size_t)used, " %zu %u", i,
                             s->device->algorithm_choices[i].algorithm);
    return imp_bytes_sha256(key, all, (size_t)used)
               ? IMP_OK
               : imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
}

/* As add_styles, or what that gave an earlier session. */
static imp_status reuse_styles(imp_session *s, const imp_scale *k, imp_error *err) {
    char key[65];
    bool found;
    TRY(targets_key(s, k, key, err));
    if (imp_reuse_restore(s->reuse, key, &s->objective, &found) != IMP_OK)
        return imp_fail_device(err, s->device);
    if (found)
        return IMP_OK;
    TRY(add_styles(s, k, err));
    return imp_reuse_store(s->reuse, key, &s->objective) == IMP_OK
               ? IMP_OK
               : imp_fail_device(err, s->device);
}

/* At the largest scale: reports the first region that is too small to be compared. */
static void log_empty_term(const imp_session *s) {
    const imp_device_options *to = &s->device->options;
    const imp_objective *o = &s->objective;
    char line[160];
    for (size_t i = 0; to->log && s->scale + 1 == s->scale_count && i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        if (!term->empty)
            continue;
        snprintf(line, sizeof line, "region #%06x: too small to be compared at %s%s",
                 s->regions.colours[term->region], s->settings.terms[term->index].layer,
                 term->level ? " of the smaller picture" : "");
        to->log(to->user, line);
        return;
    }
}

static imp_status set_targets(imp_session *s, const imp_scale *k, imp_error *err) {
    imp_picture content = {0};
    TRY(imp_planes_resize(&content, &s->content, k->picture.width, k->picture.height, err));
    const imp_status status = write_picture(s, s->objective.x[0], &content, err);
    imp_picture_finish(&content);
    TRY(status);
    if (imp_objective_content(&s->objective) != IMP_OK)
        return imp_fail_device(err, s->device);
    TRY((s->reuse ? reuse_styles : add_styles)(s, k, err));
    imp_objective_style_weigh(&s->objective);
    imp_objective_balance(&s->objective);
    log_empty_term(s);
    return IMP_OK;
}

static imp_status write_noise(imp_session *s, imp_error *err) {
    const imp_tensor x = s->objective.x[0];
    const imp_settings *set = &s->settings;
    imp_network_info info;
    imp_network_describe(s->network, &info);
    const size_t plane = x.h * x.w;
    float *noise = malloc(3 * plane * sizeof *noise);
    if (!noise)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    for (size_t c = 0; c < 3; c++) {
        const float mean = info.mean[info.bgr ? 2 - c : c] * set->range / info.range;
        imp_planes_noise(noise + c * plane, plane, mean, set->noise, set->seed * 3 + c);
    }
    const imp_status status = s->device->ops->write(s->device, x, noise);
    free(noise);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

/* The variable's start: `from` where there is one (the scale before), else as the settings say. */
static imp_status set_start(imp_session *s, const imp_scale *k, const imp_picture *from,
                            imp_error *err) {
    const imp_init init = s->settings.init;
    if (!from && init == IMP_INIT_NOISE)
        return write_noise(s, err);
    if (!from)
        from = init == IMP_INIT_STYLE     ? &s->styles[0].picture
               : init == IMP_INIT_PICTURE ? &s->init
                                          : &s->content;
    imp_picture start = {0};
    TRY(imp_planes_resize(&start, from, k->picture.width, k->picture.height, err));
    const imp_status status = write_picture(s, s->objective.x[0], &start, err);
    imp_picture_finish(&start);
    return status;
}

/* What the picture that is shown changes with. */
static imp_tensor shown(const imp_session *s) {
    return s->average.sum.c ? s->average.sum : s->objective.x[0];
}

imp_status imp_session_restart_tracking(imp_session *s) {
    TRY(imp_average_start(&s->average, &s->objective));
    return imp_convergence_start(&s->convergence, s->device, shown(s));
}

imp_status imp_session_enter(imp_session *s, unsigned scale, const imp_picture *from,
                             imp_error *err) {
    const imp_scale *k = &s->scales[scale];
    imp_device *const d = s->device;
    imp_need need;
    s->scale = scale;
    s->scale_done = 0;
    d->ops->release(d, s->memory);
    s->memory = NULL;
    TRY(imp_session_lay_out(s, k, &need, err));
    if (need.arena == SIZE_MAX)
        return imp_fail_device(err, d); /* a style's maps can lie nowhere */
    if (d->ops->alloc(d, &s->memory, need.arena) != IMP_OK ||
        imp_objective_bind(&s->objective, s->memory) != IMP_OK)
        return imp_fail_device(err, d);
    TRY(set_targets(s, k, err));
    TRY(set_start(s, k, from, err));
    if (imp_optimizer_bind(&s->optimizer, s->memory) != IMP_OK ||
        imp_session_restart_tracking(s) != IMP_OK || d->ops->sync(d) != IMP_OK)
        return imp_fail_device(err, d);
    s->need = need;
    s->scale_began = imp_now();
    return IMP_OK;
}

/* ---- Opening and closing ---- */

/* Those that other sessions have left, or its own. */
static imp_status open_filters(imp_session *s, imp_error *err) {
    if (s->reuse)
        TRY(imp_reuse_filters(s->reuse, &s->filters, &s->settings, s->nodes, err));
    if (s->filters)
        return IMP_OK;
    const imp_status status =
        imp_filters_open(&s->own_filters, s->device, s->network, &s->settings, s->nodes, err);
    s->filters = s->own_filters;
    return status;
}

imp_status imp_session_prepare(imp_session *s, const imp_sources *from, imp_error *err) {
    TRY(imp_sources_check(from, err));
    s->reuse = from->reuse;
    TRY(check_settings(&s->settings, err));
    TRY(imp_objective_depth(&s->nodes, &s->settings, s->network, err));
    TRY(imp_sources_measure(s, from, err));
    imp_session_schedule(s);
    return open_filters(s, err);
}

static imp_status open_session(imp_session *s, const imp_sources *from, imp_error *err) {
    TRY(imp_session_prepare(s, from, err));
    TRY(imp_session_check_fit(s, err));
    imp_session_tune(s);
    TRY(imp_session_check_fit(s, err)); /* ways take more, or less */
    TRY(imp_sources_keep(s, from, err));
    return imp_session_enter(s, 0, NULL, err);
}

imp_session *imp_session_new(imp_device *device, const imp_network *network,
                             const imp_settings *settings, imp_error *err) {
    imp_session *s = calloc(1, sizeof *s);
    if (!s) {
        imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
        return NULL;
    }
    s->device = device;
    s->network = network;
    s->settings = *settings;
    s->opened = imp_now();
    device->sessions++;
    return s;
}

imp_status imp_session_open(imp_session **out, imp_device *device, const imp_network *network,
                            const imp_settings *settings, const imp_sources *from, imp_error *err) {
    *out = NULL;
    imp_session *s = imp_session_new(device, network, settings, err);
    if (!s)
        return IMP_ERR_MEMORY;
    const imp_status status = open_session(s, from, err);
    if (status != IMP_OK) {
        imp_session_close(s);
        return status;
    }
    *out = s;
    return IMP_OK;
}

void imp_session_close(imp_session *s) {
    if (!s)
        return;
    s->device->sessions--;
    s->device->ops->release(s->device, s->memory);
    imp_filters_close(s->own_filters, s->device, s->nodes);
    imp_optimizer_finish(&s->optimizer);
    imp_objective_finish(&s->objective);
    imp_picture_finish(&s->content);
    imp_regions_finish(&s->regions);
    for (size_t i = 0; i < s->style_count; i++) {
        imp_picture_finish(&s->styles[i].picture);
        imp_regions_finish(&s->styles[i].regions);
    }
    imp_picture_finish(&s->init);
    free(s);
}

/* ---- Iterations ---- */

static imp_status next_scale(imp_session *s, imp_error *err) {
    const bool warm_start = s->settings.warm_start;
    imp_picture now = {0};
    imp_warm_start carried = {0};
    imp_status status = imp_session_painted(s, &now, err);
    if (status == IMP_OK && warm_start)
        status = imp_warm_start_take(&carried, s, err);
    if (status == IMP_OK)
        status = imp_session_enter(s, s->scale + 1, &now, err);
    if (status == IMP_OK && warm_start)
        status = imp_warm_start_apply(&carried, s, err);
    imp_warm_start_finish(&carried);
    imp_picture_finish(&now);
    return status;
}

/* What is kept of the step just done: the average, and whether the last scale's picture is done. */
static imp_status track(imp_session *s, imp_error *err) {
    const bool last = s->scale + 1 == s->scale_count;
    const imp_status status = s->recovered ? imp_session_restart_tracking(s)
                                           : imp_average_add(&s->average, &s->objective);
    if (status != IMP_OK)
        return imp_fail_device(err, s->device);
    return last && !s->recovered
               ? imp_convergence_check(&s->convergence, &s->optimizer, shown(s),
                                       s->total - s->iteration, &s->converged, err)
               : IMP_OK;
}

imp_status imp_session_step(imp_session *s, bool *done, imp_error *err) {
    *done = s->converged || s->iteration >= s->total;
    if (*done)
        return IMP_OK;
    if (s->scale_done == s->scales[s->scale].iterations)
        TRY(next_scale(s, err));
    TRY(imp_optimizer_step(&s->optimizer, &s->recovered, err));
    s->scale_done++;
    s->iteration++;
    TRY(track(s, err));
    *done = s->converged || s->iteration >= s->total;
    return IMP_OK;
}

imp_status imp_session_run(imp_session *s, imp_callback callback, void *user, imp_error *err) {
    bool done = s->converged || s->iteration >= s->total;
    while (!done) {
        TRY(imp_session_step(s, &done, err));
        imp_progress progress;
        imp_session_progress(s, &progress);
        if (callback && !callback(user, s, &progress))
            return IMP_OK;
    }
    return IMP_OK;
}

imp_status imp_session_evaluate(imp_session *s, imp_error *err) {
    return imp_optimizer_evaluate(&s->optimizer, err);
}
