/* SPDX-License-Identifier: MIT
 *
 * Which algorithm makes a convolution or its gradient (a pass) on an OpenCL device. Nothing else
 * decides it:
 *
 *   1. The algorithm that was measured to be the fastest (imp_choose_algorithm), if it can make it.
 *   2. Else Winograd's F(4x4, 3x3), if it can make the pass (can_winograd) and there are enough
 *      tiles (TILES_MIN), in the strips that winograd_strips expects to be the fastest.
 *   3. Else direct convolution: convolution_wide.c, convolution_simt.c.
 *   4. Only the wide class fuses a pooling: with 1 x 1 filters, and where Winograd's algorithm is
 *      used with zero padding of one pixel (ocl_fuses_pool).
 */
#include "opencl/convolution.h"

/* TILES_MIN: with fewer tiles in all, the transformed filters, four times as large as plain ones,
 * cost more than the products save. With 512 channels 4 tiles take a tenth longer than directly, 16
 * half the time. In the simt class work-groups multiply 64 tiles at once. FILTERS_CACHED: floats of
 * transformed filters that stay in a core's cache from strip to strip. */
enum {
    BLOCK = 16,
    CHANNELS_MIN = BLOCK,
    SIDE_MIN = 8,
    TILES_MIN = 8,
    TILES_MIN_SIMT = 32,
    FILTERS_CACHED = 1 << 20
};

/* ---- the rule ---- */

static bool can_winograd(const ocl_device *cl, const ocl_pass *pass) {
    const bool wide = cl->class == OCL_WIDE;
    const size_t block = wide ? BLOCK : OCL_WINOGRAD_SIDE, blocks = imp_over(pass->in, BLOCK);
    const size_t filters = OCL_WINOGRAD_POINTS * block * blocks * BLOCK * sizeof(float);
    const size_t work = wide ? ocl_winograd_wide_least(1) : ocl_winograd_simt_least(pass);
    return (!wide || cl->turns == SIZE_MAX) && pass->side == 3 && pass->stride == 1 &&
           pass->step == 1 && !pass->fold && pass->x.layout == IMP_MAPS &&
           pass->y.layout == IMP_MAPS && pass->in >= CHANNELS_MIN && pass->out >= CHANNELS_MIN &&
           pass->h >= SIDE_MIN && pass->w >= SIDE_MIN && filters <= cl->chunk &&
           work <= cl->work_floats;
}

/* Wide: narrow strips where the filters stay in a cache, else broad ones. Simt: strips that take
 * the whole work space, which makes the fewest launches. */
static unsigned winograd_strips(const ocl_device *cl, const ocl_pass *pass) {
    const size_t inputs = imp_over(pass->in, BLOCK) * BLOCK;
    const size_t filters = OCL_WINOGRAD_POINTS * inputs * pass->out / (pass->half ? 2 : 1);
    return OCL_ALGORITHM_WINOGRAD + (cl->class == OCL_WIDE && filters > FILTERS_CACHED);
}

static const char *name_of(const ocl_device *cl, unsigned algorithm) {
    static const char *const names[][IMP_ALGORITHMS_MAX] = {
        [OCL_WIDE] = {"direct", "F(4x4,3x3) narrow", "F(4x4,3x3) broad"},
        [OCL_SIMT] = {"direct", "F(4x4,3x3)", "F(4x4,3x3) / 4", "F(4x4,3x3) / 16"}};
    return algorithm >= 1 && algorithm <= IMP_ALGORITHMS_MAX ? names[cl->class][algorithm - 1]
                                                             : NULL;
}

static bool can_make(const ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    return name_of(cl, algorithm) && (algorithm == OCL_ALGORITHM_DIRECT || can_winograd(cl, pass));
}

unsigned ocl_algorithm_of(const ocl_device *cl, const ocl_pass *pass) {
    const imp_tensor *map = pass->flipped ? &pass->x : &pass->y; /* the convolution's output */
    const imp_algorithm_choice *measured =
        imp_algorithm_choice_of(&cl->base, pass->conv, map->h, map->w, pass->flipped);
    const size_t tiles_min = cl->class == OCL_WIDE ? TILES_MIN : TILES_MIN_SIMT;
    if (measured && can_make(cl, pass, measured->algorithm))
        return measured->algorithm;
    if (can_winograd(cl, pass) && ocl_winograd_tiles(pass) >= tiles_min)
        return winograd_strips(cl, pass);
    return OCL_ALGORITHM_DIRECT;
}

ocl_form_kind ocl_form_of(const ocl_device *cl, const ocl_pass *pass, unsigned algorithm) {
    if (algorithm != OCL_ALGORITHM_DIRECT)
        return OCL_FORM_WINOGRAD;
    if (cl->class == OCL_SIMT) {
        const bool three = pass->side == 3 && pass->stride == 1 && pass->step == 1;
        if (ocl_is_point(pass))
            return OCL_FORM_POINTS;
        return three && pass->out > OCL_FEW ? OCL_FORM_TILES : OCL_FORM_ANY;
    }
    return pass->y.layout == IMP_PLANES ? OCL_FORM_PLANES : OCL_FORM_BLOCKS;
}

/* ---- with a pooling ---- */

static bool points_fuse_pool(const ocl_device *cl, const ocl_pass *pass) {
    return pass->y.layout == IMP_MAPS && pass->x.layout == IMP_MAPS && ocl_is_point(pass) &&
           cl->turns == SIZE_MAX && ocl_form_is_whole(cl, pass, OCL_FORM_BLOCKS) &&
           ocl_points_fused_least(cl, pass) <= cl->work_floats;
}

static bool winograd_fuses_pool(const ocl_device *cl, const ocl_pass *pass) {
    return ocl_algorithm_of(cl, pass) != OCL_ALGORITHM_DIRECT && can_winograd(cl, pass) &&
           pass->mode == IMP_PAD_ZERO && pass->before == 1 &&
           ocl_form_is_whole(cl, pass, OCL_FORM_WINOGRAD) &&
           ocl_winograd_wide_least(imp_over(pass->in, BLOCK)) <= cl->work_floats;
}

/* Whether a tensor, wherever it is placed, lies in one piece. */
static bool fits_piece(const ocl_device *cl, const imp_tensor *t) {
    return ocl_units(cl, t) * ocl_unit_floats(cl, t) * sizeof(cl_float) <= cl->chunk;
}

bool ocl_fuses_pool(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                    bool back) {
    const ocl_device *cl = (const ocl_device *)d;
    const ocl_pass pass = ocl_pass_of(y, x, filter, back);
    const imp_tensor *map = back ? &x : &y;
    return cl->class == OCL_WIDE && pass.conv->relu && map->h >= 2 && map->w >= 2 &&
           fits_piece(cl, &y) && fits_piece(cl, &x) &&
           (points_fuse_pool(cl, &pass) || winograd_fuses_pool(cl, &pass));
}

/* ---- queries ---- */

const char *ocl_algorithm_name(const imp_device *d, imp_tensor y, imp_tensor x,
                               const imp_filter *filter, bool back, unsigned algorithm) {
    const ocl_device *cl = (const ocl_device *)d;
    const ocl_pass pass = ocl_pass_of(y, x, filter, back);
    return can_make(cl, &pass, algorithm) ? name_of(cl, algorithm) : NULL;
}

const imp_winograd *ocl_winograd(const imp_device *d, imp_tensor y, imp_tensor x,
                                 const imp_filter *filter, bool back) {
    const ocl_pass pass = ocl_pass_of(y, x, filter, back);
    const bool direct = ocl_algorithm_of((const ocl_device *)d, &pass) == OCL_ALGORITHM_DIRECT;
    return direct ? NULL : &ocl_winograd_f4x4;
}

imp_algorithm ocl_algorithm(const imp_device *d, imp_tensor y, imp_tensor x,
                            const imp_filter *filter, bool back) {
    const ocl_device *cl = (const ocl_device *)d;
    const ocl_pass pass = ocl_pass_of(y, x, filter, back);
    return imp_algorithm_by(name_of(cl, ocl_algorithm_of(cl, &pass)),
                            ocl_winograd(d, y, x, filter, back), pass.conv, y, x, back);
}
