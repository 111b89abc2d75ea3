/* SPDX-License-Identifier: MIT
 *
 * Draws the samples into a folder: three views of a harbour and three styles. A name as the second
 * argument draws that one alone. Minutes a view on one core.
 */
#include "draw.h"

#include <impasto.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 640, HEIGHT = 480 };

static const struct {
    const char *name;
    void (*draw)(float *rgb, int width, int height); /* NULL: a view of the scene, */
    int view, samples;                               /* which, and rays to a pixel */
} PICTURES[] = {
    {"style", draw_brushwork, 0, 0},  {"woodcut", draw_woodcut, 0, 0},
    {"facets", draw_facets, 0, 0},    {"content", NULL, SCENE_HARBOUR, 64},
    {"boats", NULL, SCENE_BOATS, 16}, {"night", NULL, SCENE_NIGHT, 32},
};

static imp_status store(const imp_picture *picture, const char *folder, const char *name,
                        imp_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.jpg", folder, name);
    return imp_picture_write(picture, path, &(imp_write_options){.quality = 92}, err);
}

int main(int argc, char **argv) {
    imp_error err = {0};
    imp_picture picture = {.width = WIDTH, .height = HEIGHT};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: sample_pictures FOLDER [NAME]\n");
        return 2;
    }
    picture.rgb = calloc((size_t)WIDTH * HEIGHT * 3, sizeof *picture.rgb);
    if (!picture.rgb) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    imp_status status = IMP_OK;
    for (size_t i = 0; i < sizeof PICTURES / sizeof *PICTURES && status == IMP_OK; i++) {
        if (argc == 3 && strcmp(argv[2], PICTURES[i].name) != 0)
            continue;
        if (PICTURES[i].draw)
            PICTURES[i].draw(picture.rgb, WIDTH, HEIGHT);
        else
            draw_scene(picture.rgb, WIDTH, HEIGHT, PICTURES[i].samples, PICTURES[i].view);
        status = store(&picture, argv[1], PICTURES[i].name, &err);
    }
    if (status != IMP_OK)
        fprintf(stderr, "%s\n", err.text);
    imp_picture_finish(&picture);
    return status != IMP_OK;
}
