/* SPDX-License-Identifier: MIT
 *
 * Digests of bytes and files, in lower-case hexadecimal.
 */
#ifndef IMP_DIGEST_H
#define IMP_DIGEST_H

#include "impasto.h"

/* The SHA-256 of `size` bytes; false without memory. */
bool imp_bytes_sha256(char hex[65], const void *bytes, size_t size);

/* The SHA-256 of a regular file or, with md5, its MD5, which only detects damage, not tampering.
 * Errors: IMP_ERR_IO, IMP_ERR_MEMORY; hex is "" then. */
imp_status imp_file_digest(char hex[65], const char *path, bool md5, imp_error *err);

/* The SHA-256 of the first `size` bytes of an open file, whose position stays. False: it cannot be
 * read, or there is no memory. */
bool imp_descriptor_sha256(char hex[65], int fd, size_t size);

#endif
