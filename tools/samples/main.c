/* SPDX-License-Identifier: MIT
 *
 * Draws the sample pair into a folder: content.jpg, a harbour in the evening, and style.jpg,
 * brushwork. Minutes on one core.
 */
#include "draw.h"

#include <impasto.h>
#include <stdlib.h>

enum { WIDTH = 640, HEIGHT = 480, SAMPLES = 64 };

static imp_status store(const imp_picture *picture, const char *folder, const char *name,
                        imp_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return imp_picture_write(picture, path, &(imp_write_options){.quality = 92}, err);
}

int main(int argc, char **argv) {
    imp_error err = {0};
    imp_picture picture = {.width = WIDTH, .height = HEIGHT};
    picture.rgb = calloc((size_t)WIDTH * HEIGHT * 3, sizeof *picture.rgb);
    if (argc != 2 || !picture.rgb) {
        fprintf(stderr, "usage: sample_pictures FOLDER\n");
        return 2;
    }
    draw_brushwork(picture.rgb, WIDTH, HEIGHT);
    imp_status status = store(&picture, argv[1], "style.jpg", &err);
    if (status == IMP_OK) {
        draw_scene(picture.rgb, WIDTH, HEIGHT, SAMPLES);
        status = store(&picture, argv[1], "content.jpg", &err);
    }
    if (status != IMP_OK)
        fprintf(stderr, "%s\n", err.text);
    imp_picture_finish(&picture);
    return status != IMP_OK;
}
