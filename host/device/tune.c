/* SPDX-License-Identifier: MIT
 *
 * Which algorithm of a convolution is the fastest.
 */
#include "device/tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "base/cache.h"
#include "base/clock.h"
#include "base/random.h"
#include "device/trust.h"

static const char entry[] = "algorithms.json";

/* FLOATS: the largest map that is measured, unless ROWS rows are more. REPEATS: runs of each
 * algorithm, in turns, of which the fastest counts; THOROUGH: if measuring was asked for. */
enum { FLOATS = 1 << 21, ROWS = 32, REPEATS = 2, THOROUGH = 9 };
static const double patience =
    0.05;                        /* seconds: a direct algorithm that takes longer is not repeated */
static const double least = 1e9; /* operations of the direct algorithm: fewer make no difference */
static const double advantage = .97;  /* of the seconds of the device's own choice: less is noise */
static const double hopeless = 2;     /* times as long as the fastest: not repeated */
static const double tolerance = 1e-3; /* of the largest value, between two algorithms, */
static const double tolerance_half = 1e-2; /* and if one rounds its filters to 11 bits */

typedef struct probe {
    imp_device *d; /* borrowed */
    imp_layer layer;
    imp_memory *memory;
    imp_filter *filter;
    float *weights, *first, *now; /* results of the first algorithm and of this one */
    imp_tensor x, y, dx;
} probe;

/* ---- names ---- */

/* Layers of the same name share one measurement. */
static void name_of(char name[96], const imp_layer *l) {
    static const char *const paddings[] = {"zero", "reflect", "replicate"};
    const imp_conv *c = &l->conv;
    snprintf(name, 96, "%zux%zu s%zu p%zu,%zu %s%s%s %zu>%zu, %zu positions, %s", c->kernel,
             c->kernel, c->stride, c->before, c->after, paddings[c->padding],
             c->relu ? " relu" : "", c->half ? " half" : "", c->in, c->out,
             imp_next_power(l->h * l->w), l->back ? "back" : "forward");
}

static imp_tensor x_of(const imp_layer *l) {
    return (imp_tensor){.c = l->conv.in, .h = l->h, .w = l->w, .layout = l->layout};
}

static imp_tensor y_of(const imp_layer *l) {
    return (imp_tensor){.c = l->conv.out,
                        .h = imp_conv_side(&l->conv, l->h),
                        .w = imp_conv_side(&l->conv, l->w),
                        .layout = IMP_MAPS};
}

static const char *algorithm_name(const imp_device *d, const imp_filter *f, const imp_layer *l,
                                  unsigned algorithm) {
    const imp_tensor x = x_of(l), y = y_of(l);
    return d->ops->algorithm_name
               ? d->ops->algorithm_name(d, l->back ? x : y, l->back ? y : x, f, l->back, algorithm)
               : NULL;
}

static const imp_algorithm_choice *choice_of(const imp_device *d, const imp_layer *l) {
    const imp_conv *c = &l->conv;
    return imp_algorithm_choice_of(d, c, imp_conv_side(c, l->h), imp_conv_side(c, l->w), l->back);
}

static bool set_algorithm(imp_device *d, const imp_layer *l, unsigned algorithm) {
    const imp_conv *c = &l->conv;
    return imp_choose_algorithm(d, &(imp_algorithm_choice){.conv = *c,
                                                           .h = imp_conv_side(c, l->h),
                                                           .w = imp_conv_side(c, l->w),
                                                           .back = l->back,
                                                           .algorithm = algorithm});
}

/* ---- memory ---- */

/* The number of the algorithm that is remembered, by its name; 0: the device's own choice. False:
 * none is. */
static bool recall(const imp_device *d, const imp_filter *f, const imp_layer *l,
                   unsigned *algorithm) {
    char key[1024], name[96];
    imp_trust_key(key, sizeof key, &d->info, d->options.threads);
    name_of(name, l);
    json_t *all = imp_cache_load_json(entry);
    const char *known = json_string_value(
        json_object_get(json_object_get(json_object_get(all, key), name), "algorithm"));
    *algorithm = 0;
    for (unsigned i = 1; known && i <= IMP_ALGORITHMS_MAX; i++) {
        const char *now = algorithm_name(d, f, l, i);
        *algorithm = now && strcmp(now, known) == 0 ? i : *algorithm;
    }
    json_decref(all);
    return known;
}

static void remember(const imp_device *d, const imp_layer *l, const imp_tuned *t) {
    char key[1024], name[96];
    imp_trust_key(key, sizeof key, &d->info, d->options.threads);
    name_of(name, l);
    json_t *all = imp_cache_load_json(entry), *seconds = json_object();
    for (size_t i = 0; i < t->count; i++)
        json_object_set_new(seconds, t->algorithms[i].name, json_real(t->algorithms[i].seconds));
    json_t *v = json_pack("{ss so}", "algorithm", t->algorithms[t->best].name, "seconds", seconds);
    if (!json_object_get(all, key))
        json_object_set_new(all, key, json_object());
    if (v && json_object_set_new(json_object_get(all, key), name, v) == 0)
        imp_cache_store_json(entry, all);
    json_decref(all);
}

/* ---- measuring ---- */

/* Numbers of zero mean between -scale and scale, the same each time. */
static void fill_numbers(float *x, size_t n, float scale) {
    uint64_t state = 1;
    for (size_t i = 0; i < n; i++)
        x[i] = imp_random_signed(&state) * scale;
}

static size_t count_of(imp_tensor t) {
    return t.c * t.h * t.w;
}

/* The layer with as many rows as its larger map may have. */
static imp_layer part_of(const imp_layer *l) {
    const size_t channels = l->conv.in > l->conv.out ? l->conv.in : l->conv.out;
    const size_t fit = FLOATS / (channels * l->w), rows = fit > ROWS ? fit : ROWS;
    imp_layer part = *l;
    part.h = l->h < rows ? l->h : rows;
    return part;
}

static imp_status open_filter(probe *p) {
    const imp_conv *c = &p->layer.conv;
    const size_t taps = c->kernel * c->kernel, count = c->in * c->out * taps;
    p->weights = malloc(count * sizeof *p->weights);
    if (!p->weights)
        return IMP_ERR_MEMORY;
    fill_numbers(p->weights, count, sqrtf(6.0F / (float)(c->in * taps))); /* keeps the variance */
    return p->d->ops->filter_open(p->d, &p->filter, c, p->weights, NULL);
}

static imp_status open_probe(probe *p) {
    imp_device *d = p->d;
    size_t end = 0;
    p->x = p->dx = x_of(&p->layer);
    p->y = y_of(&p->layer);
    imp_tensor *const all[] = {&p->x, &p->y, &p->dx};
    for (size_t i = 0; i < 3 && end != SIZE_MAX; i++)
        end = d->ops->place(d, all[i], end);
    if (end == SIZE_MAX)
        return IMP_ERR_MEMORY;
    TRY(d->ops->alloc(d, &p->memory, end));
    for (size_t i = 0; i < 3; i++)
        all[i]->memory = p->memory;
    const size_t x = count_of(p->x), y = count_of(p->y), most = x > y ? x : y;
    p->first = malloc(most * sizeof *p->first);
    p->now = malloc(most * sizeof *p->now);
    if (!p->first || !p->now)
        return IMP_ERR_MEMORY;
    fill_numbers(p->now, most, 1);
    TRY(d->ops->write(d, p->x, p->now));
    TRY(d->ops->write(d, p->y, p->now)); /* also the gradient; it passes where it is above 0 */
    return open_filter(p);
}

static void close_probe(probe *p) {
    if (p->filter)
        p->d->ops->filter_close(p->d, p->filter);
    p->d->ops->release(p->d, p->memory);
    free(p->weights);
    free(p->first);
    free(p->now);
}

static imp_tensor result_of(const probe *p) {
    return p->layer.back ? p->dx : p->y;
}

/* Runs an algorithm once; *seconds: the least so far, 0 before the first run. */
static imp_status run(probe *p, unsigned algorithm, double *seconds) {
    imp_device *d = p->d;
    set_algorithm(d, &p->layer, algorithm);
    TRY(d->ops->sync(d));
    const double begin = imp_now();
    TRY(p->layer.back ? d->ops->conv_grad(d, p->dx, p->y, p->y, p->filter)
                      : d->ops->conv(d, p->y, p->x, p->filter));
    TRY(d->ops->sync(d));
    const double now = imp_now() - begin;
    *seconds = *seconds > 0 ? fmin(*seconds, now) : now;
    return IMP_OK;
}

/* Whether the result agrees with that of the first algorithm. */
static imp_status agrees(probe *p, bool first, bool *right) {
    const imp_tensor result = result_of(p);
    float *values = first ? p->first : p->now;
    double largest = 0, apart = 0;
    TRY(p->d->ops->read(p->d, values, result));
    for (size_t i = 0; i < count_of(result); i++) {
        largest = fmax(largest, fabs((double)p->first[i]));
        apart = fmax(apart, fabs((double)values[i] - (double)p->first[i]));
        if (!isfinite(values[i])) /* fmax ignores NaN */
            apart = INFINITY;
    }
    *right = apart <= (p->layer.conv.half ? tolerance_half : tolerance) * largest;
    return IMP_OK;
}

/* The first run of an algorithm prepares filters and does not count, unless the direct algorithm,
 * which is the first, is slow anyway. */
static imp_status warm(probe *p, imp_tuned *t, size_t i) {
    double first = 0;
    bool right;
    TRY(run(p, (unsigned)i + 1, &first));
    TRY(agrees(p, i == 0, &right));
    if (i == 0 && first > patience) {
        t->algorithms[i].seconds = first;
        return right ? IMP_OK : IMP_ERR_DEVICE;
    }
    return right ? run(p, (unsigned)i + 1, &t->algorithms[i].seconds) : IMP_OK;
}

static double fastest(const imp_tuned *t) {
    double seconds = INFINITY;
    for (size_t i = 0; i < t->count; i++)
        seconds = t->algorithms[i].seconds > 0 ? fmin(seconds, t->algorithms[i].seconds) : seconds;
    return seconds;
}

/* Repeats until `seconds` have passed. */
static imp_status measure(probe *p, imp_tuned *t, unsigned repeats, double seconds) {
    const double end = imp_now() + seconds;
    TRY(open_probe(p));
    for (size_t i = 0; i < t->count; i++)
        TRY(warm(p, t, i));
    const double limit = hopeless * fastest(t);
    for (unsigned repeat = 0; repeat < repeats && imp_now() < end; repeat++)
        for (size_t i = 0; i < t->count; i++)
            if (t->algorithms[i].seconds > 0 && t->algorithms[i].seconds < limit)
                TRY(run(p, (unsigned)i + 1, &t->algorithms[i].seconds));
    return IMP_OK;
}

/* Chooses the fastest, unless the device's own choice is about as fast. */
static void choose_fastest(imp_tuned *t) {
    const double own = t->algorithms[t->own].seconds;
    t->best = t->own;
    for (size_t i = 0; i < t->count; i++) {
        const double best = t->algorithms[t->best].seconds, now = t->algorithms[i].seconds;
        if (now > 0 && (best == 0 || (now < best && now < advantage * own)))
            t->best = i;
    }
}

/* ---- a layer ---- */

/* Lists the algorithms, and which one the device would take by itself. */
static void list_algorithms(imp_device *d, const imp_filter *f, const imp_layer *l, imp_tuned *t) {
    const imp_tensor x = x_of(l), y = y_of(l);
    set_algorithm(d, l, 0);
    const char *own = d->ops->algorithm(d, l->back ? x : y, l->back ? y : x, f, l->back).name;
    const char *name;
    *t = (imp_tuned){.back = l->back, .height = l->h, .width = l->w};
    while (t->count < IMP_ALGORITHMS_MAX &&
           (name = algorithm_name(d, f, l, (unsigned)t->count + 1))) {
        t->own = strcmp(name, own) == 0 ? t->count : t->own;
        snprintf(t->algorithms[t->count++].name, sizeof t->algorithms[0].name, "%s", name);
    }
}

/* Whether there is a choice that makes a difference. */
static bool matters(const imp_device *d, const imp_filter *filter, const imp_layer *layer) {
    const imp_conv *c = &layer->conv;
    const double flop = 2.0 * (double)(c->in * c->out * c->kernel * c->kernel) *
                        (double)(imp_conv_side(c, layer->h) * imp_conv_side(c, layer->w));
    return flop >= least && algorithm_name(d, filter, layer, 2);
}

/* Measures without adding to the device's profile. */
static imp_status measure_apart(probe *p, imp_tuned *t, unsigned repeats, double seconds) {
    imp_device *d = p->d;
    struct imp_profile *const profile = d->profile;
    if (profile) {
        TRY(d->ops->sync(d)); /* work launched before this belongs to the profile */
        d->profile = imp_profile_open();
    }
    imp_status status = profile && !d->profile ? IMP_ERR_MEMORY : IMP_OK;
    if (status == IMP_OK)
        status = measure(p, t, repeats, seconds);
    close_probe(p);
    if (profile) {
        d->ops->sync(d);
        imp_profile_close(d->profile);
        d->profile = profile;
    }
    return status;
}

void imp_tune_layer(imp_device *d, const imp_filter *filter, const imp_layer *layer, bool again,
                    double *left, imp_tuned *out) {
    const double begin = imp_now();
    const imp_error before = d->error;
    unsigned algorithm = 0;
    *out = (imp_tuned){.count = 0};
    if (!matters(d, filter, layer) || (!again && choice_of(d, layer)))
        return;
    const bool known = !again && recall(d, filter, layer, &algorithm);
    if (!set_algorithm(d, layer, algorithm) || known || *left <= 0)
        return;
    probe p = {.d = d, .layer = part_of(layer)};
    const imp_algorithm_choice *of_part = choice_of(d, &p.layer);
    const unsigned kept = of_part ? of_part->algorithm : 0;
    list_algorithms(d, filter, layer, out);
    const imp_status status = measure_apart(&p, out, again ? THOROUGH : REPEATS, *left);
    d->error = before;
    if (of_part)
        set_algorithm(d, &p.layer, kept);
    else if (p.layer.h != layer->h)
        imp_forget_algorithm(d, &p.layer.conv, y_of(&p.layer).h, y_of(&p.layer).w, p.layer.back);
    choose_fastest(out);
    if (status == IMP_OK) {
        set_algorithm(d, layer, (unsigned)out->best + 1);
        remember(d, layer, out);
    } else {
        set_algorithm(d, layer, 0);
        *out = (imp_tuned){.count = 0};
    }
    *left -= imp_now() - begin;
}
