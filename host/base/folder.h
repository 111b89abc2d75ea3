/* SPDX-License-Identifier: MIT
 *
 * Folders that the program keeps things in for a person: where they are, by the XDG base directory
 * specification, and making them.
 */
#ifndef IMP_MEDIA_FOLDER_H
#define IMP_MEDIA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* A kind of folder: the variable of the environment that names it outright; the one that names the
 * XDG folder above it; and where under the home folder that one is when it is not set. */
typedef struct imp_folder {
    const char *own, *xdg, *home;
} imp_folder;

/* The path: $own, else $xdg/impasto, else impasto in `home` of $HOME. False: neither is set, or it
 * is too long. Nothing is made. */
bool imp_folder_path(char *path, size_t size, const imp_folder *kind);

/* Makes the folder and those above it; true when it is there in the end, else errno says why. The
 * path is as before when it returns. */
bool imp_folder_make(char *path);

#endif
