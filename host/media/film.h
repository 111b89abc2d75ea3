/* SPDX-License-Identifier: MIT
 *
 * What a film is written with: an encoder of frames of one size, in the one of two files that the
 * build has chosen: film_encode.c where FFmpeg's libraries are there, else film_none.c.
 */
#ifndef IMP_MEDIA_FILM_H
#define IMP_MEDIA_FILM_H

#include "impasto.h"

/* One kind of film file. */
typedef struct imp_film_kind {
    const char *extension, *muxer;
    const char *muxer_options;
    const char *encoders[3]; /* the best first */
    const char *encoder_options;
    const char *filters; /* from RGB to what the encoder takes, in libavfilter's language */
    int rate;            /* frames a second */
    size_t most;         /* longer side, where none is asked for */
    bool even;           /* sides must be */
} imp_film_kind;

typedef struct imp_encoder imp_encoder;

/* Whether this build can encode the kind. path: for messages. */
imp_status imp_encoder_check(const imp_film_kind *kind, const char *path, imp_error *err);

/* An encoder of frames of width x height; path is borrowed until it is closed. */
imp_status imp_encoder_open(imp_encoder **out, const imp_film_kind *kind, const char *path,
                            size_t width, size_t height, imp_error *err);

/* One more frame of the picture, which has the film's size. */
imp_status imp_encoder_add(imp_encoder *encoder, const imp_picture *picture, imp_error *err);

/* Ends the file and puts it in place, or removes it. Accepts NULL. */
imp_status imp_encoder_close(imp_encoder *encoder, bool keep, imp_error *err);

#endif
