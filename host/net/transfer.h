/* SPDX-License-Identifier: MIT
 *
 * One request with libcurl, whose bytes go to a sink: what downloads into memory and into files
 * have in common.
 */
#ifndef IMP_NET_TRANSFER_H
#define IMP_NET_TRANSFER_H

#include <curl/curl.h>

#include "net/http.h"

typedef struct imp_transfer imp_transfer;

/* Where the bytes go. begin (may be NULL) is called once, after the answer's header with its status
 * (200 or 206) and before any bytes. Both return IMP_OK, or another status after imp_fail, which
 * ends the transfer. */
typedef struct imp_sink {
    imp_status (*begin)(imp_transfer *t, long code, imp_error *err);
    imp_status (*take)(imp_transfer *t, const void *bytes, size_t size, imp_error *err);
} imp_sink;

struct imp_transfer {
    const char *address; /* borrowed, as is terms */
    const imp_http_terms *terms;
    const imp_sink *sink;
    void *into;            /* the sink's own */
    uint64_t before;       /* bytes that an earlier call received; this one continues there */
    const char *validator; /* of those bytes; NULL: none */

    CURL *curl;
    imp_error *err;
    imp_status status; /* of the sink */
    bool begun, stalled, stopped;
    uint64_t done;                /* bytes received, including those before */
    uint64_t total;               /* bytes in total, including those before; 0: unknown */
    double moved;                 /* imp_now of the last byte */
    long code;                    /* HTTP status of the answer */
    char detail[CURL_ERROR_SIZE]; /* libcurl's description of a failure */
};

/* Performs the request. IMP_OK: the sink has the whole answer. Errors: as imp_http_read, and those
 * of the sink. */
imp_status imp_transfer_run(imp_transfer *t, imp_error *err);

/* A header field of the answer, or NULL. Valid until the callback returns. */
const char *imp_transfer_field(const imp_transfer *t, const char *name);

#endif
