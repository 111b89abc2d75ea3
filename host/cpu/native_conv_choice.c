/* SPDX-License-Identifier: MIT
 *
 * Which algorithm makes a convolution or its gradient in the cpu backend. Nothing else decides it:
 *
 *   1. Winograd's F(4x4,3x3) is possible for 3 x 3 filters with stride 1 on maps of 16 channels or
 *      more (can_winograd), and fast with 8 tiles or more that outputs fill at least half (pays).
 *   2. The algorithm that was measured to be the fastest (imp_choose_algorithm) is used, but
 *      Winograd's only where it is possible and pays. The border of reflect and replicate padding
 *      is a job of its own and may be too small for it.
 *   3. Without a measurement it is Winograd's, in strips of 48 tiles, wherever it is possible and
 *      pays; else direct convolution (native_direct.c).
 *   4. A pooling is fused with 1 x 1 filters, and where Winograd's algorithm is used with zero
 *      padding of one pixel (imp_native_fuses_pool).
 */
#include "cpu/native_conv.h"

enum {
    TILES_MIN = 8, /* fewer do not pay for reading four times as many filters */
    CHANNELS_MIN = IMP_BLOCK
};

/* imp_algorithm_choice counts these from 1. */
static const imp_conv_algorithm algorithms[] = {
    {"direct", 0}, {"F(4x4,3x3) 48 tiles", 48}, {"F(4x4,3x3) 96 tiles", 96}};
enum {
    ALGORITHMS = sizeof algorithms / sizeof *algorithms,
    ALGORITHM_DIRECT = 1,
    ALGORITHM_WINOGRAD
};

/* ---- the rule ---- */

/* Whether a strip contains the pixels that padding repeats in it, as with a border of one pixel. */
static bool pads_within_strips(const imp_correlation *c) {
    return c->padding == IMP_PAD_ZERO ||
           (c->row == -1 && c->column == -1 && c->height == c->x.h && c->width == c->x.w);
}

static bool can_winograd(const imp_correlation *c) {
    return pads_within_strips(c) && c->taps.height == 3 && c->taps.width == 3 && c->stride == 1 &&
           c->y_step == 1 && c->taps.inputs >= CHANNELS_MIN && c->taps.outputs >= CHANNELS_MIN &&
           c->x.layout == IMP_MAPS && c->y.layout == IMP_MAPS;
}

static bool winograd_pays(const imp_correlation *c) {
    const size_t side = IMP_NATIVE_TILE;
    const size_t tiles = imp_over(c->height, side) * imp_over(c->width, side);
    return tiles >= TILES_MIN && 2 * c->height * c->width >= side * side * tiles;
}

static bool can_make(const imp_correlation *job, unsigned algorithm) {
    return algorithm >= ALGORITHM_DIRECT && algorithm <= ALGORITHMS &&
           (algorithm == ALGORITHM_DIRECT || can_winograd(job));
}

const imp_conv_algorithm *imp_native_algorithm_of(const imp_device *d, const imp_conv *conv,
                                                  imp_tensor map, bool gradient,
                                                  const imp_correlation *job) {
    const imp_algorithm_choice *measured = imp_algorithm_choice_of(d, conv, map.h, map.w, gradient);
    const bool pays = winograd_pays(job);
    if (measured && can_make(job, measured->algorithm) &&
        (measured->algorithm == ALGORITHM_DIRECT || pays))
        return &algorithms[measured->algorithm - 1];
    return &algorithms[(can_winograd(job) && pays ? ALGORITHM_WINOGRAD : ALGORITHM_DIRECT) - 1];
}

/* ---- queries ---- */

static const imp_conv_algorithm *algorithm_for(const imp_device *d, imp_tensor y, imp_tensor x,
                                               const imp_filter *filter, bool gradient) {
    const imp_correlation job = imp_native_job(y, x, filter, gradient);
    return imp_native_algorithm_of(d, imp_native_conv_of(filter), gradient ? x : y, gradient, &job);
}

/* One pixel of zeros all around, which strips of whole windows need. */
static bool is_centred(const imp_conv *conv, const imp_correlation *job) {
    return conv->padding == IMP_PAD_ZERO && job->row == -1 && job->column == -1;
}

bool imp_native_fuses_pool(const imp_device *d, imp_tensor y, imp_tensor x,
                           const imp_filter *filter, bool gradient) {
    const imp_conv *conv = imp_native_conv_of(filter);
    const imp_tensor *map = gradient ? &x : &y;
    const imp_correlation job = imp_native_job(y, x, filter, gradient);
    if (!conv->relu || map->h < 2 || map->w < 2)
        return false;
    return imp_native_point_takes(&job) ||
           (is_centred(conv, &job) && algorithm_for(d, y, x, filter, gradient)->tiles > 0);
}

const char *imp_native_algorithm_name(const imp_device *d, imp_tensor y, imp_tensor x,
                                      const imp_filter *filter, bool gradient, unsigned algorithm) {
    (void)d;
    const imp_correlation job = imp_native_job(y, x, filter, gradient);
    return can_make(&job, algorithm) ? algorithms[algorithm - 1].name : NULL;
}

const imp_winograd *imp_native_winograd(const imp_device *d, imp_tensor y, imp_tensor x,
                                        const imp_filter *filter, bool gradient) {
    return algorithm_for(d, y, x, filter, gradient)->tiles ? &imp_native_f4x4 : NULL;
}

imp_algorithm imp_native_algorithm(const imp_device *d, imp_tensor y, imp_tensor x,
                                   const imp_filter *filter, bool gradient) {
    return imp_algorithm_by(algorithm_for(d, y, x, filter, gradient)->name,
                            imp_native_winograd(d, y, x, filter, gradient),
                            imp_native_conv_of(filter), y, x, gradient);
}
