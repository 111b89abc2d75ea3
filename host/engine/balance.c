/* SPDX-License-Identifier: MIT
 *
 * The one knob: how strong the style is. Fixed weights mean another balance for every pair and
 * every preset, as losses have the size of the pictures' own features. So both losses are held
 * against what they would be of a blank picture, one without features, which is measured with the
 * targets: content against the size of the content's features, style against that of the style's
 * Gram matrices. At strength 1/2 the content so measured counts 4 % of the style, which is the
 * preset `default` (its losses are relative to the same sizes already). From there to 0 that
 * grows a thousandfold; to 1 it falls to a thirtieth only, as less of the content no longer brings
 * the picture nearer to the style.
 *
 * Total variation is the preset's up to the middle, as more of it would blur the photograph, and
 * keeps its share to the content from there on, where it would hold strokes back.
 */
#include <math.h>

#include "engine/objective.h"

static const double middle = 0.04, down = 6, up = 3; /* decades a unit of strength */

static double blank_of(const imp_objective *o, imp_term_kind kind) {
    double sum = 0;
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].kind == kind && !o->terms[i].empty)
            sum += (double)o->terms[i].weight * o->terms[i].squares;
    return sum;
}

void imp_objective_balance(imp_objective *o) {
    const double strength = (double)o->settings->strength;
    const double content = blank_of(o, IMP_TERM_CONTENT), style = blank_of(o, IMP_TERM_STYLE);
    if (strength < 0 || !(content > 0 && style > 0))
        return;
    const double half = middle * style / content, away = 0.5 - strength;
    const double factor = half * pow(10, (away > 0 ? down : up) * away);
    for (size_t i = 0; i < o->count; i++) {
        imp_loss_term *term = &o->terms[i];
        if (term->kind != IMP_TERM_CONTENT)
            continue;
        term->weight *= (float)factor;
        term->strength *= (float)factor;
    }
    o->tv_weight = o->settings->tv_weight * (float)fmin(factor / half, 1);
}
