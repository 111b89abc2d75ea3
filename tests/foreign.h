/* SPDX-License-Identifier: MIT
 *
 * Makes small weights files in the formats of other programs from short descriptions, so that tests
 * can make any detail wrong. Numbers are always 0, 1/8, 2/8 ...
 */
#ifndef IMP_TEST_FOREIGN_H
#define IMP_TEST_FOREIGN_H

#include "scratch.h"

#include <stdio.h>

/* Growing bytes: write to f, then call bytes_end. */
typedef struct bytes {
    FILE *f;
    char *p; /* the caller frees */
    size_t size;
} bytes;

void bytes_begin(bytes *b);
void bytes_end(bytes *b);

/* The numbers first / 8, (first + 1) / 8 ... as fp32, or as another kind: 'h' half, 'b' bfloat16,
 * 'd' double. */
void put_numbers(FILE *f, char kind, size_t first, size_t count);

/* Writes a pickle from words separated by blanks: 'text' is a text, #12 an integer, @module:name a
 * name, two hexadecimal digits a byte, and any other letter that instruction. */
void put_pickle(FILE *f, const char *words);

/* Writes torch.save's stream format, with the pickles of the dictionary and of the list of keys.
 * storages: kind and count of each, "f27 h1". */
void put_torch_stream(FILE *f, const char *dict, const char *keys, const char *storages);

/* Writes a message in the wire format of protocol buffers, from words: 1'text'; 7{ ... }; 1=12 a
 * varint; 5f27 27 floats (d: doubles); 1[1 3 3] packed varints; x and two hexadecimal digits a
 * byte. */
void put_message(FILE *f, const char *words);

/* Writes a zip file of parts; text NULL: bytes of `content`. */
typedef struct part {
    const char *name;
    const bytes *content;
} part;
const char *write_zip(scratch *s, const char *name, const part *parts, size_t count, bool packed);

/* Writes an HDF5 file of datasets "PATH SIDES KIND", separated by semicolons: "a/kernel:0 3,3,3,2
 * f". Kinds: f float, h half, d double, F big-endian float, i integers, c with checksums (3,3,3,2),
 * e in another file, v a virtual dataset, z without a shape. "PATH =TEXT" gives a group the
 * attribute "name". */
const char *write_hdf5(scratch *s, const char *name, const char *sets);

#endif
