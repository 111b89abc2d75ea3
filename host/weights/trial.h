/* SPDX-License-Identifier: MIT
 *
 * Runs a network once, to see that it can be used.
 */
#ifndef IMP_WEIGHTS_TRIAL_H
#define IMP_WEIGHTS_TRIAL_H

#include "weights/network.h"

/* Computes the features of a small picture by plain loops, in a tenth of a second for VGG-19.
 * source: names the network in messages. Errors: IMP_ERR_NUMBER (features that are not finite, or a
 * layer that multiplies its input by more than 10^12), IMP_ERR_MEMORY. */
imp_status imp_network_try(const imp_network *network, const char *source, imp_error *err);

#endif
