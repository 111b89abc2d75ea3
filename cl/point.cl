/* SPDX-License-Identifier: MIT
 *
 * 1 x 1 convolution, stride 1: a product of matrices whose columns are the positions. It uses tiles
 * and loads of convolution.cl, which comes before it in the program.
 */

#if BLOCK == 16

/* part[blocks][row][16] = `count` positions of x times [m > 0], the last one repeated up to `row`.
 * plane: floats from one block of x to the next. */
OUTLINE void point_mask(__global float *part, __global const float *x, __global const float *m,
                        size_t plane, int blocks, int row, int count) {
    for (int b = 0; b < blocks; b++, x += plane, m += plane)
        for (int i = 0; i < row; i++, part += 16) {
            const int at = min(i, count - 1);
            const float16 v = vload16(at, x);
            put16(select((float16)(0.0f), v, vload16(at, m) > 0.0f), 0, part);
        }
}

/* conv_row for `outputs` blocks. Meanwhile the `next` positions of x and, where MASKED, of m are
 * prefetched; their blocks are `plane` floats apart. */
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
        conv_one(y + o * y_plane, 0, p, s, f + o * f_row, 0, bias + o * 16, ahead, w, kind);
}

/* conv_row for positions q..n-1, one by one. */
OUTLINE void point_rest(__global float *y, size_t y_plane, __global const float *x,
                        const conv_strip s, __global const float *f, size_t f_row,
                        __global const float *bias, int outputs, int q, int n, int kind) {
    const conv_ahead none = {0, 0, 0, 0, 0, 0};
    for (; q < n; q++)
        for (int o = 0; o < outputs; o++)
            conv_tile(y + o * y_plane + q * 16, 0, x + q * 16, s, f + o * f_row, 0, bias + o * 16,
                      none, 16, 1, 1, 1, kind);
}

/* y = [y, or bias] + 1 x 1 filters * x, then ReLU, for n positions of maps x, where MASKED times [m
 * > 0]; f as for conv_product. A work-item makes `share` positions, in stretches of `row` whose
 * inputs stay in the cache while all filters are read. Where MASKED it first masks a stretch into
 * its own `slab` floats of the work space; then `row` is a multiple of the positions of a tile.
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
    conv_flush(kind);
}

/* ---- fused with a pooling ---- */

/* y and indices = the pooling of n windows, whose rows are p and p + row; the first window begins
 * an element of the indices. */
OUTLINE void point_windows(__global float *y, __global float *indices, __global const float *p,
                           size_t row, int n, int average) {
    for (int k = 0; k < n; k += INDICES, indices += 16) {
        int16 all = 0;
        for (int q = k; q < min(n, k + INDICES); q++, p += 32, y += 16) {
            const float16 a = vload16(0, p), b = vload16(1, p);
            const float16 c = vload16(0, p + row), d = vload16(1, p + row);
            put16(pool_window(a, b, c, d, average), 0, y);
            all |= indices_of(a, b, c, d, average) << (4 * (q - k));
        }
        put16(convert_float16(all), 0, indices);
    }
}

/* y and indices = the pooling of conv_point's outputs for n windows of rows x and x + x_row.
 * CONV_BLOCKS blocks of outputs at a time are made in part[CONV_BLOCKS][2][row][16]. Meanwhile
 * `pixels` positions at `then` are prefetched. */
OUTLINE void point_pool_rows(__global float *y, size_t y_plane, __global float *indices,
                             size_t c_plane, __global float *part, size_t row,
                             __global const float *x, size_t x_row, const conv_strip s,
                             __global const float *f, size_t f_row, __global const float *bias,
                             __global const float *then, int pixels, int outputs, int n, int kind) {
    const int many = 2 * n / CONV_UNIT * CONV_UNIT;
    for (int o = 0; o < outputs; o += CONV_BLOCKS, f += CONV_BLOCKS * f_row) {
        const int some = min(CONV_BLOCKS, outputs - o);
        for (int r = 0; r < 2; r++) {
            __global float *p = part + r * row;
            __global const float *from = x + r * x_row, *next = then + r * x_row;
            if (many > 0)
                point_rows(p, 2 * row, from, s, f, f_row, bias + o * 16, next, next, s.plane,
                           o ? 0 : pixels, some, many, kind);
            point_rest(p, 2 * row, from, s, f, f_row, bias + o * 16, some, many, 2 * n, kind);
        }
        for (int j = 0; j < some; j++)
            point_windows(y + (o + j) * y_plane, indices + (o + j) * c_plane, part + j * 2 * row,
                          row, n, kind & CONV_AVERAGE);
    }
}

/* conv_point for the h x w positions of x, fused with its pooling: y and indices. A work-item takes
 * `share` stretches of `row` positions in the two rows of windows; a stretch fills whole elements
 * of the indices. Grid: work-items, each with `slab` floats of the work space. */
__kernel GROUP(1, 1) void point_pool(__global float *y, ulong y_at, __global const float *x,
                                     ulong x_at, __global float *indices, ulong indices_at,
                                     __global const float *f, ulong f_at,
                                     __global const float *bias, ulong bias_at,
                                     __global float *work, ulong work_at, int h, int w,
                                     int channels, int outputs, int f_row, int share, int row,
                                     int slab, int kind) {
    const int wide = w / 2, columns = (wide + INDICES - 1) / INDICES;
    const int across = (2 * wide + row - 1) / row, from = get_global_id(0) * share;
    const size_t plane = (size_t)h * w * 16, y_plane = (size_t)(h / 2) * wide * 16;
    const conv_strip s = {channels, 1, 1, 0, plane};
    const int end = min(h / 2 * across, from + share);
    for (int k = from; k < end; k++) {
        const int r = k / across, q = k % across * row, n = min(row, 2 * wide - q) / 2;
        const int last = k + 1 == end, then = (k + 1) % across * row;
        __global const float *line = x + x_at + (size_t)2 * r * w * 16;
        __global const float *next = line + (then ? 0 : 2 * w * 16ul) + then * 16;
        point_pool_rows(y + y_at + ((size_t)r * wide + q / 2) * 16, y_plane,
                        indices + indices_at + ((size_t)r * columns + q / 2 / INDICES) * 16,
                        (size_t)(h / 2) * columns * 16,
                        work + work_at + get_global_id(0) * (size_t)slab, row * 16ul, line + q * 16,
                        w * 16ul, s, f + f_at, f_row, bias + bias_at, next,
                        last ? 0 : min(row, 2 * wide - then), outputs, n, kind);
    }
}

/* part[blocks][2][row][16] = dy unpooled by its indices, for `many` positions of two rows from
 * window q on; 0 at positions from n on, which are in no window. */
OUTLINE void point_unpool_rows(__global float *part, int row, __global const float *dy,
                               size_t y_plane, __global const float *indices, size_t c_plane,
                               int blocks, int q, int n, int many, int average) {
    const float share = average ? 0.25f : 1.0f;
    const float16 zero = 0.0f;
    for (int b = 0; b < blocks; b++, dy += y_plane, indices += c_plane) {
        __global float *upper = part + b * 2ul * row * 16, *lower = upper + row * 16ul;
        for (int i = 0; i < many; i += 2) {
            const int k = q + i / 2;
            float16 value = zero;
            int16 bits = 0;
            if (i < n) {
                value = share * vload16(k, dy);
                bits = convert_int16(vload16(k / INDICES, indices)) >> (4 * (k % INDICES));
            }
            put16(select(zero, value, (bits & 1) != 0), i, upper);
            put16(select(zero, value, (bits & 2) != 0), i + 1, upper);
            put16(select(zero, value, (bits & 4) != 0), i, lower);
            put16(select(zero, value, (bits & 8) != 0), i + 1, lower);
        }
    }
}

/* conv_point for the h x w positions of y, fused with an unpooling: x is the gradient of the pooled
 * map, `indices` its pooling indices. Otherwise as point_pool. */
__kernel GROUP(1, 1) void point_unpool(__global float *y, ulong y_at, __global const float *x,
                                       ulong x_at, __global float *indices, ulong indices_at,
                                       __global const float *f, ulong f_at,
                                       __global const float *bias, ulong bias_at,
                                       __global float *work, ulong work_at, int h, int w,
                                       int channels, int outputs, int f_row, int share, int row,
                                       int slab, int kind) {
    const int wide = w / 2, high = h / 2, columns = (wide + INDICES - 1) / INDICES;
    const int across = (w + row - 1) / row, from = get_global_id(0) * share;
    const size_t plane = (size_t)h * w * 16;
    const conv_strip s = {channels, 1, 1, 0, 2ul * row * 16};
    __global float *part = work + work_at + get_global_id(0) * (size_t)slab;
    x += x_at;
    y += y_at;
    for (int k = from; k < min((h + 1) / 2 * across, from + share); k++) {
        const int r = k / across, q = k % across * row, n = min(row, w - q);
        const int there = r < high ? min(row, 2 * wide - q) : 0, window = min(r, high - 1);
        point_unpool_rows(part, row, x + (size_t)window * wide * 16, (size_t)high * wide * 16,
                          indices + indices_at + (size_t)window * columns * 16,
                          (size_t)high * columns * 16, (channels + 15) / 16, q / 2, there,
                          (n + CONV_UNIT - 1) / CONV_UNIT * CONV_UNIT, kind & CONV_AVERAGE);
        for (int i = 0; i < min(2, h - 2 * r); i++)
            point_rows(y + ((size_t)(2 * r + i) * w + q) * 16, plane, part + i * row * 16ul, s,
                       f + f_at, f_row, bias + bias_at, x, x, 0, 0, outputs, n, kind);
    }
}

#endif
