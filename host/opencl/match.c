/* SPDX-License-Identifier: MIT
 *
 * The slots regrid, regrid_grad, angle and nearest (cl/match.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

enum { GROUPS = 16 }; /* that share the positions of a unit */

imp_status ocl_regrid(imp_device *d, imp_tensor y, imp_tensor x) {
    ocl_device *cl = ocl_enter(d, regrid);
    ocl_run run = {0};
    assert(y.c == x.c && y.layout == IMP_MAPS && x.layout == IMP_MAPS);
    while (ocl_next(&run, 2, (imp_tensor[]){y, x}))
        TRY(ocl_launch(cl, regrid, groups2(GROUPS, run.units), at(run.span[0]), at(run.span[1]),
                       u32(y.h), u32(y.w), u32(x.h), u32(x.w)));
    return IMP_OK;
}

imp_status ocl_regrid_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    ocl_device *cl = ocl_enter(d, regrid_grad);
    ocl_run run = {0};
    assert(dy.c == dx.c && dy.layout == IMP_MAPS && dx.layout == IMP_MAPS);
    while (ocl_next(&run, 2, (imp_tensor[]){dx, dy}))
        TRY(ocl_launch(cl, regrid_grad, groups2(GROUPS, run.units), at(run.span[0]),
                       at(run.span[1]), u32(dy.h), u32(dy.w), u32(dx.h), u32(dx.w)));
    return IMP_OK;
}

imp_status ocl_angle(imp_device *d, imp_tensor along, imp_tensor pull, imp_slot loss, imp_tensor f,
                     imp_tensor t, float weight, float epsilon) {
    ocl_device *cl = ocl_enter(d, angle);
    const size_t m = f.h * f.w;
    ocl_run run = {0};
    assert(ocl_alike(&f, &t) && f.layout == IMP_MAPS);
    assert(along.h * along.w == m && pull.h * pull.w == m);
    while (ocl_next(&run, 2, (imp_tensor[]){f, t}))
        TRY(ocl_launch(cl, angle_sums, ocl_each(cl, m * cl->block), at(ocl_unit(&along, 0)),
                       at(ocl_unit(&pull, 0)), at(run.span[0]), at(run.span[1]), u64(m),
                       u32(run.units), i32(!run.first)));
    return ocl_launch(cl, angle, groups1(IMP_PARTIALS), at(ocl_unit(&along, 0)),
                      at(ocl_unit(&pull, 0)), at(ocl_slot(loss)), u64(m), f32(weight),
                      f32(epsilon));
}

imp_status ocl_nearest(imp_device *d, imp_tensor best, imp_tensor index, imp_tensor scores,
                       size_t first) {
    ocl_device *cl = ocl_enter(d, nearest);
    const size_t m = scores.h * scores.w;
    ocl_run run = {0};
    assert(scores.layout == IMP_MAPS && best.h * best.w == m && index.h * index.w == m);
    while (ocl_next(&run, 1, &scores)) {
        const size_t before = run.unit * cl->block;
        TRY(ocl_launch(cl, nearest, ocl_each(cl, m * cl->block), at(ocl_unit(&best, 0)),
                       at(ocl_unit(&index, 0)), at(run.span[0]), u64(m),
                       u32(imp_min(run.units * cl->block, scores.c - before)),
                       u32(first + before)));
    }
    return IMP_OK;
}
