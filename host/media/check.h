/* SPDX-License-Identifier: MIT
 *
 * Checking a caller's picture.
 */
#ifndef IMP_MEDIA_CHECK_H
#define IMP_MEDIA_CHECK_H

#include "impasto.h"

/* Checks that the picture has colours and a size, and that every value is in [0,1], with a
 * tolerance of 0.01 for rounding. what: its name in messages. Errors: IMP_ERR_ARGUMENT. */
imp_status imp_picture_check(const imp_picture *picture, const char *what, imp_error *err);

#endif
