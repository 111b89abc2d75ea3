/* SPDX-License-Identifier: MIT
 *
 * The slots of matrices and of style terms of means and covariances (cl/matrix.cl). A matrix is one
 * unit, so it lies in one chunk.
 */
#include <assert.h>

#include "opencl/ocl.h"

imp_status ocl_multiply(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                        float beta) {
    ocl_device *cl = ocl_enter(d, multiply);
    const size_t n = y.w;
    assert(y.h == n && a.w == n && b.w == n);
    return ocl_launch(cl, multiply,
                      cl->class == OCL_WIDE ? groups2((n + 63) / 64, (n + 3) / 4)
                                            : groups2((n + 31) / 32, (n + 31) / 32),
                      at(ocl_unit(&y, 0)), at(ocl_unit(&a, 0)), at(ocl_unit(&b, 0)), f32(alpha),
                      f32(beta), u32(n));
}

imp_status ocl_covariance(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s, float scale,
                          float factor, float shift) {
    ocl_device *cl = ocl_enter(d, covariance);
    const size_t n = y.w;
    assert(y.h == n && g.w == n && s.w == n);
    return ocl_launch(cl, covariance, groups2(1, n), at(ocl_unit(&y, 0)), at(ocl_unit(&g, 0)),
                      at(ocl_unit(&s, 0)), f32(scale), f32(factor), f32(shift), u32(n));
}

imp_status ocl_transport(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm, imp_tensor cov,
                         imp_tensor root, imp_tensor s, imp_tensor mean, float trace, float scale,
                         float weight) {
    ocl_device *cl = ocl_enter(d, transport);
    assert(dm.w == v.w && cov.w == v.w && root.w == v.w && s.w == v.w && mean.w == v.w);
    return ocl_launch(cl, transport, groups1(IMP_PARTIALS), at(ocl_unit(&v, 0)), at(ocl_slot(loss)),
                      at(ocl_unit(&dm, 0)), at(ocl_unit(&cov, 0)), at(ocl_unit(&root, 0)),
                      at(ocl_unit(&s, 0)), at(ocl_unit(&mean, 0)), f32(trace), f32(scale),
                      f32(weight), u32(v.w));
}

imp_status ocl_means(imp_device *d, imp_tensor v, imp_slot loss, imp_slot rest, imp_tensor dm,
                     imp_tensor metric, imp_tensor s, imp_tensor mean, float scale, float weight) {
    ocl_device *cl = ocl_enter(d, means);
    const imp_tensor any = metric.c ? metric : dm; /* not read without a metric */
    assert(dm.w == v.w && any.w == v.w && s.w == v.w && mean.w == v.w);
    return ocl_launch(cl, means, groups1(IMP_PARTIALS), at(ocl_unit(&v, 0)), at(ocl_slot(loss)),
                      at(ocl_slot(rest)), at(ocl_unit(&dm, 0)), at(ocl_unit(&any, 0)),
                      i32(metric.c != 0), at(ocl_unit(&s, 0)), at(ocl_unit(&mean, 0)), f32(scale),
                      f32(weight), u32(v.w));
}

imp_status ocl_shift(imp_device *d, imp_tensor f, imp_tensor v) {
    enum { GROUPS = 16 }; /* that share the positions of a unit */
    ocl_device *cl = ocl_enter(d, shift);
    ocl_run run = {0};
    assert(f.layout == IMP_MAPS && v.w == f.c);
    while (ocl_next(&run, 1, &f)) {
        ocl_span by = ocl_unit(&v, 0);
        by.at += run.unit * cl->block;
        TRY(ocl_launch(cl, shift, groups2(GROUPS, run.units), at(run.span[0]), at(by),
                       u64(f.h * f.w), u32(f.c - run.unit * cl->block)));
    }
    return IMP_OK;
}
