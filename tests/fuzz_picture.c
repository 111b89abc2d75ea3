/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a picture: colours within 0..1, or one line that says why not.
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
    const imp_source in = {bytes, size, "fuzz", 1 << 16};
    const imp_status status = imp_picture_decode(&p, &in, &err);
    check(status == err.status && (status == IMP_OK) == (p.rgb != NULL));
    for (size_t i = 0; i < 3 * p.width * p.height; i++)
        check(p.rgb[i] >= 0 && p.rgb[i] <= 1);
    check(status == IMP_OK || (err.text[0] && !strpbrk(err.text, "\r\n")));
    imp_picture_finish(&p);
    return 0;
}
