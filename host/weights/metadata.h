/* SPDX-License-Identifier: MIT
 *
 * The metadata of a network's file: the preparation of the input, and descriptions. network.h lists
 * the keys.
 */
#ifndef IMP_WEIGHTS_METADATA_H
#define IMP_WEIGHTS_METADATA_H

#include "weights/network.h"
#include "weights/safetensors.h"

/* Fills in network->texts, its padding, and the parts of info that do not depend on tensors.
 * Errors: IMP_ERR_FORMAT (a missing key or an invalid value), IMP_ERR_MEMORY. */
imp_status imp_metadata_read(imp_network *network, const imp_safetensors *file, imp_error *err);

#endif
