/* SPDX-License-Identifier: MIT
 *
 * Convolution of 1 x 1, stride 1: a product of matrices, of which positions are the columns. It
 * stands behind convolution.cl, whose tiles and loads it uses.
 */

#if BLOCK == 16

/* part[blocks][row][16]: `count` positions of x times [m > 0], the last of them repeated up to
 * `row`; plane: floats from one block of x to the next. */
OUTLINE void point_mask(__global float *part, __global const float *x, __global const float *m,
                        size_t plane, int blocks, int row, int count) {
    for (int b = 0; b < blocks; b++, x += plane, m += plane)
        for (int i = 0; i < row; i++, part += 16) {
            const int at = min(i, count - 1);
            const float16 v = vload16(at, x);
            put16(select((float16)(0.0f), v, vload16(at, m) > 0.0f), 0, part);
        }
}

/* conv_row of `outputs` blocks. Meanwhile `next` positions of x and, where MASKED, of m are
 * fetched, whose blocks are `plane` floats apart. */
OUTLINE void point_rows(__global float *y, size_t y_plane, __global const float *p,
                        const conv_strip s, __global const float *f, size_t f_row,
                        __global const float *bias, __global const float *x,
                        __global const float *m, size_t plane, int next, int outputs, int w,
                        int kind) {
    const int lines = next / CONV_BLOCKS;
    conv_ahead ahead = {next ? x : 0, plane, lines * 16ul, lines, 0, 0};
    int o = 0;
    for (; o + CONV_BLOCKS <= outputs; o += CONV_BLOCKS) {
        conv_pair(y + o * y_plane, y_plane, p, s, f + o * f_row, f_row, bias + o * 16, ahead, w,
                  kind);
        ahead.f = next && kind & CONV_MASKED && o == 0 ? m : 0;
    }
    ahead.lines = next;
    if (o < outputs)
        conv_one(y + o * y_plane, p, s, f + o * f_row, bias + o * 16, ahead, w, kind);
}

/* Positions q..n-1 one by one. */
OUTLINE void point_rest(__global float *y, size_t y_plane, __global const float *x,
                        const conv_strip s, __global const float *f, size_t f_row,
                        __global const float *bias, int outputs, int q, int n, int kind) {
    const conv_ahead none = {0, 0, 0, 0, 0, 0};
    for (; q < n; q++)
        for (int o = 0; o < outputs; o++)
            conv_tile(y + o * y_plane + q * 16, 0, x + q * 16, s, f + o * f_row, 0, bias + o * 16,
                      none, 16, 1, 1, 1, kind);
}

/* conv_product's y from n positions of maps x, where MASKED times [m > 0]: 1 x 1 filters, stride 1.
 * A work-item takes `share` positions, in stretches of `row` that stay in the cache while all
 * filters come by: where MASKED, in its own `slab` floats of the work space, `row` being a multiple
 * of the columns that it reads at a time.
 * Grid: shares x groups of `group` blocks of outputs. */
__kernel GROUP(1, 1) void conv_point(__global float *y, ulong y_at, __global const float *x,
                                     ulong x_at, __global const float *m, ulong m_at,
                                     __global const float *f, ulong f_at,
                                     __global const float *bias, ulong bias_at,
                                     __global float *work, ulong work_at, int n, int channels,
                                     int outputs, int group, int f_row, int share, int row,
                                     int slab, int kind) {
    const size_t plane = n * 16ul;
    const int o = get_global_id(1) * group, outs = min(group, outputs - o);
    const conv_strip s = {channels, 1, 1, 0, kind & CONV_MASKED ? row * 16ul : plane};
    __global float *part = work + work_at + get_global_id(0) * (size_t)slab;
    x += x_at;
    m += m_at;
    y += y_at + o * plane;
    f += f_at + o * (size_t)f_row;
    bias += bias_at + o * 16;
    const int first = get_global_id(0) * share, end = min(n, first + share);
    for (int q = first; q < end; q += row) {
        const int count = min(row, end - q), masked = kind & CONV_MASKED;
        const int many = masked ? count : count / CONV_UNIT * CONV_UNIT;
        const int next = clamp(end - q - row, 0, row);
        const size_t at = q * 16ul, then = at + row * 16ul;
        if (masked)
            point_mask(part, x + at, m + at, plane, (channels + 15) / 16, row, count);
        if (many > 0)
            point_rows(y + at, plane, masked ? part : x + at, s, f, f_row, bias, x + then, m + then,
                       plane, next, outs, many, kind);
        point_rest(y + at, plane, x + at, s, f, f_row, bias, outs, many, count, kind);
    }
}

#else

#define CONV_PRODUCTS 16 /* input channels in local memory at a time */

/* y = [y, or bias] + 1 x 1 filters * x, then ReLU, as conv_3x3: `count` positions from `first` on
 * of planes x and y of `plane` each. f: [blocks of CONV_TILE outputs][inputs][CONV_TILE]. Grid:
 * groups: stretches of CONV_TILE positions x blocks of outputs. */
__kernel GROUP(8, 8) void conv_1x1(__global float *y, ulong y_at, __global const float *x,
                                   ulong x_at, __global const float *m, ulong m_at,
                                   __global const float *f, ulong f_at, __global const float *bias,
                                   ulong bias_at, int channels, int lo, int hi, int plane,
                                   int f_row, int first, int count, int kind) {
    __local float4 fs[CONV_PRODUCTS][CONV_TILE / 4], xs[CONV_PRODUCTS][CONV_TILE / 4];
    const int tx = get_local_id(0), ty = get_local_id(1), lane = ty * 8 + tx;
    const int p = get_group_id(0) * CONV_TILE, block = get_group_id(1) * CONV_TILE;
    float4 sum[8][2];
    REPEAT(8, i, 8, sum[i][0] = sum[i][1] = 0.0f)
    f += f_at + get_group_id(1) * (size_t)f_row;
    for (int c = 0; c < channels; c += CONV_PRODUCTS) {
        for (int k = 0; k < CONV_PRODUCTS; k++) {
            const size_t at = (size_t)min(c + k, channels - 1) * plane;
            const int there = p + lane < count && c + k < channels;
            ((__local float *)xs[k])[lane] =
                conv_load(x + x_at, m + m_at, at + first, 0, there ? p + lane : -1, 0, kind);
        }
        for (int e = lane; e < CONV_PRODUCTS * CONV_TILE / 4; e += 64) {
            const int k = e / (CONV_TILE / 4), j = e % (CONV_TILE / 4);
            const size_t row = min(c + k, channels - 1);
            fs[k][j] = c + k < channels ? vload4(row * (CONV_TILE / 4) + j, f) : (float4)(0.0f);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < CONV_PRODUCTS; k++) {
            const float4 low = fs[k][ty * 2], high = fs[k][ty * 2 + 1];
            const float weights[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
            const float4 near = xs[k][tx], far = xs[k][tx + 8];
            REPEAT(8, i, 8, sum[i][0] = fma((float4)(weights[i]), near, sum[i][0]);
                   sum[i][1] = fma((float4)(weights[i]), far, sum[i][1]))
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    y += y_at + first;
    REPEAT(8, i, 8, {
        const int o = block + ty * 8 + i;
        float out[8];
        vstore4(sum[i][0], 0, out);
        vstore4(sum[i][1], 1, out);
        REPEAT(8, j, 8, {
            const int q = p + tx * 4 + j % 4 + j / 4 * 32;
            if (o >= lo && o < hi && q < count)
                conv_store(y, (size_t)(o - lo) * plane + q, out[j], bias[bias_at + o], kind);
        })
    })
}

#endif
