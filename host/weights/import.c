/* SPDX-License-Identifier: MIT
 *
 * Foreign files of weights become networks of our own.
 */
#include "impasto.h"

#include <string.h>

#include "engine/error.h"

imp_status imp_network_import(const char *from, const char *to, const imp_import_options *options,
                              imp_import_report *report, imp_error *err) {
    (void)to, (void)options;
    if (report)
        memset(report, 0, sizeof *report);
    return imp_fail(err, IMP_ERR_UNSUPPORTED, "weights '%s': its format is not known here", from);
}
