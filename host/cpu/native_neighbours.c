/* SPDX-License-Identifier: MIT
 *
 * Total variation over eight neighbours. Each pixel gathers its own gradient. The border is
 * repeated outside the picture, so a diagonal that leaves the picture on one side only occurs
 * twice: from the pixel and from its copy outside.
 */
#include <assert.h>

#include "cpu/native.h"

struct neighbours {
    imp_tensor dx, x;
    float straight, diagonal; /* factors of squared differences, including the weight */
    float *partials;
};

/* A pixel; the rows above, at and below it; how often their diagonals count. */
struct rows {
    const float *up, *here, *down;
    float often_up, often_down;
};

/* Writes the gradient to *d; returns this pixel's share of the loss of each difference. */
static inline float pixel(const struct neighbours *job, const struct rows *r, float *d, size_t left,
                          size_t at, size_t right) {
    const float x = r->here[at], left_often = left == at ? 2 : 1, right_often = right == at ? 2 : 1;
    const float a = x - r->here[left], b = x - r->here[right], c = x - r->up[at],
                e = x - r->down[at];
    const float f = x - r->up[left], g = x - r->up[right], h = x - r->down[left],
                i = x - r->down[right];
    const float up_left = r->often_up * left_often, up_right = r->often_up * right_often;
    const float down_left = r->often_down * left_often, down_right = r->often_down * right_often;
    d[at] += 2 * job->straight * ((a + b) + (c + e)) +
             2 * job->diagonal * ((up_left * f + up_right * g) + (down_left * h + down_right * i));
    return job->straight * ((a * a + b * b) + (c * c + e * e)) +
           job->diagonal *
               ((up_left * f * f + up_right * g * g) + (down_left * h * h + down_right * i * i));
}

static double row_of(const struct neighbours *job, size_t row) {
    const size_t h = job->x.h, w = job->x.w, p = row % h;
    const float *here = imp_native_floats(job->x) + row * w;
    float *d = imp_native_floats(job->dx) + row * w;
    const bool first = p == 0, last = p + 1 == h;
    const struct rows r = {first ? here : here - w, here, last ? here : here + w, first ? 2 : 1,
                           last ? 2 : 1};
    double sum = (double)pixel(job, &r, d, 0, 0, imp_min(1, w - 1));
    for (size_t q = 1; q + 1 < w; q++)
        sum += (double)pixel(job, &r, d, q - 1, q, q + 1);
    if (w > 1)
        sum += (double)pixel(job, &r, d, w - 2, w - 1, w - 1);
    return sum / 2;
}

static void some_rows(void *context, size_t chunk, unsigned worker) {
    (void)worker;
    const struct neighbours *job = context;
    const size_t rows = job->x.c * job->x.h;
    double sum = 0;
    for (size_t row = rows * chunk / IMP_PARTIALS; row < rows * (chunk + 1) / IMP_PARTIALS; row++)
        sum += row_of(job, row);
    job->partials[chunk] = (float)sum;
}

imp_status imp_native_neighbours(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x,
                                 float weight) {
    assert(imp_native_alike(dx, x) && x.layout == IMP_PLANES);
    const float planes = (float)x.c, h = (float)x.h, w = (float)x.w;
    struct neighbours job = {.dx = dx,
                             .x = x,
                             .straight = weight / (3 * planes * h * w),
                             .diagonal = weight / (12 * planes * (h + 1) * (w + 1)),
                             .partials = imp_native_floats(loss.scalars) + loss.i * IMP_PARTIALS};
    imp_threads_run(imp_native_of(d)->threads, IMP_PARTIALS, some_rows, &job);
    return IMP_OK;
}
