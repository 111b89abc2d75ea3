/* SPDX-License-Identifier: MIT
 *
 * The network for measuring.
 */
#ifndef IMP_WEIGHTS_RANDOM_H
#define IMP_WEIGHTS_RANDOM_H

#include "weights/network.h"

#define IMP_NETWORK_RANDOM "random-vgg19"

/* Makes the network, always with the same numbers; imp_network_close releases it. Errors:
 * IMP_ERR_MEMORY. */
imp_status imp_network_random(imp_network **out, imp_error *err);

#endif
