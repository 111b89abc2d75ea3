/* SPDX-License-Identifier: MIT
 *
 * The sample contents: views of a harbour town under wooded hills, in the evening sun or by night,
 * traced ray by ray. Solids are convex (intersections of half-spaces) or ellipsoids, the land is a
 * height field marched along the ray, the water a mirror with ripples. Metres; y is up, the camera
 * looks along z.
 */
#include "scene.h"
#include "draw.h"

#include <stdlib.h>

static const vec SUN = {-0.60f, 0.30f, -0.74f};
static const vec SUN_COLOUR = {3.4f, 2.05f, 1.0f};

typedef struct hit {
    float t;
    vec n;
    int material; /* of scene.h; negative: nothing */
    const scene_solid *solid;
} hit;

/* ---- Sky ------------------------------------------------------------------------------------- */

static float cloud_cover(float x, float z) {
    float warp = fractal(1.1f * x, 1.1f * z, 4, 91);
    return fractal(1.5f * x + 0.9f * warp, 2.2f * z + 0.7f * warp, 7, 7) + 0.07f;
}

static vec sky(const scene *world, vec d) {
    float up = clampf(d.y, 0, 1), side = clampf(0.5f - 0.6f * d.x, 0, 1);
    vec horizon = mix(v3(0.95f, 0.62f, 0.46f), v3(1.35f, 0.78f, 0.36f), side);
    vec low = mix(v3(0.72f, 0.60f, 0.62f), v3(0.86f, 0.66f, 0.55f), side);
    vec high = v3(0.17f, 0.29f, 0.55f);
    vec colour = mix(horizon, low, smooth(0.0f, 0.16f, up));
    colour = mix(colour, high, smooth(0.08f, 0.55f, up));
    if (d.y > 0.01f) {
        float reach = 1 / (d.y + 0.09f), x = d.x * reach, z = d.z * reach;
        float cover = cloud_cover(x * 0.85f + 3.1f, z * 0.85f);
        float lit = cover - cloud_cover(x * 0.85f + 2.95f, z * 0.85f - 0.12f);
        vec shade = mix(v3(0.40f, 0.37f, 0.50f), v3(2.1f, 1.45f, 1.0f),
                        clampf(0.45f + 3.2f * lit - 0.5f * cover, 0, 1));
        colour = mix(colour, shade, smooth(-0.10f, 0.20f, cover) * smooth(0.01f, 0.1f, up));
    }
    return mul(world->shade, colour);
}

/* ---- Solids ---------------------------------------------------------------------------------- */

static void meet_planes(const scene_solid *s, vec o, vec d, hit *best) {
    float near = 1e-3f, far = best->t;
    int entry = -1;
    for (int i = 0; i < s->planes; i++) {
        float rate = dot(s->plane[i].n, d), gap = s->plane[i].d - dot(s->plane[i].n, o);
        if (rate < 0 && gap / rate > near) {
            near = gap / rate, entry = i;
        } else if (rate > 0 && gap / rate < far) {
            far = gap / rate;
        } else if (rate == 0 && gap < 0) {
            return;
        }
        if (near >= far)
            return;
    }
    if (entry >= 0)
        *best = (hit){near, s->plane[entry].n, s->plane[entry].material, s};
}

static void meet_ellipsoid(const scene_solid *s, vec o, vec d, hit *best) {
    vec p = mul(sub(o, s->centre), s->inverse), q = mul(d, s->inverse);
    float a = dot(q, q), b = dot(p, q), c = dot(p, p) - 1, root = b * b - a * c;
    if (root < 0)
        return;
    float t = (-b - sqrtf(root)) / a;
    if (t < 1e-3f || t >= best->t)
        return;
    *best = (hit){t, unit(mul(along(p, q, t), s->inverse)), s->plane[0].material, s};
}

static void meet_solids(const scene *world, vec o, vec d, hit *best) {
    for (int i = 0; i < world->groups; i++) {
        const scene_group *g = &world->group[i];
        vec to = sub(g->centre, o);
        float near = dot(to, d), miss = dot(to, to) - near * near;
        if (miss > g->radius * g->radius || near + g->radius < 0 || near - g->radius > best->t)
            continue;
        for (int j = g->first; j < g->first + g->count; j++) {
            const scene_solid *s = &world->solid[j];
            if (s->planes > 1)
                meet_planes(s, o, d, best);
            else
                meet_ellipsoid(s, o, d, best);
        }
    }
}

/* ---- Land ------------------------------------------------------------------------------------ */

static vec land_normal(float x, float z, float step) {
    float dx = scene_land(x + step, z) - scene_land(x - step, z);
    float dz = scene_land(x, z + step) - scene_land(x, z - step);
    return unit(v3(-dx, 2 * step, -dz));
}

/* Marches with steps that grow with distance and height above the ground, then halves the last. */
static void meet_land(vec o, vec d, hit *best) {
    float t = 0.05f, before = 0, reach = best->t < 6000 ? best->t : 6000;
    for (int i = 0; i < 400 && t < reach; i++) {
        vec p = along(o, d, t);
        if (p.y > 900 && d.y > 0)
            return;
        float gap = p.y - scene_land(p.x, p.z);
        if (gap < 0) {
            for (int j = 0; j < 12; j++) {
                float middle = (before + t) / 2;
                p = along(o, d, middle);
                if (p.y < scene_land(p.x, p.z))
                    t = middle;
                else
                    before = middle;
            }
            p = along(o, d, t);
            *best = (hit){t, land_normal(p.x, p.z, 0.02f + 0.0006f * t), SCENE_LAND, NULL};
            return;
        }
        before = t;
        t += 0.02f + 0.003f * t + 0.35f * gap;
    }
}

static hit meet(const scene *world, vec o, vec d) {
    hit best = {1e9f, {0, 0, 0}, -1, NULL};
    if (d.y < -1e-6f && o.y > 0)
        best = (hit){-o.y / d.y, v3(0, 1, 0), SCENE_WATER, NULL};
    meet_solids(world, o, d, &best);
    meet_land(o, d, &best);
    return best;
}

static bool in_sun(const scene *world, vec p, vec to_sun) {
    hit h = {1e9f, {0, 0, 0}, -1, NULL};
    meet_solids(world, p, to_sun, &h);
    if (h.material < 0)
        meet_land(p, to_sun, &h);
    return h.material < 0;
}

/* ---- Light ----------------------------------------------------------------------------------- */

static vec around(vec n, uint32_t *seed) {
    float a = 6.2831853f * next(seed), z = 2 * next(seed) - 1, r = sqrtf(1 - z * z);
    return unit(add(n, scale(v3(r * cosf(a), r * sinf(a), z), 0.999f)));
}

/* Evening haze: more of it low and far, warm towards the sun. */
static vec through_air(const scene *world, vec colour, vec d, float t) {
    float share = 1 - expf(-t / 4200);
    float side = clampf(0.5f - 0.6f * d.x, 0, 1);
    vec haze = mix(v3(0.50f, 0.52f, 0.70f), v3(0.95f, 0.70f, 0.58f), side);
    return mix(colour, mul(world->shade, haze), share);
}

static vec ripples(vec p, float t) {
    float fine = clampf(40 / (t + 20), 0.1f, 1), e = 0.01f;
    float at[3];
    for (int i = 0; i < 3; i++) {
        float x = p.x + (i == 1 ? e : 0), z = p.z + (i == 2 ? e : 0);
        at[i] = 0.050f * fractal(x * 0.35f, z * 0.9f, 3, 33) +
                0.016f * fine * fractal(x * 2.1f + 5, z * 3.7f, 3, 34);
    }
    return unit(v3((at[0] - at[1]) / e, 1, (at[0] - at[2]) / e));
}

static vec radiance(const scene *world, vec o, vec d, int depth, uint32_t *seed);

static vec water(const scene *world, vec p, vec d, float t, int depth, uint32_t *seed) {
    vec n = ripples(p, t);
    float facing = clampf(-dot(n, d), 0.02f, 1);
    vec r = sub(d, scale(n, 2 * dot(n, d)));
    r.y = fabsf(r.y) + 0.004f;
    float mirror = 0.03f + 0.97f * powf(1 - facing, 5);
    vec body = mul(world->shade, v3(0.035f, 0.075f, 0.085f));
    vec seen = depth > 2 ? sky(world, unit(r))
                         : radiance(world, along(p, r, 0.01f), unit(r), depth + 1, seed);
    return mix(body, seen, clampf(mirror * 1.15f + 0.06f, 0, 1));
}

static vec radiance(const scene *world, vec o, vec d, int depth, uint32_t *seed) {
    hit h = meet(world, o, d);
    if (h.material < 0)
        return sky(world, d);
    vec p = along(o, d, h.t);
    if (h.material == SCENE_WATER)
        return through_air(world, water(world, p, d, h.t, depth, seed), d, h.t);

    vec n = h.n, glow = {0, 0, 0};
    vec albedo = scene_colour(h.material, h.solid, p, &n, h.t, &glow);
    vec from = along(p, h.n, 0.01f + 1e-4f * h.t);
    vec sun = unit(v3(SUN.x + 0.03f * (next(seed) - 0.5f), SUN.y + 0.03f * (next(seed) - 0.5f),
                      SUN.z + 0.03f * (next(seed) - 0.5f)));
    vec light = {0, 0, 0};
    float facing = dot(n, sun);
    if (facing > 0 && dot(h.n, sun) > 0 && in_sun(world, from, sun))
        light = scale(mul(world->shade, SUN_COLOUR), facing);
    if (depth == 0 || (depth == 1 && next(seed) < 0.5f))
        light = add(light, scale(radiance(world, from, around(n, seed), depth + 2, seed), 0.85f));
    else
        light = add(light, scale(mul(world->shade, v3(0.34f, 0.36f, 0.44f)), 0.6f + 0.4f * n.y));
    return through_air(world, add(mul(albedo, light), glow), d, h.t);
}

/* ---- Picture --------------------------------------------------------------------------------- */

/* Compresses what is brighter than paper, then encodes as sRGB. */
static float develop(float x) {
    x = 0.95f * powf(x, 1.22f);
    x = x * (1 + x / 6) / (1 + 0.72f * x);
    x = clampf(x, 0, 1);
    return x < 0.0031308f ? 12.92f * x : 1.055f * powf(x, 1 / 2.4f) - 0.055f;
}

static const struct {
    vec eye;
    float turn, tilt, lens; /* radians to the right; tangents: upwards, half the height seen */
    vec shade;              /* what daylight is multiplied by; lamps and windows shine as ever */
} VIEWS[] = {
    [SCENE_HARBOUR] = {{3, 13, -8}, 0, 0.062f, 0.425f, {1, 1, 1}},
    [SCENE_NIGHT] = {{-34, 6, 18}, 0.42f, 0.10f, 0.40f, {0.075f, 0.13f, 0.33f}},
    [SCENE_BOATS] = {{-12, 2.6f, 26}, 0.40f, 0.10f, 0.36f, {0.8f, 1.05f, 1.3f}},
};

static vec seen_through(const scene *world, int view, float px, float py, uint32_t *seed) {
    vec d = v3(px * VIEWS[view].lens, VIEWS[view].tilt - py * VIEWS[view].lens, 1);
    float c = cosf(VIEWS[view].turn), s = sinf(VIEWS[view].turn);
    vec seen = radiance(world, VIEWS[view].eye, unit(v3(c * d.x + s * d.z, d.y, c * d.z - s * d.x)),
                        0, seed);
    const float limit = 6; /* one bright sample must not make a speck */
    return v3(fminf(seen.x, limit), fminf(seen.y, limit), fminf(seen.z, limit));
}

void draw_scene(float *rgb, int width, int height, int samples, int view) {
    scene *world = malloc(sizeof *world);
    if (!world)
        return;
    scene_build(world);
    world->shade = VIEWS[view].shade;
    const float aspect = (float)width / (float)height;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            vec sum = {0, 0, 0};
            uint32_t seed = hash((uint32_t)x, (uint32_t)y, 5);
            for (int i = 0; i < samples; i++) {
                float px = ((float)x + next(&seed)) / (float)width * 2 - 1;
                float py = ((float)y + next(&seed)) / (float)height * 2 - 1;
                sum = add(sum, seen_through(world, view, px * aspect, py, &seed));
            }
            sum = scale(sum, 1 / (float)samples);
            float *out = rgb + 3 * (y * width + x);
            out[0] = develop(sum.x), out[1] = develop(sum.y), out[2] = develop(sum.z);
        }
    free(world);
}
