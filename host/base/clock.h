/* SPDX-License-Identifier: MIT
 *
 * The monotonic clock, which times everything.
 */
#ifndef IMP_CLOCK_H
#define IMP_CLOCK_H

/* Seconds of a clock that never goes back. Only differences between two calls have a meaning. */
double imp_now(void);

#endif
