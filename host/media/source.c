/* SPDX-License-Identifier: MIT
 *
 * Where pictures come from: see source.h.
 */
#include "media/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "net/http.h"

/* Of what may never end, this much and no more. */
enum { STREAM_MAX = 1 << 30, STREAM_FIRST = 1 << 16, STALL_SECONDS = 30, SECONDS = 300 };

/* Gives the bytes of a stream; NULL without memory. *size may reach STREAM_MAX + 1. */
static unsigned char *read_stream(size_t *size, FILE *stream) {
    size_t room = STREAM_FIRST;
    unsigned char *bytes = malloc(room);
    *size = 0;
    while (bytes && *size <= STREAM_MAX) {
        const size_t n = fread(bytes + *size, 1, room - *size, stream);
        *size += n;
        if (n == 0)
            return bytes;
        if (*size < room)
            continue;
        room = room < STREAM_MAX ? 2 * room : room + 1;
        unsigned char *larger = realloc(bytes, room);
        if (!larger)
            free(bytes);
        bytes = larger;
    }
    return bytes;
}

static imp_status read_standard_input(unsigned char **bytes, size_t *size, imp_error *err) {
    *bytes = read_stream(size, stdin);
    if (!*bytes)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "standard input: no memory for it: close other "
                        "programs");
    if (!ferror(stdin) && *size > 0 && *size <= STREAM_MAX)
        return IMP_OK;
    free(*bytes);
    *bytes = NULL;
    if (ferror(stdin))
        return imp_fail(err, IMP_ERR_IO, "standard input: cannot be read: give a file");
    if (*size == 0)
        return imp_fail(err, IMP_ERR_FORMAT, "standard input: nothing came: write a picture to it");
    return imp_fail(err, IMP_ERR_MEMORY, "standard input: more than %d MiB: give a smaller picture",
                    STREAM_MAX >> 20);
}

void imp_source_show(char *text, size_t size, const char *path) {
    if (imp_http_is_address(path))
        imp_http_show(text, size, path);
    else
        snprintf(text, size, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
}

imp_status imp_source_read(unsigned char **bytes, size_t *size, const char *path, imp_error *err) {
    static const imp_http_terms terms = {
        .max_bytes = STREAM_MAX, .stall = STALL_SECONDS, .seconds = SECONDS};
    if (strcmp(path, "-") == 0)
        return read_standard_input(bytes, size, err);
    if (imp_http_is_address(path))
        return imp_http_read(bytes, size, path, &terms, err);
    return imp_file_read(bytes, size, "picture", path, err);
}
