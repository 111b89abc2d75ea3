/* SPDX-License-Identifier: MIT
 *
 * A sample style: thousands of curved strokes of thick paint, made of bristles, that follow a flow
 * with eddies, in four layers from broad to fine, lit from the upper left.
 *
 * Coordinates of the composition: the picture's height is 1, its width the aspect ratio; y down.
 */
#include "draw.h"

#include <stdlib.h>

/* Paint on the canvas: colour and thickness. */
typedef struct dab {
    vec colour;
    float height;
} dab;

typedef struct canvas {
    dab *at;
    int width, height;
} canvas;

typedef struct eddy {
    float x, y, radius, turn; /* turn: strength and direction of rotation */
} eddy;

static const eddy EDDIES[] = {
    {0.30f, 0.30f, 0.21f, 1.30f},  {0.83f, 0.24f, 0.15f, -1.15f}, {1.12f, 0.52f, 0.17f, 1.05f},
    {0.60f, 0.58f, 0.13f, -0.90f}, {0.14f, 0.66f, 0.13f, -0.80f}, {1.20f, 0.13f, 0.10f, 0.75f},
    {0.88f, 0.83f, 0.15f, -0.70f}, {0.38f, 0.87f, 0.13f, 0.75f},  {0.55f, 0.10f, 0.09f, -0.60f},
};
enum { EDDY_COUNT = sizeof EDDIES / sizeof *EDDIES };

/* The stream function: strokes run along its level lines. */
static float stream(float x, float y) {
    float sum = 1.1f * y + 0.22f * sinf(4.2f * x + 1) + 0.35f * fractal(2.1f * x, 2.6f * y, 3, 3);
    for (int i = 0; i < EDDY_COUNT; i++) {
        float dx = x - EDDIES[i].x, dy = y - EDDIES[i].y;
        float q = (dx * dx + dy * dy) / (EDDIES[i].radius * EDDIES[i].radius);
        sum += 0.62f * EDDIES[i].turn * EDDIES[i].radius * 2 * expf(-0.8f * q) * (1 + 0.35f * q);
    }
    return sum;
}

/* The direction of the flow, of length 1. */
static vec flow(float x, float y) {
    const float e = 0.002f;
    float dx = stream(x + e, y) - stream(x - e, y), dy = stream(x, y + e) - stream(x, y - e);
    return unit(v3(dy, -dx, 0));
}

/* ---- What is painted ------------------------------------------------------------------------- */

static vec from_palette(const vec *palette, int count, float t) {
    t = clampf(t, 0, 1) * (float)(count - 1);
    int i = t >= (float)(count - 1) ? count - 2 : (int)t;
    return mix(palette[i], palette[i + 1], smooth(0.25f, 0.75f, t - (float)i));
}

/* Bands of colour along the flow: cold outside, warm towards the centres of the eddies. */
static vec motif(float x, float y) {
    static const vec cold[] = {{0.03f, 0.06f, 0.20f}, {0.05f, 0.16f, 0.42f}, {0.07f, 0.36f, 0.56f},
                               {0.30f, 0.62f, 0.66f}, {0.80f, 0.86f, 0.74f}, {0.16f, 0.44f, 0.52f},
                               {0.06f, 0.13f, 0.38f}};
    static const vec warm[] = {{0.98f, 0.90f, 0.62f}, {0.98f, 0.74f, 0.22f}, {0.91f, 0.45f, 0.12f},
                               {0.71f, 0.17f, 0.13f}, {0.30f, 0.08f, 0.20f}, {0.10f, 0.10f, 0.32f}};
    float phase = 3.1f * stream(x, y) + 0.25f * fractal(5 * x, 5 * y, 3, 17);
    float bands = phase - floorf(phase);
    vec colour = from_palette(cold, 7, bands);
    vec earth = from_palette(warm, 6, 0.25f + 0.75f * bands);
    float depth =
        smooth(0.70f, 0.98f, y + 0.10f * sinf(5 * x + 0.5f) + 0.10f * fractal(4 * x, 4 * y, 3, 18));
    colour = mix(colour, earth, 0.85f * depth);
    for (int i = 0; i < EDDY_COUNT; i += 1 + (i == 3)) {
        float dx = x - EDDIES[i].x, dy = y - EDDIES[i].y;
        float r = sqrtf(dx * dx + dy * dy) / EDDIES[i].radius;
        r += 0.22f * fractal(7 * x, 7 * y, 2, 19);
        if (r < 0.75f)
            colour = mix(from_palette(warm, 6, r * 1.15f), colour, smooth(0.50f, 0.75f, r));
    }
    return colour;
}

/* ---- Strokes --------------------------------------------------------------------------------- */

/* One touch of one bristle: paint covers what is there. */
static void touch(canvas *c, float x, float y, float radius, vec colour, float cover,
                  float height) {
    int x0 = (int)floorf(x - radius), x1 = (int)ceilf(x + radius);
    int y0 = (int)floorf(y - radius), y1 = (int)ceilf(y + radius);
    for (int j = y0 < 0 ? 0 : y0; j <= y1 && j < c->height; j++)
        for (int i = x0 < 0 ? 0 : x0; i <= x1 && i < c->width; i++) {
            float dx = (float)i - x, dy = (float)j - y;
            float share = cover * smooth(1, 0.35f, sqrtf(dx * dx + dy * dy) / radius);
            dab *d = &c->at[j * c->width + i];
            d->colour = mix(d->colour, colour, share);
            d->height = blend(d->height, height, 0.6f * share);
        }
}

enum { BRISTLES = 40, STEPS = 400 };

typedef struct bristle {
    float offset, height, load; /* position across in [-1,1]; thickness; how long the paint lasts */
    vec tint;
} bristle;

typedef struct stroke {
    float x, y, length, width; /* in pixels; x, y: the middle */
    vec colour;
    uint32_t id;
} stroke;

static int make_bristles(bristle *b, const stroke *s) {
    int count = (int)clampf(0.62f * s->width, 4, BRISTLES);
    for (int i = 0; i < count; i++) {
        uint32_t k = (uint32_t)i;
        float side = 2 * ((float)i + 0.5f) / (float)count - 1;
        float light = 1 + 0.34f * (chance(s->id, k, 1) - 0.5f) + 0.10f * side;
        vec hue =
            v3(chance(s->id, k, 2) - 0.5f, chance(s->id, k, 3) - 0.5f, chance(s->id, k, 4) - 0.5f);
        b[i].offset = side;
        b[i].height = 0.35f + 0.65f * chance(s->id, k, 5) + 0.35f * side * side;
        b[i].load = 0.62f + 0.55f * chance(s->id, k, 6);
        b[i].tint = add(scale(s->colour, light), scale(hue, 0.07f));
    }
    return count;
}

/* Follows the flow from the stroke's middle back to its start, then paints forward. */
static void paint_stroke(canvas *c, const stroke *s) {
    bristle bristles[BRISTLES];
    int count = make_bristles(bristles, s), steps = (int)fminf(s->length, STEPS);
    float side = (float)c->height, x = s->x, y = s->y;
    for (int i = 0; i < steps / 2; i++) {
        vec d = flow(x / side, y / side);
        x -= d.x, y -= d.y;
    }
    float bend = 0.5f * (chance(s->id, 7, 7) - 0.5f);
    for (int i = 0; i < steps; i++) {
        float t = (float)i / (float)steps, lean = bend * (t - 0.5f);
        vec d = flow(x / side, y / side);
        d = v3(d.x * cosf(lean) - d.y * sinf(lean), d.x * sinf(lean) + d.y * cosf(lean), 0);
        x += d.x, y += d.y;
        float half =
            0.5f * s->width * smooth(-0.02f, 0.10f, t) * (0.72f + 0.28f * smooth(1, 0.7f, t));
        for (int k = 0; k < count; k++) {
            const bristle *b = &bristles[k];
            float dry = 0.35f * noise2(0.05f * (float)i, (float)k * 0.9f, s->id);
            float cover = smooth(b->load + dry, b->load + dry - 0.25f, t);
            if (cover <= 0.02f)
                continue;
            float ridge = b->height + 0.5f * smooth(0.88f, 0.97f, t);
            touch(c, x - d.y * half * b->offset, y + d.x * half * b->offset,
                  fmaxf(1.5f, 1.35f * half / (float)count + 0.8f), b->tint, 0.8f * cover, ridge);
        }
    }
}

/* Strokes of one size, one per cell of a grid, in shuffled order. `bold`: how far the colour of a
 * stroke may differ from the motif's. */
static void paint_layer(canvas *c, float width, float length, float apart, float share, float bold,
                        uint32_t seed) {
    int across = (int)((float)c->width / apart) + 3, down = (int)((float)c->height / apart) + 3;
    int count = across * down;
    for (int n = 0; n < count; n++) {
        /* A step coprime to count visits every cell once. */
        int cell = (int)(((int64_t)n * 7919 + 13) % count);
        uint32_t id = hash((uint32_t)cell, seed, 8);
        if (chance(id, 1, 9) > share)
            continue;
        stroke s = {.id = id};
        s.x = ((float)(cell % across) - 1 + chance(id, 2, 9)) * apart;
        s.y = ((float)(cell / across) - 1 + chance(id, 3, 9)) * apart;
        s.width = width * (0.7f + 0.6f * chance(id, 4, 9));
        s.length = length * (0.6f + 0.8f * chance(id, 5, 9));
        s.colour = motif(s.x / (float)c->height, s.y / (float)c->height);
        float light = 1 + bold * (chance(id, 6, 9) - 0.45f);
        vec accent = v3(chance(id, 7, 9) - 0.5f, chance(id, 8, 9) - 0.5f, chance(id, 9, 9) - 0.5f);
        s.colour = add(scale(s.colour, light), scale(accent, 0.22f * bold));
        paint_stroke(c, &s);
    }
}

/* ---- Light on the paint ---------------------------------------------------------------------- */

static float height_at(const canvas *c, int x, int y) {
    x = x < 0 ? 0 : x >= c->width ? c->width - 1 : x;
    y = y < 0 ? 0 : y >= c->height ? c->height - 1 : y;
    float weave = 0.05f * (sinf(0.9f * (float)x) + sinf(0.9f * (float)y));
    return c->at[y * c->width + x].height + weave;
}

static vec lit(const canvas *c, int x, int y) {
    float dx = height_at(c, x + 1, y) - height_at(c, x - 1, y);
    float dy = height_at(c, x, y + 1) - height_at(c, x, y - 1);
    vec n = unit(v3(-0.75f * dx, -0.75f * dy, 1)), l = unit(v3(-0.5f, -0.62f, 0.75f));
    float facing = fmaxf(0, dot(n, l)) / l.z,
          gloss = powf(fmaxf(0, dot(n, unit(add(l, v3(0, 0, 1))))), 60);
    return add(scale(c->at[y * c->width + x].colour, 0.42f + 0.58f * facing),
               scale(v3(1, 0.97f, 0.9f), 0.07f * gloss - 0.02f));
}

void draw_brushwork(float *rgb, int width, int height) {
    canvas c = {NULL, 2 * width, 2 * height};
    c.at = calloc((size_t)c.width * (size_t)c.height, sizeof *c.at);
    if (!c.at)
        return;
    for (int i = 0; i < c.width * c.height; i++)
        c.at[i].colour = v3(0.16f, 0.12f, 0.10f);
    float unit_size = (float)c.height / 960;
    paint_layer(&c, 46 * unit_size, 240 * unit_size, 22 * unit_size, 1.0f, 0.35f, 1);
    paint_layer(&c, 25 * unit_size, 150 * unit_size, 15 * unit_size, 0.9f, 0.50f, 2);
    paint_layer(&c, 14 * unit_size, 96 * unit_size, 11 * unit_size, 0.55f, 0.65f, 3);
    paint_layer(&c, 9 * unit_size, 60 * unit_size, 12 * unit_size, 0.30f, 0.95f, 4);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            vec sum = {0, 0, 0};
            for (int k = 0; k < 4; k++)
                sum = add(sum, scale(lit(&c, 2 * x + k % 2, 2 * y + k / 2), 0.25f));
            float *out = rgb + 3 * (y * width + x);
            out[0] = clampf(sum.x, 0, 1), out[1] = clampf(sum.y, 0, 1),
            out[2] = clampf(sum.z, 0, 1);
        }
    free(c.at);
}
