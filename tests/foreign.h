/* SPDX-License-Identifier: MIT
 *
 * Small files of weights in the formats of other programs, written from short descriptions, so that
 * any detail of them can be right or wrong. Numbers are 0, 1/8, 2/8 ... throughout.
 */
#ifndef IMP_TEST_FOREIGN_H
#define IMP_TEST_FOREIGN_H

#include "scratch.h"

#include <stdio.h>

/* Bytes that grow: write to f, then bytes_end. */
typedef struct bytes {
    FILE *f;
    char *p; /* to be freed */
    size_t size;
} bytes;

void bytes_begin(bytes *b);
void bytes_end(bytes *b);

/* The numbers first / 8, (first + 1) / 8 ... as fp32, or of another kind: 'h' half, 'b' bfloat16,
 * 'd' double. */
void put_numbers(FILE *f, char kind, size_t first, size_t count);

/* A pickle. Words, separated by blanks: 'text' a text; #12 a whole number; @module:name a name; two
 * hexadecimal digits a byte; any other letter that instruction. */
void put_pickle(FILE *f, const char *words);

/* torch.save's stream format around the pickles of the dictionary and of the list of keys, and what
 * comes behind them. storages: kind and count of each, "f27 h1". */
void put_torch_stream(FILE *f, const char *dict, const char *keys, const char *storages);

/* A message in the wire format of protocol buffers. Words: 1'text'; 7{ ... }; 1=12 a varint; 5f27
 * that many floats (d doubles); 1[1 3 3] packed varints; x and two hexadecimal digits a byte. */
void put_message(FILE *f, const char *words);

/* A zip file of parts; text NULL: bytes of `content`. */
typedef struct part {
    const char *name;
    const bytes *content;
} part;
const char *write_zip(scratch *s, const char *name, const part *parts, size_t count, bool packed);

/* Datasets "PATH SIDES KIND", separated by semicolons: "a/kernel:0 3,3,3,2 f". Kinds: f, h half, d
 * double, F big-endian float, i whole numbers, c with checksums (3,3,3,2), e in another file, v put
 * together from others, z without a shape. "PATH =TEXT" gives a group the attribute "name". */
const char *write_hdf5(scratch *s, const char *name, const char *sets);

#endif
