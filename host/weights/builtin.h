/* SPDX-License-Identifier: MIT
 *
 * The network embedded in the library: the bytes of weights/builtin.safetensors.
 */
#ifndef IMP_WEIGHTS_BUILTIN_H
#define IMP_WEIGHTS_BUILTIN_H

#include <stddef.h>

/* The whole file, aligned to 64 bytes. The size is 0 in a build without the file. */
extern const unsigned char imp_builtin_network[];
extern const size_t imp_builtin_network_size;

#endif
