/* SPDX-License-Identifier: MIT
 *
 * Whether a device computes what the oracle computes, and how fast: tested and measured once, and
 * remembered in the cache folder for each device, driver and version of this library.
 *
 * Wrong numbers are remembered like success. A failure of the driver or of its memory may pass: the
 * test is repeated at the next start or, after three failures in a row, a day later. A rank
 * (info->seconds) may come from a busy moment: it is measured again on two later days, of which the
 * shortest time counts, and anew when a run shows that it is far off.
 */
#ifndef IMP_TRUST_H
#define IMP_TRUST_H

#include "backend/ops.h"

/* The key under which measurements of a device are remembered: device, driver, version, kernels,
 * and for the processor `threads`. */
void imp_trust_key(char *key, size_t size, const imp_device_info *info, unsigned threads);

/* Fills usable, tested, reason, gflops, gbs and seconds of info from the cache; false: they are not
 * there, or the device is to be tried again. *measure: the rank is to be measured again. */
bool imp_trust_recall(imp_device_info *info, unsigned threads, bool *measure);

/* Counts a failure before the test that may end this process; the test's result replaces it. */
void imp_trust_begin(const imp_device_info *info, unsigned threads);

/* Tests and measures the open device, fills the same fields of device->info, and remembers them. */
void imp_trust_measure(imp_device *device);

/* Measures the rank of the open device again, and remembers it. */
void imp_trust_rank(imp_device *device);

/* Remembers that a device failed, and why; it is not usable now. failures: at least so many count.
 */
void imp_trust_fail(imp_device_info *info, unsigned threads, const char *reason, unsigned failures);

/* After a run: `flop` multiply-adds, counted as two each, took `seconds`. If that is far from what
 * the device's rank says, the rank is measured anew at the next start. */
void imp_trust_observe(const imp_device *device, double flop, double seconds);

/* Measures the device's roofs in about 0.2 seconds: multiply-adds of floats (2 operations each) in
 * GFLOP/s, and bytes read and written by a copy in GB/s. Both 0 if the backend cannot measure them.
 * Errors: device->error. */
imp_status imp_measure_roofs(imp_device *device, double *gflops, double *gbs);

/* Seconds of a fixed piece of an iteration (3 x 3 convolutions of 64 and 256 channels both ways and
 * their Gram matrices), the best of three; 0 when the device failed (device->error says why). */
double imp_measure_seconds(imp_device *device);

/* The multiply-adds of the convolutions of that piece as the direct algorithm makes them, counted
 * as two each. */
double imp_measure_flop(void);

#endif
