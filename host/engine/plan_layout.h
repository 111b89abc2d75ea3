/* SPDX-License-Identifier: MIT
 *
 * The inside of imp_plan_init: the steps of a plan, and addresses for its tensors.
 */
#ifndef IMP_PLAN_LAYOUT_H
#define IMP_PLAN_LAYOUT_H

#include "engine/plan.h"

/* Sets steps and tensors, without addresses, of a plan whose shapes are set. IMP_ERR_MEMORY. */
imp_status imp_plan_schedule(imp_plan *plan, const imp_purpose *purpose, imp_tensor input,
                             imp_error *err);

/* Gives every tensor an address from `cursor` on, so that no two tensors that are alive at the same
 * step overlap. Sets plan->end, SIZE_MAX where one is too large for the device. IMP_ERR_MEMORY. */
imp_status imp_plan_arrange(imp_plan *plan, size_t cursor, imp_error *err);

#endif
