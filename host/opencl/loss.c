/* SPDX-License-Identifier: MIT
 *
 * The slots content, tv, edges, style, affine and affine_grad (cl/loss.cl, cl/neighbours.cl,
 * cl/edges.cl, cl/image.cl).
 */
#include <assert.h>

#include "opencl/ocl.h"

imp_status ocl_content(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f, imp_tensor p,
                       float weight) {
    ocl_device *cl = ocl_enter(d, content);
    ocl_run run = {0};
    assert(ocl_alike(&df, &f) && ocl_alike(&p, &f));
    while (ocl_next(&run, 3, (imp_tensor[]){df, f, p}))
        TRY(ocl_launch(cl, content, groups1(IMP_PARTIALS), at(run.span[0]), at(run.span[1]),
                       at(run.span[2]), at(ocl_slot(loss)), i32(!run.first), f32(weight),
                       u64(run.floats)));
    return IMP_OK;
}

/* ocl_tv for IMP_TV_NEIGHBOURS. */
static imp_status neighbours(ocl_device *cl, imp_tensor dx, imp_slot loss, imp_tensor x,
                             float weight) {
    const float planes = (float)x.c, h = (float)x.h, w = (float)x.w;
    ocl_run run = {0};
    while (ocl_next(&run, 2, (imp_tensor[]){dx, x}))
        TRY(ocl_launch(cl, neighbours, groups1(IMP_PARTIALS), at(run.span[0]), at(run.span[1]),
                       at(ocl_slot(loss)), i32(!run.first), f32(weight / (3 * planes * h * w)),
                       f32(weight / (12 * planes * (h + 1) * (w + 1))), u32(run.units * x.h),
                       u32(x.h), u32(x.w)));
    return IMP_OK;
}

imp_status ocl_tv(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x, imp_tv_form form,
                  float weight) {
    ocl_device *cl = ocl_enter(d, tv);
    ocl_run run = {0};
    assert(x.layout == IMP_PLANES && dx.layout == IMP_PLANES);
    if (form == IMP_TV_NEIGHBOURS)
        return neighbours(cl, dx, loss, x, weight);
    while (ocl_next(&run, 2, (imp_tensor[]){dx, x}))
        TRY(ocl_launch(cl, tv, groups1(IMP_PARTIALS), at(run.span[0]), at(run.span[1]),
                       at(ocl_slot(loss)), i32(!run.first), i32(form == IMP_TV_SQUARED),
                       f32(weight), u32(run.units * x.h), u32(x.h), u32(x.w)));
    return IMP_OK;
}

imp_status ocl_edges(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor e, imp_tensor x,
                     imp_tensor target, float weight) {
    ocl_device *cl = ocl_enter(d, edges);
    const bool has_target = target.memory != NULL;
    assert(x.c == 3 && x.layout == IMP_PLANES && e.c == 1 && e.h == x.h && e.w == x.w);
    TRY(ocl_launch(cl, edges, groups1(IMP_PARTIALS), at(ocl_unit(&e, 0)), at(ocl_unit(&x, 0)),
                   at(ocl_unit(&x, 1)), at(ocl_unit(&x, 2)),
                   at(ocl_unit(has_target ? &target : &e, 0)), at(ocl_slot(loss)), i32(has_target),
                   f32(weight), u32(x.h), u32(x.w)));
    if (!dx.memory)
        return IMP_OK;
    assert(ocl_alike(&dx, &x));
    return ocl_launch(cl, edges_grad, groups1(IMP_PARTIALS), at(ocl_unit(&dx, 0)),
                      at(ocl_unit(&dx, 1)), at(ocl_unit(&dx, 2)), at(ocl_unit(&e, 0)), f32(weight),
                      u32(x.h), u32(x.w));
}

/* ---- style ---- */

/* y = a^T b: 1 x n x n. */
static imp_status multiply(ocl_device *cl, imp_tensor y, imp_tensor a, imp_tensor b) {
    const size_t n = y.w;
    const ocl_grid grid = cl->class == OCL_WIDE ? groups2((n + 63) / 64, (n + 3) / 4) : grid2(n, n);
    return ocl_launch(cl, product, grid, at(ocl_unit(&y, 0)), at(ocl_unit(&a, 0)),
                      at(ocl_unit(&b, 0)), u32(n));
}

imp_status ocl_style(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g, imp_tensor target,
                     imp_tensor metric, imp_tensor scratch, float scale, float weight) {
    const size_t n = g.w;
    const bool has_metric = metric.memory != NULL;
    assert(g.c == 1 && g.h == n && target.w == n && dm.w == n);
    if (has_metric) { /* E and metric are symmetric: E M = E^T M, M E M = (E M)^T M */
        assert(metric.w == n && scratch.memory && scratch.w >= n);
        scratch.c = 1, scratch.h = scratch.w = n;
        TRY(ocl_combine(d, dm, scale, g, -1, target));
        ocl_device *cl = ocl_enter(d, style);
        TRY(multiply(cl, scratch, dm, metric));
        TRY(multiply(cl, dm, scratch, metric));
    }
    ocl_device *cl = ocl_enter(d, style);
    return ocl_launch(cl, style, groups1(IMP_PARTIALS), at(ocl_unit(&dm, 0)), at(ocl_unit(&g, 0)),
                      at(ocl_unit(&target, 0)), at(ocl_slot(loss)), i32(has_metric), f32(scale),
                      f32(weight), u64(n * n));
}

/* ---- the network's input ---- */

static ocl_arg row(const imp_affine *a, size_t r) {
    return f32x4(a->m[r][0], a->m[r][1], a->m[r][2], a->o[r]);
}

imp_status ocl_affine(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a) {
    ocl_device *cl = ocl_enter(d, affine);
    const size_t m = x.h * x.w;
    assert(x.c == 3 && y.c == 3 && x.layout == IMP_PLANES && y.layout == IMP_PLANES);
    return ocl_launch(cl, affine, ocl_each(cl, m), at(ocl_unit(&y, 0)), at(ocl_unit(&y, 1)),
                      at(ocl_unit(&y, 2)), at(ocl_unit(&x, 0)), at(ocl_unit(&x, 1)),
                      at(ocl_unit(&x, 2)), row(a, 0), row(a, 1), row(a, 2), u64(m));
}

imp_status ocl_affine_grad(imp_device *d, imp_tensor dx, imp_tensor dy, const imp_affine *a) {
    ocl_device *cl = ocl_enter(d, affine_grad);
    const size_t m = dx.h * dx.w;
    assert(dx.c == 3 && dy.c == 3 && dx.layout == IMP_PLANES && dy.layout == IMP_PLANES);
    return ocl_launch(cl, affine_grad, ocl_each(cl, m), at(ocl_unit(&dx, 0)), at(ocl_unit(&dx, 1)),
                      at(ocl_unit(&dx, 2)), at(ocl_unit(&dy, 0)), at(ocl_unit(&dy, 1)),
                      at(ocl_unit(&dy, 2)), row(a, 0), row(a, 1), row(a, 2), u64(m));
}
