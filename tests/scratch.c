/* SPDX-License-Identifier: MIT
 *
 * Shared by the tests that read and write files.
 */
#include "scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int scratch_open(void **state) {
    scratch *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    strcpy(s->folder, "impasto-test-XXXXXX");
    *state = s;
    return mkdtemp(s->folder) ? 0 : -1;
}

/* Calls visit for each file in the folder and returns their number. */
static size_t walk(const scratch *s, int (*visit)(const char *path)) {
    size_t count = 0;
    char path[512];
    DIR *folder = opendir(s->folder);
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", s->folder, e->d_name);
        if (visit)
            visit(path);
        count++;
    }
    closedir(folder);
    return count;
}

int scratch_close(void **state) {
    scratch *s = *state;
    walk(s, remove);
    const int status = rmdir(s->folder);
    free(s);
    return status;
}

const char *scratch_path(scratch *s, const char *name) {
    snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
    return s->path;
}

const char *scratch_write(scratch *s, const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(scratch_path(s, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return s->path;
}

unsigned char *scratch_read(scratch *s, const char *name, size_t *size) {
    FILE *file = fopen(scratch_path(s, name), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = 0; /* so that a text is a string */
    fclose(file);
    return bytes;
}

bool scratch_has(scratch *s, const char *name) {
    return access(scratch_path(s, name), F_OK) == 0;
}

size_t scratch_count(const scratch *s) {
    return walk(s, NULL);
}

void assert_text(const char *path, const char *wanted) {
    char *text;
    imp_error err = {0};
    imp_picture_text(&text, path, &err);
    assert_string_equal(err.text, "");
    if (wanted)
        assert_string_equal(text, wanted);
    else
        assert_null(text);
    free(text);
}

void assert_error(imp_error *err, imp_status got, imp_status wanted, const char *where,
                  const char *what) {
    if (got != wanted || err->status != wanted || !strstr(err->text, where) ||
        !strstr(err->text, what))
        fail_msg("status %d (%d) '%s': wanted %d with '%s' and '%s'", got, err->status, err->text,
                 wanted, where, what);
    for (const char *c = err->text; *c; c++) /* no line breaks, no control characters */
        assert_true((unsigned char)*c >= ' ' && *c != 127);
    assert_true(strlen(err->text) < sizeof err->text - 1); /* not truncated */
    *err = (imp_error){0};
}
