/* SPDX-License-Identifier: MIT
 *
 * The OpenCL backend: its table of operations, and its entry for the registry.
 */
#include "opencl/ocl.h"
#include "opencl/opencl.h"

const imp_ops ocl_table = {
#define SLOT(type, name, device, parameters) .name = ocl_##name,
#include "backend/operations.def"
};

static size_t list_devices(imp_device_info *out, size_t cap, const imp_device_options *options) {
    (void)options;
    return imp_opencl_list(out, cap);
}

const imp_backend imp_opencl_backend = {.name = "opencl",
                                        .role = IMP_BACKEND_DEVICES,
                                        .list = list_devices,
                                        .open = imp_opencl_open,
                                        .measure = imp_opencl_measure,
                                        .digest = imp_opencl_digest,
                                        .launches = imp_opencl_launches,
                                        .compare_products = imp_opencl_compare_products};
