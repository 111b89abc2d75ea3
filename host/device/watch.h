/* SPDX-License-Identifier: MIT
 *
 * Keeping an imp_watch up to date. Without one, nothing happens.
 */
#ifndef IMP_DEVICE_WATCH_H
#define IMP_DEVICE_WATCH_H

#include "device/registry.h"

/* What is being done with a device (NULL: all devices are being listed), in steps that take seconds
 * at most; imp_watch_open: it is open, and from now on its work may take any time; imp_watch_idle:
 * no driver is in use. The processor's own device has no driver. */
void imp_watch_do(const imp_device_options *options, const imp_found *found, const char *doing);
void imp_watch_open(const imp_device_options *options);
void imp_watch_idle(const imp_device_options *options);

/* Why the device (NULL: the listing) is to be passed over; NULL: it is not. */
const imp_lost *imp_watch_lost(const imp_device_options *options, const imp_found *found);

#endif
