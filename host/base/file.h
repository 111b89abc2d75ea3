/* SPDX-License-Identifier: MIT
 *
 * Files as a whole: read at once, replaced at once, hashed, and whether one could be written.
 */
#ifndef IMP_MEDIA_FILE_H
#define IMP_MEDIA_FILE_H

#include "impasto.h"

/* Reads all of a regular file that is not empty. kind: what it is meant to be ("picture"), for
 * messages. *bytes goes back through free. Errors: IMP_ERR_IO, IMP_ERR_FORMAT (empty),
 * IMP_ERR_MEMORY. */
imp_status imp_file_read(unsigned char **bytes, size_t *size, const char *kind, const char *path,
                         imp_error *err);

/* Opens a regular file for reading and gives its size; close(*fd) is the caller's. */
imp_status imp_file_open(int *fd, size_t *size, const char *kind, const char *path, imp_error *err);

/* Reads up to `size` bytes from where fd stands; gives how many there were. errno is 0 unless
 * reading failed. */
size_t imp_file_take(int fd, unsigned char *bytes, size_t size);

/* Writes the contents of a file. Gives IMP_ERR_IO, with errno as stdio left it and no message, when
 * writing to `file` failed; anything else that fails with a message of its own. */
typedef imp_status (*imp_file_fill)(FILE *file, const void *user, imp_error *err);

/* Fills a temporary file in the same folder, brings it to disk and renames it to path, so that path
 * is at all times the whole old file or the whole new one. On failure nothing is left behind. */
imp_status imp_file_replace(const char *path, imp_file_fill fill, const void *user, imp_error *err);

/* The same in two steps, for libraries that open files by name: makes an empty temporary file
 * beside path, whose *name goes back through imp_file_end; that renames it to path (keep) or
 * removes it. */
imp_status imp_file_begin(char **name, const char *path, imp_error *err);
imp_status imp_file_end(char *name, const char *path, bool keep, imp_error *err);

/* Whether imp_file_replace could begin, and whether the folder has `bytes` free (0: not asked). On
 * the way it removes from the folder what processes that were killed have left of such files. */
imp_status imp_file_check_output(const char *path, size_t bytes, imp_error *err);

/* The SHA-256 of size bytes in lower-case hexadecimal; false when there is no memory for it. */
bool imp_bytes_sha256(char hex[65], const void *bytes, size_t size);

/* The SHA-256 or the MD5 of a file's bytes, likewise. MD5 only finds damage, not malice. */
imp_status imp_file_digest(char hex[65], const char *path, bool md5, imp_error *err);

#endif
