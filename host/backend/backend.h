/* SPDX-License-Identifier: MIT
 *
 * A backend: how one kind of device is found, opened and measured. A new one is a folder of host/
 * that exports `const imp_backend imp_NAME_backend`, and the line BACKEND(NAME) in
 * host/device/backends.def.
 */
#ifndef IMP_BACKEND_H
#define IMP_BACKEND_H

#include "backend/ops.h"

typedef enum imp_backend_role {
    IMP_BACKEND_DEVICES, /* any number of devices, chosen by number, name, vendor or platform */
    /* One device, chosen by the backend's name. The first such backend of the list is the fallback:
     * it is opened where no other device can be used. */
    IMP_BACKEND_PROCESSOR,
    /* One device, chosen by the backend's name. It defines what is right, so it is never tested,
     * listed, measured, or taken by itself. */
    IMP_BACKEND_REFERENCE
} imp_backend_role;

/* A matrix product of an iteration, by a library and by the backend itself. */
typedef struct imp_products {
    bool right;          /* the library ran, and agrees with our kernel within the bounds of both */
    double library, own; /* seconds */
} imp_products;

typedef struct imp_backend {
    const char *name; /* "opencl"; also imp_device_info.backend */
    imp_backend_role role;
    bool shares_host_memory; /* as in imp_device_info */

    /* Describes the devices: writes up to cap and returns their full number. info.index is the
     * position in this list. A device that can never be used has usable == false and a reason. No
     * device is no error. */
    size_t (*list)(imp_device_info *out, size_t cap, const imp_device_options *options);
    /* Opens device `index` of that list; options may be NULL. The device is closed by
     * imp_device_close. */
    imp_status (*open)(imp_device **out, size_t index, const imp_device_options *options,
                       imp_error *err);

    /* The rest is optional. */

    /* Measures in about 0.2 seconds: multiply-adds of floats (2 operations each) in GFLOP/s, and
     * bytes read and written by a copy in GB/s. */
    imp_status (*measure)(imp_device *device, double *gflops, double *gbs);
    /* Identifies the built-in kernels, in 64 letters: static. NULL: the version alone does. */
    const char *(*digest)(void);
    /* The number of kernels that an operation of operations.def has launched so far. */
    uint64_t (*launches)(const imp_device *device, const char *operation);
    /* Times the Gram matrix of maps of c channels and m positions (back: its gradient), powers of
     * two; of m at most 65536 are used. Errors: device->error. */
    imp_status (*compare_products)(imp_device *device, bool back, size_t c, size_t m,
                                   imp_products *out);
} imp_backend;

/* device.c: a description with the fields that the backend alone decides; all else is zero. */
imp_device_info imp_backend_info(const imp_backend *backend, int index);

#endif
