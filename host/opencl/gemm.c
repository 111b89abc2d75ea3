/* SPDX-License-Identifier: MIT
 *
 * The matrix products of a style term by CLBlast, used so that the faults of its version 1.5.3 do
 * not matter: batches begin at offset 0 and are contiguous, sizes stay below 2^31.
 *
 * A Gram matrix is computed in stretches of few positions, whose products the project's own kernel
 * adds up. CLBlast would add the positions one by one, and the error of that grows with their
 * number.
 */
#include "opencl/gemm.h"

#include <clblast_c.h>
#include <stdlib.h>

/* STRETCH: positions of one product of a Gram matrix. ITEMS: work-items that share the positions of
 * a unit. PARTS_BYTES: of the buffer for results that are still to be added. */
enum { BLOCK = 16, STRETCH = 256, ITEMS = 64, PARTS_BYTES = 16 << 20 };

/* ---- the library ---- */

static imp_status check_blas(ocl_device *cl, CLBlastStatusCode code) {
    if (code == CLBlastSuccess)
        return IMP_OK;
    return imp_fail(&cl->base.error, IMP_ERR_DEVICE,
                    "device '%s': CLBlast failed (%d): set gemm to own", cl->base.info.name,
                    (int)code);
}

static imp_status open_buffers(ocl_device *cl) {
    ocl_gemm *gemm = cl->gemm;
    if (gemm->parts)
        return IMP_OK;
    gemm->parts_bytes = imp_min(PARTS_BYTES, cl->chunk);
    return ocl_buffer(cl, &gemm->parts, gemm->parts_bytes, NULL);
}

/* Ensures space for CLBlast's copies of its operands; it grows to the largest that was needed. */
static imp_status grow_temporary(ocl_device *cl, size_t bytes) {
    ocl_gemm *gemm = cl->gemm;
    if (bytes <= gemm->temporary_bytes)
        return IMP_OK;
    TRY(ocl_finish(cl));
    ocl_buffer_release(cl, gemm->temporary, gemm->temporary_bytes);
    gemm->temporary = NULL;
    gemm->temporary_bytes = 0;
    TRY(ocl_buffer(cl, &gemm->temporary, bytes, NULL));
    gemm->temporary_bytes = bytes;
    return IMP_OK;
}

/* c (m x n) = a (m x k) b (k x n) + beta c, all row-major, with lda, ldb and ldc floats from row to
 * row. */
static imp_status multiply(ocl_device *cl, size_t m, size_t n, size_t k, ocl_span a, size_t lda,
                           ocl_span b, size_t ldb, float beta, ocl_span c, size_t ldc) {
    const CLBlastTranspose no = CLBlastTransposeNo;
    size_t bytes = 0;
    TRY(check_blas(cl, CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, no, no, m, n, k, a.at, lda,
                                                  b.at, ldb, c.at, ldc, &cl->queue, &bytes)));
    TRY(grow_temporary(cl, bytes));
    TRY(check_blas(cl, CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, no, no, m, n, k, 1,
                                                  a.memory, a.at, lda, b.memory, b.at, ldb, beta,
                                                  c.memory, c.at, ldc, &cl->queue,
                                                  ocl_event_place(cl), cl->gemm->temporary)));
    return ocl_launched(cl);
}

/* ---- positions as matrices ---- */

static ocl_span parts_span(const ocl_device *cl) {
    return (ocl_span){cl->gemm->parts, 0, 1};
}

/* The channels of a run. */
static size_t run_channels(const ocl_device *cl, const imp_tensor *t, const ocl_run *run) {
    return imp_min(run->units * cl->block, t->c - run->unit * cl->block);
}

/* Packs `count` positions of f from `first` on into the work space. */
static imp_status pack(ocl_device *cl, imp_tensor f, size_t first, size_t count) {
    ocl_run run = {0};
    while (ocl_next(&run, 1, &f))
        TRY(ocl_launch(
            cl, gemm_pack, grid2(cl->class == OCL_WIDE ? imp_min(ITEMS, count) : count, run.units),
            at(ocl_work(cl, 0)), at(run.span[0]), i32(f.h * f.w), i32(first), i32(count), i32(f.c),
            i32(run.unit * cl->block), i32(run_channels(cl, &f, &run)), i32(STRETCH)));
    return IMP_OK;
}

/* ---- G = F F^T ---- */

/* The products of n packed stretches P: wide P^T P, with P 256 x C; simt P P^T, with P C x 256. */
static imp_status multiply_stretches(ocl_device *cl, size_t c, size_t n) {
    const bool wide = cl->class == OCL_WIDE;
    const size_t ld = wide ? c : STRETCH;
    const CLBlastStatusCode code = CLBlastSgemmStridedBatched(
        CLBlastLayoutRowMajor, wide ? CLBlastTransposeYes : CLBlastTransposeNo,
        wide ? CLBlastTransposeNo : CLBlastTransposeYes, c, c, STRETCH, 1, cl->work, 0, ld,
        c * STRETCH, cl->work, 0, ld, c * STRETCH, 0, cl->gemm->parts, 0, c, c * c, n, &cl->queue,
        ocl_event_place(cl));
    TRY(check_blas(cl, code));
    return ocl_launched(cl);
}

imp_status ocl_blas_gram(ocl_device *cl, imp_tensor g, imp_tensor f, bool accumulate) {
    const size_t m = f.h * f.w, c = f.c, all = (m + STRETCH - 1) / STRETCH;
    TRY(ocl_gemm_open(cl));
    TRY(open_buffers(cl));
    const size_t fit =
        imp_min(cl->work_floats / (c * STRETCH), cl->gemm->parts_bytes / sizeof(float) / (c * c));
    if (fit == 0)
        return ocl_own_gram(cl, g, f, accumulate);
    for (size_t k = 0, n; k < all; k += n) {
        n = imp_min(fit, all - k);
        TRY(pack(cl, f, k * STRETCH, n * STRETCH));
        TRY(multiply_stretches(cl, c, n));
        TRY(ocl_launch(cl, gemm_total, ocl_each(cl, c * c), at(ocl_unit(&g, 0)), at(parts_span(cl)),
                       u64(c * c), i32(n), i32(accumulate || k > 0)));
    }
    return IMP_OK;
}

/* ---- df += D F ---- */

/* Maps: F^T is packed, multiplied by D, which is symmetric, and added to df. */
static imp_status style_wide(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    const size_t m = f.h * f.w, c = f.c;
    const size_t fit = imp_min(cl->work_floats, cl->gemm->parts_bytes / sizeof(float)) / c;
    if (fit == 0)
        return ocl_own_style_grad(cl, df, dm, f);
    for (size_t first = 0, n; first < m; first += n) {
        ocl_run run = {0};
        n = imp_min(fit, m - first);
        TRY(pack(cl, f, first, n));
        TRY(multiply(cl, n, c, c, ocl_work(cl, 0), c, ocl_unit(&dm, 0), c, 0, parts_span(cl), c));
        while (ocl_next(&run, 1, &df))
            TRY(ocl_launch(cl, gemm_add, grid2(imp_min(ITEMS, n), run.units), at(run.span[0]),
                           at(parts_span(cl)), i32(m), i32(first), i32(n), i32(c),
                           i32(run.unit * BLOCK), i32(run_channels(cl, &df, &run))));
    }
    return IMP_OK;
}

/* Planes are a matrix in memory. */
static imp_status style_simt(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    const size_t m = f.h * f.w;
    ocl_run out = {0};
    while (ocl_next(&out, 1, &df)) {
        ocl_run in = {0};
        while (ocl_next(&in, 1, &f)) {
            ocl_span d = ocl_unit(&dm, 0);
            d.at += out.unit * f.c + in.unit;
            TRY(multiply(cl, out.units, m, in.units, d, f.c, in.span[0], m, 1, out.span[0], m));
        }
    }
    return IMP_OK;
}

imp_status ocl_blas_style_grad(ocl_device *cl, imp_tensor df, imp_tensor dm, imp_tensor f) {
    TRY(ocl_gemm_open(cl));
    if (f.h * f.w >= ((size_t)1 << 31) / f.c) /* CLBlast counts in int */
        return ocl_own_style_grad(cl, df, dm, f);
    if (cl->class == OCL_SIMT)
        return style_simt(cl, df, dm, f);
    TRY(open_buffers(cl));
    return style_wide(cl, df, dm, f);
}

/* ---- open and close ---- */

imp_status ocl_gemm_open(ocl_device *cl) {
    if (!cl->gemm)
        cl->gemm = calloc(1, sizeof *cl->gemm);
    return cl->gemm ? IMP_OK : ocl_check(cl, CL_OUT_OF_HOST_MEMORY, "matrix products");
}

void ocl_gemm_close(ocl_device *cl) {
    if (!cl->gemm)
        return;
    ocl_buffer_release(cl, cl->gemm->parts, cl->gemm->parts_bytes);
    ocl_buffer_release(cl, cl->gemm->temporary, cl->gemm->temporary_bytes);
    CLBlastClearCache(); /* it identifies contexts by their addresses */
    free(cl->gemm);
    cl->gemm = NULL;
}
