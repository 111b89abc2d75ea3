/* SPDX-License-Identifier: MIT
 *
 * What one session leaves to the next on the same device with the same network: prepared filters,
 * and what it aimed at in its styles, at each size.
 */
#ifndef IMP_REUSE_H
#define IMP_REUSE_H

#include "engine/objective.h"

/* The filters by node, opened as settings ask for; borrowed until the reuse is closed. They are
 * opened for the first session; NULL: they are not those that this one needs. */
imp_status imp_reuse_filters(imp_reuse *reuse, imp_filter *const **filters,
                             const imp_settings *settings, size_t nodes, imp_error *err);

/* Filters by node, `nodes` of them, and how they go back. */
imp_status imp_filters_open(imp_filter ***filters, imp_device *device, const imp_network *network,
                            const imp_settings *settings, size_t nodes, imp_error *err);
void imp_filters_close(imp_filter **filters, imp_device *device, size_t nodes);

/* Gives an objective that is bound to memory the style targets that were kept under this key (of 64
 * hexadecimal digits); *found: there were some. The key must name all that they depend on. And
 * keeps them; that there is no memory for it is no error. Errors: device->error. */
imp_status imp_reuse_restore(imp_reuse *reuse, const char *key, imp_objective *o, bool *found);
imp_status imp_reuse_store(imp_reuse *reuse, const char *key, const imp_objective *o);

#endif
