/* SPDX-License-Identifier: MIT
 *
 * CLBlast on a device: its buffers, and what is known of it there.
 */
#ifndef OCL_GEMM_H
#define OCL_GEMM_H

#include "opencl/gram.h"

/* What a trial of a class of shapes found. */
typedef struct ocl_trial {
    ocl_product product;
    size_t c, m;      /* the class: the next powers of two, m at most OCL_TRIAL_POSITIONS */
    bool right;       /* CLBlast and our kernel agree within the bound of both */
    double blas, own; /* seconds */
} ocl_trial;

enum { OCL_TRIALS = 64, OCL_TRIAL_POSITIONS = 1 << 16 };

/* ocl_device.gemm. */
typedef struct ocl_gemm {
    cl_mem parts, temporary; /* owned */
    size_t parts_bytes, temporary_bytes;
    ocl_trial trials[OCL_TRIALS];
    size_t count;
    bool told; /* whose the products are where nothing is tried */
} ocl_gemm;

/* Makes cl->gemm where there is none. */
imp_status ocl_gemm_open(ocl_device *cl);

#endif
