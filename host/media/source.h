/* SPDX-License-Identifier: MIT
 *
 * Reads the bytes of picture files from a path, an address or standard input.
 */
#ifndef IMP_MEDIA_SOURCE_H
#define IMP_MEDIA_SOURCE_H

#include "impasto.h"

/* Reads all bytes of the file at `path`, of an http or https address or, for "-", of standard
 * input. Addresses and standard input are limited to 1 GiB; an address also to 5 minutes, and to 30
 * seconds without a byte. The caller frees *bytes, which is NULL after an error. Errors: as
 * imp_file_read and imp_http_read. */
imp_status imp_source_read(unsigned char **bytes, size_t *size, const char *path, imp_error *err);

/* Writes the source as messages name it. */
void imp_source_show(char *text, size_t size, const char *path);

#endif
