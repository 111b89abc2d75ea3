/* SPDX-License-Identifier: MIT
 */
#include "opencl/gram.h"

imp_status ocl_blas_takes(ocl_device *cl, bool *takes, ocl_product product, const imp_tensor *f) {
    (void)cl, (void)product, (void)f;
    *takes = false;
    return IMP_OK;
}
imp_status ocl_blas_gram(ocl_device *cl, imp_tensor g, imp_tensor f, bool accumulate) {
    (void)g, (void)f, (void)accumulate;
    return ocl_own_gram(cl, g, f, accumulate);
}
imp_status ocl_blas_style_grad(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    return ocl_own_style_grad(cl, df, dm, f);
}
void ocl_gemm_close(ocl_device *cl) {
    (void)cl;
}
