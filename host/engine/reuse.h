/* SPDX-License-Identifier: MIT
 *
 * What the next session on the same device with the same network can use again: prepared filters,
 * and the style targets of each scale.
 */
#ifndef IMP_REUSE_H
#define IMP_REUSE_H

#include "engine/objective.h"

/* *filters: the filters by node, opened for the first session and borrowed until the reuse is
 * closed; NULL: this session needs others. */
imp_status imp_reuse_filters(imp_reuse *reuse, imp_filter *const **filters,
                             const imp_settings *settings, size_t nodes, imp_error *err);

/* Opens and closes filters of the first `nodes` nodes. */
imp_status imp_filters_open(imp_filter ***filters, imp_device *device, const imp_network *network,
                            const imp_settings *settings, size_t nodes, imp_error *err);
void imp_filters_close(imp_filter **filters, imp_device *device, size_t nodes);

/* Restores the style targets that were stored under this key to an objective that is bound to
 * memory; *found: there were some. Stores an objective's style targets; nothing is stored if host
 * memory runs out. The key (64 hexadecimal digits) must depend on all that targets depend on.
 * Errors: device->error. */
imp_status imp_reuse_restore(imp_reuse *reuse, const char *key, imp_objective *o, bool *found);
imp_status imp_reuse_store(imp_reuse *reuse, const char *key, const imp_objective *o);

#endif
