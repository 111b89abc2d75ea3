/* SPDX-License-Identifier: MIT
 *
 * Errors as values: how a message is stored and passed on. The first error wins.
 */
#ifndef IMP_ERROR_H
#define IMP_ERROR_H

#include "impasto.h"

/* Stores status and the formatted line in err, unless err is NULL or already holds an error.
 * Returns status, so that callers can write `return imp_fail(err, IMP_ERR_IO, "...", ...)`. */
__attribute__((format(printf, 3, 4))) imp_status imp_fail(imp_error *err, imp_status status,
                                                          const char *format, ...);

#ifdef __clang_analyzer__ /* which does not see that imp_fail returns the status */
#define imp_fail(err, status, ...) ((void)imp_fail(err, status, __VA_ARGS__), (status))
#endif

/* Returns from the calling function with the status of `call` when that is not IMP_OK. Only for
 * places that hold no resources; elsewhere use `goto done`. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        imp_status try_status = (call);                                                            \
        if (try_status != IMP_OK)                                                                  \
            return try_status;                                                                     \
    } while (0)

#endif
