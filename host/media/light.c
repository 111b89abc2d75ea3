/* SPDX-License-Identifier: MIT
 *
 * The tables between encoded colours and light: see light.h.
 */
#include "media/light.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

double imp_srgb_decode(double v) {
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

double imp_srgb_encode(double v) {
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

imp_light *imp_light_open(void) {
    imp_light *light = malloc(sizeof *light);
    for (size_t i = 0; light && i < IMP_LIGHT_DECODE_STEPS + 2; i++)
        light->decode[i] = (float)imp_srgb_decode((double)i / IMP_LIGHT_DECODE_STEPS);
    for (size_t i = 0; light && i < IMP_LIGHT_ENCODE_STEPS + 2; i++)
        light->encode[i] = (float)imp_srgb_encode((double)i / IMP_LIGHT_ENCODE_STEPS);
    return light;
}
