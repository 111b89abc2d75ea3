/* SPDX-License-Identifier: MIT
 *
 * What a command may write: see outputs.h.
 */
#include "cli/outputs.h"

#include "base/file.h"
#include "cli/words.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is read or written. It is the same file as another if their inodes are the same, or,
 * where it does not exist yet, their whole paths. */
struct cli_place {
    char *whole;
    const char *what; /* of an input, how messages call it; of an output, NULL */
    const char *option;
    dev_t device;
    ino_t inode;
    bool exists, folder;
};

static struct cli_place place_of(const char *path) {
    struct stat about;
    char whole[IMP_PATH_MAX];
    struct cli_place p = {.exists = stat(path, &about) == 0};
    if (p.exists) {
        p.device = about.st_dev;
        p.inode = about.st_ino;
        p.folder = S_ISDIR(about.st_mode);
    }
    p.whole = strdup(imp_file_whole_path(whole, path) ? whole : path);
    return p;
}

static bool same(const struct cli_place *a, const struct cli_place *b) {
    if (a->exists && b->exists)
        return a->device == b->device && a->inode == b->inode;
    return a->whole && b->whole && !strcmp(a->whole, b->whole);
}

static const struct cli_place *find(const cli_outputs *o, const struct cli_place *p) {
    for (size_t i = 0; i < o->count; i++)
        if (same(&o->places[i], p))
            return &o->places[i];
    return NULL;
}

/* Keeps the place, and owns its text. */
static void keep(cli_outputs *o, const struct cli_place *p) {
    struct cli_place *more = realloc(o->places, (o->count + 1) * sizeof *more);
    if (more)
        o->places = more;
    if (more && p->whole)
        more[o->count++] = *p;
    else
        free(p->whole);
    o->memory |= !more || !p->whole;
}

void cli_outputs_read(cli_outputs *o, const char *what, const char *path) {
    if (!path || !*path || !strcmp(path, "-"))
        return;
    struct cli_place p = place_of(path);
    p.what = what;
    if (p.exists && !find(o, &p))
        keep(o, &p);
    else
        free(p.whole);
}

void cli_outputs_read_values(cli_outputs *o, const cli_request *request) {
    const cli_values *v = &request->values;
    cli_outputs_read(o, "the preset", cli_given(request, "preset"));
    cli_outputs_read(o, "the network", v->network);
    cli_outputs_read(o, "the network", v->settings.network);
    cli_outputs_read(o, "the picture of --like", v->like);
    cli_outputs_read(o, "one of the input pictures", v->init);
}

void cli_outputs_finish(cli_outputs *o) {
    for (size_t i = 0; i < o->count; i++)
        free(o->places[i].whole);
    free(o->places);
    *o = (cli_outputs){0};
}

static const char *dashes(const char *option) {
    return strcmp(option, "output") ? "--" : "";
}

static int complain_taken(const struct cli_place *taken, const char *option, const char *path) {
    if (taken->what)
        return cli_complain(CLI_MISUSE, "%s%s '%s': is %s; choose another name%s", dashes(option),
                            option, path, taken->what, *dashes(option) ? "" : " with -o");
    if (!strcmp(taken->option, option))
        return cli_complain(CLI_MISUSE,
                            "%s%s '%s': would be written twice; give each its own name, with "
                            "{content} and {style}",
                            dashes(option), option, path);
    return cli_complain(CLI_MISUSE, "%s%s '%s': is also the file of %s%s; choose another name",
                        dashes(option), option, path, dashes(taken->option), taken->option);
}

int cli_outputs_write(cli_outputs *o, const char *option, const char *path, cli_output_kind kind) {
    struct cli_place p = place_of(path);
    const struct cli_place *taken = find(o, &p);
    int status = CLI_DONE;
    p.option = option;
    if (taken)
        status = complain_taken(taken, option, path);
    else if (p.folder)
        status = cli_complain(CLI_FAILED, "%s%s '%s': is a folder; add a file's name",
                              dashes(option), option, path);
    else if (p.exists && kind == CLI_OUTPUT_BESIDE && !o->force)
        status = cli_complain(CLI_FAILED,
                              "%s%s '%s': exists already; choose another name, or write over it "
                              "with --force",
                              dashes(option), option, path);
    else if (p.exists && kind == CLI_OUTPUT_CHECKPOINT && !imp_checkpoint_is(path))
        status =
            cli_complain(CLI_FAILED, "%s%s '%s': exists, and is no checkpoint; choose another name",
                         dashes(option), option, path);
    keep(o, &p);
    return !status && o->memory ? cli_complain(CLI_FAILED, "%s: out of memory", option) : status;
}

/* ---- Names ----------------------------------------------------------------------------------- */

bool cli_is_folder(const char *path) {
    struct stat about;
    const size_t length = strlen(path);
    return (length > 0 && path[length - 1] == '/') ||
           (stat(path, &about) == 0 && S_ISDIR(about.st_mode));
}

/* The length of a path without its extension; ".png" is no extension of "a.b/c". */
static size_t stem_length(const char *path) {
    const char *base = cli_base_name(path), *dot = strrchr(base, '.');
    return dot && dot != base ? (size_t)(dot - path) : strlen(path);
}

bool cli_frame_path(char *path, const char *out, unsigned iteration) {
    const size_t stem = stem_length(out);
    const int length = snprintf(path, IMP_PATH_MAX, "%.*s-%06u%s", (int)stem, out, iteration,
                                out[stem] ? out + stem : ".png");
    return length > 0 && length < IMP_PATH_MAX;
}

/* The number in a frame's name, 0 for any other name. */
static unsigned long frame_number(const char *name, const char *out) {
    const char *base = cli_base_name(out);
    const size_t stem = stem_length(base);
    const char *extension = base[stem] ? base + stem : ".png";
    if (strncmp(name, base, stem) != 0 || name[stem] != '-')
        return 0;
    const char *digits = name + stem + 1;
    const size_t count = strspn(digits, "0123456789");
    return count >= 6 && !strcmp(digits + count, extension) ? strtoul(digits, NULL, 10) : 0;
}

/* The first file that is there of those that --save-every N would write beside `out`. */
static bool frame_exists(char *path, const char *out, unsigned every) {
    char folder[IMP_PATH_MAX];
    bool found = false;
    const int length = (int)(cli_base_name(out) - out);
    snprintf(folder, sizeof folder, "%.*s", length ? length : 1, length ? out : ".");
    DIR *const all = every ? opendir(folder) : NULL;
    for (const struct dirent *e; all && !found && (e = readdir(all));) {
        const unsigned long number = frame_number(e->d_name, out);
        found = number > 0 && number % every == 0 && cli_frame_path(path, out, (unsigned)number);
    }
    if (all)
        closedir(all);
    return found;
}

int cli_free_name(char *out, const char *folder, const char *stem, unsigned save_every) {
    char frame[IMP_PATH_MAX];
    struct stat about;
    const char *slash = *folder && folder[strlen(folder) - 1] != '/' ? "/" : "";
    for (unsigned i = 1;; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, "-%u", i);
        const int length = snprintf(out, IMP_PATH_MAX, "%s%s%s%s.png", folder, slash, stem, number);
        if (length < 0 || length >= IMP_PATH_MAX)
            return cli_complain(CLI_MISUSE,
                                "output '%.60s...': the path is too long; give a "
                                "shorter one with -o",
                                out);
        if (lstat(out, &about) != 0 && !frame_exists(frame, out, save_every))
            return CLI_DONE;
    }
}

int cli_outputs_write_frames(cli_outputs *o, const char *out, unsigned every) {
    char path[IMP_PATH_MAX], whole[IMP_PATH_MAX];
    if (!every)
        return CLI_DONE;
    snprintf(whole, sizeof whole, "%s", out);
    imp_file_whole_path(whole, out);
    const int length = (int)(cli_base_name(whole) - whole);
    for (size_t i = 0; i < o->count; i++) {
        const char *other = o->places[i].whole;
        const unsigned long number = frame_number(cli_base_name(other), whole);
        if (cli_base_name(other) - other == length && !strncmp(other, whole, (size_t)length) &&
            number > 0 && number % every == 0)
            return complain_taken(&o->places[i], "save-every", other);
    }
    if (!frame_exists(path, out, every) || o->force)
        return CLI_DONE;
    return cli_complain(CLI_FAILED,
                        "--save-every '%s': exists already; choose another name with -o, or write "
                        "over it with --force",
                        path);
}
