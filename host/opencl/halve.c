/* SPDX-License-Identifier: MIT
 *
 * The slots halve and halve_grad (cl/halve.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

imp_status ocl_halve(imp_device *d, imp_tensor y, imp_tensor x) {
    ocl_device *cl = ocl_enter(d, halve);
    assert(y.c == x.c && y.h == x.h / 2 && y.w == x.w / 2 && x.layout == IMP_PLANES);
    for (size_t c = 0; c < x.c; c++)
        TRY(ocl_launch(cl, halve, ocl_each(cl, y.h * y.w), at(ocl_unit(&y, c)), at(ocl_unit(&x, c)),
                       u32(x.h), u32(x.w)));
    return IMP_OK;
}

imp_status ocl_halve_grad(imp_device *d, imp_tensor dx, imp_tensor dy) {
    ocl_device *cl = ocl_enter(d, halve_grad);
    assert(dy.c == dx.c && dy.h == dx.h / 2 && dy.w == dx.w / 2 && dx.layout == IMP_PLANES);
    for (size_t c = 0; c < dx.c; c++)
        TRY(ocl_launch(cl, halve_grad, ocl_each(cl, dx.h * dx.w), at(ocl_unit(&dx, c)),
                       at(ocl_unit(&dy, c)), u32(dx.h), u32(dx.w)));
    return IMP_OK;
}
