/* SPDX-License-Identifier: MIT
 *
 * The clock by which everything is timed.
 */
#ifndef IMP_CLOCK_H
#define IMP_CLOCK_H

/* Seconds of a clock that never goes back; only differences mean something. */
double imp_now(void);

#endif
