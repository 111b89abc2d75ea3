/* SPDX-License-Identifier: MIT
 *
 * Direct convolution in the simt class: conv_3x3 with tiles in local memory, conv_few for at most
 * four outputs (the gradient of a network's first layer), conv_1x1_*, and conv_any for every other
 * kind. See convolution.cl.
 */

#if BLOCK == 1

#define CONV_X      16 /* columns of a tile of conv_3x3, one for each work-item */
#define CONV_ROWS   8  /* its rows, all of them in every work-item */
#define CONV_GROUPS 8
#define CONV_OUTS   8                         /* outputs of a work-item */
#define CONV_TILE   (CONV_GROUPS * CONV_OUTS) /* outputs of a work-group */
#define CONV_DEPTH  4                         /* input channels in local memory at a time */
#define CONV_FEW    8                         /* outputs of a work-item of conv_any */

/* Element (row, column) of a plane of x, 0 where either is negative; where MASKED times [m > 0]. */
INLINE float conv_load(__global const float *x, __global const float *m, size_t plane, int row,
                       int column, int w, int kind) {
    const size_t i = plane + (size_t)max(row, 0) * w + max(column, 0);
    const float v = x[i];
    const int there = row >= 0 && column >= 0 && (!(kind & CONV_MASKED) || m[i] > 0.0f);
    return there ? v : 0.0f;
}

INLINE void conv_store(__global float *y, size_t i, float sum, float bias, int kind) {
    const float v = sum + (kind & CONV_ACCUMULATE ? y[i] : bias);
    y[i] = kind & CONV_RELU && v < 0.0f ? 0.0f : v;
}

/* y = [y, or bias] + 3 x 3 filters * x, then ReLU. x: `channels` planes of h x w, where MASKED
 * times [m > 0]. Output (r, q) of rows x columns reads x from (top + r, left + q) on and is element
 * y_first + r * columns + q of its plane. Of the outputs in f, lo..hi-1 are made; lo is the first
 * plane of y. f: [blocks of CONV_TILE outputs][inputs][9][CONV_TILE]. Grid: groups: stretches of
 * CONV_X columns x of CONV_ROWS rows x blocks of outputs. */
__kernel GROUP(CONV_X, CONV_GROUPS) void conv_3x3(
    __global float *y, ulong y_at, __global const float *x, ulong x_at, __global const float *m,
    ulong m_at, __global const float *f, ulong f_at, __global const float *bias, ulong bias_at,
    int channels, int lo, int hi, int h, int w, int top, int left, int mode, int f_row, int y_plane,
    int y_first, int rows, int columns, int kind) {
    __local float xs[CONV_DEPTH][CONV_ROWS + 2][CONV_X + 2];
    __local float4 fs[CONV_DEPTH * 9 * CONV_TILE / 4];
    const int tx = get_local_id(0), ty = get_local_id(1), lane = ty * CONV_X + tx;
    const int q = get_global_id(0), r = get_group_id(1) * CONV_ROWS;
    float4 sum[CONV_ROWS][CONV_OUTS / 4];
    REPEAT(8, i, CONV_ROWS, sum[i][0] = sum[i][1] = 0.0f)
    f += f_at + get_group_id(2) * (size_t)f_row;
    for (int c = 0; c < channels; c += CONV_DEPTH, f += CONV_DEPTH * 9 * CONV_TILE) {
        const int depth = min(CONV_DEPTH, channels - c);
        for (int e = lane; e < CONV_DEPTH * (CONV_ROWS + 2) * (CONV_X + 2);
             e += CONV_X * CONV_GROUPS) {
            const int j = e % (CONV_X + 2), i = e / (CONV_X + 2) % (CONV_ROWS + 2);
            const int k = e / ((CONV_ROWS + 2) * (CONV_X + 2));
            const int row = k < depth ? conv_source(top + r + i, h, 1, mode) : -1;
            xs[k][i][j] = conv_load(x + x_at, m + m_at, (size_t)min(c + k, channels - 1) * h * w,
                                    row, conv_source(left + q - tx + j, w, 1, mode), w, kind);
        }
        for (int e = lane; e < CONV_DEPTH * 9 * CONV_TILE / 4; e += CONV_X * CONV_GROUPS)
            fs[e] = e < depth * 9 * CONV_TILE / 4 ? vload4(min(e, depth * 9 * CONV_TILE / 4 - 1), f)
                                                  : (float4)(0.0f);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < CONV_DEPTH; k++)
            for (int b = 0; b < 3; b++) {
                __local const float4 *g = fs + ((k * 9 + b) * CONV_TILE + ty * CONV_OUTS) / 4;
                float v[12];
                REPEAT(12, i, CONV_ROWS + 2, v[i] = xs[k][i][tx + b])
                REPEAT(4, a, 3, {
                    const float4 lo = g[a * 3 * CONV_TILE / 4];
                    const float4 hi = g[a * 3 * CONV_TILE / 4 + 1];
                    REPEAT(8, i, CONV_ROWS, sum[i][0] = fma((float4)(v[i + a]), lo, sum[i][0]);
                           sum[i][1] = fma((float4)(v[i + a]), hi, sum[i][1]))
                })
            }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    REPEAT(8, i, CONV_ROWS, {
        float out[CONV_OUTS];
        vstore4(sum[i][0], 0, out);
        vstore4(sum[i][1], 1, out);
        REPEAT(8, j, CONV_OUTS, {
            const int o = get_group_id(2) * CONV_TILE + ty * CONV_OUTS + j;
            if (o >= lo && o < hi && q < columns && r + i < rows)
                conv_store(y + y_at + y_first, (size_t)(o - lo) * y_plane + (r + i) * columns + q,
                           out[j], bias[bias_at + o], kind);
        })
    })
}

#define FEW_X    64 /* columns of a tile of conv_few, one for each work-item of a row */
#define FEW_Y    4  /* rows of work-items */
#define FEW_ROWS 4  /* rows of a work-item */
#define FEW_SIZE ((FEW_Y * FEW_ROWS + 2) * (FEW_X + 2)) /* elements of x for a tile */
#define FEW_EACH ((FEW_SIZE + FEW_X * FEW_Y - 1) / (FEW_X * FEW_Y))

/* conv_3x3 for at most 4 outputs; m: any planes unless MASKED. f: [blocks of CONV_FEW outputs]
 * [inputs][9][CONV_FEW], of which the first four of the first block are used. One channel at a time
 * is in local memory, and the next one on its way (see block.cl). Grid: groups: stretches of FEW_X
 * columns x of FEW_Y * FEW_ROWS rows. */
__kernel GROUP(FEW_X, FEW_Y) void conv_few(__global float *y, ulong y_at, __global const float *x,
                                           ulong x_at, __global const float *m, ulong m_at,
                                           __global const float *f, ulong f_at,
                                           __global const float *bias, ulong bias_at, int channels,
                                           int lo, int hi, int h, int w, int top, int left,
                                           int mode, int f_row, int y_plane, int y_first, int rows,
                                           int columns, int kind) {
    __local float xs[FEW_Y * FEW_ROWS + 2][FEW_X + 2];
    __local float4 fs[9 * CONV_FEW / 4];
    const int tx = get_local_id(0), ty = get_local_id(1), lane = ty * FEW_X + tx;
    const int q = get_global_id(0), r = get_group_id(1) * FEW_Y * FEW_ROWS;
    const int all = !(kind & CONV_MASKED);
    int there[FEW_EACH];
    uint place[FEW_EACH];
    float next[FEW_EACH], masks[FEW_EACH], filter;
    float4 sum[FEW_ROWS];
    (void)f_row;
    REPEAT(4, i, FEW_ROWS, sum[i] = 0.0f)
    REPEAT(8, e, FEW_EACH, {
        const int k = min(e * FEW_X * FEW_Y + lane, FEW_SIZE - 1);
        const int row = conv_source(top + r + k / (FEW_X + 2), h, 1, mode);
        const int column = conv_source(left + q - tx + k % (FEW_X + 2), w, 1, mode);
        there[e] = row >= 0 && column >= 0;
        place[e] = max(row, 0) * w + max(column, 0);
    })
    x += x_at;
    m += m_at;
    f += f_at + min(lane, 9 * CONV_FEW - 1);
    REPEAT(8, e, FEW_EACH, next[e] = x[place[e]]; masks[e] = m[place[e]])
    filter = f[0];
    for (int c = 0; c < channels; c++) {
        const size_t ahead = c + 1 < channels ? (size_t)h * w : 0;
        REPEAT(8, e, FEW_EACH, {
            const int k = e * FEW_X * FEW_Y + lane;
            const int shown = there[e] && (all || masks[e] > 0.0f);
            if (k < FEW_SIZE)
                ((__local float *)xs)[k] = shown ? next[e] : 0.0f;
        })
        if (lane < 9 * CONV_FEW)
            ((__local float *)fs)[lane] = filter;
        barrier(CLK_LOCAL_MEM_FENCE);
        x += ahead;
        m += ahead;
        f += ahead > 0 ? 9 * CONV_FEW : 0;
        REPEAT(8, e, FEW_EACH, next[e] = x[place[e]]; masks[e] = m[place[e]])
        filter = f[0];
        REPEAT(4, b, 3, {
            float v[FEW_ROWS + 2];
            REPEAT(8, i, FEW_ROWS + 2, v[i] = xs[ty * FEW_ROWS + i][tx + b])
            REPEAT(4, a, 3, {
                const float4 g = fs[(a * 3 + b) * (CONV_FEW / 4)];
                REPEAT(4, i, FEW_ROWS, sum[i] = fma((float4)(v[i + a]), g, sum[i]))
            })
        })
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    REPEAT(4, i, FEW_ROWS, {
        const int row = r + ty * FEW_ROWS + i;
        float out[4];
        vstore4(sum[i], 0, out);
        REPEAT(4, j, 4, {
            if (j >= lo && j < hi && q < columns && row < rows)
                conv_store(y + y_at + y_first, (size_t)(j - lo) * y_plane + row * columns + q,
                           out[j], bias[bias_at + j], kind);
        })
    })
}

/* conv_3x3 for any side and stride, and for inputs with zeros between them (step: conv_source). f:
 * [blocks of CONV_FEW outputs][inputs][taps][CONV_FEW]. Grid: columns x rows x blocks of outputs.
 */
__kernel GROUP(64, 1) void conv_any(__global float *y, ulong y_at, __global const float *x,
                                    ulong x_at, __global const float *m, ulong m_at,
                                    __global const float *f, ulong f_at, __global const float *bias,
                                    ulong bias_at, int channels, int lo, int hi, int h, int w,
                                    int top, int left, int mode, int side, int stride, int step,
                                    int f_row, int y_plane, int y_first, int columns, int kind) {
    const int q = get_global_id(0), r = get_global_id(1), taps = side * side;
    float sum[CONV_FEW];
    REPEAT(8, j, CONV_FEW, sum[j] = 0.0f)
    f += f_at + get_global_id(2) * (size_t)f_row;
    for (int t = 0; t < taps; t++) {
        const int row = conv_source(top + r * stride + t / side, h, step, mode);
        const int column = conv_source(left + q * stride + t % side, w, step, mode);
        if (row < 0 || column < 0)
            continue;
        for (int c = 0; c < channels; c++) {
            const float v = conv_load(x + x_at, m + m_at, (size_t)c * h * w, row, column, w, kind);
            __global const float *g = f + ((size_t)c * taps + t) * CONV_FEW;
            REPEAT(8, j, CONV_FEW, sum[j] = fma(v, g[j], sum[j]))
        }
    }
    REPEAT(8, j, CONV_FEW, {
        const int o = get_global_id(2) * CONV_FEW + j;
        if (o >= lo && o < hi && q < columns)
            conv_store(y + y_at + y_first, (size_t)(o - lo) * y_plane + r * columns + q, sum[j],
                       bias[bias_at + o], kind);
    })
}

/* y = [y, or bias] + 1 x 1 filters * x, then ReLU, for `count` positions from `first` on of planes
 * x and y of `plane` positions; otherwise as conv_3x3. f: [blocks of 32 outputs][inputs][32]. */
INLINE void conv_point_tile(__global float *y, __global const float *x, __global const float *m,
                            __global const float *f, __global const float *bias, int channels,
                            int lo, int hi, int plane, int f_row, int first, int count, int kind,
                            __local float4 *fs, __local float4 *xs, const int high, const int wide,
                            const int masked) {
    const int lane = get_local_id(0), p0 = get_group_id(0) * wide, o0 = get_group_id(1) * high;
    const int column = lane % high;
    const block_place p = block_of(lane, high, wide);
    const block_factors factors = {
        .a = f + get_group_id(1) * (high / 32) * (size_t)f_row,
        .b = x + first,
        .m = m + first,
        .a_lane = column / 32 * f_row + column % 32,
        .b_lane = {min(p0 + lane, count - 1), min(p0 + lane + 64, count - 1)},
        .a_step = 32,
        .channels = channels,
        .plane = plane};
    float4 sum[8][2];
    block_planes(sum, &factors, fs, xs, high, wide, masked);
    y += first;
    REPEAT(8, i, 8, {
        const int o = o0 + p.y * 8 + i;
        float out[8];
        vstore4(sum[i][0], 0, out);
        vstore4(sum[i][1], 1, out);
        REPEAT(8, j, 8, {
            const int q = p0 + block_column(p, j, wide);
            if (o >= lo && o < hi && q < count)
                conv_store(y, (size_t)(o - lo) * plane + q, out[j], bias[o], kind);
        })
    })
}

/* The same in tiles of high outputs x wide positions. Grid: groups: stretches of positions x blocks
 * of outputs. */
#define CONV_1X1(name, high, wide, masked)                                                         \
    __kernel GROUP(BLOCK_ITEMS(high, wide), 1) void name(                                          \
        __global float *y, ulong y_at, __global const float *x, ulong x_at,                        \
        __global const float *m, ulong m_at, __global const float *f, ulong f_at,                  \
        __global const float *bias, ulong bias_at, int channels, int lo, int hi, int plane,        \
        int f_row, int first, int count, int kind) {                                               \
        __local float4 fs[BUFFERS * DEPTH * (high) / 4], xs[BUFFERS * DEPTH * (wide) / 4];         \
        conv_point_tile(y + y_at, x + x_at, m + m_at, f + f_at, bias + bias_at, channels, lo, hi,  \
                        plane, f_row, first, count, kind, fs, xs, high, wide, masked);             \
    }
CONV_1X1(conv_1x1_32, 32, 128, 0)
CONV_1X1(conv_1x1_32_masked, 32, 128, 1)
CONV_1X1(conv_1x1_64, 64, 64, 0)
CONV_1X1(conv_1x1_64_masked, 64, 64, 1)
#undef CONV_1X1

#endif
