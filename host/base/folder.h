/* SPDX-License-Identifier: MIT
 *
 * Per-user folders by the XDG base directory specification: where they are, and creating them.
 */
#ifndef IMP_MEDIA_FOLDER_H
#define IMP_MEDIA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* A kind of folder. own: the environment variable that names the folder itself; xdg: the one that
 * names the XDG folder above it; home: the default of the latter, relative to the home folder. */
typedef struct imp_folder {
    const char *own, *xdg, *home;
} imp_folder;

/* The path: $own, else $xdg/impasto, else $HOME/`home`/impasto. False: none of the variables is
 * set, or the path is too long. Creates nothing. */
bool imp_folder_path(char *path, size_t size, const imp_folder *kind);

/* Creates the folder and those above it. False, with errno: the folder does not exist afterwards.
 * The path is written to, but unchanged on return. */
bool imp_folder_make(char *path);

#endif
