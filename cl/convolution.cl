/* SPDX-License-Identifier: MIT
 *
 * Direct convolution. Both classes read x through conv_source, which knows padding and the zeros
 * between the elements of a strided gradient. Where the operation includes the gradient of a ReLU,
 * y > 0 masks what they read. So one product serves every kind of convolution, and its gradient
 * with the filters that conv_filter has flipped. For reflect and replicate padding the gradient of
 * the padded input is then folded back (conv_fold).
 *
 * wide: a strip of output rows at a time, small enough for the cache. conv_pack resolves padding,
 * stride and mask into the work space, and conv_product multiplies from there. A packed strip is
 * [blocks of channels][rows][stride][half_pitch][16]: element (b, r, f, q, k) is channel 16 b + k
 * at position (r, q * stride + f), so inputs of neighbouring outputs are neighbours in memory.
 *
 * simt: convolution_simt.cl. 1 x 1, wide: point.cl.
 */

enum { PAD_ZERO, PAD_REFLECT, PAD_REPLICATE }; /* imp_padding of backend/ops.h */
enum {
    CONV_PLANES = 1,
    CONV_MASKED = 2,
    CONV_ACCUMULATE = 4,
    CONV_RELU = 8,
    CONV_HALF = 16,
    CONV_AVERAGE = 32, /* the fused pooling takes averages */
    CONV_FAR = 64      /* y is too large to stay in a cache until it is read */
};
enum { CONV_COPIES = 9 }; /* the most padded positions that show one position of a side */

#if BLOCK == 16
#define CONV_GROUP GROUP(1, 1)
#else
#define CONV_GROUP GROUP(64, 1)
#endif

/* The position of a side of n that padded position u shows, or -1 where u is a zero. Only every
 * step-th position holds a value; there are zeros between. */
INLINE int conv_source(int u, int n, int step, int mode) {
    const int v = u / step;
    const int inside = clamp(v, 0, n - 1);
    const int mirrored = v < 0 ? -v : v < n ? v : 2 * (n - 1) - v;
    const int source = mode == PAD_REFLECT ? clamp(mirrored, 0, n - 1) : inside;
    return u % step != 0 || (mode == PAD_ZERO && v != inside) ? -1 : source;
}

/* Lists the padded positions that show position m of n. Returns their number. */
INLINE int conv_copies(int *list, int m, int n, int before, int after, int mode) {
    int count = 1;
    list[0] = m + before;
    for (int i = 0; i < before + after; i++) {
        const int u = i < before ? i : n + i;
        if (conv_source(u - before, n, 1, mode) == m)
            list[count++] = u;
    }
    return count;
}

/* Prepares filters for direct convolution: f[uo][ui][tap][bi][bo], in units of bo outputs x bi
 * inputs, 0 beyond `outputs` and `inputs`. The first unit of f begins at output o0 and input i0;
 * `row` floats separate the units of neighbouring outputs. w: weights O x I x taps, of which only O
 * from `first` to first + count - 1 are present; only filters made from these are written. flipped:
 * for the gradient, with O and I swapped and the taps reversed. Grid: units of outputs x units of
 * inputs. */
__kernel GROUP(1, 1) void conv_filter(__global float *f, ulong f_at, __global const float *w,
                                      ulong w_at, int o0, int i0, int outputs, int inputs, int taps,
                                      int bo, int bi, int row, int first, int count, int flipped) {
    const int uo = get_global_id(0), ui = get_global_id(1);
    f += f_at + (size_t)uo * row + (size_t)ui * taps * bo * bi;
    w += w_at;
    for (int t = 0; t < taps; t++)
        for (int i = i0 + ui * bi; i < i0 + (ui + 1) * bi; i++)
            for (int o = o0 + uo * bo; o < o0 + (uo + 1) * bo; o++, f++) {
                const int outer = (flipped ? i : o) - first, inner = flipped ? o : i;
                const size_t filter = (size_t)outer * (flipped ? outputs : inputs) + inner;
                if (o >= outputs || i >= inputs)
                    *f = 0.0f;
                else if (outer >= 0 && outer < count)
                    *f = w[filter * taps + (flipped ? taps - 1 - t : t)];
            }
}

/* The adjoint of padding: x[m] = the sum of s over the padded positions that show m. s: the
 * gradient of padded rows from, from + 1, ..., `rows` of them in each unit; x: units of h x w
 * positions of `width` floats, whose rows first, first + 1, ... are written. Grid: columns of x
 * (wide: 1) x rows of x x units. */
__kernel CONV_GROUP void conv_fold(__global float *x, ulong x_at, __global const float *s,
                                   ulong s_at, int h, int w, int width, int first, int from,
                                   int rows, int before, int after, int mode) {
    const int m = first + get_global_id(1), pitch = w + before + after;
    const size_t unit = get_global_id(2);
    int us[CONV_COPIES], vs[CONV_COPIES];
    const int n = conv_copies(us, m, h, before, after, mode);
    x += x_at + (unit * h + m) * w * width;
    s += s_at + unit * rows * pitch * width;
    for (int q = get_global_id(0); q < w; q += get_global_size(0)) {
        const int k = conv_copies(vs, q, w, before, after, mode);
        vec sum = 0.0f;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < k; j++) {
                const size_t at = ((size_t)(us[i] - from) * pitch + vs[j]) * width;
                sum += load(s, at, at + width);
            }
        store(sum, x, (size_t)q * width, (size_t)(q + 1) * width);
    }
}

#if BLOCK == 16

#if NATIVE == 16 /* 32 registers of 16 floats: 24 sums */
#define CONV_UNIT   4
#define CONV_BLOCKS 2
#else /* 16 registers of 8 floats: 12 sums */
#define CONV_UNIT   2
#define CONV_BLOCKS 1
#endif

/* Stores v as the i-th vector of y. */
INLINE void conv_put(float16 v, size_t i, __global float *y, int kind) {
    if (kind & CONV_FAR)
        put16_past(v, i, y);
    else
        put16(v, i, y);
}

/* Makes visible to others what conv_put wrote. To be called at the end of a kernel. */
INLINE void conv_flush(int kind) {
    if (kind & CONV_FAR)
        flush_past();
}

/* p = rows top, top + 1, ... and columns left, left + 1, ... of the padded x, in units of h x w
 * positions; where MASKED times [y > 0]. PLANES: x is planes, of which the present ones are
 * channels lo..hi-1 of the block; its other channels become 0. Grid: packed rows x blocks of
 * channels. */
__kernel GROUP(1, 1) void conv_pack(__global float *p, ulong p_at, __global const float *x,
                                    ulong x_at, __global const float *y, ulong y_at, int lo, int hi,
                                    int h, int w, int top, int left, int stride, int half_pitch,
                                    int step, int mode, int kind) {
    const size_t r = get_global_id(0), rows = get_global_size(0), b = get_global_id(1);
    const int row = conv_source(top + (int)r, h, step, mode), masked = kind & CONV_MASKED;
    const size_t plane = (size_t)h * w, first = (size_t)max(row, 0) * w;
    x += x_at + b * 16 * plane;
    y += y_at + b * 16 * plane;
    p += p_at + (b * rows + r) * stride * half_pitch * 16;
    for (int f = 0; f < stride; f++)
        for (int q = 0; q < half_pitch; q++, p += 16) {
            const int column = conv_source(left + q * stride + f, w, step, mode);
            const int there = row >= 0 && column >= 0;
            const size_t at = first + column;
            float16 v = 0.0f;
            if (there && !(kind & CONV_PLANES)) {
                v = vload16(at, x);
                if (masked)
                    v = select((float16)(0.0f), v, vload16(at, y) > 0.0f);
            }
            put16(v, 0, p);
            if (there && kind & CONV_PLANES)
                for (size_t k = 0; k < (size_t)(hi - lo); k++)
                    p[lo + k] = masked && !(y[k * plane + at] > 0.0f) ? 0.0f : x[k * plane + at];
        }
}

/* A packed strip, as conv_product and conv_planes read it. */
typedef struct conv_strip {
    int channels, side, stride, half_pitch;
    size_t plane; /* floats from one packed block to the next */
} conv_strip;

/* A tap of a block of inputs, its place in the strip, and the number of channels left. The place is
 * counted up instead of computed, because divisions would delay every step. */
typedef struct conv_tap {
    __global const float *block;
    int left, row, column, phase, place;
} conv_tap;

/* The first of the tap's inputs. */
INLINE __global const float *conv_inputs(const conv_tap t, const conv_strip s) {
    return t.block + ((size_t)(t.row * s.stride + t.phase) * s.half_pitch + t.place) * 16;
}

/* The next tap; after the last tap of a block, the first of the next block. */
INLINE conv_tap conv_next(conv_tap t, const conv_strip s) {
    if (++t.phase == s.stride) {
        t.phase = 0;
        t.place++;
    }
    if (++t.column == s.side) {
        t.column = t.phase = t.place = 0;
        if (++t.row == s.side) {
            t.row = 0;
            t.left -= 16;
            t.block += s.plane;
        }
    }
    return t;
}

/* The 16 filters of the k-th of 16 inputs; lines: see conv_tile. */
INLINE float16 conv_sixteen(__global const float *f, int k, const int lines) {
    return lines == 8 ? vload_half16(k, (__global const half *)f) : vload16(k, f);
}

/* What a row of products prefetches because it is needed next: `lines` lines of 16 floats at each
 * step, `step` floats apart, and for each block of outputs, `row` floats apart. The tiles of the
 * row share the lines: one tile fetches lo..hi-1. f NULL: nothing is fetched. */
typedef struct conv_ahead {
    __global const float *f;
    size_t step, row;
    int lines, lo, hi;
} conv_ahead;

/* Computes `size` positions of a row (at most 3 CONV_UNIT) x `blocks` blocks of outputs in
 * registers. The first `valid` positions exist; the others compute values that are not kept.
 * y_plane, f_row: floats from one block of outputs to the next. lines: vectors of 16 floats that 16
 * x 16 filters take: 16, or 8 where the filters are halves. */
INLINE void conv_tile(__global float *y, size_t y_plane, __global const float *p,
                      const conv_strip s, __global const float *f, size_t f_row,
                      __global const float *bias, conv_ahead ahead, const int lines, const int size,
                      const int blocks, int valid, int kind) {
    float16 sum[3 * CONV_UNIT][CONV_BLOCKS];
    UNROLL(i, size)
        UNROLL(j, blocks)
            sum[i][j] = bias && !(kind & CONV_ACCUMULATE) ? vload16(j, bias) : (float16)(0.0f);
    if (kind & CONV_ACCUMULATE)
        for (int i = 0; i < valid; i++)
            UNROLL(j, blocks)
                FETCH(y + j * y_plane + i * 16);
    conv_tap t = {p, s.channels, 0, 0, 0, 0};
    for (int step = 0; t.left > 0; step++, f += lines * 16) {
        __global const float *x = conv_inputs(t, s);
        if (ahead.f)
            for (int k = ahead.lo; k < ahead.hi; k++)
                UNROLL(j, blocks)
                    FETCH(ahead.f + step * ahead.step + j * ahead.row + k * 16);
        for (int k = 0, inputs = min(16, t.left); k < inputs; k++)
            UNROLL(i, size)
                UNROLL(j, blocks)
                    sum[i][j] = fma((float16)(x[i * 16 + k]), conv_sixteen(f + j * f_row, k, lines),
                                    sum[i][j]);
        t = conv_next(t, s);
    }
    if (kind & CONV_ACCUMULATE)
        UNROLL(i, size)
            UNROLL(j, blocks)
                sum[i][j] += vload16(min(i, valid - 1), y + j * y_plane);
    const float16 lower = kind & CONV_RELU ? 0.0f : -INFINITY;
    const int put = valid < size ? kind & ~CONV_FAR : kind;
    UNROLL(k, size) {
        const int i = size - 1 - k; /* from the last: valid values overwrite the others */
        UNROLL(j, blocks)
            conv_put(select(sum[i][j], lower, sum[i][j] < lower), min(i, valid - 1),
                     y + j * y_plane, put);
    }
}

/* Computes w positions of a row x `blocks` (1 or CONV_BLOCKS) blocks of outputs; lines: see
 * conv_tile. */
INLINE void conv_row(__global float *y, size_t y_plane, __global const float *p, const conv_strip s,
                     __global const float *f, size_t f_row, __global const float *bias,
                     conv_ahead ahead, const int lines, const int blocks, int w, int kind) {
    const int u = CONV_UNIT, each = (ahead.lines * 3 * u + w - 1) / w;
    int q = 0;
    ahead.lo = 0;
    ahead.hi = each;
    for (; q + 2 * u < w; q += 3 * u) {
        conv_tile(y + q * 16, y_plane, p + q * 16, s, f, f_row, bias, ahead, lines, 3 * u, blocks,
                  w - q, kind);
        ahead.lo = ahead.hi;
        ahead.hi = min(ahead.hi + each, ahead.lines);
    }
    if (q + u < w)
        conv_tile(y + q * 16, y_plane, p + q * 16, s, f, f_row, bias, ahead, lines, 2 * u, blocks,
                  w - q, kind);
    else if (q < w)
        conv_tile(y + q * 16, y_plane, p + q * 16, s, f, f_row, bias, ahead, lines, u, blocks,
                  w - q, kind);
}

/* conv_row for CONV_BLOCKS blocks and for one, with filters that are floats and halves. Kernels
 * without half filters thus contain no code for them. */
#define CONV_ROW(name, lines, blocks)                                                              \
    OUTLINE void name(__global float *y, size_t y_plane, __global const float *p,                  \
                      const conv_strip s, __global const float *f, size_t f_row,                   \
                      __global const float *bias, const conv_ahead ahead, int w, int kind) {       \
        conv_row(y, y_plane, p, s, f, f_row, bias, ahead, lines, blocks, w, kind);                 \
    }
CONV_ROW(conv_pair, 16, CONV_BLOCKS)
CONV_ROW(conv_pair_halves, 8, CONV_BLOCKS)
CONV_ROW(conv_one, 16, 1)
CONV_ROW(conv_one_halves, 8, 1)
#undef CONV_ROW

/* conv_row for `outputs` blocks. ahead: whether to prefetch the next filters; lines: see conv_tile.
 */
INLINE void conv_rows(__global float *y, size_t y_plane, __global const float *p,
                      const conv_strip s, __global const float *f, size_t f_row,
                      __global const float *bias, int ahead, const int lines, int outputs, int w,
                      int kind) {
    const size_t f_step = CONV_BLOCKS * f_row, bias_step = bias ? CONV_BLOCKS * 16 : 0;
    conv_ahead next = {0, lines * 16ul, f_row, lines, 0, 0};
    int o = 0;
    for (; o + CONV_BLOCKS <= outputs; o += CONV_BLOCKS, f += f_step, bias += bias_step) {
        next.f = ahead && o + 2 * CONV_BLOCKS <= outputs ? f + f_step : 0;
        if (lines == 8)
            conv_pair_halves(y + o * y_plane, y_plane, p, s, f, f_row, bias, next, w, kind);
        else
            conv_pair(y + o * y_plane, y_plane, p, s, f, f_row, bias, next, w, kind);
    }
    next.f = 0;
    if (o < outputs && lines == 8)
        conv_one_halves(y + o * y_plane, 0, p, s, f, 0, bias, next, w, kind);
    else if (o < outputs)
        conv_one(y + o * y_plane, 0, p, s, f, 0, bias, next, w, kind);
}

/* y = [y, or bias] + filters * p, then ReLU, for rows of w positions from position y_first of y on.
 * p: a packed strip; f: from conv_filter, units of 16 x 16; outputs: blocks of them. y_plane,
 * p_plane: positions from one block to the next; f_row: floats. Grid: rows x stretches of `columns`
 * positions x pairs of blocks of outputs. */
__kernel GROUP(1, 1) void conv_product(__global float *y, ulong y_at, __global const float *p,
                                       ulong p_at, __global const float *f, ulong f_at,
                                       __global const float *bias, ulong bias_at, int channels,
                                       int outputs, int side, int stride, int half_pitch,
                                       int p_plane, int f_row, int y_plane, int y_first, int w,
                                       int columns, int kind) {
    const size_t r = get_global_id(0), q = get_global_id(1) * columns, plane = y_plane * 16ul;
    const conv_strip s = {channels, side, stride, half_pitch, p_plane * 16ul};
    const int o = get_global_id(2) * 2, n = min(columns, w - (int)q);
    conv_rows(y + y_at + (y_first + r * w + q) * 16 + o * plane, plane,
              p + p_at + (r * stride * stride * half_pitch + q) * 16, s,
              f + f_at + (size_t)o * f_row, f_row, bias + bias_at + o * 16, 0, 16,
              min(outputs - o, 2), n, kind);
    conv_flush(kind);
}

/* conv_product for outputs that are planes: the lanes are input channels, summed at the end. f:
 * [outputs][blocks of inputs][taps][16 inputs]; y_plane in floats. Grid: rows x stretches of
 * `columns` positions x outputs. */
__kernel GROUP(1, 1) void conv_planes(__global float *y, ulong y_at, __global const float *p,
                                      ulong p_at, __global const float *f, ulong f_at,
                                      __global const float *bias, ulong bias_at, int channels,
                                      int outputs, int side, int stride, int half_pitch,
                                      int p_plane, int f_row, int y_plane, int y_first, int w,
                                      int columns, int kind) {
    const size_t r = get_global_id(0), first = get_global_id(1) * columns, o = get_global_id(2);
    const conv_strip s = {channels, side, stride, half_pitch, p_plane * 16ul};
    if (o >= (size_t)outputs)
        return;
    y += y_at + o * y_plane + y_first + r * w;
    p += p_at + r * stride * stride * half_pitch * 16;
    f += f_at + o * f_row;
    for (int q = first; q < min((int)first + columns, w); q += 3 * CONV_UNIT) {
        float16 sum[3 * CONV_UNIT];
        UNROLL(i, 3 * CONV_UNIT)
            sum[i] = 0.0f;
        conv_tap t = {p + q * 16, channels, 0, 0, 0, 0};
        for (int step = 0; t.left > 0; step++, t = conv_next(t, s)) {
            __global const float *x = conv_inputs(t, s);
            const float16 v = vload16(step, f);
            UNROLL(i, 3 * CONV_UNIT)
                sum[i] = fma(vload16(i, x), v, sum[i]);
        }
        UNROLL(i, 3 * CONV_UNIT)
            if (q + i < w) {
                const float start = kind & CONV_ACCUMULATE ? y[q + i] : bias[bias_at + o];
                const float v = lane_sum(sum[i]) + start;
                y[q + i] = kind & CONV_RELU && v < 0.0f ? 0.0f : v;
            }
    }
}

/* ---- few outputs ----
 *
 * With at most three outputs most lanes of a vector would be wasted, so here the lanes are pairs of
 * output and tap: z = 1 x 1 products of each position with the filters of all taps, which are then
 * added up by position. */
#define THIN_OUTS 3
#define THIN_SIDE (3 * CONV_UNIT)

/* The outputs of tap t are THIN_OUTS lanes from this one on, of one of two blocks. */
#define THIN_BLOCK(t) ((t) / 5)
#define THIN_LANE(t)  ((t) % 5 * THIN_OUTS)

/* g[2][channels][16] = the filters f of conv_planes, arranged by lanes. */
OUTLINE void thin_filters(__global float *g, __global const float *f, int blocks, int outputs,
                          int f_row) {
    for (int i = 0; i < 2 * blocks * 256; i++)
        g[i] = 0.0f;
    for (int o = 0; o < outputs; o++)
        for (int b = 0; b < blocks; b++)
            for (int t = 0; t < 9; t++)
                for (int k = 0; k < 16; k++)
                    g[((THIN_BLOCK(t) * blocks + b) * 16 + k) * 16 + THIN_LANE(t) + o] =
                        f[(size_t)o * f_row + (b * 9 + t) * 16 + k];
}

/* z = the products of a row of w positions of x, where MASKED times [m > 0]; the units of x and m
 * are `plane` floats apart. z has two rows of w + 2 positions, with the padding. part: space for
 * THIN_SIDE positions of all channels. */
OUTLINE void thin_row(__global float *z, __global float *part, __global const float *x,
                      __global const float *m, size_t plane, __global const float *g, int channels,
                      int w, int mode, int kind) {
    const int blocks = (channels + 15) / 16;
    const size_t line = (w + 2) * 16ul;
    const conv_strip s = {channels, 1, 1, 0, THIN_SIDE * 16};
    for (int q = 0; q < w; q += THIN_SIDE) {
        for (int b = 0; b < blocks; b++)
            for (int i = 0; i < THIN_SIDE; i++) {
                const size_t at = b * plane + min(q + i, w - 1) * 16;
                float16 v = vload16(0, x + at);
                if (kind & CONV_MASKED)
                    v = select((float16)(0.0f), v, vload16(0, m + at) > 0.0f);
                put16(v, b * THIN_SIDE + i, part);
            }
        conv_rows(z + (q + 1) * 16, line, part, s, g, blocks * 256ul, 0, 0, 16, 2,
                  min(THIN_SIDE, w - q), 0);
    }
    for (int j = 0; j < 2; j++)
        for (int e = 0; e < 2; e++) {
            const int column = conv_source(e ? w : -1, w, 1, mode);
            const float16 v = vload16(max(column, 0) + 1, z + j * line);
            put16(column < 0 ? (float16)(0.0f) : v, e ? w + 1 : 0, z + j * line);
        }
}

/* The sum over the nine taps at position q, from the three rows of z. */
INLINE float4 thin_sum(__global const float *z0, __global const float *z1, __global const float *z2,
                       size_t line, int q) {
    __global const float *z[3] = {z0 + q * 16, z1 + q * 16, z2 + q * 16};
    float4 sum = 0.0f;
    UNROLL(t, 9)
        sum += vload4(0, z[t / 3] + THIN_BLOCK(t) * line + t % 3 * 16 + THIN_LANE(t));
    return sum;
}

/* conv_planes for at most THIN_OUTS outputs and maps x of h x w, 3 x 3, stride 1, padded by 1;
 * where MASKED of x times [m > 0]. A work-item makes `rows` rows and has `slab` floats of the work
 * space: the filters, part of a row, three rows of z and one of zeros. Grid: stretches of rows. */
__kernel GROUP(1, 1) void conv_thin(__global float *y, ulong y_at, __global const float *x,
                                    ulong x_at, __global const float *m, ulong m_at,
                                    __global const float *f, ulong f_at, __global const float *bias,
                                    ulong bias_at, __global float *work, ulong work_at,
                                    int channels, int outputs, int h, int w, int mode, int f_row,
                                    int rows, int slab, int kind) {
    const int first = get_global_id(0) * rows, last = min(first + rows, h);
    const int blocks = (channels + 15) / 16;
    const size_t plane = (size_t)h * w, line = (w + 2) * 16ul;
    __global float *g = work + work_at + get_global_id(0) * (size_t)slab;
    __global float *part = g + 2 * blocks * 256, *z = part + blocks * THIN_SIDE * 16;
    thin_filters(g, f + f_at, blocks, outputs, f_row);
    for (size_t i = 0; i < 2 * (size_t)(w + 2); i++)
        put16((float16)(0.0f), i, z + 6 * line);
    x += x_at;
    m += m_at;
    y += y_at;
    for (int p = first, next = max(first - 1, 0); p < last; p++) {
        for (; next <= min(p + 1, h - 1); next++)
            thin_row(z + next % 3 * 2 * line, part, x + next * w * 16ul, m + next * w * 16ul,
                     plane * 16, g, channels, w, mode, kind);
        int at[3]; /* the rows of z for the three rows of taps; 3: zeros */
        for (int a = 0; a < 3; a++) {
            const int row = conv_source(p + a - 1, h, 1, mode);
            at[a] = row < 0 ? 3 : row % 3;
        }
        for (int q = 0; q < w; q++) {
            float out[4];
            vstore4(
                thin_sum(z + at[0] * 2 * line, z + at[1] * 2 * line, z + at[2] * 2 * line, line, q),
                0, out);
            for (int o = 0; o < outputs; o++) {
                const float v = out[o] + bias[bias_at + o];
                y[o * plane + (size_t)p * w + q] = kind & CONV_RELU && v < 0.0f ? 0.0f : v;
            }
        }
    }
}

#endif
