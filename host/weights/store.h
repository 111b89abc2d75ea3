/* SPDX-License-Identifier: MIT
 *
 * The folder of network files: what lies there under a name.
 *   NAME.safetensors   the network
 *   NAME.sha256        its SHA-256 when it was installed, as sha256sum writes and checks it
 *   NAME.part, NAME.part.from    a fetch that has not ended
 */
#ifndef IMP_WEIGHTS_STORE_H
#define IMP_WEIGHTS_STORE_H

#include "impasto.h"

/* The path of folder/NAME`end`. Errors: IMP_ERR_ARGUMENT where name is none, IMP_ERR_IO. */
imp_status imp_store_path(char path[IMP_PATH_MAX], const char *name, const char *end,
                          imp_error *err);

/* Whether the file at path is the published one of that name. digest: as in imp_weights_entry;
 * NULL: any file is. Errors: IMP_ERR_FORMAT where it is another, IMP_ERR_IO, IMP_ERR_MEMORY. */
imp_status imp_store_check(const char *path, const char *name, const char *digest, imp_error *err);

#endif
