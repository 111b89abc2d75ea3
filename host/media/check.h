/* SPDX-License-Identifier: MIT
 *
 * Checking a caller's picture.
 */
#ifndef IMP_MEDIA_CHECK_H
#define IMP_MEDIA_CHECK_H

#include "impasto.h"

/* Whether the picture has colours, a size that memory can hold, and texts that end. what: names it
 * in messages. Error: IMP_ERR_ARGUMENT. */
imp_status imp_picture_check_shape(const imp_picture *picture, const char *what, imp_error *err);

/* The same, and whether every value is within [0,1], give or take a hundredth for rounding. */
imp_status imp_picture_check(const imp_picture *picture, const char *what, imp_error *err);

/* Whether the background is a colour. options may be NULL. */
imp_status imp_read_options_check(const imp_read_options *options, imp_error *err);

#endif
