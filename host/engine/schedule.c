/* SPDX-License-Identifier: MIT
 *
 * The sizes that a picture is painted at on the way, and the iterations of each.
 */
#include <math.h>

#include "engine/canvas.h"
#include "engine/session.h"

enum { SIDE_MIN = 128 }; /* a smaller picture on the way teaches the next one nothing */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The sides that the network needs: none of its maps may vanish, at any level of the pyramid. */
static void extend(const imp_session *s, size_t *w, size_t *h, size_t width, size_t height) {
    const size_t least = imp_plan_side_min(s->network, s->nodes) << (s->settings.levels - 1);
    *w = larger(width, least);
    *h = larger(height, least);
}

imp_scale imp_session_scale(const imp_session *s, size_t longer) {
    const size_t natural = larger(s->style.width, s->style.height);
    double style_longer = floor((double)longer * (double)s->settings.style_scale + 0.5);
    imp_scale k = {0};
    if (s->settings.style_natural)
        style_longer = fmin(style_longer, (double)natural);
    imp_canvas_fit(&k.width, &k.height, s->content.width, s->content.height, longer);
    imp_canvas_fit(&k.style_width, &k.style_height, s->style.width, s->style.height,
                   style_longer < 1 ? 1 : (size_t)style_longer);
    extend(s, &k.w, &k.h, k.width, k.height);
    extend(s, &k.style_w, &k.style_h, k.style_width, k.style_height);
    return k;
}

/* Longer sides from the last to the first, at most IMP_SCALES_MAX of them; gives their number. */
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

/* Where iterations are shared, the rest goes to the first scale, and every scale has one at least.
 */
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
        k->iterations = set->iterations / n + (i == 0 ? set->iterations % n : 0);
        if (set->later_iterations)
            k->iterations = i == 0 ? set->iterations : set->later_iterations;
        s->total += k->iterations;
    }
}
