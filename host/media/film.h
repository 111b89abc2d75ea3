/* SPDX-License-Identifier: MIT
 *
 * The encoder of films, whose frames have one size. The build chooses its implementation:
 * film_encode.c where FFmpeg's libraries are found, else film_none.c.
 */
#ifndef IMP_MEDIA_FILM_H
#define IMP_MEDIA_FILM_H

#include "impasto.h"

/* A film format. */
typedef struct imp_film_kind {
    const char *extension, *muxer;
    const char *muxer_options;
    const char *encoders[3]; /* best first */
    const char *encoder_options;
    const char *filters; /* from RGB to the encoder's input, in libavfilter's syntax */
    int rate;            /* frames per second */
    size_t most;         /* the longer side, unless the caller gives one */
    bool even;           /* sides must be even */
} imp_film_kind;

typedef struct imp_encoder imp_encoder;

/* Checks that this build can encode the kind. path: for messages. Errors: IMP_ERR_UNSUPPORTED. */
imp_status imp_encoder_check(const imp_film_kind *kind, const char *path, imp_error *err);

/* Opens an encoder of frames of width x height, which goes back through imp_encoder_close; path and
 * kind are borrowed until then. Errors: as above, IMP_ERR_ARGUMENT (too large), IMP_ERR_IO,
 * IMP_ERR_MEMORY. */
imp_status imp_encoder_open(imp_encoder **out, const imp_film_kind *kind, const char *path,
                            size_t width, size_t height, imp_error *err);

/* Adds a frame; the picture has the film's size. Errors: IMP_ERR_IO, IMP_ERR_MEMORY. */
imp_status imp_encoder_add(imp_encoder *encoder, const imp_picture *picture, imp_error *err);

/* Closes the encoder. keep: completes the file and renames it to its path; else removes it. Accepts
 * NULL. Errors: IMP_ERR_IO, IMP_ERR_MEMORY. */
imp_status imp_encoder_close(imp_encoder *encoder, bool keep, imp_error *err);

#endif
