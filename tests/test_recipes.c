/* SPDX-License-Identifier: MIT
 *
 * What the documents say holds: each recipe of README.md and host/cli/README.md runs as written, in
 * order and in one folder, as a reader would run them; the man page explains every option. Recipes
 * get generated pictures and, after their own options, smaller sizes and fewer iterations.
 */
#include "program.h"
#include "server.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Runs `impasto` with the recipe's arguments, but quickly. A network to be fetched comes from a
 * file instead, and is then refused for its contents. */
static const char quickly[] =
    "impasto() {\n"
    "    case \" $* \" in\n"
    "    *' gatys '* | *' vgg19 '*) set -- \"$@\" --network random-vgg19 ;;\n"
    "    esac\n"
    "    case \" $* \" in\n"
    "    ' weights fetch '*) set -- \"$@\" --from photo.jpg ;;\n"
    "    ' resume '*) set -- \"$@\" --time-limit 0.2 ;;\n"
    "    ' devices '*) set -- \"$@\" --quick ;;\n"
    "    ' tune '*) set -- tune --size 32 ;;\n"
    "    ' bench '*) set -- \"$@\" --only operations --size 32 ;;\n"
    "    *' --checkpoint '*) set -- \"$@\" --size 32 -n 1000000 --time-limit 0.2 ;;\n"
    "    *' --save-every '*) set -- \"$@\" --size 32 -n 40 ;;\n"
    "    ' paint '* | ' batch '* | ' grid '*) set -- \"$@\" --size 32 -n 3 ;;\n"
    "    esac\n"
    "    \"$impasto\" \"$@\"\n"
    "}\n";

static int set_up(void **state) {
    static const char *const pictures[] = {"photo.jpg", "picture.jpg", "another.jpg", "other.jpg",
                                           "logo.png"};
    if (scratch_open(state))
        return -1;
    scratch *s = *state;
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        write_waves(s, pictures[i], 40 + 3 * i, 40);
    write_halves(s, "mask.png", 40, 40);
    write_protected(s, "face.png", 40, 40);
    run_silent(s, "mkdir a b out masks");
    write_halves(s, "masks/photo.png", 40, 40);
    write_halves(s, "masks/other.png", 49, 40);
    write_halves(s, "masks/picture.png", 43, 40);
    scratch_write(s, "quickly.sh", quickly, sizeof quickly - 1);
    run_silent(s, "cp photo.jpg other.jpg a && cp picture.jpg b && "
                  "cp logo.png photo.heic && "
                  "cp '" IMP_TEST_SOURCES "/weights/builtin.safetensors' vgg19.pth");
    return 0;
}

static int tear_down(void **state) {
    run_silent(*state, "rm -rf a b out masks weights cache");
    return scratch_close(state);
}

/* The lines of all blocks of code between a heading and the next of its level, with continued lines
 * joined; each ends with a newline. The caller frees. */
static char *recipes_of(const char *path, const char *heading) {
    const size_t capacity = 1 << 16;
    char line[1024], *lines = calloc(1, capacity);
    size_t used = 0;
    bool below = false;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(lines);
    while (fgets(line, sizeof line, file)) {
        char *end = strstr(line, "\\\n");
        if (!strncmp(line, "## ", 3))
            below = !strncmp(line, heading, strlen(heading));
        if (!below || strncmp(line, "    ", 4) != 0)
            continue;
        if (end)
            *end = 0;
        used += (size_t)snprintf(lines + used, capacity - used, "%s", line + 4);
        assert_true(used < capacity);
    }
    fclose(file);
    return lines;
}

/* Recipes that use a public address get the test's own server instead. */
static void run_recipe(scratch *s, const server *v, const char *recipe) {
    static const char world[] = "https://example.org";
    char line[2048], address[256];
    const char *place = strstr(recipe, world);
    const char *instead = place ? server_address(address, v, false, "/file") : "";
    const bool refused = strstr(recipe, "weights fetch");
    snprintf(line, sizeof line,
             "export IMPASTO_WEIGHTS=\"$PWD/weights\" IMPASTO_CACHE=\"$PWD/cache\"; "
             ". ./quickly.sh; %.*s%s%s",
             place ? (int)(place - recipe) : (int)strlen(recipe), recipe, instead,
             place ? place + sizeof world - 1 : "");
    ended e = program_run(s, line);
    if (e.status != (refused ? 1 : 0) || (refused && !strstr(e.err, "damaged or a different one")))
        fail_msg("%s: status %d, output: %s%s", recipe, e.status, e.out, e.err);
    ended_free(&e);
}

/* Runs the recipes of a document in order; returns their number. */
static size_t run_recipes(scratch *s, const char *path) {
    char *recipes = recipes_of(path, "## Recipes"), *rest = recipes;
    server v = server_start(s);
    size_t count = 0;
    while (*rest) {
        char *const recipe = rest;
        rest = strchr(rest, '\n');
        *rest++ = 0;
        run_recipe(s, &v, recipe);
        count++;
    }
    server_stop(&v);
    free(recipes);
    return count;
}

static void test_recipes_of_readme(void **state) {
    assert_true(run_recipes(*state, IMP_TEST_SOURCES "/README.md") >= 10);
}

static void test_recipes_of_program(void **state) {
    scratch *s = *state;
    assert_true(run_recipes(s, IMP_TEST_SOURCES "/host/cli/README.md") > 30);
    static const char *const results[] = {
        "photo_picture.png", "out.png",    "out.tif",
        "out.mp4",           "all.png",    "compared.png",
        "grid.png",          "long.state", "out/other_picture.png"};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (!scratch_has(s, results[i]))
            fail_msg("no recipe made %s", results[i]);
}

/* Whether a page contains the option as a whole word. */
static bool mentions(const char *page, const char *option) {
    for (const char *at = page; (at = strstr(at, option)); at++) {
        const char after = at[strlen(option)];
        if (!isalnum((unsigned char)after) && after != '-')
            return true;
    }
    return false;
}

/* Undoes roff: - is written \-, fonts change by \fB. */
static void unescape(char *page) {
    char *to = page;
    for (; *page; page++)
        if (!strncmp(page, "\\f", 2) && page[2])
            page += 2;
        else if (*page != '\\')
            *to++ = *page;
    *to = 0;
}

static void test_every_option_is_explained(void **state) {
    ended man = program_run(*state, "impasto help --man");
    ended options = program_run(*state, "impasto help --json");
    size_t count = 0;
    unescape(man.out);
    for (char *line = options.out; *line; count++) {
        char *end = strchr(line, '\n'), name[64];
        assert_non_null(end);
        *end = 0;
        json_t *o = json_loads(line, 0, NULL);
        snprintf(name, sizeof name, "--%s", json_string_value(json_object_get(o, "name")));
        if (!mentions(man.out, name) || json_string_length(json_object_get(o, "help")) < 10)
            fail_msg("%s is not explained", name);
        json_decref(o);
        line = end + 1;
    }
    assert_true(count > 100);
    ended_free(&man);
    ended_free(&options);
}

/* The examples of the man page are valid command lines. They run with --help, which does nothing,
 * except those that write a file for the next example. */
static void test_examples_are_understood(void **state) {
    static const char before[] = ".B impasto ";
    ended man = program_run(*state, "impasto help --man");
    size_t count = 0;
    unescape(man.out);
    char *next = strstr(man.out, ".SH \"EXAMPLES\"");
    assert_non_null(next);
    while ((next = strstr(next, before))) {
        char line[512];
        const int length = (int)strcspn(next, "\n");
        for (char *quote = next; (quote = strstr(quote, "(aq")) && quote < next + length;)
            memcpy(quote, "  '", 3); /* roff's quote */
        const bool writes = memchr(next, '>', (size_t)length);
        snprintf(line, sizeof line, "%.*s%s", length - 3, next + 3,
                 writes ? "" : " --help >/dev/null");
        run_silent(*state, line);
        next += length;
        count++;
    }
    assert_true(count > 40);
    ended_free(&man);
}

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recipes_of_readme, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recipes_of_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_option_is_explained, scratch_open,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_examples_are_understood, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
