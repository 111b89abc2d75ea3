/* SPDX-License-Identifier: MIT
 *
 * The oracle's entry to the network, vector operations and optimiser updates.
 */
#include <assert.h>
#include <math.h>

#include "cpu/oracle.h"

/* ---- entry ---- */

imp_status imp_oracle_affine(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a) {
    (void)d;
    assert(x.c == 3 && y.c == 3);
    const size_t m = x.h * x.w;
    const float *in = imp_oracle_floats(x);
    for (size_t c = 0; c < 3; c++)
        for (size_t p = 0; p < m; p++)
            imp_oracle_floats(y)[c * m + p] =
                (float)((double)a->m[c][0] * in[p] + (double)a->m[c][1] * in[m + p] +
                        (double)a->m[c][2] * in[2 * m + p] + a->o[c]);
    return IMP_OK;
}

imp_status imp_oracle_affine_grad(imp_device *d, imp_tensor dx, imp_tensor dy,
                                  const imp_affine *a) {
    (void)d;
    assert(dx.c == 3 && dy.c == 3);
    const size_t m = dx.h * dx.w;
    const float *in = imp_oracle_floats(dy);
    for (size_t c = 0; c < 3; c++)
        for (size_t p = 0; p < m; p++) {
            float *out = imp_oracle_floats(dx) + c * m + p;
            *out = (float)(*out + (double)a->m[0][c] * in[p] + (double)a->m[1][c] * in[m + p] +
                           (double)a->m[2][c] * in[2 * m + p]);
        }
    return IMP_OK;
}

/* ---- vectors ---- */

imp_status imp_oracle_fill(imp_device *d, imp_tensor x, float value) {
    (void)d;
    for (size_t k = 0; k < imp_oracle_count(x); k++)
        imp_oracle_floats(x)[k] = value;
    return IMP_OK;
}

imp_status imp_oracle_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, float b,
                              imp_tensor y) {
    (void)d;
    assert(imp_oracle_alike(z, x) && imp_oracle_alike(z, y));
    for (size_t k = 0; k < imp_oracle_count(z); k++)
        imp_oracle_floats(z)[k] =
            (float)((double)a * imp_oracle_floats(x)[k] + (double)b * imp_oracle_floats(y)[k]);
    return IMP_OK;
}

imp_status imp_oracle_clamp(imp_device *d, imp_tensor x, float lo, float hi) {
    (void)d;
    for (size_t k = 0; k < imp_oracle_count(x); k++) {
        float *value = imp_oracle_floats(x) + k;
        if (!(*value >= lo))
            *value = lo;
        else if (*value > hi)
            *value = hi;
    }
    return IMP_OK;
}

imp_status imp_oracle_dot(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y) {
    (void)d;
    assert(imp_oracle_alike(x, y));
    imp_oracle_scalar(
        out, imp_oracle_sum(imp_oracle_floats(x), imp_oracle_floats(y), imp_oracle_count(x)));
    return IMP_OK;
}

imp_status imp_oracle_norm1(imp_device *d, imp_slot out, imp_tensor x) {
    (void)d;
    double sum = 0;
    for (size_t k = 0; k < imp_oracle_count(x); k++)
        sum += fabs((double)imp_oracle_floats(x)[k]);
    imp_oracle_scalar(out, sum);
    return IMP_OK;
}

imp_status imp_oracle_dots(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n,
                           imp_tensor x, imp_tensor y) {
    for (size_t k = 0; k < n; k++) {
        TRY(imp_oracle_dot(d, (imp_slot){out.scalars, out.i + 2 * k}, vectors[k], x));
        TRY(imp_oracle_dot(d, (imp_slot){out.scalars, out.i + 2 * k + 1}, vectors[k], y));
    }
    return IMP_OK;
}

imp_status imp_oracle_mix(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                          const imp_tensor *vectors, size_t n) {
    (void)d;
    assert(imp_oracle_alike(z, x) && factors.w >= n);
    const float *factor = imp_oracle_floats(factors);
    for (size_t i = 0; i < imp_oracle_count(z); i++) {
        double sum = (double)a * imp_oracle_floats(x)[i];
        for (size_t k = 0; k < n; k++)
            if (factor[k] != 0)
                sum += (double)factor[k] * imp_oracle_floats(vectors[k])[i];
        imp_oracle_floats(z)[i] = (float)sum;
    }
    return IMP_OK;
}

imp_status imp_oracle_rescale(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                              float power, imp_tensor x, bool add) {
    (void)d;
    assert(imp_oracle_alike(y, x));
    const double factor = a * pow(imp_oracle_value(by) + epsilon, power);
    for (size_t k = 0; k < imp_oracle_count(y); k++) {
        float *out = imp_oracle_floats(y) + k;
        *out = (float)((add ? *out : 0) + factor * imp_oracle_floats(x)[k]);
    }
    return IMP_OK;
}

imp_status imp_oracle_adam(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                           const imp_adam *p) {
    (void)d;
    assert(imp_oracle_alike(x, g) && imp_oracle_alike(x, m) && imp_oracle_alike(x, v));
    const double beta1 = p->beta1, beta2 = p->beta2;
    float *value = imp_oracle_floats(x), *mean = imp_oracle_floats(m),
          *square = imp_oracle_floats(v);
    for (size_t k = 0; k < imp_oracle_count(x); k++) {
        const double gradient = imp_oracle_floats(g)[k];
        const double first = beta1 * mean[k] + (1 - beta1) * gradient;
        const double second = beta2 * square[k] + (1 - beta2) * gradient * gradient;
        mean[k] = (float)first;
        square[k] = (float)second;
        value[k] = (float)(value[k] - p->step * first / (p->root * sqrt(second) + p->epsilon));
    }
    return IMP_OK;
}
