/* SPDX-License-Identifier: MIT
 *
 * Errors as values: how a message is kept and passed on. The first error wins.
 */
#ifndef IMP_ERROR_H
#define IMP_ERROR_H

#include "impasto.h"

/* Keeps status and the formatted line in err, unless err is NULL or holds an error already. Gives
 * status, so that `return imp_fail(err, IMP_ERR_IO, "...", ...)` reads well. */
__attribute__((format(printf, 3, 4))) imp_status imp_fail(imp_error *err, imp_status status,
                                                          const char *format, ...);

#ifdef __clang_analyzer__ /* which does not see that imp_fail returns the status */
#define imp_fail(err, status, ...) ((void)imp_fail(err, status, __VA_ARGS__), (status))
#endif

/* Returns from the calling function with the status of `call` when it is not IMP_OK. For places
 * that hold nothing; elsewhere `goto done`. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        imp_status try_status = (call);                                                            \
        if (try_status != IMP_OK)                                                                  \
            return try_status;                                                                     \
    } while (0)

#endif
