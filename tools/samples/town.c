/* SPDX-License-Identifier: MIT
 *
 * The solids of the scene: houses up the slope, church, lighthouse, boats, jetty, trees.
 */
#include "scene.h"

#include <assert.h>

typedef struct frame {
    vec at, x, z; /* origin, and the two level axes of what stands there */
} frame;

static frame stand(float x, float y, float z, float turn) {
    return (frame){v3(x, y, z), v3(cosf(turn), 0, sinf(turn)), v3(-sinf(turn), 0, cosf(turn))};
}

static vec in(const frame *f, float x, float y, float z) {
    return add(add(f->at, v3(0, y, 0)), add(scale(f->x, x), scale(f->z, z)));
}

/* ---- Solids and groups ----------------------------------------------------------------------- */

static void open_group(scene *w, vec centre, float radius) {
    assert(w->groups < SCENE_GROUPS);
    w->group[w->groups++] = (scene_group){centre, radius, w->solids, 0};
}

static scene_solid *begin(scene *w, vec centre, vec tint) {
    assert(w->solids < SCENE_SOLIDS && w->groups > 0);
    w->group[w->groups - 1].count++;
    scene_solid *s = &w->solid[w->solids];
    *s = (scene_solid){.centre = centre, .tint = tint, .id = (uint32_t)w->solids++};
    return s;
}

static void cut(scene_solid *s, vec n, vec through, int material) {
    assert(s->planes < SCENE_PLANES);
    n = unit(n);
    s->plane[s->planes].n = n;
    s->plane[s->planes].d = dot(n, through);
    s->plane[s->planes++].material = material;
}

/* A box on frame f from (x0,y0,z0) to (x1,y1,z1); its first plane looks along +x. */
static scene_solid *box(scene *w, const frame *f, vec lo, vec hi, vec tint, int material) {
    scene_solid *s = begin(w, in(f, (lo.x + hi.x) / 2, lo.y, (lo.z + hi.z) / 2), tint);
    vec a = in(f, lo.x, lo.y, lo.z), b = in(f, hi.x, hi.y, hi.z);
    cut(s, f->x, b, material);
    cut(s, scale(f->x, -1), a, material);
    cut(s, f->z, b, material);
    cut(s, scale(f->z, -1), a, material);
    cut(s, v3(0, 1, 0), b, material);
    cut(s, v3(0, -1, 0), a, material);
    return s;
}

/* A column with n sides from a to b, of radius ra there and rb here. */
static void column(scene *w, vec a, vec b, float ra, float rb, int n, vec tint, int material) {
    scene_solid *s = begin(w, a, tint);
    vec axis = sub(b, a);
    float length = sqrtf(dot(axis, axis));
    axis = unit(axis);
    vec x = unit(cross(fabsf(axis.y) < 0.9f ? v3(0, 1, 0) : v3(1, 0, 0), axis)), z = cross(axis, x);
    for (int i = 0; i < n; i++) {
        float turn = 6.2831853f * (float)i / (float)n;
        vec out = add(scale(x, cosf(turn)), scale(z, sinf(turn)));
        cut(s, add(out, scale(axis, (ra - rb) / length)), along(a, out, ra), material);
    }
    cut(s, axis, b, material);
    cut(s, scale(axis, -1), a, material);
}

static void blob(scene *w, vec centre, vec half, vec tint, int material) {
    scene_solid *s = begin(w, centre, tint);
    s->planes = 1;
    s->plane[0].material = material;
    s->inverse = v3(1 / half.x, 1 / half.y, 1 / half.z);
}

/* ---- Houses ---------------------------------------------------------------------------------- */

/* A gable roof over x in [-a,a], z in [-b,b] with its ridge along x, from height y by rise. */
static void gable(scene *w, const frame *f, float a, float b, float y, float rise, vec roof,
                  vec wall) {
    scene_solid *s = begin(w, in(f, 0, y, 0), roof);
    vec ridge = in(f, 0, y + rise, 0), up = v3(0, b, 0);
    cut(s, add(up, scale(f->z, rise)), ridge, SCENE_ROOF);
    cut(s, sub(up, scale(f->z, rise)), ridge, SCENE_ROOF);
    cut(s, f->x, in(f, a, 0, 0), SCENE_PAINT);
    cut(s, scale(f->x, -1), in(f, -a, 0, 0), SCENE_PAINT);
    cut(s, v3(0, -1, 0), in(f, 0, y, 0), SCENE_PAINT);
    /* The gable's wall, a little behind the roof's edge, in the wall's colour. */
    s = begin(w, in(f, 0, y, 0), wall);
    vec inner = in(f, 0, y + rise - 0.02f, 0);
    cut(s, add(up, scale(f->z, rise)), inner, SCENE_PAINT);
    cut(s, sub(up, scale(f->z, rise)), inner, SCENE_PAINT);
    cut(s, f->x, in(f, a + 0.02f, 0, 0), SCENE_PAINT);
    cut(s, scale(f->x, -1), in(f, -a - 0.02f, 0, 0), SCENE_PAINT);
    cut(s, v3(0, -1, 0), in(f, 0, y + 0.25f, 0), SCENE_PAINT);
}

static vec house_tint(uint32_t id) {
    static const vec tints[] = {{0.80f, 0.74f, 0.62f}, {0.74f, 0.50f, 0.26f}, {0.78f, 0.62f, 0.36f},
                                {0.66f, 0.36f, 0.26f}, {0.70f, 0.66f, 0.60f}, {0.76f, 0.60f, 0.50f},
                                {0.46f, 0.52f, 0.56f}, {0.82f, 0.70f, 0.44f}};
    return scale(tints[hash(id, 1, 1) % 8], 0.85f + 0.2f * chance(id, 2, 1));
}

/* cells x deep cells of 2.3 m, floors of 2.9 m; the ridge across or away from the water. */
static void house(scene *w, frame f, int cells, int deep, int floors, bool across, uint32_t id) {
    float a = 1.15f * (float)cells, b = 1.15f * (float)deep, top = 2.9f * (float)floors;
    open_group(w, in(&f, 0, top / 2, 0), a + b + top / 2 + 4);
    vec wall = house_tint(id);
    vec roof = mix(v3(0.50f, 0.20f, 0.10f), v3(0.36f, 0.17f, 0.12f), chance(id, 3, 1));
    scene_solid *s = box(w, &f, v3(-a, -6, -b), v3(a, top, b), wall, SCENE_WALL);
    s->centre.y = f.at.y;
    s->inverse = v3((float)cells, (float)floors, (float)deep);
    frame g = f;
    if (!across)
        g = (frame){f.at, f.z, scale(f.x, -1)};
    float half = across ? b : a, length = across ? a : b;
    gable(w, &g, length + 0.35f, half + 0.45f, top - 0.3f, (half + 0.45f) * 0.75f, roof, wall);
    float cx = (chance(id, 4, 1) - 0.5f) * length, cz = (chance(id, 5, 1) - 0.5f) * half;
    box(w, &g, v3(cx - 0.4f, top, cz - 0.4f), v3(cx + 0.4f, top + half * 0.75f + 1.1f, cz + 0.4f),
        v3(0.42f, 0.25f, 0.18f), SCENE_STONE);
    if (across && chance(id, 6, 1) < 0.6f) /* a dormer */
        box(w, &g, v3(cx + 1.2f, top, -half * 0.72f), v3(cx + 2.6f, top + half * 0.55f, 0), wall,
            SCENE_PAINT);
}

static float shore_at(float x) {
    return -scene_inland(x, 0);
}

static void town(scene *w) {
    for (int row = 0; row < 8; row++) {
        float x = -92 + 7 * chance((uint32_t)row, 7, 1);
        for (uint32_t i = 0; x < 98; i++) {
            uint32_t id = hash((uint32_t)row, i, 3);
            int cells = 2 + (int)(3 * chance(id, 8, 1)), deep = 3 + (int)(2 * chance(id, 9, 1));
            int floors = (row == 0 ? 3 : 2) + (int)(2 * chance(id, 10, 1)) - (row > 4);
            float wide = 2.3f * (float)cells, turn = 0.24f * (chance(id, 11, 1) - 0.5f);
            float middle = x + wide / 2;
            float z = shore_at(middle) + 18 + 12.5f * (float)row + 3 * (chance(id, 12, 1) - 0.5f);
            bool church = row > 1 && row < 5 && middle > 13 && middle < 37;
            if (!church && chance(id, 13, 1) > 0.055f * (float)(row * row) * 0.55f + 0.03f)
                house(w, stand(middle, scene_land(middle, z) - 0.2f, z, turn), cells, deep, floors,
                      chance(id, 14, 1) < 0.62f, id);
            x += wide + (row == 0 ? 0.15f : 0.8f + 4.5f * chance(id, 15, 1));
        }
    }
}

/* ---- Landmarks ------------------------------------------------------------------------------- */

static void church(scene *w) {
    float x = 25, z = shore_at(25) + 57;
    frame f = stand(x, scene_land(x, z), z, -0.18f);
    vec stone = v3(0.66f, 0.58f, 0.46f), slate = v3(0.20f, 0.23f, 0.27f);
    open_group(w, in(&f, 0, 15, 0), 32);
    box(w, &f, v3(-6, -8, -4), v3(12, 10, 8), stone, SCENE_STONE);
    gable(w, &f, 12.4f, 7.2f, 9.8f, 6.5f, slate, stone);
    for (int i = 0; i < 4; i++)
        box(w, &f, v3(0.2f + 2.9f * (float)i, 2.5f, -4.05f), v3(1.4f + 2.9f * (float)i, 8, -3.9f),
            v3(0.06f, 0.07f, 0.10f), SCENE_PAINT);
    box(w, &f, v3(-7, -8, -6.5f), v3(-0.5f, 23, 0), stone, SCENE_STONE);
    box(w, &f, v3(-7.4f, 22.4f, -6.9f), v3(-0.1f, 23.2f, 0.4f), stone, SCENE_STONE);
    for (int i = 0; i < 2; i++)
        box(w, &f, v3(-5.7f + 2.4f * (float)i, 16.5f, -6.6f),
            v3(-4.2f + 2.4f * (float)i, 20.5f, -6.4f), v3(0.05f, 0.05f, 0.07f), SCENE_PAINT);
    column(w, in(&f, -3.75f, 23, -3.25f), in(&f, -3.75f, 38, -3.25f), 4.1f, 0.12f, 8, slate,
           SCENE_ROOF);
    column(w, in(&f, -3.75f, 38, -3.25f), in(&f, -3.75f, 40.5f, -3.25f), 0.1f, 0.1f, 4,
           v3(0.8f, 0.6f, 0.2f), SCENE_PAINT);
}

static void lighthouse(scene *w) {
    frame f = stand(-27, 0, 55, 0);
    vec stone = v3(0.44f, 0.40f, 0.35f);
    open_group(w, v3(-40, 8, 61), 42);
    column(w, in(&f, 0, -3, 0), in(&f, 0, 3.2f, 0), 6.5f, 5.4f, 12, stone, SCENE_STONE);
    frame pier = stand(-27, 0, 55, 2.74f);
    box(w, &pier, v3(0, -3, -2.5f), v3(36, 2.3f, 2.5f), stone, SCENE_STONE);
    box(w, &pier, v3(0, 2, 1.7f), v3(36, 3.3f, 2.5f), stone, SCENE_STONE);
    column(w, in(&f, 0, 3, 0), in(&f, 0, 15, 0), 2.1f, 1.5f, 14, stone, SCENE_BANDS);
    column(w, in(&f, 0, 15, 0), in(&f, 0, 15.4f, 0), 2.2f, 2.2f, 14, v3(0.2f, 0.2f, 0.2f),
           SCENE_PAINT);
    column(w, in(&f, 0, 15.4f, 0), in(&f, 0, 17.2f, 0), 1, 1, 10, v3(0.8f, 0.7f, 0.5f), SCENE_LAMP);
    column(w, in(&f, 0, 17.2f, 0), in(&f, 0, 18.8f, 0), 1.5f, 0.1f, 12, v3(0.5f, 0.1f, 0.07f),
           SCENE_PAINT);
}

/* ---- Boats ----------------------------------------------------------------------------------- */

static void hull(scene *w, const frame *f, float length, float beam, float side, vec tint) {
    scene_solid *s = begin(w, f->at, tint);
    float a = length / 2, b = beam / 2;
    for (int i = -1; i <= 1; i += 2) {
        vec out = scale(f->z, (float)i);
        vec edge = in(f, 0, side, b * (float)i);
        cut(s, add(out, v3(0, -0.35f, 0)), edge, SCENE_PAINT);
        cut(s, add(add(out, scale(f->x, 0.42f)), v3(0, -0.3f, 0)), along(edge, f->x, 0.18f * a),
            SCENE_PAINT);
        cut(s, add(add(out, scale(f->x, 0.95f)), v3(0, -0.35f, 0)), in(f, a, side, 0), SCENE_PAINT);
        cut(s, add(add(out, scale(f->x, -0.22f)), v3(0, -0.3f, 0)), along(edge, f->x, -0.35f * a),
            SCENE_PAINT);
    }
    cut(s, add(scale(f->x, -1), v3(0, -0.25f, 0)), in(f, -a, side, 0), SCENE_PAINT);
    cut(s, v3(0, 1, 0), in(f, 0, side, 0), SCENE_WOOD);
    cut(s, v3(0, -1, 0), in(f, 0, -0.5f, 0), SCENE_PAINT);
}

static void boat(scene *w, frame f, float length, bool sailing, vec tint, uint32_t id) {
    float beam = 0.3f * length, side = 0.12f * length, mast = 1.25f * length;
    open_group(w, in(&f, 0, mast / 2, 0), mast * 0.62f + 1);
    hull(w, &f, length, beam, side, tint);
    frame rail = f;
    rail.at.y += side - 0.12f;
    hull(w, &rail, length * 1.01f, beam * 1.03f, 0.16f, v3(0.75f, 0.70f, 0.60f));
    vec cabin = v3(0.78f, 0.74f, 0.66f);
    float c = length * 0.08f;
    box(w, &f, v3(-0.28f * length, side, -0.3f * beam), v3(c, side + 0.11f * length, 0.3f * beam),
        cabin, SCENE_PAINT);
    box(w, &f, v3(-0.24f * length, side + 0.04f * length, -0.305f * beam),
        v3(0.04f * length, side + 0.085f * length, 0.305f * beam), v3(0.06f, 0.07f, 0.09f),
        SCENE_PAINT);
    vec spar = v3(0.42f, 0.28f, 0.16f), foot = in(&f, 0.14f * length, side, 0);
    vec head = along(foot, v3(0, 1, 0), mast);
    column(w, foot, head, 0.016f * length, 0.009f * length, 6, spar, SCENE_PAINT);
    vec boom = in(&f, -0.42f * length, side + 0.17f * length, 0);
    column(w, in(&f, 0.14f * length, side + 0.15f * length, 0), boom, 0.01f * length,
           0.01f * length, 5, spar, SCENE_PAINT);
    column(w, head, in(&f, 0.5f * length, side, 0), 0.025f, 0.025f, 3, v3(0.1f, 0.1f, 0.1f),
           SCENE_PAINT);
    column(w, head, in(&f, -0.5f * length, side, 0), 0.025f, 0.025f, 3, v3(0.1f, 0.1f, 0.1f),
           SCENE_PAINT);
    vec cloth = mix(v3(0.82f, 0.76f, 0.64f), v3(0.62f, 0.24f, 0.12f), chance(id, 20, 1) < 0.4f);
    if (!sailing) {
        column(w, in(&f, 0.1f * length, side + 0.18f * length, 0),
               along(boom, v3(0, 1, 0), 0.03f * length), 0.035f * length, 0.018f * length, 7, cloth,
               SCENE_CLOTH);
        return;
    }
    scene_solid *s = begin(w, foot, cloth);
    vec leech = sub(boom, head), luff = sub(foot, head);
    vec flat = unit(cross(leech, luff));
    cut(s, flat, along(head, flat, 0.03f), SCENE_CLOTH);
    cut(s, scale(flat, -1), along(head, flat, -0.03f), SCENE_CLOTH);
    cut(s, f.x, along(foot, f.x, -0.03f * length), SCENE_CLOTH);
    cut(s, v3(0, -1, 0), boom, SCENE_CLOTH);
    cut(s, sub(scale(v3(0, 1, 0), 0.56f), scale(f.x, 1.08f)), head, SCENE_CLOTH);
}

static void boats(scene *w) {
    static const struct {
        float x, z, turn, length;
        bool sailing;
        vec tint;
    } fleet[] = {
        {-15, 52, 2.75f, 9, false, {0.07f, 0.16f, 0.32f}},
        {1, 50, 0.25f, 9, true, {0.70f, 0.66f, 0.58f}},
        {25, 58, 0.1f, 10, false, {0.45f, 0.09f, 0.06f}},
        {40, 68, -0.15f, 9, false, {0.72f, 0.68f, 0.60f}},
        {10, 70, 3.0f, 9, false, {0.08f, 0.25f, 0.20f}},
        {-8, 73, 0.2f, 8, false, {0.75f, 0.62f, 0.25f}},
        {-22, 76, 0.05f, 9, false, {0.62f, 0.60f, 0.56f}},
        {51, 60, 2.9f, 8, false, {0.10f, 0.14f, 0.24f}},
        {20, 75, -0.1f, 7, false, {0.30f, 0.10f, 0.08f}},
    };
    for (uint32_t i = 0; i < sizeof fleet / sizeof *fleet; i++)
        boat(w, stand(fleet[i].x, 0, fleet[i].z, fleet[i].turn), fleet[i].length, fleet[i].sailing,
             fleet[i].tint, i);
}

/* ---- In front, and trees --------------------------------------------------------------------- */

static void jetty(scene *w) {
    frame f = stand(11, 0, 15, 0.10f);
    vec old = v3(0.34f, 0.25f, 0.17f);
    for (int i = 0; i < 46; i++) {
        if (i % 10 == 0)
            open_group(w, in(&f, 0, 1, 0.55f * (float)i + 2.7f), 6);
        float z = 0.55f * (float)i, sag = 0.05f * chance((uint32_t)i, 21, 1);
        box(w, &f, v3(-2, 1.5f - sag, z), v3(2, 1.66f - sag, z + 0.48f), old, SCENE_WOOD);
        if (i % 9 == 4)
            for (int side = -1; side <= 1; side += 2)
                column(w, in(&f, 2.1f * (float)side, -2, z), in(&f, 2.1f * (float)side, 2.7f, z),
                       0.2f, 0.17f, 9, scale(old, 0.8f), SCENE_WOOD);
    }
    open_group(w, in(&f, 0, 4, 23), 6);
    column(w, in(&f, -1.6f, 1.6f, 23), in(&f, -1.6f, 6.4f, 23), 0.09f, 0.07f, 8,
           v3(0.07f, 0.08f, 0.08f), SCENE_PAINT);
    column(w, in(&f, -1.6f, 6.4f, 23), in(&f, -1.6f, 6.95f, 23), 0.16f, 0.26f, 6,
           v3(0.9f, 0.8f, 0.6f), SCENE_LAMP);
    column(w, in(&f, -1.6f, 6.95f, 23), in(&f, -1.6f, 7.3f, 23), 0.34f, 0.05f, 6,
           v3(0.07f, 0.08f, 0.08f), SCENE_PAINT);
    for (int i = 0; i < 3; i++)
        column(w, in(&f, 1.1f - 0.9f * (float)(i == 1), 1.6f, 19 + 1.0f * (float)i),
               in(&f, 1.1f - 0.9f * (float)(i == 1), 2.6f, 19 + 1.0f * (float)i), 0.42f, 0.42f, 12,
               v3(0.36f, 0.20f, 0.10f), SCENE_WOOD);
    frame rowing = stand(-8.5f, -0.05f, 33, 0.55f);
    open_group(w, rowing.at, 5);
    hull(w, &rowing, 5.2f, 1.9f, 0.62f, v3(0.16f, 0.30f, 0.30f));
    frame inner = rowing;
    inner.at.y += 0.5f;
    hull(w, &inner, 5.3f, 1.98f, 0.16f, v3(0.72f, 0.62f, 0.42f));
    for (int i = 0; i < 3; i++)
        box(w, &rowing, v3(-1.5f + 1.2f * (float)i, 0.6f, -0.75f),
            v3(-1.1f + 1.2f * (float)i, 0.74f, 0.75f), v3(0.5f, 0.36f, 0.2f), SCENE_WOOD);
}

static void trees(scene *w) {
    for (uint32_t i = 0; i < 150; i++) {
        float x = -80 + 165 * chance(i, 30, 1), a = 13.5f + 95 * chance(i, 31, 1);
        float z = shore_at(x) + a, y = scene_land(x, z);
        bool slim = chance(i, 32, 1) < 0.4f;
        float tall = slim ? 7 + 6 * chance(i, 33, 1) : 4 + 3.5f * chance(i, 33, 1);
        vec tint = slim ? v3(0.045f, 0.085f, 0.04f)
                        : mix(v3(0.10f, 0.16f, 0.05f), v3(0.30f, 0.25f, 0.06f), chance(i, 34, 1));
        open_group(w, v3(x, y + tall / 2, z), tall);
        if (slim) {
            blob(w, v3(x, y + tall * 0.5f, z), v3(1.1f, tall * 0.55f, 1.1f), tint, SCENE_LEAVES);
            continue;
        }
        column(w, v3(x, y - 1, z), v3(x, y + tall * 0.6f, z), 0.25f, 0.18f, 6,
               v3(0.16f, 0.11f, 0.07f), SCENE_WOOD);
        for (uint32_t j = 0; j < 6; j++) {
            float turn = 6.28f * chance(i, j, 35), out = 0.24f * tall * (j > 0);
            float r = tall * (0.22f + 0.10f * chance(i, j, 36));
            blob(w,
                 v3(x + out * cosf(turn), y + tall * (0.55f + 0.28f * chance(i, j, 37)),
                    z + out * sinf(turn)),
                 v3(r, r * 0.8f, r), tint, SCENE_LEAVES);
        }
    }
}

void scene_build(scene *w) {
    w->solids = w->groups = 0;
    town(w);
    church(w);
    lighthouse(w);
    boats(w);
    jetty(w);
    trees(w);
}
