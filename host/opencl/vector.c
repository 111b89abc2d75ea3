/* SPDX-License-Identifier: MIT
 *
 * The slots of vectors (cl/vector.cl; rescale: cl/matrix.cl). Each loops over the common runs of
 * its tensors.
 */
#include <assert.h>

#include "opencl/ocl.h"

/* Sets the padding channels of wide maps to zero again. */
static imp_status keep_padding(ocl_device *cl, const imp_tensor *t) {
    const size_t channels = t->c % cl->block, m = t->h * t->w;
    if (t->layout != IMP_MAPS || channels == 0 || m == 0)
        return IMP_OK;
    return ocl_launch(cl, padding, ocl_each(cl, m * cl->block),
                      at(ocl_unit(t, ocl_units(cl, t) - 1)), u32(channels), u64(m));
}

imp_status ocl_fill(imp_device *d, imp_tensor x, float value) {
    ocl_device *cl = ocl_enter(d, fill);
    ocl_run run = {0};
    while (ocl_next(&run, 1, &x))
        TRY(ocl_launch(cl, fill, ocl_each(cl, run.floats), at(run.span[0]), f32(value),
                       u64(run.floats)));
    return keep_padding(cl, &x);
}

imp_status ocl_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, float b, imp_tensor y) {
    ocl_device *cl = ocl_enter(d, combine);
    ocl_run run = {0};
    assert(ocl_alike(&z, &x) && ocl_alike(&z, &y));
    while (ocl_next(&run, 3, (imp_tensor[]){z, x, y}))
        TRY(ocl_launch(cl, combine, ocl_each(cl, run.floats), at(run.span[0]), at(run.span[1]),
                       at(run.span[2]), f32(a), f32(b), u64(run.floats)));
    return keep_padding(cl, &z);
}

imp_status ocl_clamp(imp_device *d, imp_tensor x, float lo, float hi) {
    ocl_device *cl = ocl_enter(d, clamp);
    ocl_run run = {0};
    while (ocl_next(&run, 1, &x))
        TRY(ocl_launch(cl, clamp_to, ocl_each(cl, run.floats), at(run.span[0]), f32(lo), f32(hi),
                       u64(run.floats)));
    return keep_padding(cl, &x);
}

imp_status ocl_dot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y) {
    ocl_device *cl = ocl_enter(d, dot);
    ocl_run run = {0};
    assert(ocl_alike(&x, &y));
    while (ocl_next(&run, 2, (imp_tensor[]){x, y}))
        TRY(ocl_launch(cl, dot_of, groups1(IMP_PARTIALS), at(run.span[0]), at(run.span[1]),
                       at(ocl_slot(out)), i32(!run.first), u64(run.floats)));
    return IMP_OK;
}

imp_status ocl_norm1(imp_device *d, imp_slot out, imp_tensor x) {
    ocl_device *cl = ocl_enter(d, norm1);
    ocl_run run = {0};
    while (ocl_next(&run, 1, &x))
        TRY(ocl_launch(cl, norm1, groups1(IMP_PARTIALS), at(run.span[0]), at(ocl_slot(out)),
                       i32(!run.first), u64(run.floats)));
    return IMP_OK;
}

imp_status ocl_rescale(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                       float power, imp_tensor x, bool add) {
    ocl_device *cl = ocl_enter(d, rescale);
    ocl_run run = {0}; /* few groups, as each work-item adds up the slot's partial sums */
    assert(ocl_alike(&y, &x));
    while (ocl_next(&run, 2, (imp_tensor[]){y, x}))
        TRY(ocl_launch(cl, rescale, groups1(4 * IMP_PARTIALS), at(run.span[0]), at(run.span[1]),
                       at(ocl_slot(by)), f32(a), f32(epsilon), f32(power), i32(add),
                       u64(run.floats)));
    return keep_padding(cl, &y);
}

imp_status ocl_adam(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                    const imp_adam *p) {
    ocl_device *cl = ocl_enter(d, adam);
    ocl_run run = {0};
    assert(ocl_alike(&x, &g) && ocl_alike(&x, &m) && ocl_alike(&x, &v));
    while (ocl_next(&run, 4, (imp_tensor[]){x, g, m, v}))
        TRY(ocl_launch(cl, adam, ocl_each(cl, run.floats), at(run.span[0]), at(run.span[1]),
                       at(run.span[2]), at(run.span[3]), f32(p->step), f32(p->root), f32(p->beta1),
                       f32(p->beta2), f32(p->epsilon), u64(run.floats)));
    return keep_padding(cl, &x);
}
