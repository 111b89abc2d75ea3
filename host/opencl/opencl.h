/* SPDX-License-Identifier: MIT
 *
 * The OpenCL backend as others see it: its entry for the registry, and its functions for tests.
 */
#ifndef IMP_OPENCL_H
#define IMP_OPENCL_H

#include "backend/backend.h"

extern const imp_backend imp_opencl_backend;

/* Describes every device of every OpenCL platform, in the loader's order: index is the position in
 * that order. Writes up to cap and gives their full number. A device that cannot be used for good
 * (no compiler, OpenCL below 1.2) has usable == false and a reason. Platforms without devices and
 * an absent loader configuration are no error: they add nothing. */
size_t imp_opencl_list(imp_device_info *out, size_t cap);

/* Opens device `index` of that list, builds its kernels or loads them from the cache. options may
 * be NULL. The device goes back through imp_device_close. Errors: IMP_ERR_ARGUMENT (no such
 * index), IMP_ERR_UNSUPPORTED (not usable), IMP_ERR_MEMORY, IMP_ERR_DEVICE (a kernel does not
 * build, or the driver failed; the message names the log). */
imp_status imp_opencl_open(imp_device **out, size_t index, const imp_device_options *options,
                           imp_error *err);

/* Measures the device's roofs in about 0.2 seconds: multiply-adds of floats (2 operations each) in
 * GFLOP/s, and bytes read and written by a copy in GB/s. device: opened by imp_opencl_open. */
imp_status imp_opencl_measure(imp_device *device, double *gflops, double *gbs);

/* Times, once more, the Gram matrix of maps of c channels and m positions (back: its gradient); m
 * counts up to 65536. c and m: powers of two. Errors: device->error. */
imp_status imp_opencl_compare_products(imp_device *device, bool back, size_t c, size_t m,
                                       imp_products *out);

/* Tells one set of built-in kernels from another, in 64 letters: static. */
const char *imp_opencl_digest(void);

/* How many kernels an operation (a slot of ops.h, "conv") has launched on the device so far. */
uint64_t imp_opencl_launches(const imp_device *device, const char *operation);

#endif
