/* SPDX-License-Identifier: MIT
 *
 * The slots of pooling remembered: unit by unit (cl/choice.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

/* Work-items go over columns of choices in the simt class; in the wide class one goes over a row.
 */
static ocl_grid grid_of(const ocl_device *cl, size_t columns, size_t rows, size_t units) {
    return grid3(cl->class == OCL_WIDE ? 1 : columns, rows, units);
}

imp_status ocl_pool_choice(imp_device *d, imp_tensor choice, imp_tensor x, imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, pool_choice);
    ocl_run run = {0};
    assert(choice.c == x.c && choice.h == x.h / 2 && x.layout == IMP_MAPS);
    assert(choice.w == (x.w / 2 + IMP_CHOICES - 1) / IMP_CHOICES && choice.layout == IMP_MAPS);
    while (ocl_next(&run, 2, (imp_tensor[]){choice, x}))
        TRY(ocl_launch(cl, pool_choice, grid_of(cl, choice.w, choice.h, run.units), at(run.span[0]),
                       at(run.span[1]), i32(x.h), i32(x.w), i32(kind == IMP_POOL_AVERAGE)));
    return IMP_OK;
}

imp_status ocl_pool_spread(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor choice,
                           imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, pool_spread);
    ocl_run run = {0};
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2 && dx.layout == IMP_MAPS);
    assert(choice.h == dy.h && choice.w == (dy.w + IMP_CHOICES - 1) / IMP_CHOICES);
    while (ocl_next(&run, 3, (imp_tensor[]){dx, dy, choice}))
        TRY(ocl_launch(cl, pool_spread, grid_of(cl, (dx.w + 1) / 2, (dx.h + 1) / 2, run.units),
                       at(run.span[0]), at(run.span[1]), at(run.span[2]), i32(dx.h), i32(dx.w),
                       f32(kind == IMP_POOL_AVERAGE ? 0.25F : 1)));
    return IMP_OK;
}
