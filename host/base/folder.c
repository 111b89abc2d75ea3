/* SPDX-License-Identifier: MIT
 *
 * Per-user folders: see folder.h.
 */
#include "base/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool imp_folder_path(char *path, size_t size, const imp_folder *kind) {
    const char *own = getenv(kind->own), *xdg = getenv(kind->xdg), *home = getenv("HOME");
    int n = -1;
    if (own && *own)
        n = snprintf(path, size, "%s", own);
    else if (xdg && *xdg == '/') /* the specification says to ignore relative paths */
        n = snprintf(path, size, "%s/impasto", xdg);
    else if (home && *home)
        n = snprintf(path, size, "%s/%s/impasto", home, kind->home);
    return n > 0 && (size_t)n < size;
}

bool imp_folder_make(char *path) {
    struct stat info;
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = 0;
        mkdir(path, 0777); /* an error shows below */
        *c = '/';
    }
    const int code = mkdir(path, 0777) == 0 ? 0 : errno;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return true;
    errno = code == EEXIST ? ENOTDIR : code;
    return false;
}
