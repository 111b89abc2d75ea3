/* SPDX-License-Identifier: MIT
 *
 * Of a plan: its steps, and places for its tensors.
 */
#ifndef IMP_PLAN_LAYOUT_H
#define IMP_PLAN_LAYOUT_H

#include "engine/plan.h"

/* Fills in steps and tensors of a plan whose shapes are set, without addresses. IMP_ERR_MEMORY. */
imp_status imp_plan_schedule(imp_plan *plan, const imp_purpose *purpose, imp_tensor input,
                             imp_error *err);

/* Gives every tensor an address from `cursor` on such that no two overlap that are held at the same
 * step; sets plan->end, SIZE_MAX where one can lie nowhere. IMP_ERR_MEMORY. */
imp_status imp_plan_arrange(imp_plan *plan, size_t cursor, imp_error *err);

#endif
