/* SPDX-License-Identifier: MIT
 *
 * Zip files: torch.save since 2020 (NAME/data.pkl, NAME/data/KEY for each storage), and Keras'
 * .keras, which contains an HDF5 file.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "weights/torch.h"

typedef struct inside {
    zip_t *zip;
    imp_storages storages;
} inside;

static void close_inside(imp_foreign *file) {
    inside *const in = file->inside;
    zip_discard(in->zip);
    imp_storages_finish(&in->storages);
    free(in);
}

static imp_status fail_entry(const imp_foreign *file, const char *name, const char *why,
                             imp_error *err) {
    return imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                            "its part '%.80s' cannot be read: %s" IMP_FETCH_AGAIN, name, why);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static imp_status open_entry(zip_file_t **out, const imp_foreign *file, uint64_t index,
                             imp_error *err) {
    const inside *const in = file->inside;
    *out = zip_fopen_index(in->zip, index, 0);
    if (*out)
        return IMP_OK;
    return fail_entry(file, zip_get_name(in->zip, index, 0), zip_strerror(in->zip), err);
}

static imp_status take(zip_file_t *entry, const imp_foreign *file, uint64_t index,
                       unsigned char *out, size_t size, imp_error *err) {
    const inside *const in = file->inside;
    for (zip_int64_t n; size > 0; out += n, size -= (size_t)n) {
        n = zip_fread(entry, out, size);
        if (n <= 0)
            return fail_entry(file, zip_get_name(in->zip, index, 0),
                              n < 0 ? zip_file_strerror(entry) : "it is cut off", err);
    }
    return IMP_OK;
}

/* Reads beyond the last byte, where libzip compares the checksum. */
static imp_status finish_entry(zip_file_t *entry, const imp_foreign *file, uint64_t index,
                               imp_error *err) {
    unsigned char more;
    const inside *const in = file->inside;
    const zip_int64_t n = zip_fread(entry, &more, 1);
    if (n == 0)
        return IMP_OK;
    return fail_entry(file, zip_get_name(in->zip, index, 0),
                      n < 0 ? zip_file_strerror(entry) : "it is longer than declared", err);
}

/* Reads a small entry whole; the caller frees *out, also after an error. */
static imp_status read_entry(unsigned char **out, size_t *size, const imp_foreign *file,
                             uint64_t index, imp_error *err) {
    const inside *const in = file->inside;
    zip_file_t *entry;
    zip_stat_t about;
    *out = NULL;
    if (zip_stat_index(in->zip, index, 0, &about) != 0 || about.size > IMP_PICKLE_MAX)
        return fail_entry(file, zip_get_name(in->zip, index, 0), "it is too large", err);
    TRY(open_entry(&entry, file, index, err));
    imp_status status = IMP_OK;
    *size = (size_t)about.size;
    *out = malloc(*size + 1);
    if (!*out)
        status = imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    if (status == IMP_OK)
        status = take(entry, file, index, *out, *size, err);
    if (status == IMP_OK)
        status = finish_entry(entry, file, index, err);
    zip_fclose(entry);
    return status;
}

/* ---- torch.save ------------------------------------------------------------------------------ */

static imp_status take_numbers(zip_file_t *entry, const imp_foreign *file,
                               const imp_foreign_tensor *t, float *out, imp_error *err) {
    unsigned char block[1 << 15];
    const inside *const in = file->inside;
    const imp_storage *const s = &in->storages.all[t->part];
    for (uint64_t skip = t->place * s->item, n; skip > 0; skip -= n) {
        n = skip < sizeof block ? skip : sizeof block;
        TRY(take(entry, file, s->place, block, (size_t)n, err));
    }
    for (size_t left = t->count, n; left > 0; left -= n, out += n) {
        n = left < sizeof block / s->item ? left : sizeof block / s->item;
        TRY(take(entry, file, s->place, block, n * s->item, err));
        imp_dtype_read(out, t->dtype, block, n);
    }
    if (t->place + t->count == s->count)
        return finish_entry(entry, file, s->place, err);
    return IMP_OK;
}

static imp_status load(const imp_foreign *file, const imp_foreign_tensor *t, float *out,
                       imp_error *err) {
    const inside *const in = file->inside;
    zip_file_t *entry;
    TRY(open_entry(&entry, file, in->storages.all[t->part].place, err));
    const imp_status status = take_numbers(entry, file, t, out, err);
    zip_fclose(entry);
    return status;
}

/* Finds the entry of each storage and checks its length. */
static imp_status find_storages(const imp_foreign *file, const char *folder, size_t length,
                                imp_error *err) {
    inside *const in = file->inside;
    for (size_t i = 0; i < in->storages.count; i++) {
        imp_storage *const s = &in->storages.all[i];
        char name[256 + IMP_STORAGE_KEY];
        zip_stat_t about;
        snprintf(name, sizeof name, "%.*sdata/%s", (int)length, folder, s->key);
        if (zip_stat(in->zip, name, 0, &about) != 0)
            return fail_entry(file, name, "it is missing", err);
        if (about.size != s->count * s->item)
            return fail_entry(file, name, "its length does not fit its numbers", err);
        s->place = about.index;
    }
    return IMP_OK;
}

/* Checks the entry "byteorder" beside the pickle ("little" or "big"), which older files lack. */
static imp_status check_order(const imp_foreign *file, const char *folder, size_t length,
                              imp_error *err) {
    const inside *const in = file->inside;
    char name[256];
    unsigned char *text;
    size_t size = 0;
    snprintf(name, sizeof name, "%.*sbyteorder", (int)length, folder);
    const zip_int64_t index = zip_name_locate(in->zip, name, 0);
    if (index < 0)
        return IMP_OK;
    imp_status status = read_entry(&text, &size, file, (uint64_t)index, err);
    if (status == IMP_OK && (size != 6 || memcmp(text, "little", 6) != 0))
        status = imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                  "it was written on a big-endian machine: save it again on "
                                  "another");
    free(text);
    return status;
}

/* A program of TorchScript, whose code would have to be run. */
static bool is_script(const inside *in, const char *folder, size_t length) {
    char name[256];
    snprintf(name, sizeof name, "%.*sconstants.pkl", (int)length, folder);
    return zip_name_locate(in->zip, name, 0) >= 0;
}

/* folder: the `length` letters before "data.pkl". */
static imp_status open_torch(imp_foreign *file, uint64_t index, const char *folder, size_t length,
                             imp_error *err) {
    inside *const in = file->inside;
    unsigned char *bytes;
    size_t size = 0;
    imp_pickle pickle = {0};
    file->format = "PyTorch, zip format";
    file->load = load;
    if (is_script(in, folder, length))
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "it is a TorchScript program: give a file of "
                                "torch.save(model.state_dict(), ...)");
    TRY(check_order(file, folder, length, err));
    imp_status status = read_entry(&bytes, &size, file, index, err);
    if (status == IMP_OK)
        status = imp_pickle_read(&pickle, bytes, size, file->path, err);
    if (status == IMP_OK)
        status = imp_torch_list(file, &in->storages, &pickle, err);
    if (status == IMP_OK)
        status = find_storages(file, folder, length, err);
    imp_pickle_finish(&pickle);
    free(bytes);
    return status;
}

/* ---- Keras ----------------------------------------------------------------------------------- */

static imp_status copy_entry(int to, const imp_foreign *file, uint64_t index, uint64_t size,
                             imp_error *err) {
    unsigned char block[1 << 15];
    zip_file_t *entry;
    TRY(open_entry(&entry, file, index, err));
    imp_status status = IMP_OK;
    for (uint64_t n; size > 0 && status == IMP_OK; size -= n) {
        n = size < sizeof block ? size : sizeof block;
        status = take(entry, file, index, block, (size_t)n, err);
        if (status == IMP_OK && write(to, block, (size_t)n) != (ssize_t)n)
            status = imp_foreign_fail(file, err, IMP_ERR_IO,
                                      "no space to unpack it to a temporary file: free some space "
                                      "or set TMPDIR to another folder");
    }
    if (status == IMP_OK)
        status = finish_entry(entry, file, index, err);
    zip_fclose(entry);
    return status;
}

/* The HDF5 library needs a file, so a temporary one without a name replaces the zip from here on.
 */
static imp_status open_keras(imp_foreign *file, uint64_t index, imp_error *err) {
    const inside *const in = file->inside;
    const char *const folder = getenv("TMPDIR");
    char name[512];
    zip_stat_t about;
    static const uint64_t most = (uint64_t)1 << 31; /* VGG-19 in double precision has 1.2 GB */
    if (zip_stat_index(in->zip, index, 0, &about) != 0)
        return fail_entry(file, "model.weights.h5", zip_strerror(in->zip), err);
    if (about.size > most)
        return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                                "its weights unpack to %llu MiB, more than any VGG has",
                                (unsigned long long)(about.size >> 20));
    snprintf(name, sizeof name, "%.480s/impasto-XXXXXX", folder && *folder ? folder : "/tmp");
    const int to = mkstemp(name);
    if (to < 0)
        return imp_foreign_fail(
            file, err, IMP_ERR_IO,
            "cannot create a temporary file to unpack it: set TMPDIR to a writable folder");
    imp_status status = copy_entry(to, file, index, about.size, err);
    close_inside(file);
    file->close = NULL;
    file->inside = NULL;
    close(file->fd);
    file->fd = to;
    file->size = about.size;
    if (status == IMP_OK)
        status = imp_foreign_hdf5_named(file, name, err);
    unlink(name);
    return status;
}

/* Fails with what the archive is, where its entries tell. */
static imp_status name_zip(const imp_foreign *file, imp_error *err) {
    static const char *const kinds[][3] = {
        {".npy", "an archive of NumPy", "save the layers as safetensors"},
        {"weights.h5", "a zip archive with a Keras file", "unpack it"},
        {".pth", "a zip archive with other files", "unpack it"},
        {".safetensors", "a zip archive with other files", "unpack it"},
        {".pb", "a TensorFlow SavedModel", "save the Keras model as .h5 or .keras"},
    };
    const inside *const in = file->inside;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (zip_int64_t i = 0; i < zip_get_num_entries(in->zip, 0); i++) {
            const char *const name = zip_get_name(in->zip, (zip_uint64_t)i, 0);
            if (name && strstr(name, kinds[k][0]))
                return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED, "it is %s: %s", kinds[k][1],
                                        kinds[k][2]);
        }
    return imp_foreign_fail(file, err, IMP_ERR_UNSUPPORTED,
                            "it is a zip file, but not by torch.save or Keras: give one of these");
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* The name of an entry without its first folder. */
static const char *name_in_folder(const char *name) {
    const char *const slash = strchr(name, '/');
    return slash ? slash + 1 : name;
}

imp_status imp_foreign_zip(imp_foreign *file, imp_error *err) {
    int code;
    inside *const in = file->inside = calloc(1, sizeof *in);
    if (!in)
        return imp_foreign_fail(file, err, IMP_ERR_MEMORY, "out of memory: close other programs");
    in->zip = zip_open(file->path, ZIP_RDONLY, &code);
    if (!in->zip) {
        zip_error_t reason;
        free(in);
        zip_error_init_with_code(&reason, code);
        imp_foreign_fail(file, err, IMP_ERR_FORMAT,
                         "it is a zip file that cannot be read: %s" IMP_FETCH_AGAIN,
                         zip_error_strerror(&reason));
        zip_error_fini(&reason);
        return IMP_ERR_FORMAT;
    }
    file->close = close_inside;
    const zip_int64_t entries = zip_get_num_entries(in->zip, 0);
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *const name = zip_get_name(in->zip, (zip_uint64_t)i, 0);
        if (!name || strlen(name) > 200)
            continue;
        if (strcmp(name, "model.weights.h5") == 0)
            return open_keras(file, (uint64_t)i, err);
        const char *const inner = name_in_folder(name);
        if (strcmp(inner, "data.pkl") == 0)
            return open_torch(file, (uint64_t)i, name, (size_t)(inner - name), err);
    }
    return name_zip(file, err);
}
