/* SPDX-License-Identifier: MIT
 *
 * Connections of the tests' web server: see server_tls.h.
 */
#include "server_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

identity *identity_make(const char *path) {
    identity *const me = calloc(1, sizeof *me);
    assert_non_null(me);
    me->key = EVP_EC_gen("P-256");
    me->certificate = X509_new();
    X509 *const x = me->certificate;
    assert_non_null(me->key);
    assert_non_null(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, me->key);
    X509_NAME *const name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_EXTENSION *const place =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    assert_non_null(place);
    X509_add_ext(x, place, -1);
    X509_EXTENSION_free(place);
    assert_true(X509_sign(x, me->key, EVP_sha256()) > 0);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x), 1);
    fclose(file);
    return me;
}

void identity_free(identity *me) {
    EVP_PKEY_free(me->key);
    X509_free(me->certificate);
    free(me);
}

bool connection_secure(connection *c, const identity *me) {
    c->context = SSL_CTX_new(TLS_server_method());
    if (!c->context || SSL_CTX_use_certificate(c->context, me->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(c->context, me->key) != 1)
        return false;
    c->tls = SSL_new(c->context);
    return c->tls && SSL_set_fd(c->tls, c->fd) == 1 && SSL_accept(c->tls) == 1;
}

size_t connection_read(connection *c, void *bytes, size_t size) {
    const ssize_t n = c->tls ? SSL_read(c->tls, bytes, (int)size) : read(c->fd, bytes, size);
    return n > 0 ? (size_t)n : 0;
}

bool connection_write(connection *c, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        const ssize_t n = c->tls ? SSL_write(c->tls, next, (int)size) : write(c->fd, next, size);
        if (n <= 0)
            return false;
        next += n;
        size -= (size_t)n;
    }
    return true;
}

void connection_close(connection *c) {
    if (c->tls)
        SSL_shutdown(c->tls);
    SSL_free(c->tls);
    SSL_CTX_free(c->context);
    close(c->fd);
}
