/* SPDX-License-Identifier: MIT
 *
 * Checking a caller's picture: see check.h.
 */
#include "media/check.h"

#include <string.h>

#include "base/error.h"

/* The index of the first value outside [0,1]; count where there is none. NaN is outside. */
static size_t first_outside(const float *values, size_t count) {
    const float slack = 0.01F;
    for (size_t i = 0; i < count; i++)
        if (!(values[i] >= -slack && values[i] <= 1 + slack))
            return i;
    return count;
}

static bool ends(const char *text, size_t size) {
    return memchr(text, 0, size) != NULL;
}

imp_status imp_picture_check_shape(const imp_picture *p, const char *what, imp_error *err) {
    if (!p || !p->rgb || p->width == 0 || p->height == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT, "%s: the picture is empty", what);
    if (p->width > SIZE_MAX / 3 / sizeof *p->rgb / p->height)
        return imp_fail(err, IMP_ERR_ARGUMENT, "%s: %zu x %zu pixels do not fit in memory", what,
                        p->width, p->height);
    const bool whole = p->full_width == 0 && p->full_height == 0;
    if (!whole && (p->full_width < p->width || p->full_height < p->height ||
                   p->full_width > INT32_MAX || p->full_height > INT32_MAX))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "%s: its full size of %zu x %zu makes no sense; expected 0, or more than "
                        "%zu x %zu",
                        what, p->full_width, p->full_height, p->width, p->height);
    const imp_origin *o = &p->origin;
    if (!ends(o->make, sizeof o->make) || !ends(o->model, sizeof o->model) ||
        !ends(o->date, sizeof o->date) || !ends(p->sha256, sizeof p->sha256))
        return imp_fail(err, IMP_ERR_ARGUMENT, "%s: a text of the picture does not end with 0",
                        what);
    return IMP_OK;
}

imp_status imp_picture_check(const imp_picture *p, const char *what, imp_error *err) {
    TRY(imp_picture_check_shape(p, what, err));
    const size_t pixels = p->width * p->height;
    const size_t colour = first_outside(p->rgb, 3 * pixels);
    if (colour < 3 * pixels)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "%s: invalid colour %g at column %zu of row %zu; expected 0 to 1", what,
                        (double)p->rgb[colour], colour / 3 % p->width, colour / 3 / p->width);
    const size_t opaque = p->opacity ? first_outside(p->opacity, pixels) : pixels;
    if (opaque < pixels)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "%s: invalid opacity %g at column %zu of row %zu; expected 0 to 1", what,
                        (double)p->opacity[opaque], opaque % p->width, opaque / p->width);
    return IMP_OK;
}

imp_status imp_read_options_check(const imp_read_options *o, imp_error *err) {
    const float *background = o ? o->background : NULL;
    const size_t wrong = background ? first_outside(background, 3) : 3;
    if (wrong == 3)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "setting 'background': invalid colour %g; expected 0 to 1",
                    (double)background[wrong]);
}
