/* SPDX-License-Identifier: MIT
 *
 * Whether a caller's picture can be read.
 */
#ifndef IMP_MEDIA_CHECK_H
#define IMP_MEDIA_CHECK_H

#include "impasto.h"

/* Whether the picture has colours, a size, and every value within [0,1] (a hundredth more or less
 * is rounding). what: names it in messages. Error: IMP_ERR_ARGUMENT. */
imp_status imp_picture_check(const imp_picture *picture, const char *what, imp_error *err);

#endif
