/* SPDX-License-Identifier: MIT
 *
 * Seconds by operation.
 */
#include "backend/profile.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64 };

struct imp_profile {
    size_t count;
    imp_profile_row rows[ROWS_MAX];
};

imp_profile *imp_profile_open(void) {
    return calloc(1, sizeof(imp_profile));
}

void imp_profile_close(imp_profile *profile) {
    free(profile);
}

static imp_profile_row *row_of(imp_profile *profile, const char *operation) {
    for (size_t i = 0; i < profile->count; i++)
        if (strncmp(profile->rows[i].operation, operation, sizeof profile->rows[i].operation - 1) ==
            0)
            return &profile->rows[i];
    if (profile->count == ROWS_MAX - 1)
        operation = "other";
    if (profile->count == ROWS_MAX)
        return &profile->rows[ROWS_MAX - 1];
    imp_profile_row *row = &profile->rows[profile->count++];
    strncpy(row->operation, operation, sizeof row->operation - 1);
    return row;
}

void imp_profile_add(imp_profile *profile, const char *operation, double seconds) {
    if (!profile)
        return;
    imp_profile_row *row = row_of(profile, operation);
    row->seconds += seconds;
    row->calls++;
}

static int by_seconds(const void *a, const void *b) {
    const double x = ((const imp_profile_row *)a)->seconds,
                 y = ((const imp_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

size_t imp_profile_rows(const imp_profile *profile, imp_profile_row *out, size_t cap) {
    if (!profile)
        return 0;
    imp_profile sorted = *profile;
    qsort(sorted.rows, sorted.count, sizeof sorted.rows[0], by_seconds);
    memcpy(out, sorted.rows, (sorted.count < cap ? sorted.count : cap) * sizeof sorted.rows[0]);
    return sorted.count;
}
