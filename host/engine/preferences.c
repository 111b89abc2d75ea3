/* SPDX-License-Identifier: MIT
 *
 * How a device makes its layers, on disk.
 */
#include "engine/preferences.h"

#include <string.h>

/* A preference on disk. */
enum { PREFERENCE_WORDS = 13 };
typedef uint64_t preference_words[PREFERENCE_WORDS];

static void words_of(preference_words words, const imp_preference *p) {
    const imp_conv *c = &p->conv;
    const preference_words all = {c->in,    c->out,     c->kernel, c->stride, c->before,
                                  c->after, c->padding, c->relu,   c->half,   p->h,
                                  p->w,     p->back,    p->way};
    memcpy(words, all, sizeof all);
}

static imp_preference preference_from(const preference_words w) {
    return (imp_preference){.conv = {.in = w[0],
                                     .out = w[1],
                                     .kernel = w[2],
                                     .stride = w[3],
                                     .before = w[4],
                                     .after = w[5],
                                     .padding = (imp_padding)w[6],
                                     .relu = w[7] != 0,
                                     .half = w[8] != 0},
                            .h = w[9],
                            .w = w[10],
                            .back = w[11] != 0,
                            .way = (unsigned)w[12]};
}

bool imp_preferences_write(const imp_device *d, FILE *file) {
    preference_words words;
    for (size_t i = 0; i < d->preference_count; i++) {
        words_of(words, &d->preferences[i]);
        if (fwrite(words, sizeof words, 1, file) != 1)
            return false;
    }
    return true;
}

/* Whether one of so many preferences is not the device's. */
static bool differs(const imp_device *d, const imp_preference *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const imp_preference *p = &all[i];
        const imp_preference *own = imp_preference_of(d, &p->conv, p->h, p->w, p->back);
        if ((own ? own->way : 0) != p->way)
            return true;
    }
    return false;
}

bool imp_preferences_read(imp_device *d, size_t count, bool same, FILE *file, bool *changed) {
    const size_t before = d->preference_count;
    imp_preference then[IMP_PREFERENCES_MOST] = {{.way = 0}}, own[IMP_PREFERENCES_MOST];
    preference_words words;
    for (size_t i = 0; i < count; i++) {
        if (fread(words, sizeof words, 1, file) != 1)
            return false;
        then[i] = preference_from(words);
    }
    *changed = same && differs(d, then, count);
    if (!same)
        return true;
    memcpy(own, d->preferences, before * sizeof *own);
    d->preference_count = 0;
    for (size_t i = 0; i < count; i++)
        imp_prefer(d, &then[i]);
    *changed |= differs(d, own, before);
    return true;
}
