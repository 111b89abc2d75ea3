/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a picture: they give colours in [0,1], or one line of error.
 */
#include <stdlib.h>
#include <string.h>

#include "media/media.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    imp_picture p;
    imp_error err = {0};
    const imp_read_options options = {.max_pixels = 1 << 16, .keep_alpha = size & 1};
    const imp_source in = {bytes, size, "fuzz", &options, NULL};
    char *text;
    const imp_status status = imp_decode_source(&p, &in, &err);
    check(status == err.status && (status == IMP_OK) == (p.rgb != NULL));
    for (size_t i = 0; i < 3 * p.width * p.height; i++)
        check(p.rgb[i] >= 0 && p.rgb[i] <= 1);
    check(status == IMP_OK || (err.text[0] && !strpbrk(err.text, "\r\n")));
    for (size_t i = 0; p.opacity && i < p.width * p.height; i++)
        check(p.opacity[i] >= 0 && p.opacity[i] <= 1);
    imp_picture_finish(&p);
    (void)imp_decode_text(&text, &in, NULL);
    free(text);
    return 0;
}
