/* SPDX-License-Identifier: MIT
 *
 * The slots pool_indices and unpool (cl/pooling_indices.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

/* A work-item makes a column in the simt class, a whole row in the wide class. */
static ocl_grid grid_of(const ocl_device *cl, size_t columns, size_t rows, size_t units) {
    return grid3(cl->class == OCL_WIDE ? 1 : columns, rows, units);
}

imp_status ocl_pool_indices(imp_device *d, imp_tensor indices, imp_tensor x, imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, pool_indices);
    ocl_run run = {0};
    assert(indices.c == x.c && indices.h == x.h / 2 && x.layout == IMP_MAPS);
    assert(indices.w == (x.w / 2 + IMP_INDICES - 1) / IMP_INDICES && indices.layout == IMP_MAPS);
    while (ocl_next(&run, 2, (imp_tensor[]){indices, x}))
        TRY(ocl_launch(cl, pool_indices, grid_of(cl, indices.w, indices.h, run.units),
                       at(run.span[0]), at(run.span[1]), i32(x.h), i32(x.w),
                       i32(kind == IMP_POOL_AVERAGE)));
    return IMP_OK;
}

imp_status ocl_unpool(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                      imp_pooling kind) {
    ocl_device *cl = ocl_enter(d, unpool);
    ocl_run run = {0};
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2 && dx.layout == IMP_MAPS);
    assert(indices.h == dy.h && indices.w == (dy.w + IMP_INDICES - 1) / IMP_INDICES);
    while (ocl_next(&run, 3, (imp_tensor[]){dx, dy, indices}))
        TRY(ocl_launch(cl, unpool, grid_of(cl, (dx.w + 1) / 2, (dx.h + 1) / 2, run.units),
                       at(run.span[0]), at(run.span[1]), at(run.span[2]), i32(dx.h), i32(dx.w),
                       f32(kind == IMP_POOL_AVERAGE ? 0.25F : 1)));
    return IMP_OK;
}
