/* SPDX-License-Identifier: MIT
 *
 * Numbers in the bytes of a file.
 */
#ifndef IMP_MEDIA_BYTES_H
#define IMP_MEDIA_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Little-endian numbers of 2 and 4 bytes, and a big-endian one of 2. */
static inline unsigned imp_le16(const unsigned char *p) {
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t imp_le32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline unsigned imp_be16(const unsigned char *p) {
    return (unsigned)p[0] << 8 | (unsigned)p[1];
}

/* `bits` bits (1, 2, 4 or 8), the i-th of a row whose first is in the highest bits. */
static inline unsigned imp_bits_at(const unsigned char *row, size_t i, unsigned bits) {
    return row[i * bits / 8] >> (8 - bits - i * bits % 8) & ((1u << bits) - 1);
}

#endif
