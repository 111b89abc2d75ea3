/* SPDX-License-Identifier: MIT
 *
 * Seconds by operation, collected by a device whose options ask for it (`--profile`).
 */
#ifndef IMP_PROFILE_H
#define IMP_PROFILE_H

#include "impasto.h"

typedef struct imp_profile imp_profile;

/* NULL when memory is short; imp_profile_close accepts NULL. */
imp_profile *imp_profile_open(void);
void imp_profile_close(imp_profile *profile);

/* Counts one call of `seconds` under the operation's name (kept by value, cut at 31 characters).
 * Beyond 64 names the rest is summed under "other". profile may be NULL: nothing happens. */
void imp_profile_add(imp_profile *profile, const char *operation, double seconds);

/* Writes up to cap rows, most expensive first, and gives their full number. */
size_t imp_profile_rows(const imp_profile *profile, imp_profile_row *out, size_t cap);

#endif
