/* SPDX-License-Identifier: MIT
 *
 * The metadata of a network's file (the keys stand in network.h).
 */
#ifndef IMP_WEIGHTS_METADATA_H
#define IMP_WEIGHTS_METADATA_H

#include "weights/network.h"
#include "weights/safetensors.h"

/* Fills network->texts, padding, and what of info does not depend on the tensors. Errors:
 * IMP_ERR_FORMAT for a key that is missing or has no meaning, IMP_ERR_MEMORY. */
imp_status imp_metadata_read(imp_network *network, const imp_safetensors *file, imp_error *err);

#endif
