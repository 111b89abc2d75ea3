/* SPDX-License-Identifier: MIT
 *
 * CLBlast against the project's own matrix products, on backends that have both.
 */
#include "backend/backend.h"
#include "bench/bench.h"

enum { SHAPES = 5, REPEATS = 3 };

/* The maps of the style layers of a picture of 512 x 512. With more positions than 65536 neither
 * becomes faster. */
static const struct shape {
    size_t c, m;
} shapes[SHAPES] = {{64, 65536}, {128, 65536}, {256, 16384}, {512, 4096}, {512, 1024}};

static imp_status keep(imp_bench_state *b, const struct shape *s, bool back, bool blas,
                       const imp_bench_lane *lane) {
    imp_bench_result r = {IMP_BENCH_PRODUCTS, .device = lane->device};
    snprintf(r.name, sizeof r.name, "%s %zux%zu", back ? "D F" : "F F^T", s->c, s->m);
    snprintf(r.variant, sizeof r.variant, "%s", blas ? "clblast" : "own");
    r.flop = r.executed = 2 * (double)(s->c * s->c * s->m);
    if (!back && !blas) /* one triangle */
        r.executed = (double)(s->c * (s->c + 1) * s->m);
    imp_bench_conclude(&r, lane);
    return imp_bench_keep(b, &r);
}

static imp_status measure(imp_bench_state *b, size_t device, const struct shape *s, bool back) {
    imp_bench_lane own = {.device = device}, blas = own;
    for (int i = 0; i < REPEATS; i++) {
        imp_device *d = b->devices[device];
        imp_products p;
        if (d->backend->compare_products(d, back, s->c, s->m, &p) != IMP_OK) {
            imp_fail_device(&own.err, d);
            break;
        }
        imp_bench_sample(&own, p.own);
        if (p.right)
            imp_bench_sample(&blas, p.library);
        else
            imp_fail(&blas.err, IMP_ERR_DEVICE, "CLBlast fails or is wrong here");
    }
    TRY(keep(b, s, back, false, &own));
    return keep(b, s, back, true, &blas);
}

imp_status imp_bench_products(imp_bench_state *b) {
    for (size_t i = 0; i < 2 * SHAPES; i++)
        for (size_t k = 0; k < b->report->device_count; k++) {
            const struct shape *s = &shapes[i / 2];
            if (!b->devices[k]->backend->compare_products)
                continue;
            if (!imp_bench_say(b, "matrix products %zu x %zu", s->c, s->m))
                return IMP_OK;
            TRY(measure(b, k, s, i % 2));
        }
    return IMP_OK;
}
