/* SPDX-License-Identifier: MIT
 *
 * The slots pool and pool_grad (cl/pooling.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

/* A work-item makes a column in the simt class, a whole row in the wide class. */
static ocl_grid grid_of(const ocl_device *cl, size_t columns, size_t rows, size_t units) {
    return grid3(cl->class == OCL_WIDE ? 1 : columns, rows, units);
}

imp_status ocl_pool(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, pool);
    const size_t width = x.layout == IMP_MAPS ? cl->block : 1;
    ocl_run run = {0};
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2 && y.layout == x.layout);
    while (ocl_next(&run, 2, (imp_tensor[]){y, x}))
        TRY(ocl_launch(cl, pool, grid_of(cl, y.w, y.h, run.units), at(run.span[0]), at(run.span[1]),
                       i32(x.h), i32(x.w), i32(width), i32(kind)));
    return IMP_OK;
}

imp_status ocl_pool_grad(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x, imp_tensor y,
                         imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, pool_grad);
    const size_t width = x.layout == IMP_MAPS ? cl->block : 1;
    ocl_run run = {0};
    (void)y;
    assert(ocl_alike(&dx, &x) && dy.c == x.c && dy.h == x.h / 2 && dy.w == x.w / 2);
    while (ocl_next(&run, 3, (imp_tensor[]){dx, dy, x}))
        TRY(ocl_launch(cl, pool_grad, grid_of(cl, (dx.w + 1) / 2, (dx.h + 1) / 2, run.units),
                       at(run.span[0]), at(run.span[1]), at(run.span[2]), i32(dx.h), i32(dx.w),
                       i32(width), i32(kind)));
    return IMP_OK;
}
