/* SPDX-License-Identifier: MIT
 *
 * The wire format of protocol buffers, read from a file without holding it: Caffe and ONNX.
 */
#ifndef IMP_WEIGHTS_PROTO_H
#define IMP_WEIGHTS_PROTO_H

#include "weights/foreign.h"

/* Wire types. */
enum { IMP_PROTO_VARINT = 0, IMP_PROTO_FIXED64 = 1, IMP_PROTO_LENGTH = 2, IMP_PROTO_FIXED32 = 5 };

/* A message is the bytes from `at` to `end` of the file. */
typedef struct imp_message {
    uint64_t at, end;
} imp_message;

typedef struct imp_field {
    unsigned number, kind;
    uint64_t value;   /* of VARINT */
    imp_message body; /* of all others */
} imp_field;

/* file and kind are set by the caller, the rest is zero. */
typedef struct imp_proto {
    imp_foreign *file;
    const char *kind; /* what the file should be, ".caffemodel", for messages */
    imp_error *err;
    unsigned char block[4096]; /* the file's bytes from `begin` on */
    uint64_t begin;
    size_t size;
} imp_proto;

/* Fails because the file is damaged at that byte. */
imp_status imp_proto_damaged(const imp_proto *r, uint64_t at, const char *what);

/* The next byte, number or field of a message, and `m` behind it. The message must not be at its
 * end. Errors: IMP_ERR_FORMAT, IMP_ERR_IO. */
imp_status imp_proto_byte(imp_proto *r, imp_message *m, unsigned char *out);
imp_status imp_proto_varint(imp_proto *r, imp_message *m, uint64_t *out);
imp_status imp_proto_field(imp_proto *r, imp_message *m, imp_field *out);

/* A text of less than `room` bytes without zeros. Errors: IMP_ERR_FORMAT. */
imp_status imp_proto_text(imp_proto *r, char *out, size_t room, imp_message m);

#endif
