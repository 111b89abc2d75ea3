/* SPDX-License-Identifier: MIT
 *
 * 3 x 3 convolution by Winograd's F(4x4, 3x3): 36 products for 16 outputs (Lavin and Gray 2016). It
 * uses functions of convolution.cl and point.cl, which come before it in the program.
 * host/opencl/convolution_choice.c decides where it is used.
 *
 * wide: one kernel takes strips of tiles through all steps, each in a core's own cache.
 *
 * simt: a strip of tiles goes through three kernels (winograd_simt.cl). winograd_inputs leaves the
 * transformed inputs v[36][channels][pitch] in the work space, winograd_products_* multiplies them
 * by the filters into s[36][outputs][pitch], and winograd_outputs transforms those back.
 *
 * The polynomial points are 0, +-A, +-B and infinity with A B = 1. With the usual 0, +-1, +-2 the
 * rounding error is four times as large. In one dimension y = A^T ((G g) . (B^T d)), for six d,
 * three g, four y.
 */
#define WINOGRAD_A  0.70710678f
#define WINOGRAD_B  1.41421356f
#define WINOGRAD_A3 0.35355339f
#define WINOGRAD_B3 2.82842712f

/* u = G g. */
INLINE void winograd_weights(vec *u, const int step, vec g0, vec g1, vec g2) {
    const vec a = g0 + 0.5f * g2, b = g0 + 2.0f * g2;
    u[0] = g0;
    u[step] = -2.0f / 3.0f * (a + WINOGRAD_A * g1);
    u[2 * step] = -2.0f / 3.0f * (a - WINOGRAD_A * g1);
    u[3 * step] = 1.0f / 6.0f * (b + WINOGRAD_B * g1);
    u[4 * step] = 1.0f / 6.0f * (b - WINOGRAD_B * g1);
    u[5 * step] = g2;
}

/* d = B^T d, for six values `step` apart. */
INLINE void winograd_in(vec *d, const int step) {
    const vec d0 = d[0], d1 = d[step], d2 = d[2 * step];
    const vec d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const vec even_a = fma(-2.0f, d2, d4), odd_a = fma(-2.0f, d1, d3);
    const vec even_b = fma(-0.5f, d2, d4), odd_b = fma(-0.5f, d1, d3);
    d[0] = fma(-2.5f, d2, d0 + d4);
    d[step] = fma(WINOGRAD_A, odd_a, even_a);
    d[2 * step] = fma(-WINOGRAD_A, odd_a, even_a);
    d[3 * step] = fma(WINOGRAD_B, odd_b, even_b);
    d[4 * step] = fma(-WINOGRAD_B, odd_b, even_b);
    d[5 * step] = fma(-2.5f, d3, d1 + d5);
}

/* m = A^T m, for six values `step` apart; the result takes the places of the first four. */
INLINE void winograd_out(vec *m, const int step) {
    const vec sum_a = m[step] + m[2 * step], difference_a = m[step] - m[2 * step];
    const vec sum_b = m[3 * step] + m[4 * step], difference_b = m[3 * step] - m[4 * step];
    m[0] = m[0] + (sum_a + sum_b);
    m[step] = fma(WINOGRAD_A, difference_a, WINOGRAD_B * difference_b);
    m[2 * step] = fma(0.5f, sum_a, 2.0f * sum_b);
    m[3 * step] = fma(WINOGRAD_A3, difference_a, fma(WINOGRAD_B3, difference_b, m[5 * step]));
}

/* Stores value as the k-th filter at f; halves: rounded to the nearest finite half. */
INLINE void winograd_keep(__global float *f, size_t k, float value, int halves) {
    if (halves)
        vstore_half_rte(clamp(value, -65504.0f, 65504.0f), k, (__global half *)f);
    else
        f[k] = value;
}

#if BLOCK == 16

/* f = G g G^T: [blocks of outputs][36][blocks of inputs][16 inputs][16 outputs], floats or halves;
 * `row` floats separate blocks of outputs. Other parameters as for conv_filter. Grid: blocks of
 * outputs x blocks of inputs. */
__kernel GROUP(1, 1) void winograd_filter(__global float *f, ulong f_at, __global const float *w,
                                          ulong w_at, int o0, int outputs, int inputs, int row,
                                          int first, int count, int flipped, int halves) {
    const int i0 = get_global_id(1) * 16, blocks = get_global_size(1);
    const size_t point = blocks * 256ul;
    o0 += get_global_id(0) * 16;
    w += w_at;
    f += f_at + get_global_id(0) * (size_t)row;
    for (int i = i0; i < i0 + 16; i++) {
        float taps[9][16];
        int known[16], all = 1; /* lanes whose weights are present, or that are beyond the end */
        for (int k = 0; k < 16; k++) {
            const int o = o0 + k, there = o < outputs && i < inputs;
            const int outer = there ? (flipped ? i : o) - first : 0, inner = flipped ? o : i;
            known[k] = outer >= 0 && outer < count;
            all &= known[k];
            const size_t filter = (size_t)outer * (flipped ? outputs : inputs) + inner;
            for (int t = 0; t < 9; t++)
                taps[flipped ? 8 - t : t][k] = there && known[k] ? w[filter * 9 + t] : 0.0f;
        }
        float16 columns[18], u[36];
        for (int b = 0; b < 3; b++)
            winograd_weights(columns + b, 3, vload16(b, taps[0]), vload16(b + 3, taps[0]),
                             vload16(b + 6, taps[0]));
        for (int a = 0; a < 6; a++)
            winograd_weights(u + a * 6, 1, columns[a * 3], columns[a * 3 + 1], columns[a * 3 + 2]);
        for (int p = 0; p < 36; p++)
            if (all && !halves)
                put16(u[p], i, f + p * point);
            else
                for (int k = 0; k < 16; k++)
                    if (known[k])
                        winograd_keep(f, p * point + i * 16 + k, ((const float *)(u + p))[k],
                                      halves);
    }
}

#define WINOGRAD_HEAD 16

/* The shapes of a pass. */
typedef struct winograd_map {
    int h, w, before, mode, kind; /* of x */
    int oh, ow, across;           /* of the convolution's output; tiles in a row */
} winograd_map;

/* The most tiles side by side that are transformed together, and the columns of their inputs. */
enum { WINOGRAD_RUN = 8, WINOGRAD_WIDTH = 4 * WINOGRAD_RUN + 2 };

/* v[36][tiles][16], points v_point floats apart, = (B^T d) B for tiles side by side, from the
 * columns of B^T d. */
INLINE void winograd_put_inputs(__global float *v, size_t v_point, const float16 (*columns)[6],
                                int tiles) {
    for (int a = 0; a < 6; a++, v += 6 * v_point)
        for (int t = 0; t < tiles; t++) {
            float16 d[6];
            UNROLL(b, 6)
                d[b] = columns[4 * t + b][a];
            winograd_in(d, 1);
            UNROLL(b, 6)
                put16(d[b], t, v + b * v_point);
        }
}

/* d[4][6] = A^T m; m[36][..][16], points m_point floats apart. */
INLINE void winograd_get_sums(float16 *d, __global const float *m, size_t m_point) {
    UNROLL(b, 6) {
        float16 c[6];
        UNROLL(a, 6)
            c[a] = vload16(0, m + (a * 6 + b) * m_point);
        winograd_out(c, 1);
        UNROLL(a, 4)
            d[a * 6 + b] = c[a];
    }
}

/* Element (row, column) of x, where MASKED times [y > 0]; 0 where either is negative. */
INLINE float16 winograd_source(__global const float *x, __global const float *y,
                               const winograd_map s, int row, int column) {
    const size_t at = (size_t)row * s.w + column;
    if (row < 0 || column < 0)
        return 0.0f;
    const float16 value = get16(at, x);
    return s.kind & CONV_MASKED ? select((float16)(0.0f), value, get16(at, y) > 0.0f) : value;
}

/* v[36][tiles][16], points v_point floats apart, = the transformed inputs of tiles side by side. */
OUTLINE void winograd_read(__global float *v, size_t v_point, __global const float *x,
                           __global const float *y, const winograd_map s, int tile, int tiles) {
    const int top = tile / s.across * 4 - s.before, left = tile % s.across * 4 - s.before;
    float16 columns[WINOGRAD_WIDTH][6];
    int rows[6];
    UNROLL(a, 6)
        rows[a] = conv_source(top + a, s.h, 1, s.mode);
    for (int q = 0; q < 4 * tiles + 2; q++) {
        const int column = conv_source(left + q, s.w, 1, s.mode);
        float16 d[6];
        UNROLL(a, 6)
            d[a] = winograd_source(x, y, s, rows[a], column);
        winograd_in(d, 1);
        UNROLL(a, 6)
            columns[q][a] = d[a];
    }
    winograd_put_inputs(v, v_point, columns, tiles);
}

/* y = [y, or bias] + the outputs of a tile, then ReLU; m[36][..][16], points m_point floats apart.
 */
OUTLINE void winograd_write(__global float *y, __global const float *m, size_t m_point,
                            float16 bias, const winograd_map s, int tile) {
    const int top = tile / s.across * 4, left = tile % s.across * 4;
    const float16 lower = s.kind & CONV_RELU ? 0.0f : -INFINITY;
    float16 d[24];
    winograd_get_sums(d, m, m_point);
    UNROLL(a, 4)
        winograd_out(d + a * 6, 1);
    for (int a = 0; a < min(4, s.oh - top); a++)
        for (int b = 0; b < min(4, s.ow - left); b++) {
            const size_t at = (size_t)(top + a) * s.ow + left + b;
            const float16 v = d[a * 6 + b] + (s.kind & CONV_ACCUMULATE ? get16(at, y) : bias);
            conv_put(select(v, lower, v < lower), at, y, s.kind);
        }
}

/* ---- fused with a pooling ---- */

/* winograd_read for the gradient dy of h x w windows, unpooled by its indices; 0 outside of
 * windows. The tiles' inputs begin with the second row and column of a window. */
OUTLINE void winograd_read_unpool(__global float *v, size_t v_point, __global const float *dy,
                                  __global const float *indices, const winograd_map s, int tile,
                                  int tiles) {
    const int top = tile / s.across * 2 - 1, left = tile % s.across * 2 - 1;
    const int elements = (s.w + INDICES - 1) / INDICES;
    const float share = s.kind & CONV_AVERAGE ? 0.25f : 1.0f;
    float16 columns[WINOGRAD_WIDTH + 2][6];
    for (int j = 0; j < 2 * tiles + 2; j++) {
        const int q = clamp(left + j, 0, s.w - 1), k = q / INDICES;
        float16 value[4];
        int16 set[4];
        int first[4]; /* the first of the window's four bits in its element; 0: no window */
        UNROLL(i, 4) {
            const int r = clamp(top + i, 0, s.h - 1), there = r == top + i && q == left + j;
            value[i] = share * vload16((size_t)r * s.w + q, dy);
            set[i] = convert_int16(vload16((size_t)r * elements + k, indices));
            first[i] = there << (4 * (q - k * INDICES));
        }
        UNROLL(c, 2) {
            float16 d[6];
            UNROLL(a, 6) {
                const int i = (a + 1) / 2, bit = first[i] << (2 * ((a + 1) % 2) + c);
                d[a] = select((float16)(0.0f), value[i], (set[i] & bit) != 0);
            }
            winograd_in(d, 1);
            UNROLL(a, 6)
                columns[2 * j + c][a] = d[a];
        }
    }
    winograd_put_inputs(v, v_point, columns + 1, tiles);
}

/* winograd_write of the tile's pooled windows to y, and of their indices. The tiles that share an
 * element of the indices are made by one work-item from left to right. */
OUTLINE void winograd_write_pool(__global float *y, __global float *indices,
                                 __global const float *m, size_t m_point, float16 bias,
                                 const winograd_map s, int tile) {
    const int top = tile / s.across * 2, column = tile % s.across, left = column * 2;
    const int h = s.oh / 2, w = s.ow / 2, columns = (w + INDICES - 1) / INDICES;
    const int average = s.kind & CONV_AVERAGE, first = left % INDICES;
    const float16 lower = s.kind & CONV_RELU ? 0.0f : -INFINITY;
    float16 d[24];
    winograd_get_sums(d, m, m_point);
    UNROLL(a, 4) {
        winograd_out(d + a * 6, 1);
        UNROLL(b, 4) {
            const float16 v = d[a * 6 + b] + bias;
            d[a * 6 + b] = select(v, lower, v < lower);
        }
    }
    UNROLL(i, 2)
        if (top + i < h && left < w) {
            __global float *element = indices + ((top + i) * columns + left / INDICES) * 16ul;
            int16 all = 0;
            UNROLL(j, 2)
                if (left + j < w) {
                    const int at = 12 * i + 2 * j;
                    conv_put(pool_window(d[at], d[at + 1], d[at + 6], d[at + 7], average),
                             (size_t)(top + i) * w + left + j, y, s.kind);
                    all |= indices_of(d[at], d[at + 1], d[at + 6], d[at + 7], average)
                           << (4 * (first + j));
                }
            put16(convert_float16(all) + (first ? vload16(0, element) : 0.0f), 0, element);
        }
}

/* ---- strips ---- */

/* The forms of the kernel: plain; POOL: its outputs are pooled, m receives the indices; UNPOOL: its
 * input x is the gradient of a pooled map, unpooled by the indices m. */
enum { WINOGRAD_PLAIN, WINOGRAD_POOL, WINOGRAD_UNPOOL };

/* The first tile of a strip. `whole` tiles side by side stay in one strip. */
INLINE int winograd_first(const winograd_map s, int strip, int tiles, const int whole) {
    const int line = (s.across + whole - 1) / whole, k = strip * (tiles / whole);
    return whole == 1 ? k : k / line * s.across + k % line * whole;
}

/* The body of the kernels below. */
INLINE void winograd_strips(__global float *y, __global const float *x, __global float *m,
                            __global const float *f, __global const float *bias,
                            __global float *work, const winograd_map s, int channels, int outputs,
                            int f_point, int f_row, int tiles, int group, int batch, int slab,
                            const int form) {
    const int whole = form == WINOGRAD_POOL ? INDICES / 2 : 1, pool = form == WINOGRAD_POOL;
    const int all = (s.oh + 3) / 4 * s.across, blocks = (channels + 15) / 16;
    const int units = (s.oh + 3) / 4 * ((s.across + whole - 1) / whole), unit = tiles / whole;
    const int strips = (units + unit - 1) / unit, groups = (outputs + group - 1) / group;
    const size_t v_point = ((size_t)blocks * tiles + 1) * 16, lane = tiles * 16ul;
    const size_t m_point = ((size_t)batch * tiles + 1) * 16;
    const int oh = pool ? s.oh / 2 : s.oh, ow = pool ? s.ow / 2 : s.ow;
    const size_t x_plane = (size_t)s.h * s.w * 16, y_plane = (size_t)oh * ow * 16;
    const int high = pool ? oh : s.h, wide = pool ? ow : s.w; /* windows */
    const size_t m_plane =
        form == WINOGRAD_PLAIN ? x_plane : (size_t)high * ((wide + INDICES - 1) / INDICES) * 16;
    const conv_strip product = {channels, 1, 1, 0, lane};
    volatile __global int *taken = (volatile __global int *)work;
    __global float *v = work + WINOGRAD_HEAD + get_global_id(0) * (size_t)slab;
    __global float *sums = v + 36 * v_point;
    for (int job = atomic_inc(taken); job < strips * groups; job = atomic_inc(taken)) {
        const int first = winograd_first(s, job % strips, tiles, whole);
        const int n = min(winograd_first(s, job % strips + 1, tiles, whole), all) - first;
        const int read = (n + CONV_UNIT - 1) / CONV_UNIT * CONV_UNIT;
        for (int b = 0; b < blocks; b++)
            for (int t = 0, run; t < min(read, tiles); t += run) {
                const int tile = first + min(t, n - 1), rest = s.across - tile % s.across;
                __global float *to = v + ((size_t)b * tiles + t) * 16;
                run = min(min(max(n - t, 1), rest), WINOGRAD_RUN);
                if (form == WINOGRAD_UNPOOL)
                    winograd_read_unpool(to, v_point, x + b * x_plane, m + b * m_plane, s, tile,
                                         run);
                else
                    winograd_read(to, v_point, x + b * x_plane, m + b * m_plane, s, tile, run);
            }
        const int from = job / strips * group, last = min(outputs, from + group);
        for (int o = from; o < last; o += batch) {
            const int some = min(batch, last - o);
            for (int i = 0; i < 36; i++) {
                __global const float *g = f + (size_t)o * f_row + (size_t)i * f_point;
                conv_rows(sums + i * m_point, lane, v + i * v_point, product, g, f_row, 0, 1,
                          s.kind & CONV_HALF ? 8 : 16, some, n, 0);
            }
            for (int j = o; j < o + some; j++)
                for (int t = 0; t < n; t++) {
                    __global const float *sum = sums + (j - o) * lane + t * 16;
                    if (pool)
                        winograd_write_pool(y + j * y_plane, m + j * m_plane, sum, m_point,
                                            vload16(j, bias), s, first + t);
                    else
                        winograd_write(y + j * y_plane, sum, m_point, vload16(j, bias), s,
                                       first + t);
                }
        }
    }
    conv_flush(s.kind);
}

/* winograd: y = [y, or bias] + 3 x 3 filters * x, then ReLU, for maps x of h x w, where MASKED
 * times [m > 0]; stride 1. The jobs are strips of `tiles` tiles x groups of `group` blocks of
 * outputs. A work-item takes one job after another and has `slab` floats of the work space: for the
 * transformed inputs of all blocks, then, for `batch` blocks of outputs at a time, the 36 products.
 * f: from winograd_filter (HALF: halves), f_point floats from one of the 36 points to the next. The
 * slabs begin WINOGRAD_HEAD floats into the work space; its first float is 0 at first and, as an
 * int, counts the jobs taken. Grid: work-items that share the jobs, one for each core. */
#define WINOGRAD_KERNEL(name, form)                                                                \
    __kernel GROUP(1, 1) void name(                                                                \
        __global float *y, ulong y_at, __global const float *x, ulong x_at, __global float *m,     \
        ulong m_at, __global const float *f, ulong f_at, __global const float *bias,               \
        ulong bias_at, __global float *work, ulong work_at, int channels, int outputs, int h,      \
        int w, int before, int mode, int oh, int ow, int f_point, int f_row, int tiles, int group, \
        int batch, int slab, int kind) {                                                           \
        const winograd_map s = {h, w, before, mode, kind, oh, ow, (ow + 3) / 4};                   \
        winograd_strips(y + y_at, x + x_at, m + m_at, f + f_at, bias + bias_at, work + work_at, s, \
                        channels, outputs, f_point, f_row, tiles, group, batch, slab, form);       \
    }
WINOGRAD_KERNEL(winograd, WINOGRAD_PLAIN)
/* The same with a pooling of its oh x ow outputs: y, and indices m. */
WINOGRAD_KERNEL(winograd_pool, WINOGRAD_POOL)
/* The same for the gradient x of h x w windows of a pooling, unpooled by the indices m. */
WINOGRAD_KERNEL(winograd_unpool, WINOGRAD_UNPOOL)

#endif
