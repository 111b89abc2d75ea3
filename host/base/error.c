/* SPDX-License-Identifier: MIT
 *
 * Errors as values.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#undef imp_fail
imp_status imp_fail(imp_error *err, imp_status status, const char *format, ...) {
    if (!err || err->status != IMP_OK)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    for (char *c = err->text; *c;
         c++) /* text from a file may hold line breaks or control a terminal */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    return status;
}
