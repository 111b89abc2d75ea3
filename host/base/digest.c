/* SPDX-License-Identifier: MIT
 *
 * Digests of bytes and files, by OpenSSL.
 */
#include "base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/file.h"

enum { SHA_BYTES = 32 };

static void write_hex(char hex[65], const unsigned char *digest, size_t size) {
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

bool imp_bytes_sha256(char hex[65], const void *bytes, size_t size) {
    unsigned char digest[SHA_BYTES];
    hex[0] = '\0';
    if (!EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL))
        return false;
    write_hex(hex, digest, SHA_BYTES);
    return true;
}

/* Hashes at most `size` bytes. Returns IMP_OK, IMP_ERR_IO with errno set, or IMP_ERR_MEMORY. */
static imp_status hash_open(unsigned char digest[SHA_BYTES], EVP_MD_CTX *sha, const EVP_MD *kind,
                            int fd, size_t size) {
    unsigned char block[1 << 14];
    if (!sha || !EVP_DigestInit_ex(sha, kind, NULL))
        return IMP_ERR_MEMORY;
    for (size_t n = sizeof block; n == sizeof block; size -= n) {
        n = imp_file_take(fd, block, size < sizeof block ? size : sizeof block);
        if (errno != 0)
            return IMP_ERR_IO;
        if (!EVP_DigestUpdate(sha, block, n))
            return IMP_ERR_MEMORY;
    }
    return EVP_DigestFinal_ex(sha, digest, NULL) ? IMP_OK : IMP_ERR_MEMORY;
}

imp_status imp_file_digest(char hex[65], const char *path, bool md5, imp_error *err) {
    int fd;
    size_t size;
    unsigned char digest[SHA_BYTES];
    const EVP_MD *const kind = md5 ? EVP_md5() : EVP_sha256();
    hex[0] = '\0';
    TRY(imp_file_open(&fd, &size, "file", path, err));
    EVP_MD_CTX *const sha = EVP_MD_CTX_new();
    const imp_status status = hash_open(digest, sha, kind, fd, SIZE_MAX);
    const int code = errno;
    EVP_MD_CTX_free(sha);
    close(fd);
    if (status == IMP_ERR_IO)
        return imp_fail_system(err, "read", "file", path, code);
    if (status != IMP_OK)
        return imp_fail(err, status, "file '%s': out of memory to hash it: close other programs",
                        path);
    write_hex(hex, digest, (size_t)EVP_MD_get_size(kind));
    return IMP_OK;
}

imp_status imp_file_sha256(char hex[65], const char *path, imp_error *err) {
    return imp_file_digest(hex, path, false, err);
}

bool imp_descriptor_sha256(char hex[65], int fd, size_t size) {
    unsigned char digest[SHA_BYTES];
    const off_t was = lseek(fd, 0, SEEK_CUR);
    hex[0] = '\0';
    if (was < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return false;
    EVP_MD_CTX *const sha = EVP_MD_CTX_new();
    const bool hashed = hash_open(digest, sha, EVP_sha256(), fd, size) == IMP_OK;
    EVP_MD_CTX_free(sha);
    if (hashed)
        write_hex(hex, digest, SHA_BYTES);
    return lseek(fd, was, SEEK_SET) == was && hashed;
}
