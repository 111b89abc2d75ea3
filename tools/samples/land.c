/* SPDX-License-Identifier: MIT
 *
 * The land of the scene and what every surface looks like.
 */
#include "scene.h"

enum { CROWN = 4 }; /* metres between trees of the woods */

float scene_inland(float x, float z) {
    float left = fmaxf(0, -x - 38), right = fmaxf(0, x - 40);
    float shore = 82 + 5 * sinf(0.05f * x + 1) - 0.010f * left * left - 0.014f * right * right;
    return z - shore;
}

/* The bare ground, without woods. */
static float ground(float x, float z) {
    float a = scene_inland(x, z);
    if (a < 0)
        return fmaxf(-4, 1.6f * a);
    float hill = (34 + 62 * fractal(0.0052f * x + 0.3f, 0.0052f * z, 3, 11)) * smooth(60, 330, a);
    float h = 1.8f + 0.33f * fmaxf(0, fminf(a, 120) - 14) + hill;
    h += smooth(20, 120, a) * 2.5f * fractal(0.04f * x, 0.04f * z, 4, 12);
    if (z > 700) {
        float ridge = 1 - fabsf(1.5f * fractal(0.00062f * x + 7.7f, 0.00062f * z + 2, 7, 13));
        h += smooth(700, 3300, z) * (1250 * ridge * ridge + 0.07f * x - 130);
    }
    return h;
}

/* Where woods stand: up the hill, in clumps between meadows. */
static float woods(float x, float z) {
    float a = scene_inland(x, z);
    float clump = fractal(0.013f * x + 4, 0.013f * z, 3, 21);
    return smooth(-0.10f, 0.02f, clump + 0.55f * smooth(70, 190, a) - 0.16f) * smooth(60, 100, a);
}

/* The crown over (x, z): its height above the ground, and which tree it is. */
static float crown(float x, float z, uint32_t *tree) {
    float best = 0;
    int ci = (int)floorf(x / CROWN), cj = (int)floorf(z / CROWN);
    *tree = 0;
    for (int j = cj - 1; j <= cj + 1; j++)
        for (int i = ci - 1; i <= ci + 1; i++) {
            uint32_t id = hash((uint32_t)i, (uint32_t)j, 31);
            float dx = x - ((float)i + chance(id, 1, 0)) * CROWN;
            float dz = z - ((float)j + chance(id, 2, 0)) * CROWN;
            float radius = 1.5f + 1.5f * chance(id, 3, 0), tall = 3 + 5 * chance(id, 4, 0);
            float q = 1 - (dx * dx + dz * dz) / (radius * radius);
            float h = q > 0 ? tall * (0.35f + 0.65f * sqrtf(q)) : 0;
            if (h > best)
                best = h, *tree = id;
        }
    return best;
}

float scene_land(float x, float z) {
    float h = ground(x, z);
    if (z < 900 && z > 60) {
        float share = woods(x, z);
        uint32_t tree;
        if (share > 0.02f)
            h += share * (crown(x, z, &tree) + 0.9f * fractal(1.3f * x, 1.3f * z, 3, 32));
    }
    return h;
}

/* ---- Surfaces -------------------------------------------------------------------------------- */

static vec land_colour(vec p, vec n, float t) {
    float a = scene_inland(p.x, p.z), grain = fractal(0.8f * p.x, 0.8f * p.z, 5, 41);
    if (a < 13) {
        float joint = smooth(0.0f, 0.06f, fabsf(p.y - 0.6f * rintf(p.y / 0.6f)));
        vec stone = scale(v3(0.42f, 0.37f, 0.31f), 0.8f + 0.45f * grain);
        return p.y < 1.75f ? scale(mix(v3(0.09f, 0.10f, 0.07f), stone, smooth(0.1f, 0.9f, p.y)),
                                   0.6f + 0.4f * joint)
                           : stone;
    }
    if (p.z > 900) {
        float snow = smooth(400, 520, p.y + 160 * fractal(0.012f * p.x, 0.012f * p.z, 5, 42)) *
                     smooth(0.50f, 0.72f, n.y);
        vec rock =
            scale(v3(0.17f, 0.165f, 0.18f), 1 + 0.7f * fractal(0.03f * p.x, 0.05f * p.y, 5, 43));
        vec heath = scale(v3(0.16f, 0.19f, 0.10f), 1 + grain);
        return mix(mix(heath, rock, smooth(90, 300, p.y)), v3(0.86f, 0.87f, 0.92f), snow);
    }
    vec grass = mix(v3(0.20f, 0.24f, 0.07f), v3(0.36f, 0.31f, 0.11f),
                    smooth(-0.3f, 0.3f, fractal(0.05f * p.x, 0.05f * p.z, 4, 44)));
    grass = scale(grass, 0.9f + 0.6f * grain);
    float share = woods(p.x, p.z);
    if (share < 0.15f)
        return grass;
    uint32_t tree;
    float height = crown(p.x, p.z, &tree);
    float warm = chance(tree, 5, 0), dark = 0.6f + 0.6f * chance(tree, 6, 0);
    vec leaf = warm < 0.12f ? v3(0.42f, 0.20f, 0.05f)
               : warm < 0.30f
                   ? v3(0.36f, 0.28f, 0.06f)
                   : mix(v3(0.07f, 0.13f, 0.05f), v3(0.17f, 0.22f, 0.06f), chance(tree, 7, 0));
    float speck = t < 400 ? 0.5f * fractal(3.1f * p.x, 3.1f * p.z, 3, 45) : 0;
    return scale(leaf, dark * (0.45f + 0.11f * height + speck));
}

/* One cell of a wall, 2.3 m wide and a floor high, seen from its middle: u across, v up. */
static vec wall_cell(vec plaster, uint32_t cell, float u, float v, int floor, vec *glow) {
    vec shutter = mix(v3(0.06f, 0.16f, 0.13f), v3(0.10f, 0.17f, 0.30f), chance(cell >> 8, 8, 0));
    bool door = floor == 0 && chance(cell, 9, 0) < 0.35f;
    float low = door ? 0 : 0.95f, high = door ? 2.2f : 2.35f, wide = door ? 0.62f : 0.47f;
    if (v > low && v < high && fabsf(u) < wide) {
        if (door)
            return scale(mix(v3(0.20f, 0.09f, 0.05f), shutter, chance(cell, 10, 0)), 0.8f);
        bool frame = fabsf(u) > wide - 0.09f || fabsf(u) < 0.035f || v < low + 0.09f ||
                     v > high - 0.09f || fabsf(v - 1.8f) < 0.03f;
        if (frame)
            return v3(0.62f, 0.58f, 0.50f);
        if (chance(cell, 11, 0) < 0.30f)
            *glow = scale(v3(2.3f, 1.25f, 0.42f), 0.5f + 0.7f * chance(cell, 12, 0));
        return v3(0.05f, 0.06f, 0.08f);
    }
    if (!door && v > low - 0.05f && v < high && fabsf(u) < wide + 0.46f)
        return scale(shutter, 0.85f + 0.4f * (fabsf(sinf(24 * v)) > 0.5f));
    if (!door && v > low - 0.2f && v < low && fabsf(u) < wide + 0.15f)
        return v3(0.55f, 0.50f, 0.43f);
    return plaster;
}

static vec wall_colour(const scene_solid *s, vec p, vec n, vec *glow) {
    vec side = cross(v3(0, 1, 0), n), d = sub(p, s->centre);
    bool end = fabsf(dot(n, s->plane[0].n)) > 0.5f;
    float cells = end ? s->inverse.z : s->inverse.x;
    float u = dot(d, side) / 2.3f + cells / 2, v = d.y / 2.9f;
    float stain = fractal(0.9f * p.x + 0.9f * p.z, 0.5f * p.y, 5, 51);
    vec plaster = scale(s->tint, 0.93f + 0.35f * stain - 0.25f * smooth(1.2f, 0, d.y));
    int i = (int)floorf(u), j = (int)floorf(v);
    if (v < 0 || v >= s->inverse.y || u < 0 || u >= cells)
        return plaster;
    uint32_t cell = (s->id << 8 | (uint32_t)(end ? 128 : 0)) + (uint32_t)(i + 16 * j);
    if (chance(cell, 14, 0) < 0.12f)
        return plaster;
    cell = s->id << 8 | (hash(cell, 15, 0) & 255);
    return wall_cell(plaster, cell, 2.3f * (u - (float)i - 0.5f), 2.9f * (v - (float)j), j, glow);
}

static vec roof_colour(const scene_solid *s, vec p) {
    float row = p.y / 0.22f, tile = (p.x + p.z) / 0.3f + 0.5f * floorf(row);
    float each = chance((uint32_t)(int)floorf(row), (uint32_t)(int)floorf(tile), 61);
    float edge = 0.72f + 0.28f * smooth(0, 0.35f, row - floorf(row));
    float moss = smooth(0.1f, 0.5f, fractal(0.5f * p.x, 0.5f * p.z + p.y, 4, 62));
    return scale(mix(s->tint, v3(0.17f, 0.16f, 0.10f), 0.5f * moss), edge * (0.75f + 0.5f * each));
}

static vec stone_colour(const scene_solid *s, vec p) {
    float row = p.y / 0.7f, along_row = (p.x - p.z) / 1.2f + 0.5f * floorf(row);
    float each = chance((uint32_t)(int)floorf(row), (uint32_t)(int)floorf(along_row), 71);
    float joint =
        smooth(0, 0.07f, row - floorf(row)) * smooth(0, 0.05f, along_row - floorf(along_row));
    float stain = fractal(p.x + 0.7f * p.z, p.y, 5, 72);
    return scale(s->tint, (0.72f + 0.28f * joint) * (0.8f + 0.3f * each + 0.35f * stain));
}

static vec wood_colour(const scene_solid *s, vec p) {
    float grain = fractal(9 * p.x + 3 * p.y, 2.5f * p.z + 9 * p.y, 4, 81);
    return scale(s->tint, 0.85f + 0.55f * grain + 0.3f * (chance(s->id, 82, 0) - 0.5f));
}

static vec leaf_colour(const scene_solid *s, vec p, vec *n) {
    float a = fractal(2.6f * p.x + 1.1f * p.z, 2.6f * p.y, 4, 91);
    float b = fractal(2.6f * p.z - 1.1f * p.x, 2.6f * p.y + 9, 4, 92);
    *n = unit(add(*n, v3(1.6f * a, 0.9f * b, 1.6f * b)));
    return scale(s->tint, clampf(0.85f + 1.3f * a, 0.15f, 2));
}

vec scene_colour(int material, const scene_solid *s, vec p, vec *n, float t, vec *glow) {
    switch (material) {
    case SCENE_LAND:
        return land_colour(p, *n, t);
    case SCENE_WALL:
        return wall_colour(s, p, *n, glow);
    case SCENE_ROOF:
        return roof_colour(s, p);
    case SCENE_STONE:
        return stone_colour(s, p);
    case SCENE_WOOD:
        return wood_colour(s, p);
    case SCENE_LEAVES:
        return leaf_colour(s, p, n);
    case SCENE_BANDS:
        return fmodf(p.y, 5) < 2.5f ? v3(0.62f, 0.09f, 0.06f) : v3(0.78f, 0.75f, 0.68f);
    case SCENE_LAMP:
        *glow = v3(5, 3.4f, 1.5f);
        return s->tint;
    default:
        return scale(s->tint, 0.95f + 0.2f * fractal(2 * p.x + 2 * p.z, 2 * p.y, 3, 99));
    }
}
