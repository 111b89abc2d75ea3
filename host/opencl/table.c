/* SPDX-License-Identifier: MIT
 *
 * The OpenCL backend's table of operations.
 */
#include "opencl/ocl.h"

const imp_ops ocl_table = {
#define SLOT(type, name, device, parameters) .name = ocl_##name,
#include "backend/operations.def"
};
