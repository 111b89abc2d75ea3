/* SPDX-License-Identifier: MIT
 *
 * Entering a scale: its memory, its targets, and its start.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "engine/planes.h"
#include "engine/session.h"

static imp_status write_picture(imp_session *s, imp_tensor x, const imp_picture *p,
                                imp_error *err) {
    float *planes = imp_planes_from(p, x.h, x.w, s->settings.range);
    if (!planes)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    const imp_status status = s->device->ops->write(s->device, x, planes);
    free(planes);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

/* Planes of h x w turned by a quarter: w x h. */
static void turn(float *to, const float *from, size_t h, size_t w) {
    for (size_t c = 0; c < 3; c++, from += h * w, to += h * w)
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++)
                to[(w - 1 - j) * h + i] = from[i * w + j];
}

/* Adds a picture as often as the style loss wants it turned. */
static imp_status add_turns(imp_session *s, imp_style_image image, float *planes, imp_error *err) {
    const unsigned turns = s->objective.style->turns;
    float *turned = turns > 1 ? malloc(3 * image.h * image.w * sizeof *turned) : NULL;
    if (turns > 1 && !turned)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    image.weight /= turns > 1 ? (float)turns : 1;
    image.x = planes;
    imp_status status = imp_objective_style_add(&s->objective, &image);
    for (unsigned k = 1; k < turns && status == IMP_OK; k++) {
        turn(turned, planes, image.h, image.w);
        memcpy(planes, turned, 3 * image.h * image.w * sizeof *turned);
        image = (imp_style_image){planes, image.w, image.h, image.weight, image.regions};
        status = imp_objective_style_add(&s->objective, &image);
    }
    free(turned);
    return status == IMP_OK ? IMP_OK : imp_fail_device(err, s->device);
}

/* Adds style i to the targets. */
static imp_status add_style(imp_session *s, const imp_sides *k, size_t i, imp_error *err) {
    const imp_style_source *style = &s->styles[i];
    imp_picture resized = {0};
    TRY(imp_planes_resize(&resized, &style->picture, k->width, k->height, err));
    float *planes = imp_planes_from(&resized, k->h, k->w, s->settings.range);
    imp_picture_finish(&resized);
    if (!planes)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    const imp_style_image image = {
        .h = k->h, .w = k->w, .weight = style->weight, .regions = &style->regions};
    const imp_status status = add_turns(s, image, planes, err);
    free(planes);
    return status;
}

static imp_status add_styles(imp_session *s, const imp_scale *k, imp_error *err) {
    imp_objective_style_begin(&s->objective);
    for (size_t i = 0; i < s->style_count; i++)
        TRY(add_style(s, &k->styles[i], i, err));
    return imp_objective_style_finish(&s->objective) == IMP_OK ? IMP_OK
                                                               : imp_fail_device(err, s->device);
}

/* Whether a layer of that size can occur in a style's forward pass: its sides halved any number of
 * times. The algorithm of such a layer affects the last bits of the targets. */
static bool is_style_size(const imp_scale *k, size_t count, const imp_algorithm_choice *p) {
    for (size_t i = 0; i < count; i++)
        for (size_t h = k->styles[i].h, w = k->styles[i].w; h > 0 && w > 0; h /= 2, w /= 2)
            if (p->h == h && p->w == w)
                return true;
    return false;
}

/* A digest of all that a scale's targets depend on, besides the device and the network. */
static imp_status targets_key(const imp_session *s, const imp_scale *k, char key[65],
                              imp_error *err) {
    const imp_settings *set = &s->settings;
    char all[IMP_STYLE_SOURCES_MAX * 240 + IMP_TERMS_MAX * 40 + IMP_ALGORITHM_CHOICES_MAX * 8 +
             160] = "";
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

/* The same, from an earlier session if it had the same targets. */
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
    const imp_objective *o = &s->objective;
    for (size_t i = 0; s->scale + 1 == s->scale_count && i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        if (!term->empty)
            continue;
        char name[32] = "what is not protected";
        if (s->regions.count > 0)
            snprintf(name, sizeof name, "region #%06x", s->regions.colours[term->region]);
        imp_device_say(&s->device->options, IMP_LOG_WARNING, "%s: too small to be compared at %s%s",
                       name, s->settings.terms[term->index].layer,
                       term->level ? " of the smaller picture" : "");
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
    const bool reusable = !s->objective.style->match; /* others depend on the picture, too */
    TRY((s->reuse && reusable ? reuse_styles : add_styles)(s, k, err));
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
    const float grey = (info.mean[0] + info.mean[1] + info.mean[2]) / 3;
    float *noise = malloc(3 * plane * sizeof *noise);
    if (!noise)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    for (size_t c = 0; c < 3; c++) {
        const float mean = s->grey ? grey : info.mean[info.bgr ? 2 - c : c];
        imp_planes_noise(noise + c * plane, plane, mean * set->range / info.range, set->noise,
                         set->seed * 3 + (s->grey ? 0 : c));
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

/* Mixes the content into the start by how far each pixel is protected. */
static imp_status protect_start(imp_session *s, const imp_picture *content, imp_error *err) {
    const imp_tensor x = s->objective.x[0];
    const size_t plane = x.h * x.w;
    imp_array start = {0};
    float *held = malloc(plane * sizeof *held);
    float *of = imp_planes_from(content, x.h, x.w, s->settings.range);
    imp_status status = held && of ? imp_session_read(s, x, &start, err)
                                   : imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    if (status == IMP_OK)
        status = imp_regions_cover(held, &s->regions, IMP_REGION_HELD, (imp_extent){x.h, x.h, 0},
                                   (imp_extent){x.w, x.w, 0}, err);
    for (size_t i = 0; status == IMP_OK && i < 3 * plane; i++)
        start.data[i] += held[i % plane] * (of[i] - start.data[i]);
    if (status == IMP_OK && s->device->ops->write(s->device, x, start.data) != IMP_OK)
        status = imp_fail_device(err, s->device);
    imp_array_finish(&start);
    free(held);
    free(of);
    return status;
}

/* The start at the first scale, where nothing was painted yet, with what is protected. */
static imp_status set_protected(imp_session *s, const imp_scale *k, imp_error *err) {
    imp_picture content = {0};
    TRY(imp_planes_resize(&content, &s->content, k->picture.width, k->picture.height, err));
    const imp_status status = protect_start(s, &content, err);
    imp_picture_finish(&content);
    return status;
}

/* Chooses the targets of a local style loss for the start. */
static imp_status match_start(imp_session *s) {
    imp_device *const d = s->device;
    const imp_tensor x = s->objective.x[0], to = s->objective.matched;
    if (to.c == 0)
        return IMP_OK;
    TRY(d->ops->combine(d, to, 1, x, 0, x));
    return imp_objective_match(&s->objective);
}

imp_tensor imp_session_tracked(const imp_session *s) {
    return s->average.sum.c ? s->average.sum : s->objective.x[0];
}

imp_status imp_session_restart_tracking(imp_session *s) {
    TRY(imp_average_start(&s->average, &s->objective));
    return imp_convergence_start(&s->convergence, s->device, imp_session_tracked(s));
}

imp_status imp_session_enter(imp_session *s, unsigned scale, const imp_picture *from,
                             imp_error *err) {
    const imp_scale *k = &s->scales[scale];
    imp_device *const d = s->device;
    imp_need need;
    s->scale = scale;
    s->scale_done = s->scale_before = 0;
    s->shortest = 0;
    d->ops->release(d, s->memory);
    s->memory = NULL;
    TRY(imp_session_lay_out(s, k, &need, err));
    if (need.arena == SIZE_MAX)
        return imp_fail_device(err, d); /* a map of a style is too large */
    if (d->ops->alloc(d, &s->memory, need.arena) != IMP_OK ||
        imp_objective_bind(&s->objective, s->memory) != IMP_OK)
        return imp_fail_device(err, d);
    TRY(set_targets(s, k, err));
    TRY(set_start(s, k, from, err));
    if (!from && s->regions.held)
        TRY(set_protected(s, k, err));
    if (match_start(s) != IMP_OK || imp_optimizer_bind(&s->optimizer, s->memory) != IMP_OK ||
        imp_session_restart_tracking(s) != IMP_OK || d->ops->sync(d) != IMP_OK)
        return imp_fail_device(err, d);
    s->need = need;
    s->scale_began = imp_now();
    return IMP_OK;
}
