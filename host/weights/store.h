/* SPDX-License-Identifier: MIT
 *
 * The folder of installed networks. Its files for the network NAME:
 *   NAME.safetensors   the network
 *   NAME.sha256        its SHA-256 when it was installed, as sha256sum writes and checks it
 *   NAME.part, NAME.part.from    an unfinished download
 */
#ifndef IMP_WEIGHTS_STORE_H
#define IMP_WEIGHTS_STORE_H

#include "impasto.h"

/* The path of NAME in the folder, followed by `end`. Errors: IMP_ERR_ARGUMENT (an invalid name),
 * IMP_ERR_IO. */
imp_status imp_store_path(char path[IMP_PATH_MAX], const char *name, const char *end,
                          imp_error *err);

/* Checks that the file at path has the digest of the published network. digest: as in
 * imp_weights_entry; NULL: any. Errors: IMP_ERR_FORMAT (another file), IMP_ERR_IO, IMP_ERR_MEMORY.
 */
imp_status imp_store_check(const char *path, const char *name, const char *digest, imp_error *err);

#endif
