/* SPDX-License-Identifier: MIT
 *
 * A web server in its own process that serves the files of the test's folder on the loopback
 * interface and misbehaves as the path says, /HOW/NAME or /HOW/N/NAME:
 *   file       correct: length, ETag, ranges
 *   undated    without ETag            unlengthed  without length, ended by closing
 *   rangeless  ranges are ignored      new         another ETag at each request
 *   weak       a weak ETag             shifted     a range other than the one asked for
 *   wrong      one byte is flipped     empty      a length of 0
 *   cut/N      closes after N bytes    stall/N     falls silent after N bytes
 *   drip       a byte every tenth of a second    endless  never ends, without a length
 *   huge       claims a length of 2^50    status/N  answers with that status
 *   moved      redirects to /file/NAME    loop     redirects to itself
 *   ftp, plain redirect to ftp://, and to the same server without TLS
 * The folder's file `requests` has a line for each request: path, Range and If-Range ("-": none).
 */
#ifndef IMP_TEST_SERVER_H
#define IMP_TEST_SERVER_H

#include "scratch.h"

#include <sys/types.h>

typedef struct server {
    pid_t pid;
    unsigned port, secure_port;
    int lifeline; /* held until server_stop or the end of the test; the server ends when it closes
                   */
    char folder[sizeof((scratch *)0)->folder];
} server;

/* secure_port speaks TLS with a self-signed certificate for 127.0.0.1, stored in the folder as
 * certificate.pem. */
server server_start(const scratch *s);
void server_stop(server *v);

/* "http://127.0.0.1:PORT" and the path, or "https://..." with secure. Valid until the next call. */
const char *server_address(char out[256], const server *v, bool secure, const char *path);

#endif
