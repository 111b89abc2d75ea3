/* SPDX-License-Identifier: MIT
 *
 * The setting `strength` becomes weights: README.md, Balance by strength.
 *
 * Losses have the size of the pictures' own features, so fixed weights balance differently for
 * every pair of pictures and every preset. Therefore each loss is compared with what it would be
 * for a blank picture, one without features; that is measured with the targets. At strength 1/2 the
 * content counts 6 % of the style in this measure, about the balance of the preset `default`, whose
 * losses are relative already. Towards 0 the content grows thirtyfold, and the style's target goes
 * to the content's own (sources.c), as more content alone leaves the style to the finest details,
 * where it is noise. Towards 1 the content falls to a thirtieth.
 *
 * Total variation is the preset's up to 1/2, as more would blur the photograph. Beyond, it keeps
 * its ratio to the content, as it would hold strokes back.
 */
#include <math.h>

#include "engine/objective.h"

static const double middle = 0.06; /* content over style at strength 1/2 */
static const double decades = 3;   /* of content for each unit of strength */

/* The loss of a blank picture. */
static double blank_loss(const imp_objective *o, imp_term_kind kind) {
    double sum = 0;
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].kind == kind && !o->terms[i].empty)
            sum += (double)o->terms[i].weight * o->terms[i].squares;
    return sum;
}

/* Edges count by keep_edges and this share of the style, both of a blank picture, and equally at
 * each size. */
static const double edge_share = 0.05;

/* Sizes without edges: the least root mean square that counts, as a share of the range: a step of
 * one in a hundred of each colour. */
static const double faint_edges = 0.03;

static void weigh_edges(imp_objective *o, double style) {
    const double faint = faint_edges * (double)o->settings->range;
    for (unsigned i = 0; i < o->edge_count; i++) {
        imp_edge_term *edges = &o->edges[i];
        const double least = faint * faint * (double)edges->target.h * (double)edges->target.w;
        edges->weight = (float)((double)o->settings->keep_edges * edge_share * style /
                                (o->edge_count * fmax(edges->squares, least)));
    }
}

void imp_objective_balance(imp_objective *o) {
    const double strength = (double)o->settings->strength;
    const double content = blank_loss(o, IMP_TERM_CONTENT), style = blank_loss(o, IMP_TERM_STYLE);
    weigh_edges(o, style);
    if (strength < 0 || !(content > 0 && style > 0))
        return;
    const double half = middle * style / content;
    const double factor = half * pow(10, decades * (0.5 - strength));
    for (size_t i = 0; i < o->count; i++) {
        imp_loss_term *term = &o->terms[i];
        if (term->kind != IMP_TERM_CONTENT)
            continue;
        term->weight *= (float)factor;
        term->strength *= (float)factor;
    }
    o->tv_weight = o->settings->tv_weight * (float)fmin(factor / half, 1);
}
