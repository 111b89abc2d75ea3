/* SPDX-License-Identifier: MIT
 *
 * Style as the nearest places of the style picture; README.md, Nearest style loss:
 *
 *     L = weight / M * sum_p (1 - cos(F_p - m, t_p))
 *
 * Features are compared on a grid of a quarter of the picture's sides. The style's columns there,
 * less their mean m, are its vectors; t_p is the one that is nearest to column p of the picture
 * that was looked at, over all layers together. The term's target holds the t_p, its mean -m.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "engine/objective.h"

enum {
    SHRINK = 4,         /* pixels of the picture to a position of the grid */
    TURNS = 4,          /* the style also turned by 90, 180 and 270 degrees */
    VECTORS_MAX = 8192, /* of all styles and turns */
    CHUNK = 512         /* vectors that are compared at a time */
};

/* What is added to a column's square, over the mean square of the style's columns: where a picture
 * is as good as the style's mean, its direction is noise. */
static const double least = 1e-2;

static size_t grid_side(size_t side) {
    return imp_max(side / SHRINK, 1);
}

imp_columns imp_style_place_columns(imp_device *d, size_t widest, size_t h, size_t w,
                                    size_t *cursor) {
    const size_t rows = grid_side(h), columns = grid_side(w);
    imp_columns c;
    c.f = imp_place(d, cursor, IMP_MAPS, widest, rows, columns);
    c.df = imp_place(d, cursor, IMP_MAPS, widest, rows, columns);
    c.along = imp_place(d, cursor, IMP_PLANES, 1, rows, columns);
    c.pull = imp_place(d, cursor, IMP_PLANES, 1, rows, columns);
    return c;
}

void imp_style_bind_columns(imp_columns *columns, imp_memory *memory) {
    columns->f.memory = columns->df.memory = memory;
    columns->along.memory = columns->pull.memory = memory;
}

/* The first c channels of maps. */
static imp_tensor channels(imp_tensor maps, size_t c) {
    maps.c = c;
    return maps;
}

static imp_status out_of_memory(const imp_objective *o) {
    return imp_fail(&o->device->error, IMP_ERR_MEMORY, "style: out of host memory");
}

static void place(const imp_objective *o, imp_loss_term *term, size_t c, size_t *cursor) {
    const imp_tensor x = imp_objective_input(o, 0);
    term->target = imp_place(o->device, cursor, IMP_MAPS, c, grid_side(x.h), grid_side(x.w));
    term->mean = imp_place(o->device, cursor, IMP_PLANES, 1, 1, c);
}

/* ---- The style's vectors ---- */

/* Keeps n of m columns, given as planes of c channels: one at random of each of n stretches. */
static void keep_columns(imp_loss_term *term, const float *values, size_t c, size_t m, size_t n,
                         uint64_t seed) {
    float *to = term->vectors + term->vector_count * c;
    for (size_t k = 0; k < n; k++) {
        const size_t first = m * k / n, end = m * (k + 1) / n;
        const size_t p = first + (size_t)(imp_random_bits(&seed) % (end - first));
        for (size_t i = 0; i < c; i++)
            *to++ = values[i * m + p];
    }
    term->vector_count += n;
}

static imp_status add(imp_objective *o, size_t i, const imp_style_features *features) {
    imp_device *const d = o->device;
    imp_loss_term *term = &o->terms[i];
    const size_t c = features->f.c;
    const imp_tensor columns = channels(features->columns->f, c);
    const size_t m = columns.h * columns.w;
    const double share = ceil(VECTORS_MAX * (double)features->weight);
    const size_t n =
        imp_min(imp_min(m, VECTORS_MAX - term->vector_count), imp_max((size_t)share, 1));
    if (!term->vectors)
        term->vectors = malloc(VECTORS_MAX * c * sizeof *term->vectors);
    float *values = malloc(c * m * sizeof *values);
    imp_status status = term->vectors && values ? IMP_OK : out_of_memory(o);
    if (status == IMP_OK)
        status = d->ops->regrid(d, columns, features->f);
    if (status == IMP_OK)
        status = d->ops->read(d, values, columns);
    if (status == IMP_OK)
        keep_columns(term, values, c, m, n, o->settings->seed + term->vector_count);
    free(values);
    return status;
}

/* mean = minus the mean of the vectors. */
static void negative_mean(const imp_loss_term *term, float *mean, size_t c) {
    for (size_t i = 0; i < c; i++) {
        double sum = 0;
        for (size_t k = 0; k < term->vector_count; k++)
            sum += (double)term->vectors[k * c + i];
        mean[i] = (float)(-sum / (double)term->vector_count);
    }
}

/* Centres the vectors and gives each the length 1; returns the mean of their squares before. */
static double normalize(const imp_loss_term *term, const float *mean, size_t c) {
    double sum = 0;
    for (size_t k = 0; k < term->vector_count; k++) {
        float *v = term->vectors + k * c;
        double square = 0;
        for (size_t i = 0; i < c; i++) {
            v[i] += mean[i];
            square += (double)v[i] * (double)v[i];
        }
        sum += square;
        for (size_t i = 0; i < c && square > 0; i++)
            v[i] = (float)((double)v[i] / sqrt(square));
    }
    return sum / (double)term->vector_count;
}

static imp_status finish(imp_objective *o, size_t i) {
    imp_loss_term *term = &o->terms[i];
    const size_t c = term->target.c;
    float *mean = malloc(c * sizeof *mean);
    if (!mean)
        return out_of_memory(o);
    negative_mean(term, mean, c);
    const imp_status status = o->device->ops->write(o->device, term->mean, mean);
    term->epsilon = (float)fmax(least * normalize(term, mean, c), 1e-12);
    term->squares = (double)(term->target.h * term->target.w);
    free(mean);
    return status;
}

static float weigh(const imp_loss_term *term, imp_loss_form form) {
    (void)form;
    return term->strength / (float)(term->target.h * term->target.w);
}

/* ---- The nearest ---- */

/* The term's columns of features f, centred. */
static imp_status centred_columns(imp_objective *o, size_t i, imp_tensor *columns, imp_tensor f) {
    imp_device *const d = o->device;
    *columns = channels(o->columns.f, f.c);
    TRY(d->ops->regrid(d, *columns, f));
    return d->ops->shift(d, *columns, o->terms[i].mean);
}

/* The target becomes the picture's columns themselves, of length 1. */
static imp_status look(imp_objective *o, size_t i, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    imp_tensor columns;
    TRY(centred_columns(o, i, &columns, f));
    TRY(d->ops->angle(d, o->columns.along, o->columns.pull, (imp_slot){o->scalars, i}, columns,
                      columns, -1, term->epsilon));
    return d->ops->mask(d, term->target, columns, o->columns.pull, false);
}

/* On the device, in the memory of an evaluation. */
typedef struct search {
    imp_tensor scores;      /* maps, CHUNK x h x w: of each position and vector of a chunk */
    imp_tensor chunk;       /* planes, 1 x C x CHUNK: the vectors of the widest term */
    imp_tensor best, index; /* planes, 1 x h x w: the best score so far, and whose it is */
} search;

static size_t place_search(const imp_objective *o, search *s) {
    const size_t c = o->columns.f.c, h = o->columns.f.h, w = o->columns.f.w;
    size_t cursor = o->begin;
    s->scores = imp_place(o->device, &cursor, IMP_MAPS, CHUNK, h, w);
    s->chunk = imp_place(o->device, &cursor, IMP_PLANES, 1, c, CHUNK);
    s->best = imp_place(o->device, &cursor, IMP_PLANES, 1, h, w);
    s->index = imp_place(o->device, &cursor, IMP_PLANES, 1, h, w);
    s->scores.memory = s->chunk.memory = s->best.memory = s->index.memory = o->scalars.memory;
    return cursor;
}

static size_t match_end(const imp_objective *o) {
    search s;
    return place_search(o, &s);
}

/* scores += strength times the products of the term's columns and its vectors from `first` on. */
static imp_status add_scores(imp_objective *o, const imp_loss_term *term, const search *s,
                             size_t first, float *host) {
    imp_device *const d = o->device;
    const size_t c = term->target.c, n = s->scores.c;
    imp_tensor chunk = s->chunk;
    chunk.h = c, chunk.w = n;
    for (size_t i = 0; i < c; i++)
        for (size_t k = 0; k < n; k++)
            host[i * n + k] = term->strength * term->vectors[(first + k) * c + i];
    TRY(d->ops->write(d, chunk, host));
    return d->ops->style_grad(d, s->scores, chunk, term->target);
}

static bool takes_part(const imp_loss_term *term) {
    return term->kind == IMP_TERM_STYLE && !term->empty;
}

static imp_status find_nearest(imp_objective *o, search *s, size_t vectors, float *host) {
    imp_device *const d = o->device;
    TRY(d->ops->fill(d, s->best, -FLT_MAX));
    TRY(d->ops->fill(d, s->index, 0));
    for (size_t first = 0; first < vectors; first += CHUNK) {
        s->scores.c = imp_min(CHUNK, vectors - first);
        TRY(d->ops->fill(d, s->scores, 0));
        for (size_t i = 0; i < o->count; i++)
            if (takes_part(&o->terms[i]))
                TRY(add_scores(o, &o->terms[i], s, first, host));
        TRY(d->ops->nearest(d, s->best, s->index, s->scores, first));
    }
    return IMP_OK;
}

/* The target becomes the vectors that were found. */
static imp_status take_vectors(imp_objective *o, const imp_loss_term *term, const float *index,
                               float *host) {
    const size_t c = term->target.c, m = term->target.h * term->target.w;
    for (size_t p = 0; p < m; p++) {
        const float *v = term->vectors + (size_t)index[p] * c;
        for (size_t i = 0; i < c; i++)
            host[i * m + p] = v[i];
    }
    return o->device->ops->write(o->device, term->target, host);
}

/* Floats on the host for a chunk or a target of the widest term. */
static size_t staging(const imp_objective *o) {
    return o->columns.f.c * imp_max(CHUNK, o->columns.f.h * o->columns.f.w);
}

static imp_status match_in(imp_objective *o, size_t vectors, float *host, float *index) {
    search s;
    place_search(o, &s);
    TRY(find_nearest(o, &s, vectors, host));
    TRY(o->device->ops->read(o->device, index, s.index));
    for (size_t i = 0; i < o->count; i++)
        if (takes_part(&o->terms[i]))
            TRY(take_vectors(o, &o->terms[i], index, host));
    return IMP_OK;
}

static imp_status match(imp_objective *o) {
    size_t vectors = 0; /* of each term */
    for (size_t i = 0; i < o->count; i++)
        if (takes_part(&o->terms[i]))
            vectors = o->terms[i].vector_count;
    if (vectors == 0)
        return IMP_OK;
    float *host = malloc(staging(o) * sizeof *host);
    float *index = malloc(o->columns.f.h * o->columns.f.w * sizeof *index);
    const imp_status status = host && index ? match_in(o, vectors, host, index) : out_of_memory(o);
    free(index);
    free(host);
    return status;
}

static size_t host(const imp_objective *o) {
    size_t floats = staging(o) + o->columns.f.h * o->columns.f.w;
    for (size_t i = 0; i < o->count; i++)
        floats += o->terms[i].kind == IMP_TERM_STYLE ? VECTORS_MAX * o->terms[i].target.c : 0;
    return floats * sizeof(float);
}

/* ---- The loss ---- */

static imp_status gradient(imp_objective *o, size_t i, imp_tensor df, imp_tensor f) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const imp_columns *w = &o->columns;
    const imp_tensor slope = channels(w->df, f.c);
    imp_tensor columns;
    TRY(centred_columns(o, i, &columns, f));
    TRY(d->ops->angle(d, w->along, w->pull, (imp_slot){o->scalars, i}, columns, term->target,
                      term->weight, term->epsilon));
    TRY(d->ops->mask(d, slope, columns, w->along, false));
    TRY(d->ops->mask(d, slope, term->target, w->pull, true));
    return d->ops->regrid_grad(d, df, slope);
}

const imp_style_loss imp_style_nearest = {.turns = TURNS,
                                          .place = place,
                                          .add = add,
                                          .finish = finish,
                                          .weigh = weigh,
                                          .gradient = gradient,
                                          .look = look,
                                          .match = match,
                                          .match_end = match_end,
                                          .host = host};
