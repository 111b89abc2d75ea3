/* SPDX-License-Identifier: MIT
 *
 * Networks in several files: an index in JSON, whose "weight_map" names the file of each tensor, as
 * Hugging Face's programs write it. The files lie beside the index.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "weights/foreign.h"

enum { INDEX_MAX = 1 << 24, FILES_MAX = 64, PATH_ROOM = 4096 };

typedef struct shard {
    char path[PATH_ROOM];
    imp_foreign file;
} shard;

typedef struct inside {
    shard *all[FILES_MAX];
    size_t count;
} inside;

static void close_inside(imp_foreign *file) {
    inside *const in = file->inside;
    for (size_t i = 0; i < in->count; i++) {
        imp_foreign_close(&in->all[i]->file);
        free(in->all[i]);
    }
    free(in);
}

/* A tensor's part is its file, its place its index there. */
static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const inside *const in = file->inside;
    const imp_foreign *const from = &in->all[t->part]->file;
    return from->load(from, &from->tensors[t->place], out, err);
}

static bool has_file(const inside *in, const char *path) {
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->all[i]->path, path) == 0)
            return true;
    return false;
}

/* Opens a file beside the index, if it is not open yet, and adds its tensors. */
static imp_status add_file(imp_foreign *file, const char *name, imp_error *err) {
    inside *const in = file->inside;
    const char *const slash = strrchr(file->path, '/');
    char path[PATH_ROOM];
    if (strchr(name, '/') || strcmp(name, "..") == 0 || !*name)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "its index names a file in another folder" IMP_FETCH_AGAIN);
    snprintf(path, sizeof path, "%.*s%.255s", slash ? (int)(slash + 1 - file->path) : 0, file->path,
             name);
    if (has_file(in, path))
        return IMP_OK;
    if (in->count == FILES_MAX)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it has more than %d files, which no VGG has", (int)FILES_MAX);
    shard *const s = calloc(1, sizeof *s);
    if (!s)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    memcpy(s->path, path, sizeof path);
    const imp_status status = imp_foreign_open_part(&s->file, s->path, err);
    if (status != IMP_OK) {
        free(s);
        return status;
    }
    const size_t part = in->count;
    in->all[in->count++] = s;
    file->format = s->file.format;
    file->input = s->file.input;
    for (size_t i = 0; i < s->file.count; i++) {
        imp_foreign_tensor *t;
        TRY(imp_foreign_add(&t, file, s->file.tensors[i].name, err));
        *t = s->file.tensors[i];
        t->part = part;
        t->place = i;
    }
    return IMP_OK;
}

static imp_status add_files(imp_foreign *file, json_t *map, imp_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(map) || json_object_size(map) == 0)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it is JSON, but no index of a network (\"weight_map\"): give the "
                                "file with the weights");
    json_object_foreach(map, key, value) {
        if (!json_is_string(value))
            return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                    "its index names no file for '%.80s'" IMP_FETCH_AGAIN, key);
        TRY(add_file(file, json_string_value(value), err));
    }
    return IMP_OK;
}

imp_status imp_foreign_shards(imp_foreign *file, imp_error *err) {
    file->format = "an index";
    if (file->size > INDEX_MAX)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it is JSON of more than %d bytes" IMP_FETCH_AGAIN, (int)INDEX_MAX);
    char *const text = malloc((size_t)file->size + 1);
    file->inside = text ? calloc(1, sizeof(inside)) : NULL;
    if (!file->inside) {
        free(text);
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    }
    file->close = close_inside;
    file->load = load;
    imp_status status = imp_foreign_read(file, text, 0, (size_t)file->size, err);
    json_t *const index = status == IMP_OK ? json_loadb(text, (size_t)file->size, 0, NULL) : NULL;
    if (status == IMP_OK)
        status = add_files(file, json_object_get(index, "weight_map"), err);
    json_decref(index);
    free(text);
    return status;
}
