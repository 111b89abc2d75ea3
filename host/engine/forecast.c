/* SPDX-License-Identifier: MIT
 *
 * The forecast of a run: its memory, by laying it out, and its time, from a few iterations of a
 * smaller picture.
 */
#include "backend/profile.h"
#include "base/clock.h"
#include "device/trust.h"
#include "engine/session.h"

/* ---- Time ---- */

enum { SAMPLE_SIDE = 128, SAMPLE_STEPS = 3 };
static const double sample_seconds = 5; /* for all samples, including opening their sessions */

/* A short run of a smaller picture. */
typedef struct sample {
    double pixels, seconds; /* of an iteration */
    double whole;           /* seconds of the whole sample */
} sample;

/* Seconds of an iteration: a fixed part, as filters are read at any size, and one for each pixel.
 */
typedef struct pace {
    double fixed, each;
} pace;

static double seconds_of(const pace *p, const imp_scale *k) {
    return p->fixed + p->each * (double)k->picture.w * (double)k->picture.h;
}

/* Seconds of an iteration with a full history, the least of several. The first step, which prepares
 * filters, is not timed. */
static imp_status time_steps(imp_session *s, double *seconds, imp_error *err) {
    bool done;
    TRY(imp_session_step(s, &done, err));
    if (imp_optimizer_fill(&s->optimizer) != IMP_OK)
        return imp_fail_device(err, s->device);
    double least = 0;
    for (int i = 0; i < SAMPLE_STEPS && s->total > s->iteration; i++) {
        const double began = imp_now();
        TRY(imp_session_step(s, &done, err));
        const double step = imp_now() - began;
        least = i == 0 || step < least ? step : least;
    }
    *seconds = least;
    return IMP_OK;
}

/* Takes a sample at that longer side. */
static imp_status time_size(const imp_session *model, size_t longer, const imp_sources *from,
                            sample *out, imp_error *err) {
    imp_session *s = NULL;
    imp_settings settings = model->settings;
    const double began = imp_now();
    settings.size = longer;
    settings.scales = 1;
    settings.size_count = 0;
    settings.later_iterations = 0;
    settings.iterations = 2 + SAMPLE_STEPS;
    settings.memory = 0;
    settings.init = settings.init == IMP_INIT_PICTURE ? IMP_INIT_CONTENT : settings.init;
    TRY(imp_session_open(&s, model->device, model->network, &settings, from, err));
    const imp_status status = time_steps(s, &out->seconds, err);
    out->pixels = (double)s->scales[0].picture.w * (double)s->scales[0].picture.h;
    imp_session_close(s);
    out->whole = imp_now() - began;
    return status;
}

/* The pace, from the two largest samples that time allows. */
static imp_status measure(const imp_session *model, const imp_sources *from, pace *out,
                          imp_error *err) {
    const size_t longer = imp_session_longer(model);
    sample before, now = {0};
    double spent = 0;
    size_t side = longer < SAMPLE_SIDE ? longer : SAMPLE_SIDE;
    for (bool more = true; more;) {
        before = now;
        TRY(time_size(model, side, from, &now, err));
        spent += now.whole;
        more = side < longer && spent + 3 * now.whole < sample_seconds;
        side = 2 * side < longer ? 2 * side : longer;
    }
    out->each = (now.seconds - before.seconds) / (now.pixels - before.pixels);
    out->fixed = now.seconds - out->each * now.pixels;
    if (out->each <= 0 || out->fixed < 0)
        *out = (pace){0, now.seconds / now.pixels};
    return IMP_OK;
}

/* The multiply-adds of an iteration as it is laid out now. direct: as the direct algorithm would
 * make them; else as the device's choice does. */
static double work_of(const imp_session *s, bool direct) {
    double flop = 0;
    for (unsigned l = 0; l < s->objective.levels; l++) {
        const imp_plan *plan = &s->objective.plans[l];
        for (size_t i = 0; i < plan->step_count; i++) {
            const imp_step *step = &plan->steps[i];
            const size_t n = step->node - step->fused;
            if (s->network->nodes[n].kind != IMP_NODE_CONV)
                continue;
            const imp_tensor x = imp_plan_source(plan, n);
            const imp_tensor y = plan->shapes[n];
            const imp_tensor to = step->back ? x : y, from = step->back ? y : x;
            flop +=
                direct
                    ? imp_algorithm_by("", NULL, &s->network->nodes[n].conv, y, x, step->back).flop
                    : s->device->ops->algorithm(s->device, to, from, s->filters[n], step->back)
                          .flop;
        }
    }
    return flop;
}

void imp_session_tell_pace(const imp_session *s) {
    enum { LEAST = 8 }; /* steps, of which the shortest counts */
    if (s->scale_done >= LEAST && s->shortest > 0)
        imp_trust_observe(s->device, work_of(s, true), s->shortest);
}

/* ---- Memory ---- */

/* Memory and time with that `recompute`, given that an iteration without recomputing takes
 * `seconds` and *work multiply-adds (0: not known yet; then this is that iteration). */
static imp_footprint footprint(imp_session *s, unsigned recompute, double seconds, double *work) {
    const size_t longer = imp_session_longer(s);
    s->recompute = recompute;
    const imp_footprint f = {.bytes = imp_session_total(s, longer)};
    const double now = f.bytes == SIZE_MAX ? 0 : work_of(s, false);
    if (*work == 0)
        *work = now;
    return (imp_footprint){f.bytes, *work > 0 ? seconds * now / *work : seconds};
}

/* The largest side that fits: doubled until it does not, then bisected. */
static size_t largest(imp_session *s, bool fits) {
    size_t low = fits ? imp_session_longer(s) : 0, high = imp_session_longer(s);
    while (fits && high < IMP_SIDE_MAX && imp_session_limit(s) > 0) {
        low = high;
        high *= 2;
        fits = imp_session_choose_recompute(s, high);
    }
    return imp_session_limit(s) == 0 || high >= IMP_SIDE_MAX ? low
                                                             : imp_session_largest(s, low, high);
}

static imp_status fill_in(imp_forecast *out, imp_session *s, const imp_sources *from,
                          imp_error *err) {
    pace p = {0};
    double work = 0, all = 0;
    TRY(imp_session_prepare(s, from, err));
    const imp_scale *last = &s->scales[s->scale_count - 1];
    out->width = last->picture.width;
    out->height = last->picture.height;
    out->iterations = s->total;
    out->memory = imp_session_limit(s);
    out->fits = imp_session_choose_recompute(s, imp_session_longer(s));
    const unsigned recompute = s->recompute;
    out->largest = largest(s, out->fits);
    TRY(measure(s, from, &p, err));
    const double seconds = seconds_of(&p, last);
    out->kept = footprint(s, 0, seconds, &work);
    out->recompute =
        footprint(s, imp_objective_recompute_max(s->network, s->nodes), seconds, &work);
    out->chosen = footprint(s, recompute, seconds, &work);
    TRY(imp_session_lay_out(s, last, &s->need, err));
    imp_session_estimate(s, &out->need);
    for (unsigned i = 0; i < s->scale_count; i++)
        all += s->scales[i].iterations * seconds_of(&p, &s->scales[i]) / seconds;
    out->need.seconds_per_iteration = out->chosen.seconds;
    out->need.seconds_left = all * out->chosen.seconds;
    return IMP_OK;
}

imp_status imp_session_forecast(imp_forecast *out, imp_device *device, const imp_network *network,
                                const imp_settings *settings, const imp_sources *from,
                                imp_error *err) {
    *out = (imp_forecast){0};
    imp_session *s = NULL;
    TRY(imp_session_new(&s, device, network, settings, err));
    const imp_status status = fill_in(out, s, from, err);
    imp_session_close(s);
    return status;
}
