/* SPDX-License-Identifier: MIT
 *
 * The OpenCL backend's operations.
 */
#include "opencl/ocl.h"

const imp_ops ocl_table = {
    .name = "opencl",
    .close = ocl_close,
    .place = ocl_place,
    .alloc = ocl_alloc,
    .release = ocl_release,
    .write = ocl_write,
    .read = ocl_read,
    .sync = ocl_sync,
    .filter_open = ocl_filter_open,
    .filter_close = ocl_filter_close,
    .conv = ocl_conv,
    .conv_grad = ocl_conv_grad,
    .winograd = ocl_winograd,
    .algorithm = ocl_algorithm,
    .pool = ocl_pool,
    .pool_grad = ocl_pool_grad,
    .pool_choice = ocl_pool_choice,
    .pool_spread = ocl_pool_spread,
    .gram = ocl_gram,
    .style = ocl_style,
    .style_grad = ocl_style_grad,
    .content = ocl_content,
    .tv = ocl_tv,
    .affine = ocl_affine,
    .affine_grad = ocl_affine_grad,
    .fill = ocl_fill,
    .combine = ocl_combine,
    .clamp = ocl_clamp,
    .dot = ocl_dot,
    .norm1 = ocl_norm1,
    .axpy_dot = ocl_axpy_dot,
    .adam = ocl_adam,
};
