/* SPDX-License-Identifier: MIT
 *
 * Writing the safetensors format: see safetensors_write.h.
 */
#include "weights/safetensors_write.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "weights/dtype.h"

/* Where the text is not UTF-8, its bytes above 127 become '?'. */
static json_t *text_of(const char *text) {
    json_t *value = json_string(text);
    if (value)
        return value;
    char *const clean = strdup(text);
    for (char *c = clean; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = clean ? json_string(clean) : NULL;
    free(clean);
    return value;
}

static json_t *describe(const imp_written *t, bool half, size_t *at) {
    size_t bytes = half ? 2 : 4;
    json_t *const shape = json_array();
    for (size_t i = 0; i < t->rank; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) != 0) {
            json_decref(shape);
            return NULL; /* out of memory */
        }
        bytes *= t->shape[i];
    }
    const json_int_t begin = (json_int_t)*at, size = (json_int_t)bytes;
    *at += bytes;
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", half ? "F16" : "F32", "shape", shape,
                     "data_offsets", begin, begin + size);
}

static int append(const char *text, size_t size, void *to) {
    return imp_buffer_append(to, text, size) ? 0 : -1;
}

/* jansson's own buffer would lose what does not fit when memory runs out. */
static char *text_of_header(const json_t *header) {
    imp_buffer text = {0};
    if (json_dump_callback(header, append, &text, JSON_COMPACT) == 0 &&
        imp_buffer_append(&text, "", 1))
        return (char *)text.bytes;
    free(text.bytes);
    return NULL;
}

/* The header's text, which the caller frees; NULL: out of memory. */
static char *make_header(const imp_fused *metadata, size_t pairs, const imp_written *tensors,
                         size_t count, bool half) {
    size_t at = 0;
    bool good = true;
    json_t *const header = json_object(), *const words = json_object();
    for (size_t i = 0; i < pairs && good; i++)
        if (metadata[i].value)
            good = !json_object_set_new(words, metadata[i].key, text_of(metadata[i].value));
    good = !json_object_set_new(header, "__metadata__", words) && good;
    for (size_t i = 0; i < count && good; i++)
        good = !json_object_set_new(header, tensors[i].name, describe(&tensors[i], half, &at));
    char *const text = good ? text_of_header(header) : NULL;
    json_decref(header);
    return text;
}

imp_status imp_safetensors_begin(FILE *file, const imp_fused *metadata, size_t pairs,
                                 const imp_written *tensors, size_t count, bool half,
                                 imp_error *err) {
    char *const text = make_header(metadata, pairs, tensors, count, half);
    if (!text)
        return imp_fail(err, IMP_ERR_MEMORY, "out of memory for the header: close other programs");
    const size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    for (size_t i = 0; i < 8; i++)
        putc((int)(padded >> 8 * i & 0xFF), file);
    fwrite(text, 1, length, file);
    fprintf(file, "%*s", (int)(padded - length), "");
    free(text);
    return ferror(file) ? IMP_ERR_IO : IMP_OK;
}

imp_status imp_safetensors_put(FILE *file, const float *values, size_t count, bool half) {
    unsigned char block[1 << 14];
    const size_t item = half ? 2 : 4, most = sizeof block / item;
    for (size_t n; count > 0; count -= n, values += n) {
        n = count < most ? count : most;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], sizeof bits);
            if (half)
                bits = imp_half_from(values[i]);
            for (size_t k = 0; k < item; k++)
                block[item * i + k] = (unsigned char)(bits >> 8 * k);
        }
        if (fwrite(block, item, n, file) != n)
            return IMP_ERR_IO;
    }
    return IMP_OK;
}
