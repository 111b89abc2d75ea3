/* SPDX-License-Identifier: MIT
 *
 * impasto weights: lists, verifies and removes networks. Each action is a line of the table at the
 * end.
 */
#include "cli/weights.h"

#include "cli/json.h"
#include "cli/words.h"

#include <string.h>
#include <sys/stat.h>

/* ---- List ------------------------------------------------------------------------------------ */

/* "sha256:1234" becomes "SHA-256 1234", with "..." if digits are missing; MD5 likewise. */
static void digest_text(char *text, size_t size, const char *digest) {
    const bool md5 = digest && !strncmp(digest, "md5:", 4);
    const char *const digits = digest ? strchr(digest, ':') + 1 : "";
    if (!digest)
        snprintf(text, size, "none known");
    else
        snprintf(text, size, "%s %s%s", md5 ? "MD5" : "SHA-256", digits,
                 !md5 && strlen(digits) < 64 ? "..." : "");
}

static uint64_t size_of(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
}

/* A network in the list: published, installed, or both. */
typedef struct listed {
    const char *name;
    const imp_weights_entry *entry; /* what is published about it; zeroed: nothing */
    bool here;
    char path[IMP_PATH_MAX]; /* "": not a file */
} listed;

static json_t *optional(const char *text) {
    return text && *text ? cli_json_text(text) : json_null();
}

static void say_listed(const listed *l) {
    const imp_weights_entry *const e = l->entry;
    json_t *object = cli_json_event("weights"), *addresses = json_array();
    for (const char *const *address = e->addresses; *address; address++)
        json_array_append_new(addresses, json_string(*address));
    json_object_set_new(object, "name", json_string(l->name));
    json_object_set_new(object, "here", json_boolean(l->here));
    json_object_set_new(object, "path", optional(l->path));
    json_object_set_new(object, "about", optional(e->about));
    json_object_set_new(object, "origin", optional(e->origin));
    json_object_set_new(object, "licence", optional(e->licence));
    json_object_set_new(object, "file", optional(e->file));
    json_object_set_new(object, "bytes",
                        e->bytes ? json_integer((json_int_t)e->bytes) : json_null());
    json_object_set_new(object, "digest", optional(e->digest));
    json_object_set_new(object, "addresses", addresses);
    cli_json_line(object);
}

static void tell_field(const char *label, const char *text) {
    if (text)
        cli_print("  %-10s %s\n", label, text);
}

static void tell_listed(const listed *l) {
    const imp_weights_entry *const e = l->entry;
    char bytes[48], digest[128];
    cli_bytes_text(bytes, sizeof bytes, (double)size_of(l->path));
    cli_print("%s: %s%s%s%s%s\n", l->name, l->here ? "installed" : "not installed",
              *l->path ? ", " : "", *l->path ? bytes : "", *l->path ? ", " : "", l->path);
    digest_text(digest, sizeof digest, e->digest);
    tell_field("what", e->about);
    tell_field("from", e->origin);
    tell_field("licence", e->licence);
    if (e->file && e->bytes)
        cli_print("  %-10s %s, %llu bytes\n", "file", e->file, (unsigned long long)e->bytes);
    else if (e->file)
        cli_print("  %-10s %s, size not known\n", "file", e->file);
    tell_field("digest", e->about ? digest : NULL);
    for (const char *const *address = e->addresses; *address; address++)
        tell_field(address == e->addresses ? "address" : "", *address);
}

static void show_listed(const cli_values *values, const listed *l) {
    if (values->json)
        say_listed(l);
    else
        tell_listed(l);
}

static void list_one(const cli_values *values, const char *name) {
    static const imp_weights_entry unknown = {0};
    const imp_weights_entry *const entry = imp_weights_find(name);
    listed l = {.name = name, .entry = entry ? entry : &unknown, .here = imp_weights_here(name)};
    if (l.here)
        imp_weights_path(l.path, sizeof l.path, name, NULL);
    show_listed(values, &l);
}

/* The network that is part of the program. */
static void list_builtin(const cli_values *values) {
    imp_network *network = NULL;
    imp_network_info info;
    char digest[80];
    if (imp_network_open(&network, "builtin", NULL) != IMP_OK)
        return;
    imp_network_describe(network, &info);
    snprintf(digest, sizeof digest, "sha256:%s", info.sha256);
    const imp_weights_entry entry = {
        .about = "a small VGG-19, part of the program", .licence = info.licence, .digest = digest};
    const listed l = {.name = "builtin", .entry = &entry, .here = true};
    show_listed(values, &l);
    imp_network_close(network);
}

enum { NAMES_MAX = 256 };

int cli_weights_list(cli_request *request, char **operands, int count) {
    char names[NAMES_MAX][IMP_NAME_MAX], folder[IMP_PATH_MAX];
    const size_t here = imp_weights_list(names, NAMES_MAX);
    const imp_weights_entry *entry;
    imp_error err = {0};
    (void)operands, (void)count;
    if (imp_weights_folder(folder, sizeof folder, false, &err) != IMP_OK)
        return cli_complain_error(&err);
    list_builtin(&request->values);
    for (size_t i = 0; (entry = imp_weights_at(i)); i++)
        list_one(&request->values, entry->name);
    for (size_t i = 0; i < here && i < NAMES_MAX; i++)
        if (!imp_weights_find(names[i]))
            list_one(&request->values, names[i]);
    if (!request->values.json)
        cli_print("folder: %s\n", folder);
    return CLI_DONE;
}

/* ---- Verify and remove ----------------------------------------------------------------------- */

static int verify_one(const cli_values *values, const char *name) {
    imp_error err = {0};
    char sha256[65] = "";
    bool noted = false;
    const imp_status status = imp_weights_verify(name, sha256, &noted, &err);
    if (values->json) {
        json_t *object = cli_json_event("verified");
        json_object_set_new(object, "name", cli_json_text(name));
        json_object_set_new(object, "right", json_boolean(status == IMP_OK));
        json_object_set_new(object, "noted", json_boolean(noted));
        json_object_set_new(object, "sha256", optional(sha256));
        cli_json_line(object);
    } else if (status == IMP_OK) {
        cli_print("%s: %s, SHA-256 %s\n", name,
                  noted ? "as installed" : "readable, but no SHA-256 was recorded to compare with",
                  sha256);
    }
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

int cli_weights_verify(cli_request *request, char **operands, int count) {
    char names[NAMES_MAX][IMP_NAME_MAX];
    int worst = CLI_DONE;
    for (int i = 0; i < count; i++) {
        const int status = verify_one(&request->values, operands[i]);
        worst = status ? status : worst;
    }
    const size_t here = count ? 0 : imp_weights_list(names, NAMES_MAX);
    for (size_t i = 0; i < here && i < NAMES_MAX; i++) {
        const int status = verify_one(&request->values, names[i]);
        worst = status ? status : worst;
    }
    return worst;
}

int cli_weights_remove(cli_request *request, char **operands, int count) {
    for (int i = 0; i < count; i++) {
        imp_error err = {0};
        if (imp_weights_remove(operands[i], &err) != IMP_OK)
            return cli_complain_error(&err);
        if (!request->values.json)
            continue;
        json_t *object = cli_json_event("removed");
        json_object_set_new(object, "name", json_string(operands[i]));
        cli_json_line(object);
    }
    return CLI_DONE;
}

/* ---- The actions ----------------------------------------------------------------------------- */

typedef struct action {
    const char *name, *operands;
    int least, most;
    int (*run)(cli_request *request, char **operands, int count);
} action;

static const action actions[] = {
    {"list", "", 0, 0, cli_weights_list},
    {"info", "NAME|FILE", 1, 1, cli_weights_info},
    {"fetch", "NAME", 1, 1, cli_weights_fetch},
    {"import", "FILE", 1, 1, cli_weights_import},
    {"verify", "[NAME...]", 0, NAMES_MAX, cli_weights_verify},
    {"remove", "NAME...", 1, NAMES_MAX, cli_weights_remove},
};

int cli_weights(cli_request *request) {
    const char *const name = request->operands[0];
    const int count = request->operand_count - 1, status = cli_resolve(request);
    cli_nearest nearest = {.word = name};
    if (status)
        return status;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const action *const a = &actions[i];
        cli_nearest_offer(&nearest, a->name);
        if (strcmp(a->name, name) != 0)
            continue;
        if (count < a->least || count > a->most)
            return cli_complain(
                CLI_MISUSE, "weights %s: wrong number of operands; usage: impasto weights %s %s",
                name, name, a->operands);
        return a->run(request, request->operands + 1, count);
    }
    if (*nearest.best)
        return cli_complain(CLI_MISUSE, "weights '%s': unknown action; the nearest is '%s'", name,
                            nearest.best);
    return cli_complain(CLI_MISUSE, "weights '%s': unknown action; see 'impasto help weights'",
                        name);
}
