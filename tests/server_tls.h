/* SPDX-License-Identifier: MIT
 *
 * A connection of the tests' web server, with TLS or without, and the server's certificate.
 */
#ifndef IMP_TEST_SERVER_TLS_H
#define IMP_TEST_SERVER_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* A key and a self-signed certificate for 127.0.0.1. */
typedef struct identity {
    EVP_PKEY *key;
    X509 *certificate;
} identity;

/* Writes the certificate to path; fails the test on errors. */
identity *identity_make(const char *path);
void identity_free(identity *me);

typedef struct connection {
    int fd;
    SSL_CTX *context; /* NULL: without TLS */
    SSL *tls;
} connection;

bool connection_secure(connection *c, const identity *me);
/* Reads up to size bytes, 0 at the end. Writes all bytes, or returns false. */
size_t connection_read(connection *c, void *bytes, size_t size);
bool connection_write(connection *c, const void *bytes, size_t size);
void connection_close(connection *c);

#endif
