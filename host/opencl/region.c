/* SPDX-License-Identifier: MIT
 *
 * The slots mask, wrap and wrap_grad (cl/region.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

enum { GROUPS = 16 }; /* that share the positions of a unit */

imp_status ocl_mask(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add) {
    ocl_device *cl = ocl_enter(d, mask);
    ocl_run run = {0};
    assert(x.layout == IMP_MAPS && y.layout == IMP_MAPS && t.h == x.h && t.w == x.w);
    while (ocl_next(&run, 2, (imp_tensor[]){y, x}))
        TRY(ocl_launch(cl, mask, groups2(GROUPS, run.units), at(run.span[0]), at(run.span[1]),
                       at(ocl_unit(&t, 0)), u64(x.h * x.w), i32(add)));
    return IMP_OK;
}

imp_status ocl_wrap(imp_device *d, imp_tensor y, imp_tensor x) {
    ocl_device *cl = ocl_enter(d, wrap);
    assert(y.c == x.c && y.h >= x.h && y.w >= x.w && x.layout == IMP_PLANES);
    for (size_t c = 0; c < x.c; c++)
        TRY(ocl_launch(cl, wrap, ocl_each(cl, y.h * y.w), at(ocl_unit(&y, c)), at(ocl_unit(&x, c)),
                       u32(y.h), u32(y.w), u32(x.h), u32(x.w)));
    return IMP_OK;
}

imp_status ocl_wrap_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    ocl_device *cl = ocl_enter(d, wrap_grad);
    assert(dy.c == dx.c && dy.h >= dx.h && dy.w >= dx.w && dx.layout == IMP_PLANES);
    for (size_t c = 0; c < dx.c; c++)
        TRY(ocl_launch(cl, wrap_grad, ocl_each(cl, dx.h * dx.w), at(ocl_unit(&dx, c)),
                       at(ocl_unit(&dy, c)), u32(dy.h), u32(dy.w), u32(dx.h), u32(dx.w)));
    return IMP_OK;
}
