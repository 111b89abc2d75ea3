/* SPDX-License-Identifier: MIT
 *
 * Which positions of 2 x 2 windows pass a gradient on, and the gradient spread by them. Maps only:
 * units are h x w positions of BLOCK floats. An element of a choice holds CHOICES windows of four
 * bits each, as a whole number. Here, too, is what the kernels of convolutions with a pooling take
 * from it.
 */
enum { CHOICES = 6 }; /* IMP_CHOICES of engine/ops.h */

#if BLOCK == 16
#define CHOICE_GROUP GROUP(1, 1)
typedef int16 bits;
#define bits_from convert_int16
#define bits_to   convert_float16
#else
#define CHOICE_GROUP GROUP(64, 1)
typedef int bits;
#define bits_from    convert_int
#define bits_to      convert_float
#endif

/* bit where x > y, else 0. */
static inline bits choice_where(vec x, vec y, int bit) {
    return select((bits)(0), (bits)(bit), x > y);
}

/* The bits of a window. */
static inline bits choice_of(vec a, vec b, vec c, vec d, int average) {
    const vec zero = 0.0f;
    if (average)
        return choice_where(a, zero, 1) | choice_where(b, zero, 2) | choice_where(c, zero, 4) |
               choice_where(d, zero, 8);
    const vec ab = select(a, b, b > a), abc = select(ab, c, c > ab);
    bits chosen = select((bits)(1), (bits)(2), b > a);
    chosen = select(chosen, (bits)(4), c > ab);
    chosen = select(chosen, (bits)(8), d > abc);
    return select((bits)(0), chosen, select(abc, d, d > abc) > zero);
}

/* choice[r,k] = sum_j 16^j bits of window (r, CHOICES k + j) of x.
 * Grid: columns of the choice (wide: 1) x rows of it x units. */
__kernel CHOICE_GROUP void pool_choice(__global float *choice, ulong choice_at,
                                       __global const float *x, ulong x_at, int h, int w,
                                       int average) {
    const ulong row = (ulong)w * BLOCK, unit = get_global_id(2), r = get_global_id(1);
    const ulong windows = w / 2, columns = (windows + CHOICES - 1) / CHOICES;
    choice += choice_at + (unit * (h / 2) + r) * columns * BLOCK;
    x += x_at + (unit * h + 2 * r) * row;
    for (ulong k = get_global_id(0); k < columns; k += get_global_size(0)) {
        bits all = 0;
        for (int j = 0; j < CHOICES && k * CHOICES + j < windows; j++) {
            const ulong i = 2 * (k * CHOICES + j) * BLOCK, next = i + BLOCK;
            all |= choice_of(load(x, i, next), load(x, next, next + BLOCK),
                             load(x, i + row, next + row), load(x, next + row, next + BLOCK + row),
                             average)
                   << (4 * j);
        }
        store(bits_to(all), choice, k * BLOCK, (k + 1) * BLOCK);
    }
}

/* dx = share * dy at the positions that the choice names, else 0.
 * Grid: windows, partial ones too: columns (wide: 1) x rows x units. */
__kernel CHOICE_GROUP void pool_spread(__global float *dx, ulong dx_at, __global const float *dy,
                                       ulong dy_at, __global const float *choice, ulong choice_at,
                                       int h, int w, float share) {
    const ulong row = (ulong)w * BLOCK, unit = get_global_id(2), r = get_global_id(1);
    const ulong windows = w / 2, columns = (windows + CHOICES - 1) / CHOICES;
    const ulong inner = min(r, (ulong)max(h / 2 - 1, 0));
    dx += dx_at + (unit * h + 2 * r) * row;
    dy += dy_at + (unit * (h / 2) + inner) * windows * BLOCK;
    choice += choice_at + (unit * (h / 2) + inner) * columns * BLOCK;
    for (ulong q = get_global_id(0); 2 * q < (ulong)w; q += get_global_size(0)) {
        const ulong i = 2 * q * BLOCK, next = i + BLOCK, k = q / CHOICES;
        const vec zero = 0.0f;
        vec value = zero;
        bits chosen = 0;
        if (r < (ulong)h / 2 && q < windows) {
            value = share * load(dy, q * BLOCK, (q + 1) * BLOCK);
            chosen =
                bits_from(load(choice, k * BLOCK, (k + 1) * BLOCK)) >> (int)(4 * (q - k * CHOICES));
        }
        store(select(zero, value, (chosen & 1) != 0), dx, i, next);
        if (2 * q + 1 < (ulong)w)
            store(select(zero, value, (chosen & 2) != 0), dx, next, next + BLOCK);
        if (2 * r + 1 < (ulong)h) {
            store(select(zero, value, (chosen & 4) != 0), dx, i + row, next + row);
            if (2 * q + 1 < (ulong)w)
                store(select(zero, value, (chosen & 8) != 0), dx, next + row, next + BLOCK + row);
        }
    }
}
