/* SPDX-License-Identifier: MIT
 *
 * Reading protocol buffers: see proto.h.
 */
#include "weights/proto.h"

#include <string.h>

imp_status imp_proto_damaged(const imp_proto *r, uint64_t at, const char *what) {
    return imp_foreign_fail(r->file, r->err, IMP_ERR_FORMAT,
                            "it is no %s, or it is damaged at byte %llu: %s" IMP_FETCH_AGAIN,
                            r->kind, (unsigned long long)at, what);
}

imp_status imp_proto_byte(imp_proto *r, imp_message *m, unsigned char *out) {
    if (m->at >= m->end)
        return imp_proto_damaged(r, m->at, "it is cut off");
    if (m->at < r->begin || m->at - r->begin >= r->size) {
        const uint64_t left = r->file->size - m->at;
        r->size = 0;
        const size_t size = left < sizeof r->block ? (size_t)left : sizeof r->block;
        TRY(imp_foreign_read(r->file, r->block, m->at, size, r->err));
        r->begin = m->at;
        r->size = size;
    }
    *out = r->block[m->at++ - r->begin];
    return IMP_OK;
}

imp_status imp_proto_varint(imp_proto *r, imp_message *m, uint64_t *out) {
    const uint64_t begun = m->at;
    unsigned char byte = 0x80;
    *out = 0;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 63)
            return imp_proto_damaged(r, begun, "a number has no end");
        TRY(imp_proto_byte(r, m, &byte));
        *out |= (uint64_t)(byte & 0x7F) << shift;
    }
    return IMP_OK;
}

/* The next field of a message that is not at its end. */
imp_status imp_proto_field(imp_proto *r, imp_message *m, imp_field *out) {
    const uint64_t begun = m->at;
    uint64_t tag, length;
    TRY(imp_proto_varint(r, m, &tag));
    *out = (imp_field){.number = (unsigned)(tag >> 3 & 0x1FFFFFFF), .kind = (unsigned)(tag & 7)};
    if (out->number == 0)
        return imp_proto_damaged(r, begun, "a field has no number");
    switch (out->kind) {
    case IMP_PROTO_VARINT:
        return imp_proto_varint(r, m, &out->value);
    case IMP_PROTO_FIXED64:
        length = 8;
        break;
    case IMP_PROTO_FIXED32:
        length = 4;
        break;
    case IMP_PROTO_LENGTH:
        TRY(imp_proto_varint(r, m, &length));
        break;
    default:
        return imp_proto_damaged(r, begun, "a field has an unknown type");
    }
    if (length > m->end - m->at)
        return imp_proto_damaged(
            r, begun, "a field is longer than the message around it, so the file is cut off");
    out->body = (imp_message){m->at, m->at + length};
    m->at += length;
    return IMP_OK;
}

imp_status imp_proto_text(imp_proto *r, char *out, size_t room, imp_message m) {
    const uint64_t begun = m.at;
    size_t n = 0;
    while (m.at < m.end && n + 1 < room)
        TRY(imp_proto_byte(r, &m, (unsigned char *)&out[n++]));
    out[n] = '\0';
    return m.at < m.end || strlen(out) < n ? imp_proto_damaged(r, begun, "there is no valid name")
                                           : IMP_OK;
}
