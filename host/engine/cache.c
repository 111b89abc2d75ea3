/* SPDX-License-Identifier: MIT
 *
 * The cache folder.
 */
#include "engine/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_HERE = 4096 };

/* Makes the folder and those above it; true when it is there in the end. */
static bool make_folder(char *path) {
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = 0;
        mkdir(path, 0777); /* one that is there already, or cannot be made, shows below */
        *c = '/';
    }
    mkdir(path, 0777);
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool imp_cache_path(char *path, size_t size, const char *name) {
    const char *own = getenv("IMPASTO_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char folder[PATH_MAX_HERE];
    int n = -1;
    if (own && *own)
        n = snprintf(folder, sizeof folder, "%s", own);
    else if (xdg && *xdg == '/') /* the XDG specification: relative paths are to be ignored */
        n = snprintf(folder, sizeof folder, "%s/impasto", xdg);
    else if (home && *home)
        n = snprintf(folder, sizeof folder, "%s/.cache/impasto", home);
    if (n < 0 || (size_t)n >= sizeof folder || !make_folder(folder))
        return false;
    n = snprintf(path, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size;
}

static unsigned char *read_all(FILE *file, size_t *size) {
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < 0)
        return NULL;
    unsigned char *bytes = malloc((size_t)info.st_size + 1);
    if (!bytes)
        return NULL;
    *size = fread(bytes, 1, (size_t)info.st_size, file);
    bytes[*size] = 0;
    if (*size == (size_t)info.st_size)
        return bytes;
    free(bytes);
    return NULL;
}

unsigned char *imp_cache_load(const char *name, size_t *size) {
    char path[PATH_MAX_HERE];
    FILE *file = imp_cache_path(path, sizeof path, name) ? fopen(path, "rb") : NULL;
    if (!file)
        return NULL;
    unsigned char *bytes = read_all(file, size);
    fclose(file);
    return bytes;
}

bool imp_cache_store(const char *name, const void *bytes, size_t size) {
    char path[PATH_MAX_HERE], temporary[PATH_MAX_HERE + 32];
    if (!imp_cache_path(path, sizeof path, name))
        return false;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    const int descriptor = mkstemp(temporary);
    if (descriptor < 0)
        return false;
    FILE *file = fdopen(descriptor, "wb");
    bool ok = file && fwrite(bytes, 1, size, file) == size;
    if (file)
        ok = fclose(file) == 0 && ok;
    else
        close(descriptor);
    if (ok && rename(temporary, path) == 0)
        return true;
    unlink(temporary);
    return false;
}

void imp_cache_drop(const char *name) {
    char path[PATH_MAX_HERE];
    if (imp_cache_path(path, sizeof path, name))
        unlink(path);
}
