/* SPDX-License-Identifier: MIT
 *
 * The cache folder: see cache.h.
 */
#include "base/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"

static const imp_folder cache = {"IMPASTO_CACHE", "XDG_CACHE_HOME", ".cache"};

bool imp_cache_path(char *path, size_t size, const char *name) {
    char folder[IMP_PATH_MAX];
    if (!imp_folder_path(folder, sizeof folder, &cache) || !imp_folder_make(folder))
        return false;
    const int n = snprintf(path, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size;
}

unsigned char *imp_cache_load(const char *name, size_t *size) {
    char path[IMP_PATH_MAX];
    unsigned char *bytes = NULL;
    if (imp_cache_path(path, sizeof path, name))
        imp_file_read(&bytes, size, "cache entry", path, NULL);
    return bytes;
}

bool imp_cache_store(const char *name, const void *bytes, size_t size) {
    char path[IMP_PATH_MAX];
    return imp_cache_path(path, sizeof path, name) &&
           imp_file_replace_bytes(path, bytes, size, NULL) == IMP_OK;
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
    char path[IMP_PATH_MAX];
    if (imp_cache_path(path, sizeof path, name))
        unlink(path);
}
