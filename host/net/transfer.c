/* SPDX-License-Identifier: MIT
 *
 * One request with libcurl, and messages for what can go wrong with it.
 */
#include "net/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/error.h"

enum { REDIRECTS_MAX = 10, CONNECT_SECONDS = 20, SHOWN_MAX = 200 };

bool imp_http_is_address(const char *text) {
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/* ---- Messages -------------------------------------------------------------------------------- */

void imp_http_show(char *text, size_t size, const char *address) {
    CURLU *const url = curl_url();
    char *plain = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, address, 0) == CURLUE_OK) {
        curl_url_set(url, CURLUPART_USER, NULL, 0);
        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
        curl_url_get(url, CURLUPART_URL, &plain, 0);
    }
    char *const shown = strdup(plain ? plain : address);
    if (shown)
        imp_clean_addresses(shown);
    const bool cut = shown && strlen(shown) > SHOWN_MAX;
    snprintf(text, size, "%.*s%s", SHOWN_MAX, shown ? shown : "the address", cut ? "..." : "");
    free(shown);
    curl_free(plain);
    curl_url_cleanup(url);
}

/* A message for an HTTP status. */
static const char *meaning_of(long code) {
    switch (code) {
    case 401:
    case 403:
    case 407:
        return "access is denied: check the address, or get the file with a browser";
    case 404:
    case 410:
        return "the file does not exist there: check the address";
    case 429:
    case 503:
        return "the server is busy: try again later";
    default:
        return code >= 500 ? "the server failed: try again later"
                           : "the answer is not a file: check the address";
    }
}

/* A message for a failure of libcurl, or NULL: use its own words. */
static const char *meaning_of_failure(CURLcode code) {
    switch (code) {
    case CURLE_URL_MALFORMAT:
        return "this is not a valid address: check its spelling";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "no such host, or no network: check the address and the connection";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the proxy's name cannot be resolved: check https_proxy in the environment";
    case CURLE_COULDNT_CONNECT:
        return "no connection to the server: check the network, or try again later";
    case CURLE_TOO_MANY_REDIRECTS:
        return "redirected more than 10 times: check the address";
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "redirected to another protocol than https (or http, from http): check the address";
    case CURLE_SSL_CACERT_BADFILE:
        return "no certificates to verify the server with: install the package ca-certificates";
    case CURLE_SSL_CONNECT_ERROR:
        return "no secure connection to the server: check the address and the network";
    default:
        return NULL;
    }
}

static bool was_cut_off(CURLcode code) {
    return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_GOT_NOTHING || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
}

static bool refused_by_proxy(const imp_transfer *t) {
    long code = 0;
    return curl_easy_getinfo(t->curl, CURLINFO_HTTP_CONNECTCODE, &code) == CURLE_OK && code >= 300;
}

static imp_status fail_early(const imp_transfer *t, const char *shown, const char *how) {
    return imp_fail(t->err, IMP_ERR_IO,
                    "'%s': %s, with %" PRIu64 " bytes received: check the connection and try again",
                    shown, how, t->done);
}

static imp_status fail_answer(imp_transfer *t) {
    char shown[SHOWN_MAX + 8];
    imp_http_show(shown, sizeof shown, t->address);
    return imp_fail(t->err, IMP_ERR_IO, "'%s': %s (status %ld)", shown, meaning_of(t->code),
                    t->code);
}

static imp_status fail_transfer(imp_transfer *t, CURLcode code) {
    char shown[SHOWN_MAX + 8], how[64];
    imp_http_show(shown, sizeof shown, t->address);
    if (t->stopped)
        return imp_fail(t->err, IMP_ERR_STOPPED, "'%s': stopped, with %" PRIu64 " bytes received",
                        shown, t->done);
    if (t->status != IMP_OK)
        return t->status;
    if (t->stalled) {
        snprintf(how, sizeof how, "nothing arrived for %g seconds", t->terms->stall);
        return fail_early(t, shown, how);
    }
    if (code == CURLE_OPERATION_TIMEDOUT && t->terms->seconds > 0) {
        snprintf(how, sizeof how, "it takes longer than %g seconds", t->terms->seconds);
        return fail_early(t, shown, how);
    }
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return fail_answer(t);
    if (refused_by_proxy(t))
        return imp_fail(
            t->err, IMP_ERR_IO,
            "'%s': the proxy refused the connection: check https_proxy in the environment", shown);
    if (was_cut_off(code))
        return fail_early(t, shown, "the connection was cut off");
    if (code == CURLE_OUT_OF_MEMORY)
        return imp_fail(t->err, IMP_ERR_MEMORY, "'%s': out of memory: close other programs", shown);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR)
        return imp_fail(t->err, IMP_ERR_IO,
                        "'%s': the server's certificate is not trusted (%s): check the address, "
                        "the clock and who runs this network",
                        shown, t->detail);
    const char *const meaning = meaning_of_failure(code);
    const bool wrong = code == CURLE_URL_MALFORMAT;
    return imp_fail(t->err, wrong ? IMP_ERR_ARGUMENT : IMP_ERR_IO, "'%s': %s", shown,
                    meaning ? meaning : curl_easy_strerror(code));
}

/* ---- While it runs --------------------------------------------------------------------------- */

const char *imp_transfer_field(const imp_transfer *t, const char *name) {
    struct curl_header *field;
    return curl_easy_header(t->curl, name, 0, CURLH_HEADER, -1, &field) == CURLHE_OK ? field->value
                                                                                     : NULL;
}

static imp_status fail_large(imp_transfer *t) {
    char shown[SHOWN_MAX + 8];
    imp_http_show(shown, sizeof shown, t->address);
    return imp_fail(t->err, IMP_ERR_FORMAT,
                    "'%s': larger than the allowed %" PRIu64 " bytes: check the address", shown,
                    t->terms->max_bytes);
}

static imp_status begin(imp_transfer *t) {
    curl_off_t length = -1;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->code);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    t->begun = true;
    if (t->code != 200 && (t->code != 206 || t->before == 0))
        return fail_answer(t);
    t->done = t->code == 206 ? t->before : 0;
    t->total = length > 0 ? t->done + (uint64_t)length : 0;
    if (t->terms->max_bytes && t->total > t->terms->max_bytes)
        return fail_large(t);
    return t->sink->begin ? t->sink->begin(t, t->code, t->err) : IMP_OK;
}

/* libcurl's write callback: anything but the full size ends the transfer. */
static size_t receive(char *bytes, size_t one, size_t size, void *transfer) {
    imp_transfer *const t = transfer;
    (void)one;
    if (!t->begun)
        t->status = begin(t);
    if (t->status == IMP_OK && t->terms->max_bytes && t->done + size > t->terms->max_bytes)
        t->status = fail_large(t);
    if (t->status == IMP_OK)
        t->status = t->sink->take(t, bytes, size, t->err);
    if (t->status != IMP_OK)
        return 0;
    t->done += size;
    t->moved = imp_now();
    return size;
}

/* libcurl's progress callback: anything but 0 ends the transfer. */
static int watch(void *transfer, curl_off_t total, curl_off_t done, curl_off_t up_total,
                 curl_off_t up) {
    imp_transfer *const t = transfer;
    (void)total, (void)done, (void)up_total, (void)up;
    t->stalled = t->terms->stall > 0 && imp_now() - t->moved > t->terms->stall;
    t->stopped = t->terms->progress && !t->terms->progress(t->terms->user, t->done, t->total);
    return t->stalled || t->stopped;
}

/* ---- The request ----------------------------------------------------------------------------- */

/* The user's own certificates, by the environment variables of the program curl. */
static const char *own_certificates(void) {
    const char *const bundle = getenv("CURL_CA_BUNDLE");
    return bundle && *bundle ? bundle : getenv("SSL_CERT_FILE");
}

/* Asks for the bytes after those received before, if the file is unchanged. */
static CURLcode ask_for_rest(imp_transfer *t, struct curl_slist **fields) {
    char range[32], condition[300];
    if (t->before == 0)
        return CURLE_OK;
    snprintf(range, sizeof range, "%" PRIu64 "-", t->before);
    if (t->validator) {
        snprintf(condition, sizeof condition, "If-Range: %s", t->validator);
        *fields = curl_slist_append(NULL, condition);
        if (!*fields)
            return CURLE_OUT_OF_MEMORY;
        curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, *fields);
    }
    return curl_easy_setopt(t->curl, CURLOPT_RANGE, range);
}

static CURLcode prepare(imp_transfer *t, struct curl_slist **fields) {
    CURL *const c = t->curl;
    const bool secure = strncasecmp(t->address, "https://", 8) == 0;
    const char *const certificates = own_certificates();
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(1000 * t->terms->seconds));
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "impasto/" IMP_VERSION);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    if (certificates && *certificates)
        curl_easy_setopt(c, CURLOPT_CAINFO, certificates);
    const CURLcode code = ask_for_rest(t, fields);
    return code == CURLE_OK ? curl_easy_setopt(c, CURLOPT_URL, t->address) : code;
}

imp_status imp_transfer_run(imp_transfer *t, imp_error *err) {
    struct curl_slist *fields = NULL;
    t->err = err;
    t->status = IMP_OK;
    t->begun = t->stalled = t->stopped = false;
    t->done = t->before;
    t->moved = imp_now();
    t->curl = curl_easy_init();
    CURLcode code = t->curl ? prepare(t, &fields) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = curl_easy_perform(t->curl);
    if (t->curl)
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->code);
    const imp_status status = code == CURLE_OK ? IMP_OK : fail_transfer(t, code);
    curl_easy_cleanup(t->curl);
    curl_slist_free_all(fields);
    t->curl = NULL;
    return status;
}
