/* SPDX-License-Identifier: MIT
 *
 * The folder where network files lie that were fetched or imported, and the names they have there.
 */
#include "impasto.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "engine/error.h"
#include "media/folder.h"

static const imp_folder weights = {"IMPASTO_WEIGHTS", "XDG_DATA_HOME", ".local/share"};

imp_status imp_weights_folder(char *path, size_t size, bool make, imp_error *err) {
    char reason[128];
    if (!imp_folder_path(path, size, &weights))
        return imp_fail(err, IMP_ERR_IO,
                        "weights: no folder for them: set IMPASTO_WEIGHTS to one, or HOME");
    if (!make || imp_folder_make(path))
        return IMP_OK;
    if (strerror_r(errno, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "unknown reason");
    return imp_fail(err, IMP_ERR_IO,
                    "weights: folder '%s' cannot be made: %s: set IMPASTO_WEIGHTS to another", path,
                    reason);
}

/* A name is part of a file's name and of a command line: nothing that leads elsewhere. */
static bool is_name(const char *name) {
    const size_t length = strlen(name);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return length > 0 && length < IMP_NAME_MAX && name[0] != '.' && name[0] != '-';
}

imp_status imp_weights_path(char *path, size_t size, const char *name, imp_error *err) {
    TRY(imp_weights_folder(path, size, false, err));
    const size_t used = strlen(path);
    if (!is_name(name) || strcmp(name, "builtin") == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "weights '%s': no name for a network: take letters, digits, '.', '_' and "
                        "'-', at most %d, and not 'builtin'",
                        name, IMP_NAME_MAX - 1);
    if ((size_t)snprintf(path + used, size - used, "/%s.safetensors", name) >= size - used)
        return imp_fail(err, IMP_ERR_IO,
                        "weights '%s': the path of their folder is too long: set "
                        "IMPASTO_WEIGHTS to another",
                        name);
    return IMP_OK;
}
