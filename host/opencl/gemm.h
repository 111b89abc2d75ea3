/* SPDX-License-Identifier: MIT
 *
 * CLBlast on a device: its buffers, and the results of trials.
 */
#ifndef OCL_GEMM_H
#define OCL_GEMM_H

#include "opencl/gram.h"

/* The result of a trial of a class of shapes. */
typedef struct ocl_trial {
    ocl_product product;
    size_t c, m;      /* the class: channels and positions, rounded up to powers of two */
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
    bool told; /* the log has named the provider where nothing is tried */
} ocl_gemm;

/* Allocates cl->gemm on first use. */
imp_status ocl_gemm_open(ocl_device *cl);

#endif
