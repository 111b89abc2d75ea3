/* SPDX-License-Identifier: MIT
 *
 * Making weights files of other programs: see foreign.h.
 */
#include "foreign.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hdf5.h>
#include <zip.h>

#include "weights/dtype.h"

void bytes_begin(bytes *b) {
    b->f = open_memstream(&b->p, &b->size);
    assert_non_null(b->f);
}

void bytes_end(bytes *b) {
    assert_int_equal(fclose(b->f), 0);
}

static void put_whole(FILE *f, uint64_t value, size_t count) {
    for (size_t i = 0; i < count; i++)
        putc((int)(value >> 8 * i & 0xFF), f);
}

static size_t item_of(char kind) {
    return kind == 'd' ? 8 : kind == 'h' || kind == 'b' ? 2 : 4;
}

void put_numbers(FILE *f, char kind, size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
        const float value = (float)i / 8;
        const double wide = (double)value;
        uint64_t bits = 0;
        uint32_t narrow;
        memcpy(&narrow, &value, sizeof narrow);
        bits = narrow;
        if (kind == 'd')
            memcpy(&bits, &wide, sizeof bits);
        else if (kind == 'h')
            bits = imp_half_from(value);
        else if (kind == 'b')
            bits = narrow >> 16;
        put_whole(f, bits, item_of(kind));
    }
}

/* ---- Pickles --------------------------------------------------------------------------------- */

void put_pickle(FILE *f, const char *words) {
    char text[512], name[128];
    for (int n; *words; words += n + (words[n] == ' ')) {
        if (*words == '\'') {
            assert_int_equal(sscanf(words, "'%511[^']'%n", text, &n), 1);
            putc('X', f);
            put_whole(f, strlen(text), 4);
            fputs(text, f);
        } else if (*words == '#') {
            assert_int_equal(sscanf(words, "#%127s%n", name, &n), 1);
            putc('J', f);
            put_whole(f, (uint64_t)strtoll(name, NULL, 10), 4);
        } else if (*words == '@') {
            assert_int_equal(sscanf(words, "@%511[^:]:%127s%n", text, name, &n), 2);
            fprintf(f, "c%s\n%s\n", text, name);
        } else if (isxdigit((unsigned char)words[0]) && isxdigit((unsigned char)words[1])) {
            put_whole(f, strtoul((char[]){words[0], words[1], 0}, NULL, 16), 1);
            n = 2;
        } else {
            putc(*words, f);
            n = 1;
        }
    }
}

void put_torch_stream(FILE *f, const char *dict, const char *keys, const char *storages) {
    size_t first = 0, count;
    char kind;
    put_pickle(f, "80 02 8a 0a 6c fc 9c 46 f9 20 6a a8 50 19 .");
    put_pickle(f, "80 02 M e9 03 .");
    put_pickle(f, "80 02 } 'little_endian' 88 s .");
    put_pickle(f, dict);
    put_pickle(f, keys);
    for (int n; sscanf(storages, " %c%zu%n", &kind, &count, &n) == 2; storages += n) {
        put_whole(f, count, 8);
        put_numbers(f, kind, first, count);
        first += count;
    }
}

/* ---- Protocol buffers ------------------------------------------------------------------------ */

static void put_varint(FILE *f, uint64_t value) {
    for (; value > 127; value >>= 7)
        putc((int)(value & 127) | 128, f);
    putc((int)value, f);
}

static const char *put_fields(FILE *f, const char *words);

/* Writes the value of a field, after its number; returns the rest of the text. */
static const char *put_value(FILE *f, uint64_t field, const char *words) {
    bytes inner;
    char *end = NULL;
    const char kind = *words++;
    if (kind == '=') {
        put_varint(f, field << 3);
        put_varint(f, strtoull(words, &end, 10));
        return end;
    }
    bytes_begin(&inner);
    if (kind == '{') {
        end = (char *)put_fields(inner.f, words);
    } else if (kind == '\'') {
        for (end = (char *)words; *end != '\''; end++)
            putc(*end, inner.f);
        end++;
    } else if (kind == '[') {
        for (end = (char *)words; *end != ']';)
            put_varint(inner.f, strtoull(end, &end, 10));
        end++;
    } else {
        put_numbers(inner.f, kind, 0, strtoull(words, &end, 10));
    }
    bytes_end(&inner);
    put_varint(f, field << 3 | 2);
    put_varint(f, inner.size);
    fwrite(inner.p, 1, inner.size, f);
    free(inner.p);
    return end;
}

/* Writes fields up to a closing brace or the end; returns the rest of the text. */
static const char *put_fields(FILE *f, const char *words) {
    while (*words && *words != '}') {
        char *end;
        if (*words == ' ') {
            words++;
        } else if (*words == 'x') {
            putc((int)strtoul((char[]){words[1], words[2], 0}, NULL, 16), f);
            words += 3;
        } else {
            const uint64_t field = strtoull(words, &end, 10);
            words = put_value(f, field, end);
        }
    }
    return words + (*words == '}');
}

void put_message(FILE *f, const char *words) {
    put_fields(f, words);
}

/* ---- Zip ------------------------------------------------------------------------------------- */

const char *write_zip(scratch *s, const char *name, const part *parts, size_t count, bool packed) {
    int code;
    zip_t *const zip = zip_open(scratch_path(s, name), ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *const source =
            zip_source_buffer(zip, parts[i].content->p, parts[i].content->size, 0);
        const zip_int64_t at = zip_file_add(zip, parts[i].name, source, 0);
        assert_true(at >= 0);
        zip_set_file_compression(zip, (zip_uint64_t)at, packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    assert_int_equal(zip_close(zip), 0);
    return s->path;
}

/* ---- HDF5 ------------------------------------------------------------------------------------ */

static void put_name(hid_t file, const char *group, const char *text) {
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    const hid_t attribute =
        H5Acreate_by_name(file, group, "name", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, &text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static hid_t type_of(char kind) {
    if (kind == 'h') {
        const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_fields(half, 15, 10, 5, 0, 10);
        H5Tset_size(half, 2);
        H5Tset_ebias(half, 15);
        return half;
    }
    return H5Tcopy(kind == 'd'   ? H5T_IEEE_F64LE
                   : kind == 'F' ? H5T_IEEE_F32BE
                   : kind == 'i' ? H5T_STD_I32LE
                                 : H5T_IEEE_F32LE);
}

/* How a dataset stores its numbers: in the file, in another one, or as a virtual dataset. */
static hid_t plan_of(char kind, hid_t space) {
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    if (kind == 'e')
        H5Pset_external(plan, "elsewhere", 0, H5F_UNLIMITED);
    if (kind == 'c') { /* in blocks with checksums */
        H5Pset_chunk(plan, 4, (const hsize_t[]){3, 3, 3, 2});
        H5Pset_fletcher32(plan);
    }
    if (kind == 'v')
        H5Pset_virtual(plan, space, "elsewhere", "set", space);
    return plan;
}

static void put_set(hid_t file, const char *path, const char *shape, char kind, size_t *first) {
    hsize_t sides[8];
    int rank = 0;
    size_t count = 1;
    for (const char *at = shape; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        count *= sides[rank++] = strtoull(at, NULL, 10);
    const hid_t space = kind == 'z' ? H5Screate(H5S_NULL) : H5Screate_simple(rank, sides, NULL);
    const hid_t type = type_of(kind), plan = plan_of(kind, space);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t set = H5Dcreate2(file, path, type, space, links, plan, H5P_DEFAULT);
    assert_true(set >= 0);
    if (!strchr("evz", kind) && count < 100000) {
        float *const values = malloc((count + 1) * sizeof *values);
        assert_non_null(values);
        for (size_t i = 0; i < count; i++)
            values[i] = (float)(*first)++ / 8;
        assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        free(values);
    }
    H5Dclose(set);
    H5Pclose(links);
    H5Pclose(plan);
    H5Tclose(type);
    H5Sclose(space);
}

const char *write_hdf5(scratch *s, const char *name, const char *sets) {
    char path[256], shape[128], kind;
    size_t first = 0;
    const hid_t file = H5Fcreate(scratch_path(s, name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    for (int n; *sets; sets += n + (sets[n] == ';')) {
        if (sscanf(sets, " %255s =%127[^;]%n", path, shape, &n) == 2) {
            put_name(file, path, shape);
        } else {
            assert_int_equal(sscanf(sets, " %255s %127s %c%n", path, shape, &kind, &n), 3);
            put_set(file, path, shape, kind, &first);
        }
    }
    H5Fclose(file);
    return s->path;
}
