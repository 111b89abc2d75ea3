/* SPDX-License-Identifier: MIT
 *
 * Films in a build without FFmpeg's libraries: every function refuses.
 */
#include "base/error.h"
#include "media/film.h"

imp_status imp_encoder_check(const imp_film_kind *kind, const char *path, imp_error *err) {
    (void)kind;
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "film '%s': this program was built without libavformat, libavcodec and "
                    "libavfilter: install them and build it again",
                    path);
}

imp_status imp_encoder_open(imp_encoder **out, const imp_film_kind *kind, const char *path,
                            size_t width, size_t height, imp_error *err) {
    (void)width;
    (void)height;
    *out = NULL;
    return imp_encoder_check(kind, path, err);
}

imp_status imp_encoder_add(imp_encoder *encoder, const imp_picture *picture, imp_error *err) {
    (void)encoder;
    (void)picture;
    return imp_encoder_check(NULL, "", err);
}

imp_status imp_encoder_close(imp_encoder *encoder, bool keep, imp_error *err) {
    (void)encoder;
    (void)keep;
    (void)err;
    return IMP_OK;
}
