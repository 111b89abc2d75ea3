/* SPDX-License-Identifier: MIT
 *
 * The slots of L-BFGS's history (cl/history.cl). Vectors at equal distances in one chunk of memory
 * take one launch; except for very large pictures these are all vectors.
 */
#include <assert.h>

#include "opencl/ocl.h"

/* Vectors that each lie in one piece, all in the same buffer and `step` floats apart. */
typedef struct row {
    ocl_span first;
    size_t count, step;
} row;

static bool in_one_piece(const imp_tensor *t) {
    return ocl_unit(t, 0).units == t->c;
}

/* The longest row from vector k < n on, of at least one vector. */
static row row_from(const imp_tensor *vectors, size_t k, size_t n) {
    row r = {.first = ocl_unit(&vectors[k], 0), .count = 1};
    ocl_span before = r.first;
    while (in_one_piece(&vectors[k]) && k + r.count < n && in_one_piece(&vectors[k + r.count])) {
        const ocl_span next = ocl_unit(&vectors[k + r.count], 0);
        if (next.memory != before.memory || next.at < before.at ||
            (r.count > 1 && next.at - before.at != r.step))
            break;
        r.step = next.at - before.at;
        r.count++;
        before = next;
    }
    return r;
}

imp_status ocl_dots(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n, imp_tensor x,
                    imp_tensor y) {
    ocl_device *cl = ocl_enter(d, dots);
    const bool whole = in_one_piece(&x) && in_one_piece(&y);
    assert(x.layout == IMP_PLANES && ocl_alike(&x, &y) && out.i + 2 * n <= out.scalars.c);
    for (size_t k = 0, count; k < n; k += count) {
        ocl_run run = {0};
        const row r = row_from(vectors, k, n);
        const ocl_span by_x = ocl_slot((imp_slot){out.scalars, out.i + 2 * k});
        const ocl_span by_y = ocl_slot((imp_slot){out.scalars, out.i + 2 * k + 1});
        count = whole && by_x.units / 2 >= r.count ? r.count : 1;
        while (ocl_next(&run, 3, (imp_tensor[]){vectors[k], x, y}))
            TRY(ocl_launch(cl, dots, groups2(count, IMP_PARTIALS), at(run.span[0]), u64(r.step),
                           at(run.span[1]), at(run.span[2]), at(by_x), at(by_y), i32(!run.first),
                           u64(run.floats)));
    }
    return IMP_OK;
}

imp_status ocl_mix(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                   const imp_tensor *vectors, size_t n) {
    ocl_device *cl = ocl_enter(d, mix);
    const bool whole = in_one_piece(&z) && in_one_piece(&x);
    assert(z.layout == IMP_PLANES && ocl_alike(&z, &x) && factors.w >= n && n > 0);
    for (size_t k = 0, count; k < n; k += count) {
        ocl_run run = {0};
        const row r = row_from(vectors, k, n);
        ocl_span factor = ocl_unit(&factors, 0);
        factor.at += k;
        count = whole ? r.count : 1;
        while (ocl_next(&run, 3, (imp_tensor[]){z, k ? z : x, vectors[k]}))
            TRY(ocl_launch(cl, mix_of, ocl_each(cl, run.floats), at(run.span[0]), f32(k ? 1 : a),
                           at(run.span[1]), at(factor), at(run.span[2]), u64(r.step), i32(count),
                           u64(run.floats)));
    }
    return IMP_OK;
}
