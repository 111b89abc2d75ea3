/* SPDX-License-Identifier: MIT
 *
 * What the drawings of the samples share: vectors, hashing and noise.
 */
#ifndef SAMPLES_DRAW_H
#define SAMPLES_DRAW_H

#include <math.h>
#include <stdint.h>

typedef struct vec {
    float x, y, z;
} vec;

static inline vec v3(float x, float y, float z) {
    return (vec){x, y, z};
}
static inline vec add(vec a, vec b) {
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline vec sub(vec a, vec b) {
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline vec mul(vec a, vec b) {
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}
static inline vec scale(vec a, float s) {
    return v3(a.x * s, a.y * s, a.z * s);
}
static inline vec along(vec a, vec d, float t) {
    return add(a, scale(d, t));
}
static inline float dot(vec a, vec b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline vec cross(vec a, vec b) {
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline vec unit(vec a) {
    return scale(a, 1 / sqrtf(dot(a, a) + 1e-20f));
}
static inline float clampf(float x, float lo, float hi) {
    return x < lo ? lo : x > hi ? hi : x;
}
static inline float blend(float a, float b, float t) {
    return a + (b - a) * t;
}
static inline vec mix(vec a, vec b, float t) {
    return add(scale(a, 1 - t), scale(b, t));
}
static inline float smooth(float lo, float hi, float x) {
    float t = clampf((x - lo) / (hi - lo), 0, 1);
    return t * t * (3 - 2 * t);
}

/* An integer hash by multiplications and shifts. */
static inline uint32_t hash(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t h =
        a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu ^ (c + 0x165667b1u) * 0xc2b2ae35u;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

/* Uniform in [0,1). */
static inline float chance(uint32_t a, uint32_t b, uint32_t c) {
    return (float)(hash(a, b, c) >> 8) * 0x1p-24f;
}

/* The next of a sequence of numbers in [0,1). */
static inline float next(uint32_t *state) {
    *state += 0x6d2b79f5u;
    return chance(*state, 1, 2);
}

/* Smooth noise in [-1,1] with a lattice of step 1. */
static inline float noise2(float x, float y, uint32_t seed) {
    float fx = floorf(x), fy = floorf(y), u = x - fx, v = y - fy;
    uint32_t i = (uint32_t)(int32_t)fx, j = (uint32_t)(int32_t)fy;
    u = u * u * u * (u * (6 * u - 15) + 10), v = v * v * v * (v * (6 * v - 15) + 10);
    float low = blend(chance(i, j, seed), chance(i + 1, j, seed), u);
    float high = blend(chance(i, j + 1, seed), chance(i + 1, j + 1, seed), u);
    return 2 * blend(low, high, v) - 1;
}

/* Octaves of noise, each rotated, with half the amplitude and wavelength; within [-1,1]. */
static inline float fractal(float x, float y, int octaves, uint32_t seed) {
    float sum = 0, size = 0.5f;
    for (int i = 0; i < octaves; i++) {
        sum += size * noise2(x, y, seed + (uint32_t)i);
        float turned = 1.6f * x - 1.2f * y;
        y = 1.2f * x + 1.6f * y, x = turned, size /= 2;
    }
    return sum;
}

enum { SCENE_HARBOUR, SCENE_NIGHT, SCENE_BOATS };

/* Each draws its picture: 3 * width * height sRGB values in [0,1], rows from the top. */
void draw_scene(float *rgb, int width, int height, int samples, int view);
void draw_brushwork(float *rgb, int width, int height);
void draw_woodcut(float *rgb, int width, int height);
void draw_facets(float *rgb, int width, int height);

#endif
