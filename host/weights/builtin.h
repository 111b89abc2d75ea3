/* SPDX-License-Identifier: MIT
 *
 * The network that is compiled into the library: the bytes of weights/builtin.safetensors.
 */
#ifndef IMP_WEIGHTS_BUILTIN_H
#define IMP_WEIGHTS_BUILTIN_H

#include <stddef.h>

/* The whole file, aligned to 64 bytes. Built without the file, the size is 0. */
extern const unsigned char imp_builtin_network[];
extern const size_t imp_builtin_network_size;

#endif
