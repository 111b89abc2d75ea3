/* SPDX-License-Identifier: MIT
 *
 * Converting stored numbers: see dtype.h.
 */
#include "weights/dtype.h"

#include <string.h>

size_t imp_dtype_bytes(imp_dtype dtype) {
    static const size_t bytes[] = {
        [IMP_DTYPE_F32] = 4, [IMP_DTYPE_F16] = 2, [IMP_DTYPE_BF16] = 2, [IMP_DTYPE_F64] = 8};
    return dtype < IMP_DTYPE_OTHER ? bytes[dtype] : 0;
}

static float from_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint32_t to_bits(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static float from_half(uint32_t half) {
    const uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 0) /* zero and numbers below 2^-14 */
        return from_bits(sign) + (sign ? -1.0F : 1.0F) * (float)fraction * 0x1p-24F;
    if (exponent == 31)
        return from_bits(sign | 0x7F800000 | fraction << 13);
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static uint64_t read_whole(const unsigned char *p, size_t bytes) {
    uint64_t v = 0;
    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static float read_one(imp_dtype dtype, const unsigned char *p) {
    double wide;
    const uint64_t bits = read_whole(p, imp_dtype_bytes(dtype));
    switch (dtype) {
    case IMP_DTYPE_F16:
        return from_half((uint32_t)bits);
    case IMP_DTYPE_BF16:
        return from_bits((uint32_t)bits << 16);
    case IMP_DTYPE_F64:
        memcpy(&wide, &bits, sizeof wide);
        if (wide > 0x1.ffffffp127 || wide < -0x1.ffffffp127) /* the conversion would be undefined */
            return from_bits(wide > 0 ? 0x7F800000 : 0xFF800000);
        return (float)wide;
    default:
        return from_bits((uint32_t)bits);
    }
}

void imp_dtype_read(float *out, imp_dtype dtype, const unsigned char *bytes, size_t count) {
    const size_t item = imp_dtype_bytes(dtype);
    for (size_t i = 0; i < count; i++)
        out[i] = read_one(dtype, bytes + item * i);
}

uint16_t imp_half_from(float value) {
    const uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    if (size >= 0x477FF000) /* 65520 and above, infinity, NaN */
        return (uint16_t)(sign | (size > 0x7F800000 ? 0x7E00 : 0x7C00));
    if (size <
        0x38800000) /* below 2^-14: adding 1/2 leaves the multiple of 2^-24 in the low bits */
        return (uint16_t)(sign | (to_bits(from_bits(size) + 0.5F) - 0x3F000000));
    const uint32_t half = (size - 0x38000000) >> 13, rest = size & 0x1FFF;
    return (uint16_t)(sign | (half + (rest > 0x1000 || (rest == 0x1000 && (half & 1)))));
}
