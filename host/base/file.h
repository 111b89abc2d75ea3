/* SPDX-License-Identifier: MIT
 *
 * Whole files: read in one piece, replaced atomically, and checked for whether they could be
 * written. All files of the library and the program are written through here.
 */
#ifndef IMP_FILE_H
#define IMP_FILE_H

#include <sys/types.h>

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

/* Calls fill on a draft of the file, flushes it to disk and gives it its name, so that path is
 * always the whole old file or the whole new one. A path that is a symbolic link is followed; a
 * file that is replaced keeps its permissions and, as far as the system allows, its owner. After an
 * error the draft is gone. Errors: those of fill, IMP_ERR_IO, IMP_ERR_ARGUMENT (path names no
 * file), IMP_ERR_MEMORY. */
imp_status imp_file_replace(const char *path, imp_file_fill fill, const void *user, imp_error *err);

/* The same; only its owner may read the file. */
imp_status imp_file_replace_private(const char *path, imp_file_fill fill, const void *user,
                                    imp_error *err);

/* imp_file_replace for contents that are bytes in memory. */
imp_status imp_file_replace_bytes(const char *path, const void *bytes, size_t size, imp_error *err);

/* A file that is being written, in the folder where it will lie. Where the system can, it has no
 * name until it is complete, so that nothing is left over however the process ends; else a
 * temporary one beside the target. */
typedef struct imp_draft {
    int fd;       /* open for reading and writing */
    char *name;   /* by which libraries can open it */
    char *target; /* what the path names, after symbolic links */
    bool named;   /* whether `name` is a temporary file beside the target */
} imp_draft;

/* imp_file_replace in two steps, for libraries that open files by name. imp_file_begin opens an
 * empty draft; imp_file_end flushes it to disk and gives it its name (keep), or drops it. Errors:
 * as imp_file_replace. */
imp_status imp_file_begin(imp_draft *draft, const char *path, imp_error *err);
imp_status imp_file_end(imp_draft *draft, const char *path, bool keep, imp_error *err);

/* The one path that stands for a file however it is named: absolute, without symbolic links. The
 * file need not exist. `whole` holds IMP_PATH_MAX. False: the path is too long, or its folder does
 * not exist. */
bool imp_file_whole_path(char *whole, const char *path);

/* Gives a file a second name, in place of what has that name. Before the file is replaced, this
 * keeps the old one. */
bool imp_file_keep(const char *path, const char *second);

/* Checks that imp_file_replace could begin and that the folder has `bytes` free (0: not checked).
 * Errors: as imp_file_replace. */
imp_status imp_file_check_output(const char *path, size_t bytes, imp_error *err);

/* What an entry that is no regular file is called in messages. */
const char *imp_file_kind(mode_t mode);

/* Fails with the system's words for `code`, an errno, and advice. did: "read" or "write". */
imp_status imp_fail_system(imp_error *err, const char *did, const char *kind, const char *path,
                           int code);

#endif
