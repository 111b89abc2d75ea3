/* SPDX-License-Identifier: MIT
 *
 * Films of a picture while it is painted: the film formats, and the clock that spaces the frames by
 * change.
 *
 * The clock. An optimiser changes the picture fast at first and then ever more slowly, so frames
 * evenly spaced by iterations would stand still for half of the film. Let u be the share of the
 * work done and v the speed of change: the root mean square difference between two pictures divided
 * by the work between them. If v falls like u^-p, its mean under the weight w (t/u)^w dt/t is
 * v w / (w - p). Two such means, for w = 12 and w = 3, have a ratio r, and p = 12 (r-1) / (4r-1),
 * clamped to 0..1. The change still to come is then u v (u^(p-1) - 1) / (1 - p). The film's time
 * advances by the last difference as a share of itself plus the change to come. Errors of the
 * estimate correct themselves, and the film ends when u is 1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "media/film.h"

struct imp_film {
    imp_encoder *encoder;
    const imp_film_kind *kind;
    char *path;
    size_t width, height;
    double seconds;          /* length of the film */
    imp_picture last;        /* the picture added last, at the film's size */
    unsigned long out;       /* frames written */
    double done, fast, slow; /* u and the two means of v */
    double time;             /* position of the last picture, from 0 to seconds */
    bool failed;
};

static const double first_share = 0.1,
                    last_share = 0.2; /* shares of the film that hold the first and last picture */

/* Players assume BT.709 and the narrow range where a film does not say. Chroma is averaged over all
 * pixels that it covers. */
#define YUV420                                                                                     \
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_inp,format=yuv420p"

static const imp_film_kind kinds[] = {
    {.extension = "mp4",
     .muxer = "mp4",
     .muxer_options = "movflags=+faststart",
     .encoders = {"libx264", "libopenh264"},
     .encoder_options = "crf=20",
     .filters = YUV420,
     .rate = 25,
     .most = 1280,
     .even = true},
    {.extension = "webm",
     .muxer = "webm",
     .encoders = {"libvpx-vp9", "libvpx"},
     .encoder_options = "crf=30:b=0:deadline=good:cpu-used=4",
     .filters = YUV420,
     .rate = 25,
     .most = 1280,
     .even = true},
    {.extension = "gif",
     .muxer = "gif",
     .encoders = {"gif"},
     .filters = "split[a][b];[a]palettegen=stats_mode=single[p];"
                "[b][p]paletteuse=new=1:dither=sierra2_4a",
     .rate = 10,
     .most = 480},
};

enum { SIDE_MAX = 16384 }; /* of a film, in pixels: more than its encoders take */

/* ---- Opening --------------------------------------------------------------------------------- */

static imp_status kind_of(const imp_film_kind **out, const char *path, imp_error *err) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof kinds / sizeof *kinds; i++) {
        *out = &kinds[i];
        if (strcasecmp(dot + 1, kinds[i].extension) == 0)
            return IMP_OK;
    }
    return imp_fail(err, IMP_ERR_ARGUMENT, "film '%s': %s%s: name it .mp4, .webm or .gif", path,
                    dot ? "no film format has the extension " : "its name has no extension",
                    dot ? dot : "");
}

imp_status imp_film_check_output(const char *path, imp_error *err) {
    const imp_film_kind *kind;
    TRY(kind_of(&kind, path, err));
    TRY(imp_encoder_check(kind, path, err));
    return imp_file_check_output(path, 0, err);
}

/* The nearest side that the kind allows. */
static size_t side(const imp_film_kind *kind, double wanted) {
    const size_t step = kind->even ? 2 : 1;
    const size_t steps = (size_t)(wanted / (double)step + 0.5);
    return step * (steps ? steps : 1);
}

static imp_status open_film(imp_film *f, size_t width, size_t height, size_t size, imp_error *err) {
    const double longer = (double)(width > height ? width : height);
    double wanted = size ? (double)size : longer;
    if (!size && wanted > (double)f->kind->most)
        wanted = (double)f->kind->most;
    f->width = side(f->kind, wanted * (double)width / longer);
    f->height = side(f->kind, wanted * (double)height / longer);
    if (!f->path)
        return imp_fail(err, IMP_ERR_MEMORY, "film: out of memory");
    return imp_encoder_open(&f->encoder, f->kind, f->path, f->width, f->height, err);
}

imp_status imp_film_open(imp_film **out, const char *path, size_t width, size_t height,
                         const imp_film_options *options, imp_error *err) {
    const double seconds = options && options->seconds != 0 ? options->seconds : 10;
    const size_t size = options ? options->size : 0;
    const imp_film_kind *kind;
    *out = NULL;
    TRY(kind_of(&kind, path, err));
    if (size > SIDE_MAX)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "setting 'film-size': invalid value '%zu'; expected at most %d", size,
                        SIDE_MAX);
    if (width == 0 || height == 0 || !(seconds >= 0.1 && seconds <= 3600))
        return imp_fail(
            err, IMP_ERR_ARGUMENT,
            "film '%s': %zu x %zu for %g seconds: give sides above 0 and 0.1 to 3600 seconds", path,
            width, height, seconds);
    imp_film *f = calloc(1, sizeof *f);
    if (!f)
        return imp_fail(err, IMP_ERR_MEMORY, "film: out of memory");
    *f = (imp_film){.kind = kind, .path = strdup(path), .seconds = seconds};
    const imp_status status = open_film(f, width, height, size, err);
    if (status != IMP_OK) {
        imp_film_close(f, false, NULL);
        return status;
    }
    *out = f;
    return IMP_OK;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

/* Repeats the last picture until the film has the given length in seconds. */
static imp_status show_until(imp_film *f, double seconds, imp_error *err) {
    const double frames = floor(seconds * f->kind->rate + 0.5);
    while ((double)f->out < frames) {
        TRY(imp_encoder_add(f->encoder, &f->last, err));
        f->out++;
    }
    return IMP_OK;
}

static double difference(const imp_picture *a, const imp_picture *b) {
    const size_t count = 3 * a->width * a->height;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = (double)(a->rgb[i] - b->rgb[i]);
        sum += d * d;
    }
    return sqrt(sum / (double)count);
}

/* How much the picture will still change. */
static double change_left(const imp_film *f) {
    const double ratio = f->fast > 0 ? f->slow / f->fast : 1;
    const double p = ratio > 1 ? fmin(12 * (ratio - 1) / (4 * ratio - 1), 1) : 0;
    const double speed = f->fast * (12 - p) / 12, log_left = -log(f->done);
    const double power = (1 - p) * log_left; /* (e^x - 1) / x is 1 at x = 0 */
    return f->done * speed * log_left * (fabs(power) > 1e-9 ? expm1(power) / power : 1);
}

/* Advances the clock by a difference of d to the share `done`. */
static void advance(imp_film *f, double d, double done) {
    const double until = f->seconds * (1 - last_share), step = done - f->done;
    if (step <= 0)
        return;
    const double speed = d / step, before = f->done / done;
    f->fast += (1 - pow(before, 12)) * (speed - f->fast);
    f->slow += (1 - pow(before, 3)) * (speed - f->slow);
    if (f->done <= 0) /* p is still unknown: 1/2 */
        f->slow = speed * 23 / 20;
    f->done = done;
    if (done >= 1)
        f->time = until;
    else if (d > 0)
        f->time += (until - f->time) * d / (d + change_left(f));
}

static imp_status add(imp_film *f, const imp_picture *picture, double done, imp_error *err) {
    imp_picture now = {0};
    TRY(imp_picture_resize(&now, picture, f->width, f->height, err));
    const bool first = !f->last.rgb;
    if (!first)
        advance(f, difference(&now, &f->last), done);
    else
        f->time = f->seconds * first_share;
    imp_picture_finish(&f->last);
    f->last = now;
    return show_until(f, f->time, err);
}

imp_status imp_film_add(imp_film *f, const imp_picture *picture, double done, imp_error *err) {
    if (!f)
        return imp_fail(err, IMP_ERR_ARGUMENT, "film: NULL; open one first");
    done = fmin(fmax(done, 0), 1);
    const imp_status status = add(f, picture, done, err);
    f->failed = status != IMP_OK;
    return status;
}

bool imp_film_due(const imp_film *f, double done) {
    const double left = f->done > 0 ? change_left(f) : 0;
    if (left <= 0 || done >= 1)
        return true;
    const double part = fmin(1, f->fast * (done - f->done) / left);
    const double then = f->time + part * (f->seconds * (1 - last_share) - f->time);
    return then * f->kind->rate >= (double)f->out + 0.5;
}

imp_status imp_film_close(imp_film *f, bool keep, imp_error *err) {
    if (!f)
        return IMP_OK;
    const bool whole = keep && !f->failed && f->last.rgb;
    imp_status status = IMP_OK;
    if (whole)
        status = show_until(f, f->time + f->seconds * last_share, err);
    const imp_status closed = imp_encoder_close(f->encoder, whole && status == IMP_OK, err);
    imp_picture_finish(&f->last);
    free(f->path);
    free(f);
    return status != IMP_OK ? status : closed;
}
