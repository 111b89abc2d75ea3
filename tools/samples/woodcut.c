/* SPDX-License-Identifier: MIT
 *
 * A sample style: a print from four blocks, waves under a sun. Flat inks on laid paper, and lines
 * cut along the forms, which swell where it is dark.
 *
 * Coordinates of the composition: the picture's height is 1, its width the aspect ratio; y down.
 */
#include "draw.h"

#include <stdbool.h>

static const vec PAPER = {0.93f, 0.87f, 0.73f}, BLUE = {0.13f, 0.30f, 0.45f},
                 PALE = {0.55f, 0.69f, 0.69f}, RED = {0.78f, 0.29f, 0.18f},
                 BLACK = {0.09f, 0.10f, 0.16f};
enum { WAVES = 7 };

/* The crest of a wave, at a height that grows towards the front; claws break off its lee. */
static float crest(int wave, float x) {
    float k = (float)wave, near = (k + 1) / WAVES;
    float phase = (6.5f - 3.4f * near) * x + 2.1f * k + 0.5f * sinf(2.3f * x + k);
    float steep = sinf(phase + 0.75f * sinf(phase));
    float foam = fmaxf(0, steep) * fabsf(fractal(9 * x, 3 * k, 2, 5)) * 0.16f;
    return 0.42f + 0.62f * near * near * near + 0.05f * near - (0.035f + 0.15f * near) * steep -
           foam * near;
}

/* Whether a cut line of the family u = whole numbers passes here; `share` of it is ink. */
static bool cut(float u, float share, float x, float y) {
    float rough = 0.10f * noise2(60 * x, 60 * y, 9) + 0.12f * noise2(9 * x, 9 * y, 10);
    return u - floorf(u) < share + rough * (share > 0.02f);
}

static vec sky(float x, float y) {
    float dx = x - 0.98f, dy = y - 0.21f, r = sqrtf(dx * dx + dy * dy);
    float drift = y + 0.03f * sinf(5 * x) + 0.05f * fractal(2.5f * x, 7 * y, 3, 11);
    if (r < 0.125f)
        return cut(44 * drift, 0.16f, x, y) && r < 0.118f ? PAPER : r < 0.118f ? RED : BLACK;
    float cloud = fractal(1.6f * x + 3, 5 * drift, 3, 12);
    if (cloud > 0.08f)
        return cloud < 0.105f || cut(38 * drift, 0.6f - 2.2f * cloud, x, y) ? BLUE : PAPER;
    float dark = 0.20f + 0.55f * smooth(0.45f, 0, y);
    return cut(52 * drift, dark, x, y) ? BLUE : PALE;
}

static vec sea(int wave, float below, float x, float y) {
    float near = (float)(wave + 1) / WAVES;
    float foam = 0.020f * near + 0.030f * near * fractal(13 * x, 13 * y + (float)wave, 3, 13);
    if (below < 0.006f * near + 0.002f)
        return BLACK;
    if (below < foam)
        return cut(14 * x + 60 * below, 0.06f, x, y) ? PALE : PAPER;
    if (below < foam + 0.005f)
        return BLACK;
    /* Lines that leave the crest and bend into the trough. */
    float along = (24 - 9 * near) * (x + 1.4f * below + 0.10f * fractal(3 * x, 4 * y, 2, 14));
    float bands = 30 * (1.25f - 0.6f * near) * below / (0.4f + near);
    float dark = smooth(0.02f, 0.30f * near + 0.05f, below);
    if (cut(bands, 0.22f - 0.12f * dark, x, y))
        return wave % 2 ? PALE : PAPER;
    return cut(along, 0.22f + 0.45f * dark, x, y) ? BLACK : BLUE;
}

static vec ink(float x, float y) {
    for (int wave = WAVES - 1; wave >= 0; wave--) {
        float top = crest(wave, x);
        if (y > top)
            return sea(wave, y - top, x, y);
    }
    return sky(x, y);
}

void draw_woodcut(float *rgb, int width, int height) {
    enum { FINE = 4 };
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            vec sum = {0, 0, 0};
            for (int i = 0; i < FINE * FINE; i++) {
                float u = ((float)x + ((float)(i % FINE) + 0.5f) / FINE) / (float)height;
                float v = ((float)y + ((float)(i / FINE) + 0.5f) / FINE) / (float)height;
                /* The hand is not quite steady, and the grain of the block takes less ink. */
                float du = 0.004f * fractal(11 * u, 11 * v, 3, 15);
                float dv = 0.004f * fractal(11 * u, 11 * v, 3, 16);
                float grain = 0.10f * fractal(14 * u, 160 * v, 3, 17);
                vec c = ink(u + du, v + dv);
                sum = add(sum, mix(c, PAPER, clampf(0.06f + grain, 0, 1)));
            }
            float *out = rgb + 3 * (y * width + x);
            float laid = 0.02f * noise2(0.9f * (float)x, 0.25f * (float)y, 18);
            sum = add(scale(sum, 1.0f / (FINE * FINE)), v3(laid, laid, laid));
            out[0] = clampf(sum.x, 0, 1), out[1] = clampf(sum.y, 0, 1),
            out[2] = clampf(sum.z, 0, 1);
        }
}
