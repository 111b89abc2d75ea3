/* SPDX-License-Identifier: MIT
 *
 * Whole files: read in one piece, replaced atomically, and checked for whether they could be
 * written. All files of the library and the program are written through here.
 */
#ifndef IMP_FILE_H
#define IMP_FILE_H

#include "impasto.h"

/* Reads a regular file that is not empty. kind: what the file should hold ("picture"), for
 * messages. The caller frees *bytes, which is NULL after an error. Errors: IMP_ERR_IO,
 * IMP_ERR_FORMAT (empty), IMP_ERR_MEMORY. */
imp_status imp_file_read(unsigned char **bytes, size_t *size, const char *kind, const char *path,
                         imp_error *err);

/* Opens a regular file for reading and gives its size; the caller closes *fd. Errors:
 * IMP_ERR_IO. */
imp_status imp_file_open(int *fd, size_t *size, const char *kind, const char *path, imp_error *err);

/* Reads up to `size` bytes from the current position of fd and gives the number read. errno is 0
 * unless reading failed. */
size_t imp_file_take(int fd, unsigned char *bytes, size_t size);

/* Writes the contents of a file. Returns IMP_ERR_IO without a message, and with errno as stdio left
 * it, when writing to `file` failed. Any other failure comes with a message. */
typedef imp_status (*imp_file_fill)(FILE *file, const void *user, imp_error *err);

/* Calls fill on a temporary file in the folder of path, flushes it to disk and renames it to path,
 * so that path is always the whole old file or the whole new one. After an error the temporary file
 * is gone. Errors: those of fill, IMP_ERR_IO, IMP_ERR_ARGUMENT (path names no file),
 * IMP_ERR_MEMORY. */
imp_status imp_file_replace(const char *path, imp_file_fill fill, const void *user, imp_error *err);

/* imp_file_replace for contents that are bytes in memory. */
imp_status imp_file_replace_bytes(const char *path, const void *bytes, size_t size, imp_error *err);

/* imp_file_replace in two steps, for libraries that open files by name. imp_file_begin makes an
 * empty temporary file beside path and gives its *name; imp_file_end renames it to path (keep) or
 * removes it, and frees the name. Errors: as imp_file_replace. */
imp_status imp_file_begin(char **name, const char *path, imp_error *err);
imp_status imp_file_end(char *name, const char *path, bool keep, imp_error *err);

/* Checks that imp_file_replace could begin and that the folder has `bytes` free (0: not checked).
 * Errors: as imp_file_replace. */
imp_status imp_file_check_output(const char *path, size_t bytes, imp_error *err);

/* Fails with the system's words for `code`, an errno, and advice. did: "read" or "write". */
imp_status imp_fail_system(imp_error *err, const char *did, const char *kind, const char *path,
                           int code);

#endif
