/* SPDX-License-Identifier: MIT
 *
 * Whether a device computes what the oracle computes, and how fast. Tested and measured once for
 * each device, driver and version of this library, and remembered in the cache folder.
 */
#ifndef IMP_TRUST_H
#define IMP_TRUST_H

#include "backend/ops.h"

/* The key under which measurements of a device are remembered: device, driver, version, kernels,
 * and for the processor `threads`. */
void imp_trust_key(char *key, size_t size, const imp_device_info *info, unsigned threads);

/* Fills usable, tested, reason, gflops, gbs and seconds of info from the cache; false: they are not
 * there. */
bool imp_trust_recall(imp_device_info *info, unsigned threads);

/* Tests and measures the open device, fills the same fields of device->info, and remembers them. */
void imp_trust_measure(imp_device *device);

/* Remembers that a device could not be opened, and why. */
void imp_trust_refuse(imp_device_info *info, unsigned threads, const char *reason);

/* Measures the device's roofs in about 0.2 seconds: multiply-adds of floats (2 operations each) in
 * GFLOP/s, and bytes read and written by a copy in GB/s. Both 0 if the backend cannot measure them.
 * Errors: device->error. */
imp_status imp_measure_roofs(imp_device *device, double *gflops, double *gbs);

/* Seconds of a fixed piece of an iteration (3 x 3 convolutions of 64 and 256 channels both ways and
 * their Gram matrices), the best of three; 0 when the device failed (device->error says why). */
double imp_measure_seconds(imp_device *device);

#endif
