/* SPDX-License-Identifier: MIT
 *
 * Keras' HDF5 files. Old ones have a group for each layer, perhaps under model_weights, with
 * datasets like block1_conv1_W_1:0 or kernel:0. New ones have layers/conv2d_7/vars/0 and 1, where
 * an attribute "name" of vars may hold the layer's name. Filters are stored H x W x I x O. This
 * runs in a process of its own: hdf5_child.c.
 */
#include <stdlib.h>
#include <string.h>

#include <hdf5.h>

#include "weights/foreign.h"

typedef struct inside {
    hid_t file;
    char **paths; /* each tensor's dataset, by `part` */
    size_t count, room;
} inside;

static void close_inside(imp_foreign *file) {
    inside *const in = file->inside;
    for (size_t i = 0; i < in->count; i++)
        free(in->paths[i]);
    free(in->paths);
    H5Fclose(in->file);
    free(in);
}

static imp_status bad(const imp_foreign *file, const char *path, const char *what, imp_error *err) {
    return imp_foreign_fail(file, err, IMP_ERR_FORMAT, "dataset '%.120s': %s" IMP_FETCH_AGAIN, path,
                            what);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const inside *const in = file->inside;
    const char *const path = in->paths[t->part];
    const hid_t set = H5Dopen2(in->file, path, H5P_DEFAULT);
    if (set < 0)
        return bad(file, path, "it cannot be opened", err);
    const herr_t status = H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
    H5Dclose(set);
    return status < 0 ? bad(file, path, "it cannot be read", err) : IMP_OK;
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Reads the attribute "name" of a dataset's group; false where it has none. */
static bool read_name(char *out, size_t room, hid_t file, const char *group) {
    bool good = false;
    char *text = NULL;
    if (H5Aexists_by_name(file, group, "name", H5P_DEFAULT) <= 0)
        return false;
    const hid_t attribute = H5Aopen_by_name(file, group, "name", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    if (H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, type, &text) >= 0 && text) {
        good = (size_t)snprintf(out, room, "%s", text) < room && *text;
        H5free_memory(text);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return good;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* The part of a dataset by the end of its path: kernel:0, bias, block1_conv1_W_1:0 ... */
static const char *part_of(const char *name, const char *layer) {
    if (begins(name, layer) && name[strlen(layer)] == '_')
        name += strlen(layer) + 1;
    if (begins(name, "kernel") || begins(name, "W") || strcmp(name, "0") == 0)
        return "weight";
    if (begins(name, "bias") || begins(name, "b") || strcmp(name, "1") == 0)
        return "bias";
    return name;
}

/* Makes LAYER.PART of a path; false where it is too long. */
static bool name_tensor(char out[IMP_FOREIGN_NAME], hid_t file, const char *path) {
    char group[512], layer[IMP_FOREIGN_NAME];
    const char *const last = strrchr(path, '/');
    if (!last ||
        (size_t)snprintf(group, sizeof group, "%.*s", (int)(last - path), path) >= sizeof group)
        return snprintf(out, IMP_FOREIGN_NAME, "%s", path) < IMP_FOREIGN_NAME;
    if (!read_name(layer, sizeof layer, file, group)) {
        char *slash = strrchr(group, '/');
        if (slash && strcmp(slash, "/vars") == 0) {
            *slash = '\0';
            slash = strrchr(group, '/');
        }
        if ((size_t)snprintf(layer, sizeof layer, "%s", slash ? slash + 1 : group) >= sizeof layer)
            return false;
    }
    return snprintf(out, IMP_FOREIGN_NAME, "%s.%s", layer, part_of(last + 1, layer)) <
           IMP_FOREIGN_NAME;
}

/* ---- Datasets -------------------------------------------------------------------------------- */

/* Whether the numbers are in this file; others are not read. */
static bool lies_here(hid_t set) {
    const hid_t plan = H5Dget_create_plist(set);
    const bool here = H5Pget_external_count(plan) == 0 && H5Pget_layout(plan) != H5D_VIRTUAL;
    H5Pclose(plan);
    return here;
}

static bool is_real(hid_t set) {
    const hid_t type = H5Dget_type(set);
    const bool real = H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) <= 8;
    H5Tclose(type);
    return real;
}

/* H x W x I x O becomes O x I x H x W. */
static void reorder(imp_foreign_tensor *t) {
    static const size_t from[4] = {3, 2, 0, 1};
    const imp_foreign_tensor old = *t;
    for (size_t i = 0; i < 4; i++) {
        t->shape[i] = old.shape[from[i]];
        t->stride[i] = old.stride[from[i]];
    }
}

static imp_status read_set(imp_foreign *file, imp_foreign_tensor *t, hid_t set, const char *path,
                           imp_error *err) {
    hsize_t sides[H5S_MAX_RANK];
    int64_t whole[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(set);
    const int rank = H5Sget_simple_extent_dims(space, sides, NULL);
    H5Sclose(space);
    if (rank < 0)
        return bad(file, path, "it has no shape", err);
    if (!lies_here(set))
        return imp_foreign_fail(
            file, err, IMP_ERR_UNSUPPORTED,
            "dataset '%.120s': its numbers are in another file: save it again as one file", path);
    for (int i = 0; i < rank; i++)
        whole[i] = sides[i] > INT64_MAX ? -1 : (int64_t)sides[i];
    TRY(imp_foreign_shape(file, t, whole, (size_t)rank, err));
    if (rank == 4)
        reorder(t);
    if (is_real(set))
        t->dtype = IMP_DTYPE_F32; /* HDF5 converts to it */
    return IMP_OK;
}

static imp_status keep_path(const imp_foreign *file, const char *path, imp_error *err) {
    inside *const in = file->inside;
    if (in->count == in->room) {
        const size_t room = in->room ? 2 * in->room : 64;
        char **const more = realloc(in->paths, room * sizeof *more);
        if (!more)
            return imp_foreign_fail(file, err, IMP_ERR_MEMORY,
                                    "out of memory: close other programs");
        in->paths = more;
        in->room = room;
    }
    in->paths[in->count] = strdup(path);
    if (!in->paths[in->count])
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    in->count++;
    return IMP_OK;
}

static imp_status add(imp_foreign *file, const char *path, imp_error *err) {
    char name[IMP_FOREIGN_NAME];
    imp_foreign_tensor *t;
    const inside *const in = file->inside;
    if (!name_tensor(name, in->file, path))
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "the name of dataset '%.40s...' is longer than any of a VGG", path);
    TRY(imp_foreign_add(&t, file, name, err));
    t->part = in->count;
    TRY(keep_path(file, path, err));
    const hid_t set = H5Dopen2(in->file, path, H5P_DEFAULT);
    if (set < 0)
        return bad(file, path, "it cannot be opened", err);
    const imp_status status = read_set(file, t, set, path, err);
    H5Dclose(set);
    return status;
}

typedef struct visit {
    imp_foreign *file;
    imp_status status;
    imp_error *err;
} visit;

/* Called once for each object of the file; soft and external links are not followed. An optimiser's
 * state is skipped. */
static herr_t add_object(hid_t at, const char *path, const H5O_info_t *about, void *user) {
    visit *const v = user;
    (void)at;
    if (about->type == H5O_TYPE_DATASET && !begins(path, "optimizer"))
        v->status = add(v->file, path, v->err);
    return v->status == IMP_OK ? 0 : -1;
}

/* ---- Opening --------------------------------------------------------------------------------- */

imp_status imp_foreign_hdf5_direct(imp_foreign *file, const char *name, imp_error *err) {
    visit v = {file, IMP_OK, err};
    file->format = "Keras HDF5";
    file->input = IMP_INPUT_CAFFE;
    file->load = load;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* the library would print errors */
    H5PLset_loading_state(0);              /* no plugins for filters */
    const hid_t opened = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (opened < 0)
        return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                                "it is an HDF5 file, but cut off or damaged" IMP_FETCH_AGAIN);
    inside *const in = file->inside = calloc(1, sizeof *in);
    if (!in) {
        H5Fclose(opened);
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    }
    in->file = opened;
    file->close = close_inside;
    if (H5Ovisit2(in->file, H5_INDEX_NAME, H5_ITER_NATIVE, add_object, &v, H5O_INFO_BASIC) >= 0)
        return IMP_OK;
    if (v.status != IMP_OK)
        return v.status;
    return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                            "its list of datasets is damaged" IMP_FETCH_AGAIN);
}
