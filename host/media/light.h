/* SPDX-License-Identifier: MIT
 *
 * Between sRGB's encoded colours and linear light (IEC 61966-2-1), exactly and by tables.
 */
#ifndef IMP_MEDIA_LIGHT_H
#define IMP_MEDIA_LIGHT_H

/* The light of an encoded colour in 0..1, and the reverse. */
double imp_srgb_decode(double v);
double imp_srgb_encode(double v);

/* Tables with linear interpolation. The error is at most step^2 / 8 times the largest second
 * derivative (3.5 for decoding, 2400 for encoding): 3e-8 and 7e-8. In the one step where the two
 * parts of the curve meet, their slopes differ by 0.0013 and 0.22. That adds at most a quarter of
 * the difference times the step: 1.1e-7 and 9e-7 in total. A step of 16 bits is 1.5e-5. */
enum { IMP_LIGHT_DECODE_STEPS = 1 << 12, IMP_LIGHT_ENCODE_STEPS = 1 << 16 };

typedef struct imp_light {
    float decode[IMP_LIGHT_DECODE_STEPS + 2],
        encode[IMP_LIGHT_ENCODE_STEPS + 2]; /* one entry beyond 1 for the interpolation */
} imp_light;

/* NULL: out of memory. The caller frees. */
imp_light *imp_light_open(void);

/* Clamps v to 0..1; NaN becomes 0. */
static inline float imp_light_look_up(const float *table, int steps, float v) {
    const float at = (v > 0 ? v < 1 ? v : 1 : 0) * (float)steps;
    const int i = (int)at;
    return table[i] + (at - (float)i) * (table[i + 1] - table[i]);
}

/* The same by the tables; both in [0,1]. */
static inline float imp_light_decode(const imp_light *light, float v) {
    return imp_light_look_up(light->decode, IMP_LIGHT_DECODE_STEPS, v);
}

static inline float imp_light_encode(const imp_light *light, float v) {
    return imp_light_look_up(light->encode, IMP_LIGHT_ENCODE_STEPS, v);
}

#endif
