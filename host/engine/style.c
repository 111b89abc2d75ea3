/* SPDX-License-Identifier: MIT
 *
 * The table of style losses, and what they share: first and second moments, and workspace.
 */
#include "engine/style.h"

#include <assert.h>

#include "engine/objective.h"

static const imp_style_loss *const losses[] = {
    [IMP_LOSS_MEAN] = &imp_style_gram,
    [IMP_LOSS_RELATIVE] = &imp_style_gram,
    [IMP_LOSS_WASSERSTEIN] = &imp_style_wasserstein,
    [IMP_LOSS_COVARIANCE] = &imp_style_covariance,
    [IMP_LOSS_NEAREST] = &imp_style_nearest,
};

const imp_style_loss *imp_style_loss_of(imp_loss_form form) {
    assert((size_t)form < sizeof losses / sizeof *losses);
    return losses[form];
}

/* ---- Moments ---- */

void imp_style_place_moments(const imp_objective *o, imp_loss_term *term, size_t c,
                             size_t *cursor) {
    term->target = imp_place(o->device, cursor, IMP_PLANES, 1, c, c);
    term->gram = imp_place(o->device, cursor, IMP_PLANES, 1, c, c);
    if (!o->style->sums)
        return;
    term->sum = imp_place(o->device, cursor, IMP_PLANES, 1, 1, c);
    term->mean = imp_place(o->device, cursor, IMP_PLANES, 1, 1, c);
}

imp_status imp_style_add_up(imp_device *d, imp_tensor sum, float weight, imp_tensor part,
                            bool add) {
    return d->ops->combine(d, sum, weight, part, add ? 1 : 0, add ? sum : part);
}

imp_status imp_style_add_moments(imp_objective *o, size_t i, const imp_style_features *features) {
    imp_device *const d = o->device;
    const imp_loss_term *term = &o->terms[i];
    const bool by_channels = !o->style->sums && o->settings->gram_norm == IMP_GRAM_CM;
    const float channels = by_channels ? (float)features->f.c : 1;
    const float n = features->positions;
    TRY(d->ops->gram(d, term->gram, term->sum, features->f, false));
    TRY(imp_style_add_up(d, term->target, features->weight / (n * channels), term->gram,
                         !features->first));
    return term->mean.c
               ? imp_style_add_up(d, term->mean, features->weight / n, term->sum, !features->first)
               : IMP_OK;
}

/* ---- Workspace ---- */

void imp_style_place_workspace(imp_objective *o, size_t widest, size_t *cursor) {
    for (size_t k = 0; k < o->style->matrices; k++)
        o->matrices[k] = imp_place(o->device, cursor, IMP_PLANES, 1, widest, widest);
    if (o->style->vector)
        o->vector = imp_place(o->device, cursor, IMP_PLANES, 1, 1, widest);
    const imp_tensor x = imp_objective_input(o, 0);
    if (o->style->match)
        o->columns = imp_style_place_columns(o->device, widest, x.h, x.w, cursor);
}

void imp_style_bind_workspace(imp_objective *o, imp_memory *memory) {
    for (size_t k = 0; k < o->style->matrices; k++)
        o->matrices[k].memory = memory;
    if (o->style->vector)
        o->vector.memory = memory;
    if (o->style->match)
        imp_style_bind_columns(&o->columns, memory);
}

imp_tensor imp_style_matrix(const imp_objective *o, size_t k, size_t c) {
    imp_tensor m = o->matrices[k];
    m.h = m.w = c;
    return m;
}

imp_tensor imp_style_vector(const imp_objective *o, size_t c) {
    imp_tensor v = o->vector;
    v.w = c;
    return v;
}
