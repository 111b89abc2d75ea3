/* SPDX-License-Identifier: MIT
 *
 * Colours described by the numbers of ITU-T H.273, as in AVIF, HEIF and PNG's cICP.
 */
#include <string.h>

#include "media/media.h"

enum { CURVE_LINEAR = 8, CURVE_SRGB = 13, CURVE_PQ = 16, CURVE_HLG = 18, PRIMARIES_SRGB = 1 };

/* Chromaticities of white, red, green and blue. */
static const struct primaries {
    unsigned number;
    double xy[8];
} known[] = {
    {PRIMARIES_SRGB, {0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060}},
    {4, {0.3100, 0.3160, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080}},  /* BT.470 M */
    {5, {0.3127, 0.3290, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060}},  /* BT.470 BG */
    {6, {0.3127, 0.3290, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070}},  /* SMPTE 170M */
    {7, {0.3127, 0.3290, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070}},  /* SMPTE 240M */
    {8, {0.3100, 0.3160, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049}},  /* film */
    {9, {0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046}},  /* BT.2020 */
    {11, {0.3140, 0.3510, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}}, /* DCI-P3 */
    {12, {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}}, /* Display P3 */
    {22, {0.3127, 0.3290, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077}}, /* EBU 3213 */
};

static const struct primaries *find(unsigned number) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number)
            return &known[i];
    return NULL;
}

/* The exponent of a curve; 0: that of sRGB, by which pictures with the curves of video are shown,
 * too; below 0: unknown. */
static double gamma_of(unsigned curve) {
    switch (curve) {
    case 1: /* BT.709 */
    case 6:
    case 7:
    case 11:
    case 12:
    case CURVE_SRGB:
    case 14: /* BT.2020 */
    case 15:
    case CURVE_PQ:
    case CURVE_HLG:
        return 0;
    case 4:
        return 2.2;
    case 5:
        return 2.8;
    case CURVE_LINEAR:
        return 1;
    case 17:
        return 2.6;
    default:
        return -1;
    }
}

bool imp_colours_known(unsigned primaries, unsigned curve) {
    return find(primaries) && gamma_of(curve) >= 0;
}

imp_status imp_decode_numbers(imp_decode *t, unsigned primaries, unsigned curve, imp_error *err) {
    const struct primaries *const p = find(primaries);
    const double gamma = gamma_of(curve);
    if (curve == CURVE_PQ || curve == CURVE_HLG)
        imp_decode_note(t, "has a high dynamic range, which is not converted; it may look flat");
    if (!p || gamma < 0 || (primaries == PRIMARIES_SRGB && gamma == 0))
        return IMP_OK;
    return imp_decode_primaries(t, p->xy, gamma, err);
}
