/* SPDX-License-Identifier: MIT
 *
 * The cache folder.
 */
#include "base/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

enum { PATH_MAX_HERE = 4096 };

static const imp_folder cache = {"IMPASTO_CACHE", "XDG_CACHE_HOME", ".cache"};

bool imp_cache_path(char *path, size_t size, const char *name) {
    char folder[PATH_MAX_HERE];
    if (!imp_folder_path(folder, sizeof folder, &cache) || !imp_folder_make(folder))
        return false;
    const int n = snprintf(path, size, "%s/%s", folder, name);
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

json_t *imp_cache_load_json(const char *name) {
    size_t size;
    unsigned char *bytes = imp_cache_load(name, &size);
    json_t *object = bytes ? json_loadb((const char *)bytes, size, 0, NULL) : NULL;
    free(bytes);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_object();
}

bool imp_cache_store_json(const char *name, const json_t *object) {
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
    const bool stored = text && imp_cache_store(name, text, strlen(text));
    free(text);
    return stored;
}

void imp_cache_drop(const char *name) {
    char path[PATH_MAX_HERE];
    if (imp_cache_path(path, sizeof path, name))
        unlink(path);
}
