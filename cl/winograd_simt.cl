/* SPDX-License-Identifier: MIT
 *
 * Winograd's F(4x4, 3x3) in the simt class (winograd.cl): the kernels that a strip of tiles goes
 * through, by way of the work space. The products are 36 products of matrices (block.cl).
 */

#if BLOCK == 1

#define WINOGRAD_BLOCK 32 /* outputs of a block of filters */

/* f = G g G^T: [blocks of outputs][36][channels][WINOGRAD_BLOCK], floats or halves, with as many
 * channels as the grid has; `row` floats separate blocks. Other parameters as for conv_filter.
 * Grid: outputs, to the ends of blocks, x channels. */
__kernel GROUP(32, 1) void winograd_filter_tile(__global float *f, ulong f_at,
                                                __global const float *w, ulong w_at, int o0,
                                                int outputs, int inputs, int row, int first,
                                                int count, int flipped, int halves) {
    const int k = get_global_id(0), o = o0 + k, i = get_global_id(1);
    const int there = o < outputs && i < inputs, outer = there ? (flipped ? i : o) - first : 0;
    const size_t point = get_global_size(1) * (size_t)WINOGRAD_BLOCK;
    if (outer < 0 || outer >= count)
        return;
    w +=
        w_at + ((size_t)outer * (flipped ? outputs : inputs) + (flipped ? o : i)) * (there ? 9 : 0);
    const size_t place = i * WINOGRAD_BLOCK + k % WINOGRAD_BLOCK;
    f += f_at + k / WINOGRAD_BLOCK * (size_t)row;
    float taps[9], columns[18], u[36];
    REPEAT(12, t, 9, taps[t] = there ? w[flipped ? 8 - t : t] : 0.0f)
    REPEAT(4, b, 3, winograd_weights(columns + b, 3, taps[b], taps[b + 3], taps[b + 6]))
    REPEAT(8, a, 6,
           winograd_weights(u + a * 6, 1, columns[a * 3], columns[a * 3 + 1], columns[a * 3 + 2]))
    REPEAT(8, a, 6,
           REPEAT(8, b, 6, winograd_keep(f, place + (a * 6 + b) * point, u[a * 6 + b], halves)))
}

/* v[36][channels][pitch] = B^T d B for `count` tiles from `first` on, `across` tiles in a row, of
 * planes x of h x w, where MASKED times [m > 0]. Tiles beyond count repeat the last; channels
 * beyond `channels` are 0. Grid: pitch x channels. */
__kernel GROUP(64, 1) void winograd_inputs(__global float *v, ulong v_at, __global const float *x,
                                           ulong x_at, __global const float *m, ulong m_at, int h,
                                           int w, int before, int mode, int across, int first,
                                           int count, int v_point, int channels, int kind) {
    const int t = get_global_id(0), c = get_global_id(1), tile = first + min(t, count - 1);
    const int top = tile / across * 4 - before, left = tile % across * 4 - before;
    const size_t plane = (size_t)min(c, channels - 1) * h * w;
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
    REPEAT(8, a, 6,
           REPEAT(8, b, 6, v[(size_t)(a * 6 + b) * v_point] = c < channels ? d[a * 6 + b] : 0.0f))
}

/* Four filters from element 4 i of f on. */
INLINE float4 winograd_four(__global const float *f, uint i, const int halves) {
    return halves ? vload_half4(i, (__global const half *)f) : ((__global const float4 *)f)[i];
}

/* Loads channels from c on, in parts of DEPTH channels, of a tile's filters and inputs. */
INLINE void winograd_load(float4 *fn, float4 *vn, __global const float *f, uint f_lane,
                          __global const float *v, uint v_lane, int pitch, int c, const int high,
                          const int wide, const int halves) {
    const int items = BLOCK_ITEMS(high, wide), row = halves ? WINOGRAD_BLOCK / 2 : WINOGRAD_BLOCK;
    REPEAT(4, e, BLOCK_LOADS(wide) / 4,
           fn[e] = winograd_four(f + (c + e * (items / (high / 4))) * row, f_lane, halves))
    REPEAT(4, e, BLOCK_LOADS(high) / 4,
           vn[e] = ((__global const float4 *)v + (c + e * (items / (wide / 4))) * pitch)[v_lane])
}

/* s[36][outputs][pitch] = f v, 36 products of matrices over `channels` channels, a multiple of
 * DEPTH. halves: f holds halves. v, s and f begin at multiples of four floats; f_row floats
 * separate the blocks of f. */
INLINE void winograd_tile(__global float *s, __global const float *v, __global const float *f,
                          int channels, int v_point, int s_point, int f_point, int f_row,
                          __local float4 *fs, __local float4 *vs, const int high, const int wide,
                          const int halves) {
    const int items = BLOCK_ITEMS(high, wide), lane = get_local_id(0), point = get_group_id(2);
    const int pitch = get_num_groups(0) * (wide / 4), block = lane % (high / 4) / 8;
    const block_place p = block_of(lane, high, wide);
    const uint f_lane = block * f_row / (halves ? 2 : 4) + lane / (high / 4) * 8 + lane % 8;
    const uint v_lane = lane / (wide / 4) * pitch + lane % (wide / 4);
    float4 sum[8][2], fn[4], vn[4];
    f += get_group_id(1) * (high / WINOGRAD_BLOCK) * (size_t)f_row + point * (size_t)f_point;
    v += point * (size_t)v_point + get_group_id(0) * wide;
    s += point * (size_t)s_point + get_group_id(1) * high * 4 * (size_t)pitch +
         get_group_id(0) * wide;
    block_clear(sum);
    winograd_load(fn, vn, f, f_lane, v, v_lane, pitch, 0, high, wide, halves);
    for (int c = 0, at = 0; c < channels; c += DEPTH, at ^= BUFFERS - 1) {
        __local float4 *a = fs + at * (DEPTH * high / 4), *b = vs + at * (DEPTH * wide / 4);
        REPEAT(4, e, BLOCK_LOADS(wide) / 4, a[e * items + lane] = fn[e])
        REPEAT(4, e, BLOCK_LOADS(high) / 4, b[e * items + lane] = vn[e])
        barrier(CLK_LOCAL_MEM_FENCE);
        const int next = min(c + DEPTH, channels - DEPTH);
        winograd_load(fn, vn, f, f_lane, v, v_lane, pitch, next, high, wide, halves);
        block_multiply(sum, a, high, b, wide, wide, p);
    }
    __global float4 *to = (__global float4 *)s + p.y * 8 * pitch + p.x;
    REPEAT(8, i, 8, to[i * pitch] = sum[i][0]; to[i * pitch + wide / 8] = sum[i][1])
}

/* The same in tiles of high outputs x wide tiles of the map. Grid: groups: stretches of tiles x
 * blocks of outputs x 36 points. */
#define WINOGRAD_PRODUCTS(name, high, wide, halves)                                                \
    __kernel GROUP(BLOCK_ITEMS(high, wide), 1) void name(                                          \
        __global float *s, ulong s_at, __global const float *v, ulong v_at,                        \
        __global const float *f, ulong f_at, int channels, int v_point, int s_point, int f_point,  \
        int f_row) {                                                                               \
        __local float4 fs[BUFFERS * DEPTH * (high) / 4], vs[BUFFERS * DEPTH * (wide) / 4];         \
        winograd_tile(s + s_at, v + v_at, f + f_at, channels, v_point, s_point, f_point, f_row,    \
                      fs, vs, high, wide, halves);                                                 \
    }
WINOGRAD_PRODUCTS(winograd_products_32, 32, 128, 0)
WINOGRAD_PRODUCTS(winograd_products_64, 64, 64, 0)
WINOGRAD_PRODUCTS(winograd_products_128, 128, 128, 0)
WINOGRAD_PRODUCTS(winograd_products_32_half, 32, 128, 1)
WINOGRAD_PRODUCTS(winograd_products_64_half, 64, 64, 1)
WINOGRAD_PRODUCTS(winograd_products_128_half, 128, 128, 1)
#undef WINOGRAD_PRODUCTS

/* y = [y, or bias] + A^T s A for `count` tiles from `first` on, then ReLU; y: planes of h x w; s
 * from the first output of y on. Grid: tiles x outputs. */
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
