/* SPDX-License-Identifier: MIT
 *
 * The transforms of Winograd's F(4x4,3x3) for one instruction set; native_winograd.c states what
 * they compute. Each is done in one dimension and then in the other.
 */
#include "cpu/native_simd.h"

enum { SIDE = 6, OUT = 4 };

static const float root = 0.70710678118654752f; /* sqrt(1/2) */

/* t = B^T d. */
INLINE void transform_input(vec t[SIDE], const vec d[SIDE]) {
    const vec even = d[4] - 2 * d[2], odd = root * (d[3] - 2 * d[1]);
    const vec even_far = d[4] - 0.5f * d[2], odd_far = 2 * root * (d[3] - 0.5f * d[1]);
    t[0] = d[0] + d[4] - 2.5f * d[2];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = even_far + odd_far;
    t[4] = even_far - odd_far;
    t[5] = d[1] + d[5] - 2.5f * d[3];
}

/* y = A^T m. */
INLINE void transform_output(vec y[OUT], const vec m[SIDE]) {
    const vec sum = m[1] + m[2], difference = root * (m[1] - m[2]);
    const vec sum_far = m[3] + m[4], difference_far = 2 * root * (m[3] - m[4]);
    y[0] = m[0] + sum + sum_far;
    y[1] = difference + difference_far;
    y[2] = 0.5f * sum + 2 * sum_far;
    y[3] = m[5] + 0.5f * difference + 2 * difference_far;
}

INLINE void columns_of(float *space, size_t row, const float *const d[SIDE],
                       const float *const positive[SIDE], size_t floats, const bool masked) {
    for (size_t l = 0; l < floats; l += LANES) {
        vec in[SIDE], out[SIDE];
        UNROLL
            for (size_t i = 0; i < SIDE; i++)
                in[i] = masked ? where(load(positive[i] + l) > 0, load(d[i] + l)) : load(d[i] + l);
        transform_input(out, in);
        UNROLL
            for (size_t i = 0; i < SIDE; i++)
                store(space + i * row + l, out[i]);
    }
}

static void columns(float *space, size_t row, const float *const d[SIDE],
                    const float *const positive[SIDE], size_t floats) {
    if (positive)
        columns_of(space, row, d, positive, floats, true);
    else
        columns_of(space, row, d, d, floats, false);
}

static void unpool_columns(float *space, size_t row, const float *const dy[4],
                           const float *const indices[4], size_t first, size_t windows,
                           imp_pooling kind) {
    const vec share = splat(kind == IMP_POOL_MAX ? 1.0f : 0.25f);
    for (size_t q = first; q < first + windows; q++, space += 2 * IMP_BLOCK)
        for (size_t l = 0; l < IMP_BLOCK; l += LANES) {
            mask bits[4];
            vec value[4];
            UNROLL
                for (size_t i = 0; i < 4; i++) {
                    bits[i] = indices[i] ? bits_at(indices[i] + l, q) : (mask){0};
                    value[i] = share * load(dy[i] + q * IMP_BLOCK + l);
                }
            UNROLL
                for (int b = 0; b < 2; b++) {
                    vec in[SIDE], out[SIDE];
                    UNROLL
                        for (int i = 0; i < SIDE; i++) {
                            const int bit = 1 << (2 * ((i + 1) % 2) + b);
                            in[i] = where((bits[(i + 1) / 2] & bit) != 0, value[(i + 1) / 2]);
                        }
                    transform_input(out, in);
                    UNROLL
                        for (size_t i = 0; i < SIDE; i++)
                            store(space + i * row + (size_t)b * IMP_BLOCK + l, out[i]);
                }
        }
}

static void rows(float *v, size_t v_step, const float *space, size_t row, size_t tiles) {
    for (size_t i = 0; i < SIDE; i++)
        for (size_t l = 0; l < tiles * IMP_BLOCK; l += LANES) {
            const float *from = space + i * row + l / IMP_BLOCK * OUT * IMP_BLOCK + l % IMP_BLOCK;
            vec in[SIDE], out[SIDE];
            UNROLL
                for (size_t j = 0; j < SIDE; j++)
                    in[j] = load(from + j * IMP_BLOCK);
            transform_input(out, in);
            UNROLL
                for (size_t j = 0; j < SIDE; j++)
                    store(v + (i * SIDE + j) * v_step + l, out[j]);
        }
}

INLINE void output_of(float *y, size_t row, const float *m, size_t m_step, const float *bias,
                      bool clip, size_t tiles, const bool far) {
    for (size_t l = 0; l < tiles * IMP_BLOCK; l += LANES) {
        float *to = y + l / IMP_BLOCK * OUT * IMP_BLOCK + l % IMP_BLOCK;
        const vec b = load(bias + l % IMP_BLOCK);
        vec half[OUT][SIDE]; /* [column of the output][row of the tile] */
        UNROLL
            for (size_t i = 0; i < SIDE; i++) {
                vec in[SIDE], out[OUT];
                UNROLL
                    for (size_t j = 0; j < SIDE; j++)
                        in[j] = load(m + (i * SIDE + j) * m_step + l);
                transform_output(out, in);
                UNROLL
                    for (size_t j = 0; j < OUT; j++)
                        half[j][i] = out[j];
            }
        UNROLL
            for (size_t j = 0; j < OUT; j++) {
                vec out[OUT];
                transform_output(out, half[j]);
                UNROLL
                    for (size_t i = 0; i < OUT; i++) {
                        const vec sum = out[i] + b, value = clip ? relu(sum) : sum;
                        float *at = to + i * row + j * IMP_BLOCK;
                        if (far)
                            stream(at, value);
                        else
                            store(at, value);
                    }
            }
    }
}

static void output(float *y, size_t row, const float *m, size_t m_step, const float *bias,
                   bool clip, size_t tiles, bool far) {
    if (!far) {
        output_of(y, row, m, m_step, bias, clip, tiles, false);
    } else {
        output_of(y, row, m, m_step, bias, clip, tiles, true);
        flush();
    }
}

const imp_winograd_kernels IMP_KERNEL(winograd_kernels) = {
    .columns = columns,
    .unpool_columns = unpool_columns,
    .rows = rows,
    .output = output,
};
