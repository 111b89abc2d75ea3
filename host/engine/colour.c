/* SPDX-License-Identifier: MIT
 *
 * Palettes by mean and covariance, and luminance. In double precision; matrices are 3 x 3.
 */
#include "engine/colour.h"

#include <math.h>
#include <string.h>

/* ---- Luminance ------------------------------------------------------------------------------- */

/* Moves each colour along the cross product of U and V, which changes neither of them, until it has
 * the luminance of rgb. */
void imp_colour_take_chrominance(float *rgb, const float *content, size_t count) {
    static const double y[3] = {0.299, 0.587, 0.114}, u[3] = {-0.147, -0.288, 0.436},
                        v[3] = {0.615, -0.515, -0.1};
    const double cross[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                             u[0] * v[1] - u[1] * v[0]};
    const double norm = y[0] * cross[0] + y[1] * cross[1] + y[2] * cross[2];
    for (size_t i = 0; i < 3 * count; i += 3) {
        double change = 0;
        for (size_t c = 0; c < 3; c++)
            change += y[c] * ((double)rgb[i + c] - (double)content[i + c]);
        for (size_t c = 0; c < 3; c++)
            rgb[i + c] = (float)((double)content[i + c] + cross[c] / norm * change);
    }
}

/* ---- 3 x 3 matrices -------------------------------------------------------------------------- */

typedef double matrix[3][3];

static void multiply(matrix out, matrix a, matrix b) {
    matrix product = {{0}};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            for (size_t k = 0; k < 3; k++)
                product[i][j] += a[i][k] * b[k][j];
    memcpy(out, product, sizeof product);
}

/* A Jacobi rotation of a symmetric matrix that makes its entry p, q zero; applied to the columns of
 * `vectors` too. */
static void rotate(matrix a, matrix vectors, size_t p, size_t q) {
    if (a[p][q] == 0)
        return;
    const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    matrix turn = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, back;
    turn[p][p] = turn[q][q] = c;
    turn[p][q] = s;
    turn[q][p] = -s;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            back[i][j] = turn[j][i];
    multiply(a, back, a);
    multiply(a, a, turn);
    multiply(vectors, vectors, turn);
}

/* out = a^power of a symmetric matrix; eigenvalues are negative by rounding only. */
static void raise(matrix out, matrix a, double power) {
    enum { SWEEPS = 16 }; /* convergence is quadratic: 6 suffice */
    matrix values, vectors = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    memcpy(values, a, sizeof values);
    for (unsigned i = 0; i < SWEEPS; i++) {
        rotate(values, vectors, 0, 1);
        rotate(values, vectors, 0, 2);
        rotate(values, vectors, 1, 2);
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            out[i][j] = 0;
            for (size_t k = 0; k < 3; k++)
                out[i][j] += vectors[i][k] * pow(fmax(values[k][k], 1e-12), power) * vectors[j][k];
        }
}

/* The lower triangle L with L L^T = a. */
static void cholesky(matrix l, matrix a) {
    memset(l, 0, sizeof(matrix));
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j <= i; j++) {
            double rest = a[i][j];
            for (size_t k = 0; k < j; k++)
                rest -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(fmax(rest, 1e-12)) : rest / l[j][j];
        }
}

/* The inverse of a lower triangle. */
static void invert_triangle(matrix out, matrix l) {
    memset(out, 0, sizeof(matrix));
    for (size_t j = 0; j < 3; j++)
        for (size_t i = j; i < 3; i++) {
            double rest = i == j ? 1 : 0;
            for (size_t k = j; k < i; k++)
                rest -= l[i][k] * out[k][j];
            out[i][j] = rest / l[i][i];
        }
}

/* ---- Palettes -------------------------------------------------------------------------------- */

imp_palette imp_colour_palette(const imp_picture *p) {
    const size_t count = p->width * p->height;
    imp_palette out = {{0}, {{0}}};
    for (size_t i = 0; i < 3 * count; i++)
        out.mean[i % 3] += (double)p->rgb[i] / (double)count;
    for (size_t i = 0; i < 3 * count; i += 3)
        for (size_t a = 0; a < 3; a++)
            for (size_t b = 0; b < 3; b++)
                out.covariance[a][b] += ((double)p->rgb[i + a] - out.mean[a]) *
                                        ((double)p->rgb[i + b] - out.mean[b]) / (double)count;
    return out;
}

static void regularise(matrix out, const imp_palette *palette) {
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            out[i][j] = palette->covariance[i][j] + (i == j ? 1e-5 : 0);
}

static void find_map(matrix a, const imp_palette *from, const imp_palette *to,
                     imp_color_method method) {
    matrix kt, ks, root, inverse;
    regularise(kt, from);
    regularise(ks, to);
    if (method == IMP_COLOR_CHOLESKY) {
        cholesky(root, kt);
        invert_triangle(inverse, root);
        cholesky(root, ks);
        multiply(a, root, inverse);
        return;
    }
    raise(inverse, kt, -0.5);
    if (method == IMP_COLOR_PCA) {
        raise(root, ks, 0.5);
        multiply(a, root, inverse);
        return;
    }
    raise(root, kt, 0.5);
    multiply(a, root, ks);
    multiply(a, a, root);
    raise(a, a, 0.5);
    multiply(a, inverse, a);
    multiply(a, a, inverse);
}

void imp_colour_match(imp_picture *picture, const imp_palette *source, imp_color_method method) {
    const imp_palette own = imp_colour_palette(picture);
    matrix a;
    find_map(a, &own, source, method);
    for (size_t i = 0; i < 3 * picture->width * picture->height; i += 3) {
        double x[3];
        for (size_t c = 0; c < 3; c++)
            x[c] = (double)picture->rgb[i + c] - own.mean[c];
        for (size_t c = 0; c < 3; c++)
            picture->rgb[i + c] =
                (float)(a[c][0] * x[0] + a[c][1] * x[1] + a[c][2] * x[2] + source->mean[c]);
    }
}

void imp_colour_clip(imp_picture *picture) {
    for (size_t i = 0; i < 3 * picture->width * picture->height; i++) {
        const float v = picture->rgb[i];
        picture->rgb[i] = v > 0 ? v < 1 ? v : 1 : 0;
    }
}
