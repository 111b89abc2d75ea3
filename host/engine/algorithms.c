/* SPDX-License-Identifier: MIT
 *
 * Choices of algorithms in a checkpoint.
 */
#include "engine/algorithms.h"

#include <string.h>

/* A choice in the file. */
enum { CHOICE_WORDS = 13 };
typedef uint64_t choice_words[CHOICE_WORDS];

static void words_of(choice_words words, const imp_algorithm_choice *p) {
    const imp_conv *c = &p->conv;
    const choice_words all = {c->in,    c->out,     c->kernel,   c->stride, c->before,
                              c->after, c->padding, c->relu,     c->half,   p->h,
                              p->w,     p->back,    p->algorithm};
    memcpy(words, all, sizeof all);
}

static imp_algorithm_choice choice_from(const choice_words w) {
    return (imp_algorithm_choice){.conv = {.in = w[0],
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
                                  .algorithm = (unsigned)w[12]};
}

bool imp_algorithms_write(const imp_device *d, FILE *file) {
    choice_words words;
    for (size_t i = 0; i < d->algorithm_choice_count; i++) {
        words_of(words, &d->algorithm_choices[i]);
        if (fwrite(words, sizeof words, 1, file) != 1)
            return false;
    }
    return true;
}

/* Whether one of the choices is not what the device uses. */
static bool differs(const imp_device *d, const imp_algorithm_choice *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const imp_algorithm_choice *p = &all[i];
        const imp_algorithm_choice *own = imp_algorithm_choice_of(d, &p->conv, p->h, p->w, p->back);
        if ((own ? own->algorithm : 0) != p->algorithm)
            return true;
    }
    return false;
}

bool imp_algorithms_read(imp_device *d, size_t count, bool same, FILE *file, bool *changed) {
    const size_t before = d->algorithm_choice_count;
    imp_algorithm_choice then[IMP_ALGORITHM_CHOICES_MAX] = {{.algorithm = 0}},
                         own[IMP_ALGORITHM_CHOICES_MAX];
    choice_words words;
    for (size_t i = 0; i < count; i++) {
        if (fread(words, sizeof words, 1, file) != 1)
            return false;
        then[i] = choice_from(words);
    }
    *changed = same && differs(d, then, count);
    if (!same)
        return true;
    memcpy(own, d->algorithm_choices, before * sizeof *own);
    d->algorithm_choice_count = 0;
    for (size_t i = 0; i < count; i++)
        imp_choose_algorithm(d, &then[i]);
    *changed |= differs(d, own, before);
    return true;
}
