/* SPDX-License-Identifier: MIT
 *
 * Where pictures come from: a file, or standard input.
 */
#ifndef IMP_MEDIA_SOURCE_H
#define IMP_MEDIA_SOURCE_H

#include "impasto.h"

/* All bytes of the picture file at `path`, or of standard input for "-". *bytes goes back through
 * free. Errors: as imp_file_read. */
imp_status imp_source_read(unsigned char **bytes, size_t *size, const char *path, imp_error *err);

#endif
