/* SPDX-License-Identifier: MIT
 *
 * Where pictures come from: a file, an address, or standard input.
 */
#ifndef IMP_MEDIA_SOURCE_H
#define IMP_MEDIA_SOURCE_H

#include "impasto.h"

/* All bytes of the picture file at `path`, of what an http or https address gives, or of standard
 * input for "-": of the latter two at most 1 GiB, and of an address what comes in 5 minutes without
 * a pause of 30 seconds. *bytes goes back through free. Errors: as imp_file_read and imp_http_read.
 */
imp_status imp_source_read(unsigned char **bytes, size_t *size, const char *path, imp_error *err);

/* How messages call it. */
void imp_source_show(char *text, size_t size, const char *path);

#endif
