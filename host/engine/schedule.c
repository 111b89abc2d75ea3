/* SPDX-License-Identifier: MIT
 *
 * The sizes that a picture is painted at, and the iterations of each: README.md, Scales and
 * schedule.
 */
#include <math.h>

#include "engine/planes.h"
#include "engine/session.h"

enum { SIDE_MIN = 128 }; /* a smaller scale does not help the next one */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The sides of a picture at that longer side; its planes are large enough that no map of the
 * network vanishes at any level. */
static imp_sides fit(const imp_session *s, const imp_picture *p, size_t longer) {
    const size_t least = imp_plan_side_min(s->network, s->nodes) << (s->settings.levels - 1);
    imp_sides k;
    imp_planes_fit(&k.width, &k.height, p->width, p->height, longer);
    k.w = larger(k.width, least);
    k.h = larger(k.height, least);
    return k;
}

imp_scale imp_session_scale(const imp_session *s, size_t longer) {
    imp_scale k = {.picture = fit(s, &s->content, longer)};
    const double style = floor((double)longer * (double)s->settings.style_scale + 0.5);
    for (size_t i = 0; i < s->style_count; i++) {
        const imp_picture *p = &s->styles[i].picture;
        const double most = s->settings.style_natural ? (double)larger(p->width, p->height) : style;
        const bool content = s->content_as_style && i + 1 == s->style_count;
        k.styles[i] = content ? k.picture : fit(s, p, (size_t)fmax(fmin(style, most), 1));
    }
    return k;
}

/* Longer sides from the last scale to the first; gives their number, at most IMP_SCALES_MAX. */
static unsigned sizes_back(const imp_settings *set, size_t last, size_t *sizes) {
    unsigned n = 0;
    sizes[n++] = last;
    for (size_t i = set->size_count; i-- > 0 && n < IMP_SCALES_MAX;)
        if (set->sizes[i] < last)
            sizes[n++] = set->sizes[i];
    while (set->size_count == 0 && n < set->scales && n < IMP_SCALES_MAX) {
        const double size = floor((double)last / pow((double)set->scale_step, n) + 0.5);
        if (size < SIDE_MIN)
            break;
        sizes[n++] = (size_t)size;
    }
    return n;
}

/* The iterations of scale i of n; each scale has at least one. */
static unsigned iterations_at(const imp_settings *set, unsigned i, unsigned n) {
    const double step = set->iterations_step > 1 ? (double)set->iterations_step : 1;
    double shares = 0, count = set->iterations;
    if (set->later_iterations > 0 && i > 0)
        count = set->later_iterations / pow(step, i - 1.0);
    if (set->later_iterations == 0) {
        for (unsigned k = 0; k < n; k++)
            shares += pow(step, -(double)k);
        count *= pow(step, -(double)i) / shares;
    }
    return (unsigned)fmax(floor(count + 1e-9), 1);
}

/* Where scales share the iterations, the first gets what rounding leaves. */
void imp_session_schedule(imp_session *s) {
    const imp_settings *set = &s->settings;
    size_t sizes[IMP_SCALES_MAX];
    unsigned n =
        sizes_back(set, set->size ? set->size : larger(s->content.width, s->content.height), sizes);
    if (set->later_iterations == 0 && n > set->iterations)
        n = set->iterations;
    s->scale_count = n;
    s->total = 0;
    for (unsigned i = 0; i < n; i++) {
        imp_scale *k = &s->scales[i];
        *k = imp_session_scale(s, sizes[n - 1 - i]);
        k->iterations = iterations_at(set, i, n);
        s->total += k->iterations;
    }
    if (set->later_iterations == 0 && s->total < set->iterations) {
        s->scales[0].iterations += set->iterations - s->total;
        s->total = set->iterations;
    }
}
