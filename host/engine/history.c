/* SPDX-License-Identifier: MIT
 *
 * The two loops of L-BFGS, on products of vectors.
 */
#include "engine/history.h"

#include <math.h>
#include <stdlib.h>

/* The products of one place: s.g, s.y, y.g, y.y. */
enum { SG, SY, YG, YY, PRODUCTS };

imp_status imp_history_init(imp_history *h, unsigned pairs, imp_error *err) {
    const size_t places = (size_t)pairs + 1;
    *h = (imp_history){.places = pairs + 1};
    h->sy = calloc((2 * places + 1) * places, sizeof *h->sy);
    if (!h->sy)
        return imp_fail(err, IMP_ERR_MEMORY, "optimizer: out of host memory");
    h->yy = h->sy + places * places;
    h->alpha = h->yy + places * places;
    return IMP_OK;
}

void imp_history_finish(imp_history *h) {
    free(h->sy);
    *h = (imp_history){0};
}

void imp_history_clear(imp_history *h) {
    h->pairs = h->next = h->filled = 0;
}

void imp_history_take(imp_history *h, const double *products) {
    const size_t n = h->places, newest = h->next;
    h->filled = h->filled > h->next ? h->filled : h->next + 1;
    for (size_t i = 0; i < h->filled; i++) {
        h->sy[i * n + newest] = products[PRODUCTS * i + SY];
        h->yy[i * n + newest] = h->yy[newest * n + i] = products[PRODUCTS * i + YY];
    }
    const double ys = h->sy[newest * n + newest], slope = products[PRODUCTS * newest + SG] - ys;
    if (!(ys > 1e-10 * fabs(slope)))
        return;
    h->gamma = ys / h->yy[newest * n + newest];
    h->next = (h->next + 1) % h->places;
    h->pairs += h->pairs + 1 < h->places;
}

/* The place of the pair of that age; 1 is the newest. */
static size_t place_of(const imp_history *h, unsigned age) {
    return (h->next + h->places - age) % h->places;
}

double imp_history_direction(imp_history *h, float *factors, const double *products) {
    const size_t n = h->places;
    for (size_t i = 0; i < 2 * n; i++)
        factors[i] = 0;
    if (h->pairs == 0)
        return -1;
    /* q = -g; from the newest to the oldest pair: alpha = s.q / y.s, q -= alpha y. */
    for (unsigned age = 1; age <= h->pairs; age++) {
        const size_t i = place_of(h, age);
        double sq = -products[PRODUCTS * i + SG];
        for (unsigned newer = 1; newer < age; newer++)
            sq -= h->alpha[place_of(h, newer)] * h->sy[i * n + place_of(h, newer)];
        h->alpha[i] = sq / h->sy[i * n + i];
    }
    /* r = gamma q; from the oldest to the newest: r += (alpha - y.r / y.s) s. */
    for (unsigned age = h->pairs; age >= 1; age--) {
        const size_t i = place_of(h, age);
        double yq = -products[PRODUCTS * i + YG], yr = 0;
        for (unsigned other = 1; other <= h->pairs; other++)
            yq -= h->alpha[place_of(h, other)] * h->yy[i * n + place_of(h, other)];
        for (unsigned older = h->pairs; older > age; older--)
            yr += (double)factors[2 * place_of(h, older)] * h->sy[place_of(h, older) * n + i];
        factors[2 * i] = (float)(h->alpha[i] - (h->gamma * yq + yr) / h->sy[i * n + i]);
        factors[2 * i + 1] = (float)(-h->gamma * h->alpha[i]);
    }
    return -h->gamma;
}

double imp_history_length(const imp_history *h, const float *factors, double own,
                          const double *products, double gg) {
    const size_t i = place_of(h, 1);
    const double *const of = products + PRODUCTS * i;
    const double before = gg - 2 * of[YG] + of[YY]; /* |g - y|^2; s is parallel to g - y */
    const double ss = before > 0 ? pow(of[SG] - of[SY], 2) / before : 0;
    const double fs = (double)factors[2 * i], fy = (double)factors[2 * i + 1];
    const double square = own * own * gg + fs * fs * ss + fy * fy * of[YY] +
                          2 * (own * fs * of[SG] + own * fy * of[YG] + fs * fy * of[SY]);
    return sqrt(fmax(0, square));
}
