/* SPDX-License-Identifier: MIT
 *
 * Winograd's F(4x4, 3x3) in the simt class, a strip of tiles at a time: winograd_inputs leaves the
 * transformed inputs v[36][channels][pitch] in the work space, winograd_products multiplies them
 * by the filters into s[36][outputs][pitch], and winograd_outputs transforms those back. A strip is
 * as long as the work space, or the part of it that stays in a cache, has room for.
 */
#if BLOCK == 1

#define WINOGRAD_SIDE  64 /* outputs, and tiles, that a work-group multiplies */
#define WINOGRAD_DEPTH 16 /* channels in local memory at a time */

/* The filters G g G^T: [blocks of WINOGRAD_SIDE outputs][36][channels][WINOGRAD_SIDE], as many
 * channels as the grid has, `row` floats from one block to the next. Else as conv_filter.
 * Grid: outputs x channels. */
__kernel GROUP(64, 1) void winograd_filters(__global float *f, ulong f_at, __global const float *w,
                                            ulong w_at, int o0, int outputs, int inputs, int row,
                                            int first, int count, int turned) {
    const int k = get_global_id(0), o = o0 + k, i = get_global_id(1);
    const int there = o < outputs && i < inputs, outer = there ? (turned ? i : o) - first : 0;
    const size_t point = get_global_size(1) * (size_t)WINOGRAD_SIDE;
    if (outer < 0 || outer >= count)
        return;
    w += w_at + ((size_t)outer * (turned ? outputs : inputs) + (turned ? o : i)) * (there ? 9 : 0);
    f += f_at + k / WINOGRAD_SIDE * (size_t)row + i * WINOGRAD_SIDE + k % WINOGRAD_SIDE;
    float taps[9], columns[18], u[36];
    REPEAT(12, t, 9, taps[t] = there ? w[turned ? 8 - t : t] : 0.0f)
    REPEAT(4, b, 3, winograd_weights(columns + b, 3, taps[b], taps[b + 3], taps[b + 6]))
    REPEAT(8, a, 6,
           winograd_weights(u + a * 6, 1, columns[a * 3], columns[a * 3 + 1], columns[a * 3 + 2]))
    REPEAT(8, a, 6, REPEAT(8, b, 6, f[(a * 6 + b) * point] = u[a * 6 + b]))
}

/* v[36][channels][pitch]: the inputs of `count` tiles from `first` on, of `across` in a row, of
 * planes of h x w, where MASKED times [m > 0]. Tiles beyond count repeat the last.
 * Grid: pitch x channels. */
__kernel GROUP(64, 1) void winograd_inputs(__global float *v, ulong v_at, __global const float *x,
                                           ulong x_at, __global const float *m, ulong m_at, int h,
                                           int w, int before, int mode, int across, int first,
                                           int count, int v_point, int kind) {
    const int t = get_global_id(0), c = get_global_id(1), tile = first + min(t, count - 1);
    const int top = tile / across * 4 - before, left = tile % across * 4 - before;
    const size_t plane = (size_t)c * h * w;
    int columns[6];
    float d[36];
    REPEAT(8, b, 6, columns[b] = conv_source(left + b, w, 1, mode))
    REPEAT(8, a, 6, {
        const int row = conv_source(top + a, h, 1, mode);
        REPEAT(8, b, 6,
               d[a * 6 + b] = conv_load(x + x_at, m + m_at, plane, row, columns[b], w, kind))
        winograd_in(d + a * 6, 1);
    })
    REPEAT(8, b, 6, winograd_in(d + b, 6))
    v += v_at + c * get_global_size(0) + t;
    REPEAT(8, a, 6, REPEAT(8, b, 6, v[(size_t)(a * 6 + b) * v_point] = d[a * 6 + b]))
}

/* s[36][outputs][pitch] = filters f * inputs v, of `channels` channels. v, s and f lie at multiples
 * of four floats. Grid: groups: stretches of WINOGRAD_SIDE tiles x blocks of as many outputs x 36.
 */
__kernel GROUP(8, 8) void winograd_products(__global float *s, ulong s_at, __global const float *v,
                                            ulong v_at, __global const float *f, ulong f_at,
                                            int channels, int v_point, int s_point, int f_point,
                                            int f_row) {
    __local float4 fs[WINOGRAD_DEPTH][WINOGRAD_SIDE / 4], vs[WINOGRAD_DEPTH][WINOGRAD_SIDE / 4];
    const int tx = get_local_id(0), ty = get_local_id(1), lane = ty * 8 + tx;
    const int pitch = get_num_groups(0) * (WINOGRAD_SIDE / 4), first = get_group_id(0) * 16;
    const int block = get_group_id(1), point = get_group_id(2);
    __global const float4 *g =
        (__global const float4 *)(f + f_at + block * (size_t)f_row + point * (size_t)f_point);
    __global const float4 *x =
        (__global const float4 *)(v + v_at + point * (size_t)v_point) + first;
    __global float4 *y = (__global float4 *)(s + s_at + point * (size_t)s_point) + first;
    float4 sum[8][2];
    REPEAT(8, i, 8, sum[i][0] = sum[i][1] = 0.0f)
    for (int c = 0; c < channels; c += WINOGRAD_DEPTH) {
        REPEAT(4, e, 4, {
            const int k = e * 4 + lane / 16, j = lane % 16;
            fs[k][j] = g[(c + k) * 16 + j];
            vs[k][j] = c + k < channels ? x[(c + k) * pitch + j] : (float4)(0.0f);
        })
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < WINOGRAD_DEPTH; k++) {
            const float4 lo = fs[k][ty * 2], hi = fs[k][ty * 2 + 1];
            const float weights[8] = {lo.x, lo.y, lo.z, lo.w, hi.x, hi.y, hi.z, hi.w};
            const float4 near = vs[k][tx], far = vs[k][tx + 8];
            REPEAT(8, i, 8, sum[i][0] = fma((float4)(weights[i]), near, sum[i][0]);
                   sum[i][1] = fma((float4)(weights[i]), far, sum[i][1]))
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    y += (block * WINOGRAD_SIDE + ty * 8) * (size_t)pitch;
    REPEAT(8, i, 8, y[i * pitch + tx] = sum[i][0]; y[i * pitch + tx + 8] = sum[i][1])
}

/* y = [y, or bias] + the outputs of `count` tiles from `first` on, then ReLU. s: from its first
 * output on. Grid: tiles x outputs. */
__kernel GROUP(64, 1) void winograd_outputs(__global float *y, ulong y_at, __global const float *s,
                                            ulong s_at, __global const float *bias, ulong bias_at,
                                            int h, int w, int across, int first, int count,
                                            int pitch, int s_point, int kind) {
    const int t = get_global_id(0), o = get_global_id(1), tile = first + t;
    const int top = tile / across * 4, left = tile % across * 4;
    float d[36];
    if (t >= count)
        return;
    s += s_at + o * (size_t)pitch + t;
    REPEAT(8, a, 6, REPEAT(8, b, 6, d[a * 6 + b] = s[(size_t)(a * 6 + b) * s_point]))
    REPEAT(8, b, 6, winograd_out(d + b, 6))
    REPEAT(4, a, 4, winograd_out(d + a * 6, 1))
    y += y_at + (size_t)o * h * w;
    REPEAT(4, a, 4,
           REPEAT(4, b, 4,
                  if (top + a < h && left + b < w) conv_store(
                      y, (size_t)(top + a) * w + left + b, d[a * 6 + b], bias[bias_at + o], kind)))
}

#endif
