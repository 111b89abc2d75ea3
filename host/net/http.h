/* SPDX-License-Identifier: MIT
 *
 * Downloads over http and https, into memory or into a file that a later call can complete.
 * Certificates are checked. Redirects are followed (at most 10, never from https to http, never to
 * another protocol). Proxies come from the environment, as for curl.
 */
#ifndef IMP_NET_HTTP_H
#define IMP_NET_HTTP_H

#include "impasto.h"

/* Progress of a transfer: bytes received, and bytes in total, 0 where the server does not say.
 * Called at least once a second. Returning false stops the transfer. */
typedef bool (*imp_http_progress)(void *user, uint64_t done, uint64_t total);

/* Limits of a transfer; 0: none. */
typedef struct imp_http_terms {
    uint64_t max_bytes;
    double stall;               /* seconds without a byte, name lookup and connecting included */
    double seconds;             /* in total */
    imp_http_progress progress; /* may be NULL */
    void *user;
} imp_http_terms;

/* Whether text begins with http:// or https://, in any case. */
bool imp_http_is_address(const char *text);

/* Writes the address as messages show it: without user name and password, and not too long. */
void imp_http_show(char *text, size_t size, const char *address);

/* Reads the whole answer, at least 1 byte. The caller frees *bytes, which is NULL after an error.
 * Errors, whose messages all name the address: IMP_ERR_ARGUMENT (not a valid address), IMP_ERR_IO
 * (network or server), IMP_ERR_FORMAT (empty, or larger than max_bytes), IMP_ERR_STOPPED,
 * IMP_ERR_MEMORY. */
imp_status imp_http_read(unsigned char **bytes, size_t *size, const char *address,
                         const imp_http_terms *terms, imp_error *err);

/* Downloads the address into the file `part`. It resumes where an earlier call for the same `part`
 * ended if the server says that the file is unchanged (by ETag or date; from another address, by
 * size). The file is complete only after IMP_OK; otherwise it stays for the next call, with its
 * origin beside it in `part`.from. Errors: as above, and IMP_ERR_IO when another process is
 * fetching into the file or the disk is full. */
imp_status imp_http_fetch(const char *part, const char *address, const imp_http_terms *terms,
                          imp_error *err);

#endif
