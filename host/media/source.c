/* SPDX-License-Identifier: MIT
 *
 * Reading picture files: see source.h.
 */
#include "media/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "net/http.h"

/* Limits for sources that may never end. */
enum { STREAM_MAX = 1 << 30, STALL_SECONDS = 30, SECONDS = 300 };

/* All of a stream or its first STREAM_MAX bytes and a few more. False: out of memory. */
static bool read_stream(imp_buffer *out, FILE *stream) {
    unsigned char block[1 << 14];
    for (size_t n = 1; n > 0 && out->size <= STREAM_MAX;) {
        n = fread(block, 1, sizeof block, stream);
        if (!imp_buffer_append(out, block, n))
            return false;
    }
    return true;
}

static imp_status read_standard_input(unsigned char **bytes, size_t *size, imp_error *err) {
    imp_buffer all = {0};
    const bool read = read_stream(&all, stdin);
    if (read && !ferror(stdin) && all.size > 0 && all.size <= STREAM_MAX) {
        *bytes = all.bytes;
        *size = all.size;
        return IMP_OK;
    }
    free(all.bytes);
    if (!read)
        return imp_fail(err, IMP_ERR_MEMORY, "standard input: out of memory: close other programs");
    if (ferror(stdin))
        return imp_fail(err, IMP_ERR_IO, "cannot read standard input: give a file");
    if (all.size == 0)
        return imp_fail(err, IMP_ERR_FORMAT, "standard input: it is empty: write a picture to it");
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
    *bytes = NULL;
    if (strcmp(path, "-") == 0)
        return read_standard_input(bytes, size, err);
    if (imp_http_is_address(path))
        return imp_http_read(bytes, size, path, &terms, err);
    return imp_file_read(bytes, size, "picture", path, err);
}
