/* SPDX-License-Identifier: MIT
 *
 * Pooling indices of 2 x 2 windows: which of a window's four positions pass a gradient on, and the
 * gradient unpooled by them. Maps only: units of h x w positions of BLOCK floats. An element of the
 * indices is a whole number that holds four bits for each of INDICES windows (prelude.cl).
 */
/* indices[r,k] = sum over j of 16^j times the bits of window (r, INDICES k + j) of x. Grid: columns
 * of the indices (wide: 1) x their rows x units. */
__kernel INDICES_GROUP void pool_indices(__global float *indices, ulong indices_at,
                                         __global const float *x, ulong x_at, int h, int w,
                                         int average) {
    const ulong row = (ulong)w * BLOCK, unit = get_global_id(2), r = get_global_id(1);
    const ulong windows = w / 2, columns = (windows + INDICES - 1) / INDICES;
    indices += indices_at + (unit * (h / 2) + r) * columns * BLOCK;
    x += x_at + (unit * h + 2 * r) * row;
    for (ulong k = get_global_id(0); k < columns; k += get_global_size(0)) {
        bits all = 0;
        for (int j = 0; j < INDICES && k * INDICES + j < windows; j++) {
            const ulong i = 2 * (k * INDICES + j) * BLOCK, next = i + BLOCK;
            all |= indices_of(load(x, i, next), load(x, next, next + BLOCK),
                              load(x, i + row, next + row), load(x, next + row, next + BLOCK + row),
                              average)
                   << (4 * j);
        }
        store(bits_to(all), indices, k * BLOCK, (k + 1) * BLOCK);
    }
}

/* dx = share * dy at the positions whose bit is set, else 0. Grid: windows, partial ones included:
 * columns (wide: 1) x rows x units. */
__kernel INDICES_GROUP void unpool(__global float *dx, ulong dx_at, __global const float *dy,
                                   ulong dy_at, __global const float *indices, ulong indices_at,
                                   int h, int w, float share) {
    const ulong row = (ulong)w * BLOCK, unit = get_global_id(2), r = get_global_id(1);
    const ulong windows = w / 2, columns = (windows + INDICES - 1) / INDICES;
    const ulong inner = min(r, (ulong)max(h / 2 - 1, 0));
    dx += dx_at + (unit * h + 2 * r) * row;
    dy += dy_at + (unit * (h / 2) + inner) * windows * BLOCK;
    indices += indices_at + (unit * (h / 2) + inner) * columns * BLOCK;
    for (ulong q = get_global_id(0); 2 * q < (ulong)w; q += get_global_size(0)) {
        const ulong i = 2 * q * BLOCK, next = i + BLOCK, k = q / INDICES;
        const vec zero = 0.0f;
        vec value = zero;
        bits set = 0;
        if (r < (ulong)h / 2 && q < windows) {
            value = share * load(dy, q * BLOCK, (q + 1) * BLOCK);
            set = bits_from(load(indices, k * BLOCK, (k + 1) * BLOCK)) >>
                  (int)(4 * (q - k * INDICES));
        }
        store(select(zero, value, (set & 1) != 0), dx, i, next);
        if (2 * q + 1 < (ulong)w)
            store(select(zero, value, (set & 2) != 0), dx, next, next + BLOCK);
        if (2 * r + 1 < (ulong)h) {
            store(select(zero, value, (set & 4) != 0), dx, i + row, next + row);
            if (2 * q + 1 < (ulong)w)
                store(select(zero, value, (set & 8) != 0), dx, next + row, next + BLOCK + row);
        }
    }
}
