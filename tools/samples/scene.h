/* SPDX-License-Identifier: MIT
 *
 * What stands in the scene: the land's height, the solids, and what they look like.
 */
#ifndef SAMPLES_SCENE_H
#define SAMPLES_SCENE_H

#include "draw.h"

#include <stdbool.h>

enum scene_material {
    SCENE_WATER,
    SCENE_LAND,
    SCENE_WALL,
    SCENE_ROOF,
    SCENE_STONE,
    SCENE_WOOD,
    SCENE_LEAVES,
    SCENE_PAINT,
    SCENE_BANDS,
    SCENE_LAMP,
    SCENE_CLOTH
};

enum { SCENE_PLANES = 16, SCENE_SOLIDS = 4000, SCENE_GROUPS = 800 };

/* The points with n . p <= d for all planes; with one plane an ellipsoid around centre. */
typedef struct scene_solid {
    int planes;
    struct {
        vec n;
        float d;
        int material;
    } plane[SCENE_PLANES];
    vec centre, inverse; /* of an ellipsoid: one over its half-axes */
    vec tint;
    uint32_t id;
} scene_solid;

/* Solids that a ray may miss all at once. */
typedef struct scene_group {
    vec centre;
    float radius;
    int first, count;
} scene_group;

typedef struct scene {
    scene_solid solid[SCENE_SOLIDS];
    scene_group group[SCENE_GROUPS];
    int solids, groups;
    vec shade; /* what daylight is multiplied by */
} scene;

/* Fills the world: houses, church, lighthouse, boats, jetty, trees. */
void scene_build(scene *world);

/* The land's height, trees of the woods included; below 0 there is water. */
float scene_land(float x, float z);

/* Metres behind the line of the shore; negative on the water. */
float scene_inland(float x, float z);

/* The colour of a material at p seen from distance t; may turn the normal and add a glow. */
vec scene_colour(int material, const scene_solid *solid, vec p, vec *n, float t, vec *glow);

#endif
