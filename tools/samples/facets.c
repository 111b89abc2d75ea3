/* SPDX-License-Identifier: MIT
 *
 * A sample style: an abstract painting of planes, discs and bars. Lines divide the canvas, more
 * lines divide each part; discs and rings change the colours of what they cross; edges are drawn in
 * dark paint of uneven width.
 *
 * Coordinates of the composition: the picture's height is 1, its width the aspect ratio; y down.
 */
#include "draw.h"

#include <stdbool.h>

static const vec PALETTE[] = {
    {0.90f, 0.72f, 0.22f}, {0.83f, 0.33f, 0.16f}, {0.13f, 0.33f, 0.55f}, {0.93f, 0.87f, 0.72f},
    {0.16f, 0.47f, 0.42f}, {0.56f, 0.16f, 0.24f}, {0.62f, 0.74f, 0.78f}, {0.23f, 0.17f, 0.30f},
};
enum { COLOURS = sizeof PALETTE / sizeof *PALETTE, DEPTH = 8, DISCS = 9 };
static const vec DARK = {0.10f, 0.08f, 0.10f};

/* A point: its part, the distance of the nearest edge, the position across the part. */
typedef struct place {
    uint32_t part;
    float edge, across;
} place;

/* Divides recursively: each line passes near the middle of the part that it divides. */
static void part(place *at, float x, float y, float aspect) {
    float cx = 0.5f * aspect, cy = 0.5f, size = 0.5f;
    uint32_t id = 1;
    for (int i = 0; i < DEPTH; i++) {
        if (i > 4 && chance(id, 1, 40) < 0.35f)
            break;
        float angle = 0.9f * (float)(i % 2) * 1.7453f + 1.1f * (chance(id, 2, 40) - 0.5f);
        float nx = cosf(angle), ny = sinf(angle), bend = 0.5f * (chance(id, 3, 40) - 0.5f);
        float u = (x - cx) * nx + (y - cy) * ny, v = (y - cy) * nx - (x - cx) * ny;
        float off = u - 0.35f * size * (chance(id, 4, 40) - 0.5f) - bend * v * v;
        float side = off > 0 ? 1.0f : -1.0f;
        at->edge = fminf(at->edge, fabsf(off));
        at->across = off / size;
        id = hash(id, off > 0, 41);
        cx += 0.5f * side * size * nx, cy += 0.5f * side * size * ny;
        size *= i % 2 ? 0.62f : 0.85f;
    }
    at->part = id;
}

/* Discs and rings, inside which the colours change. */
static void turn(place *at, float x, float y, float aspect) {
    for (uint32_t i = 0; i < DISCS; i++) {
        float dx = x - aspect * chance(i, 1, 42), dy = y - chance(i, 2, 42);
        float r = sqrtf(dx * dx + dy * dy), radius = 0.04f + 0.15f * chance(i, 3, 42);
        float ring = chance(i, 4, 42) < 0.5f ? 0 : 0.62f * radius;
        at->edge = fminf(at->edge, fabsf(r - radius));
        if (ring > 0)
            at->edge = fminf(at->edge, fabsf(r - ring));
        if (r < radius && r > ring)
            at->part = hash(at->part, i, 43);
    }
}

static vec paint(float x, float y, float aspect) {
    place at = {.edge = 1};
    float hand = 0.012f * fractal(4 * x, 4 * y, 3, 44),
          lean = 0.012f * fractal(4 * x, 4 * y, 3, 45);
    part(&at, x + hand, y + lean, aspect);
    turn(&at, x + hand, y + lean, aspect);
    vec colour = PALETTE[hash(at.part, 5, 46) % COLOURS];
    vec other = PALETTE[hash(at.part, 6, 46) % COLOURS];
    float angle = 6.2832f * chance(at.part, 7, 46), c = cosf(angle), s = sinf(angle);
    float u = x * c + y * s, v = y * c - x * s;
    /* A dry brush of the other colour over one side. */
    float brush = fractal(11 * u, 130 * v, 3, at.part);
    float veil = smooth(-0.15f, 0.75f, fabsf(at.across) + 0.9f * brush - 0.1f);
    colour = mix(colour, other, 0.62f * veil);
    if (chance(at.part, 8, 46) < 0.22f && sinf((90 + 90 * chance(at.part, 9, 46)) * u) > 0.25f)
        colour = mix(colour, chance(at.part, 10, 46) < 0.5f ? DARK : PALETTE[3], 0.7f);
    colour = scale(colour, 1 + 0.26f * brush + 0.10f * fractal(40 * x, 40 * y, 2, 47));
    float breadth = 0.0035f + 0.0035f * noise2(5 * x, 5 * y, 48);
    return mix(DARK, colour, smooth(0.5f * breadth, breadth + 0.0015f, at.edge));
}

void draw_facets(float *rgb, int width, int height) {
    enum { FINE = 3 };
    const float aspect = (float)width / (float)height;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            vec sum = {0, 0, 0};
            for (int i = 0; i < FINE * FINE; i++)
                sum = add(sum, paint(((float)x + ((float)(i % FINE) + 0.5f) / FINE) / (float)height,
                                     ((float)y + ((float)(i / FINE) + 0.5f) / FINE) / (float)height,
                                     aspect));
            float weave = 0.025f * (sinf(1.9f * (float)x) + sinf(1.9f * (float)y));
            sum = scale(sum, (1 + weave) / (FINE * FINE));
            float *out = rgb + 3 * (y * width + x);
            out[0] = clampf(sum.x, 0, 1), out[1] = clampf(sum.y, 0, 1),
            out[2] = clampf(sum.z, 0, 1);
        }
}
