/* SPDX-License-Identifier: MIT
 *
 * One request with libcurl: what memory and file have in common. The bytes go to a sink.
 */
#ifndef IMP_NET_TRANSFER_H
#define IMP_NET_TRANSFER_H

#include <curl/curl.h>

#include "net/http.h"

typedef struct imp_transfer imp_transfer;

/* Where bytes go. begin: the answer's head is here, with its status (200 or 206), and bytes follow.
 * Both give IMP_OK, or another status after imp_fail; the transfer ends then. */
typedef struct imp_sink {
    imp_status (*begin)(imp_transfer *t, long code, imp_error *err);
    imp_status (*take)(imp_transfer *t, const void *bytes, size_t size, imp_error *err);
} imp_sink;

struct imp_transfer {
    const char *address; /* borrowed, as are terms */
    const imp_http_terms *terms;
    const imp_sink *sink;
    void *into;            /* the sink's own */
    uint64_t before;       /* bytes that an earlier call brought, where this one goes on */
    const char *validator; /* of those bytes; NULL: none */

    CURL *curl;
    imp_error *err;
    imp_status status; /* of the sink */
    bool begun, stalled, stopped;
    uint64_t done;                /* bytes here, those before included */
    uint64_t total;               /* bytes in all, those before included; 0: not known */
    double moved;                 /* when the last byte came, on the monotonic clock */
    long code;                    /* the status of the answer */
    char detail[CURL_ERROR_SIZE]; /* libcurl's own words for a failure */
};

/* Asks and hands over the answer. Gives IMP_OK when all of it came. */
imp_status imp_transfer_run(imp_transfer *t, imp_error *err);

/* A field of the answer's head, NULL where it has none. Good until the transfer goes on. */
const char *imp_transfer_field(const imp_transfer *t, const char *name);

#endif
