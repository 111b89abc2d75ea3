/* SPDX-License-Identifier: MIT
 *
 * Palettes by mean and covariance, and lightness. In double precision; matrices are 3 x 3.
 */
#include "engine/colour.h"

#include <math.h>
#include <string.h>

#include "media/light.h"

/* ---- Lightness: OKLab (Ottosson 2020) -------------------------------------------------------- */

/* Lightness, and the two axes of hue and chroma, of an sRGB colour. */
static void to_oklab(double lab[3], const float rgb[3]) {
    static const double cones[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                       {0.2119034982, 0.6806995451, 0.1073969566},
                                       {0.0883024619, 0.2817188376, 0.6299787005}};
    static const double axes[3][3] = {{0.2104542553, 0.7936177850, -0.0040720468},
                                      {1.9779984951, -2.4285922050, 0.4505937099},
                                      {0.0259040371, 0.7827717662, -0.8086757660}};
    double linear[3], root[3];
    for (size_t c = 0; c < 3; c++)
        linear[c] = imp_srgb_decode(rgb[c] > 0 ? fmin((double)rgb[c], 1) : 0);
    for (size_t i = 0; i < 3; i++)
        root[i] = cbrt(cones[i][0] * linear[0] + cones[i][1] * linear[1] + cones[i][2] * linear[2]);
    for (size_t i = 0; i < 3; i++)
        lab[i] = axes[i][0] * root[0] + axes[i][1] * root[1] + axes[i][2] * root[2];
}

/* The colour of this lightness, and of `share` of these two, in linear light. */
static void from_oklab(double linear[3], const double lab[3], double share) {
    static const double axes[3][2] = {{0.3963377774, 0.2158037573},
                                      {-0.1055613458, -0.0638541728},
                                      {-0.0894841775, -1.2914855480}};
    static const double cones[3][3] = {{4.0767416621, -3.3077115913, 0.2309699292},
                                       {-1.2684380046, 2.6097574011, -0.3413193965},
                                       {-0.0041960863, -0.7034186147, 1.7076147010}};
    double cube[3];
    for (size_t i = 0; i < 3; i++) {
        const double root = lab[0] + share * (axes[i][0] * lab[1] + axes[i][1] * lab[2]);
        cube[i] = root * root * root;
    }
    for (size_t c = 0; c < 3; c++)
        linear[c] = cones[c][0] * cube[0] + cones[c][1] * cube[1] + cones[c][2] * cube[2];
}

static bool within_srgb(const double linear[3]) {
    for (size_t c = 0; c < 3; c++)
        if (!(linear[c] >= -1e-6 && linear[c] <= 1 + 1e-6)) /* the matrices' rounding */
            return false;
    return true;
}

/* The largest share of the chroma that sRGB can show at this lightness. */
static double share_within_srgb(const double lab[3]) {
    enum { HALVINGS = 12 };
    double low = 0, high = 1, linear[3];
    from_oklab(linear, lab, 1);
    for (int i = 0; i < HALVINGS && !within_srgb(linear); i++) {
        const double middle = (low + high) / 2;
        double at[3];
        from_oklab(at, lab, middle);
        *(within_srgb(at) ? &low : &high) = middle;
    }
    return within_srgb(linear) ? 1 : low;
}

void imp_colour_take_hue(float *rgb, const float *content, size_t count) {
    for (size_t i = 0; i < 3 * count; i += 3) {
        double own[3], lab[3], linear[3];
        to_oklab(own, rgb + i);
        to_oklab(lab, content + i);
        lab[0] = own[0];
        from_oklab(linear, lab, share_within_srgb(lab));
        for (size_t c = 0; c < 3; c++)
            rgb[i + c] = (float)imp_srgb_encode(fmin(fmax(linear[c], 0), 1));
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
