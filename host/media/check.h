/* SPDX-License-Identifier: MIT
 *
 * Checking a caller's picture.
 */
#ifndef IMP_MEDIA_CHECK_H
#define IMP_MEDIA_CHECK_H

#include "impasto.h"

/* Whether the texts in it end, and whether the picture has colours, a size, and every value within
 * [0,1] (a hundredth more or less is rounding). what: names it in messages. Error:
 * IMP_ERR_ARGUMENT. */
imp_status imp_picture_check(const imp_picture *picture, const char *what, imp_error *err);

/* Whether the background is a colour. options may be NULL. */
imp_status imp_read_options_check(const imp_read_options *options, imp_error *err);

#endif
