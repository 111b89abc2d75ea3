/* SPDX-License-Identifier: MIT
 *
 * What lies behind an http or https address: read into memory, or fetched into a file that a later
 * call completes. Certificates are checked, redirects followed (at most 10, never from https to
 * http, never to another protocol), proxies taken from the environment as curl knows them.
 */
#ifndef IMP_NET_HTTP_H
#define IMP_NET_HTTP_H

#include "impasto.h"

/* How far a transfer is: bytes that are here, and bytes in all, 0 where the server does not say.
 * Called at least once a second; false stops the transfer. */
typedef bool (*imp_http_progress)(void *user, uint64_t done, uint64_t total);

/* What is acceptable. Zero: no limit. */
typedef struct imp_http_terms {
    uint64_t max_bytes;
    double stall;               /* seconds without a byte; name and connection count, too */
    double seconds;             /* in all */
    imp_http_progress progress; /* may be NULL */
    void *user;
} imp_http_terms;

/* Whether text begins with http:// or https://, in any case. */
bool imp_http_is_address(const char *text);

/* The address as messages show it: without a user's name and password, and not too long. */
void imp_http_show(char *text, size_t size, const char *address);

/* Reads all of it. *bytes goes back through free; size is at least 1. Errors, of which every
 * message names the address: IMP_ERR_ARGUMENT (no such address can be), IMP_ERR_IO (network or
 * server), IMP_ERR_FORMAT (empty or larger than max_bytes), IMP_ERR_STOPPED, IMP_ERR_MEMORY. */
imp_status imp_http_read(unsigned char **bytes, size_t *size, const char *address,
                         const imp_http_terms *terms, imp_error *err);

/* Fetches it into the file `part`, going on where an earlier call of the same `part` ended as long
 * as the server says that it is still the same thing (its ETag or date; from another address, the
 * same size). The file is whole only when this gives IMP_OK; otherwise it is left for the next
 * call, with its origin beside it in `part`.from. Errors as above, and IMP_ERR_IO when another
 * process is fetching into it or the disk is full. */
imp_status imp_http_fetch(const char *part, const char *address, const imp_http_terms *terms,
                          imp_error *err);

#endif
