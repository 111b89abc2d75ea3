/* SPDX-License-Identifier: MIT
 *
 * Kernels around a library of matrix products (host/opencl/gemm.c): feature maps packed as plain
 * matrices, one for each stretch of positions, and results added up.
 */

#if BLOCK == 16

/* p[position][channel] = f, in rows of `side` channels, for `count` positions from `first` on; 0
 * beyond the m positions of f. f: maps with `channels` channels from channel c0 on. Grid:
 * work-items that share the positions x units of f. */
__kernel GROUP(1, 1) void gemm_pack(__global float *p, ulong p_at, __global const float *f,
                                    ulong f_at, int m, int first, int count, int side, int c0,
                                    int channels, int stretch) {
    const ulong unit = get_global_id(1), end = c0 + channels;
    (void)stretch;
    p += p_at;
    f += f_at + unit * m * 16;
    for (int i = get_global_id(0); i < count; i += get_global_size(0)) {
        const ulong from = (ulong)(first + i) * 16, row = (ulong)i * side;
        const float16 v = first + i < m ? load(f, from, from + 16) : (float16)(0.0f);
        store(v, p, row + c0 + unit * 16, row + end);
    }
}

/* df += p, with df as f and p as above. Grid: as above. */
__kernel GROUP(1, 1) void gemm_add(__global float *df, ulong df_at, __global const float *p,
                                   ulong p_at, int m, int first, int count, int side, int c0,
                                   int channels) {
    const ulong unit = get_global_id(1), end = c0 + channels;
    p += p_at;
    df += df_at + unit * m * 16;
    for (int i = get_global_id(0); i < count; i += get_global_size(0)) {
        const ulong to = (ulong)(first + i) * 16, row = (ulong)i * side;
        store(load(df, to, to + 16) + load(p, row + c0 + unit * 16, row + end), df, to, to + 16);
    }
}

#else

/* p[stretch][channel][position] = f, with `stretch` positions in each, for `count` positions from
 * `first` on; 0 beyond the m positions of f. f: planes from channel c0 on. Grid: positions x planes
 * of f. */
__kernel GROUP(64, 1) void gemm_pack(__global float *p, ulong p_at, __global const float *f,
                                     ulong f_at, int m, int first, int count, int side, int c0,
                                     int channels, int stretch) {
    const int i = get_global_id(0), c = get_global_id(1), at = first + i;
    const float v = f[f_at + (ulong)min(c, channels - 1) * m + min(at, m - 1)];
    if (i < count)
        p[p_at + ((ulong)(i / stretch) * side + c0 + c) * stretch + i % stretch] =
            at < m ? v : 0.0f;
}

#endif

/* g = [g +] the sum of `parts` contiguous matrices of n elements. Grid: any number of work-items.
 */
__kernel GROUP(LANES, 1) void gemm_total(__global float *g, ulong g_at, __global const float *part,
                                         ulong part_at, ulong n, int parts, int accumulate) {
    g += g_at;
    part += part_at;
    EACH(i, n) {
        vec sum = 0.0f;
        for (int k = 0; k < parts; k++)
            sum += load(part + k * n, i, n);
        store(accumulate ? sum + load(g, i, n) : sum, g, i, n);
    }
}
