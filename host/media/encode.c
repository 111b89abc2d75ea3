/* SPDX-License-Identifier: MIT
 *
 * What all encoders share: rows of integers, messages, and our text in a format's text field.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "media/media.h"

size_t imp_encode_samples(const imp_encode *what) {
    return what->options.opacity && what->picture->opacity ? 4 : 3;
}

/* Sample i of row y. */
static inline unsigned sample(const imp_encode *what, size_t y, size_t i, size_t samples,
                              float most) {
    const imp_picture *p = what->picture;
    const size_t at = y * p->width + i / samples, c = i % samples;
    return imp_encode_value(c < 3 ? p->rgb[3 * at + c] : p->opacity[at], most);
}

void imp_encode_bytes(unsigned char *row, const imp_encode *what, size_t y) {
    const size_t samples = imp_encode_samples(what);
    for (size_t i = 0; i < samples * what->picture->width; i++)
        row[i] = (unsigned char)sample(what, y, i, samples, 255);
}

void imp_encode_words(uint16_t *row, const imp_encode *what, size_t y) {
    const size_t samples = imp_encode_samples(what);
    for (size_t i = 0; i < samples * what->picture->width; i++)
        row[i] = (uint16_t)sample(what, y, i, samples, 65535);
}

char *imp_text_of_ours(const void *bytes, size_t size, bool *memory) {
    const size_t start = strlen(IMP_TEXT_START);
    if (size < start || memcmp(bytes, IMP_TEXT_START, start) != 0)
        return NULL;
    char *text = malloc(size - start + 1);
    *memory = text == NULL;
    if (text) {
        memcpy(text, (const char *)bytes + start, size - start);
        text[size - start] = '\0';
    }
    return text;
}

imp_status imp_encode_fail(const imp_encode *what, bool memory, const char *reason,
                           imp_error *err) {
    if (memory)
        return imp_fail(err, IMP_ERR_MEMORY,
                        "cannot write '%s': out of memory: close other programs", what->path);
    return imp_fail(err, IMP_ERR_ARGUMENT, "cannot write '%s': %s", what->path, reason);
}
