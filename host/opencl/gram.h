/* SPDX-License-Identifier: MIT
 *
 * The matrix products of a style term, by the project's own kernels and by CLBlast.
 */
#ifndef OCL_GRAM_H
#define OCL_GRAM_H

#include "opencl/ocl.h"

typedef enum ocl_product { OCL_PRODUCT_GRAM, OCL_PRODUCT_STYLE_GRAD, OCL_PRODUCTS } ocl_product;

/* gram.c: g = [g +] F F^T and df += D F by the project's own kernels. */
imp_status ocl_own_gram(ocl_device *cl, imp_tensor g, imp_tensor f, bool accumulate);
imp_status ocl_own_style_grad(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f);

/* gemm.c: the same by CLBlast. */
imp_status ocl_blas_gram(ocl_device *cl, imp_tensor g, imp_tensor f, bool accumulate);
imp_status ocl_blas_style_grad(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f);
/* Whether CLBlast makes the product for f: as options.gemm says, or, where that is `auto`, if it
 * was right and faster when its class of shapes was tried on this device, now or earlier. */
imp_status ocl_blas_takes(ocl_device *cl, bool *takes, ocl_product product, const imp_tensor *f);

#endif
