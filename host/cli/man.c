/* SPDX-License-Identifier: MIT
 *
 * The man page, in roff, from the tables of commands, options and settings.
 */
#include "cli/help.h"

#include "cli/json.h"
#include "cli/words.h"

#include <string.h>

/* Every IMPASTO_ variable that the program or the library reads; tools/lint checks this. */
static const cli_meaning environment[] = {
    {"IMPASTO_DEVICE", "The device, if --device is not given."},
    {"IMPASTO_CACHE", "The cache folder, instead of the one below."},
    {"IMPASTO_WEIGHTS", "The folder of networks, instead of the one below."},
    {"IMPASTO_ISA", "For tests: the instruction set of the device cpu: base, avx2 or avx512."},
    {"IMPASTO_CLASS", "For tests: treat every OpenCL device as a processor (wide) or as a graphics "
                      "device (simt)."},
    {"IMPASTO_MAX_ALLOC", "For tests: the most bytes that an OpenCL device allocates at once; only "
                          "a number below the device's own has an effect."},
    {"IMPASTO_LAUNCHES", "For work on kernels: append a line for each kernel launch to this file."},
    {"IMPASTO_CL_DIR", "For work on kernels: read them from this folder instead of the program."},
    {"IMPASTO_FAULT", "For tests: make an operation of an OpenCL device fail or go wrong, to see "
                      "that it is noticed."},
    {"IMPASTO_PATIENCE", "The seconds that the driver of an OpenCL device may take for one step of "
                         "its test before it is given up (default: 120). 0: the program runs in "
                         "one process, which drivers can end."},
    {NULL, NULL}};

static const cli_meaning files[] = {
    {"$XDG_CACHE_HOME/impasto, ~/.cache/impasto",
     "Compiled kernels, measurements and self-test results of each device, checkpoints. May be "
     "deleted at any time; unfinished paintings can then not be resumed."},
    {"$XDG_DATA_HOME/impasto, ~/.local/share/impasto", "Networks that were fetched or imported."},
    {NULL, NULL}};

/* Prints text with the special characters of roff escaped. */
static void roff(const char *text) {
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\'')
            fputs("\\(aq", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else
            putchar(*text);
    }
}

static void line(const char *text) {
    roff(text);
    putchar('\n');
}

static void section(const char *title) {
    printf(".SH \"%s\"\n", title);
}

static void meanings(const cli_meaning *list) {
    for (; list->name; list++) {
        printf(".TP\n.B ");
        line(list->name);
        line(list->meaning);
    }
}

static void option(const cli_option *o, const cli_values *values) {
    const imp_setting *setting = cli_option_setting(o);
    const char *argument = cli_option_argument(o);
    char value[CLI_TEXT_MAX], help[CLI_HELP_MAX];
    printf(".TP\n");
    if (o->letter)
        printf("\\fB\\-%c\\fR, ", o->letter);
    printf("\\fB\\-\\-");
    roff(o->name);
    printf("\\fR");
    if (argument) {
        printf(" \\fI");
        roff(argument);
        printf("\\fR");
    }
    putchar('\n');
    cli_option_help(o, help);
    roff(help);
    cli_default_text(o, values, value, sizeof value);
    if (*value) {
        printf(" (default: ");
        roff(value);
        putchar(')');
    }
    if (setting && setting->older) {
        printf(". Its older name is \\-\\-");
        roff(setting->older);
        putchar('.');
    }
    putchar('\n');
}

/* Lists the options of this command that are described under an earlier one. */
static void known_options(const cli_command *c) {
    bool first = true;
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *o = &cli_options[i];
        if (!(o->commands & c->bit) || !(o->commands & (c->bit - 1)) || o->commands == CLI_ALL)
            continue;
        printf(first ? ".PP\nAs for paint: \\fB\\-\\-" : ", \\fB\\-\\-");
        roff(o->name);
        printf("\\fR");
        first = false;
    }
    if (!first)
        printf(".\n");
}

static void command(const cli_command *c, const cli_values *values) {
    printf(".SS \"impasto %s%s", c->name, *c->operands ? " " : "");
    roff(c->operands);
    printf("\"\n");
    line(c->text);
    for (int group = 0; group < CLI_GROUPS; group++) {
        bool titled = false;
        for (size_t i = 0; i < cli_option_count; i++) {
            const cli_option *o = &cli_options[i];
            if ((int)o->group != group || !(o->commands & c->bit) || o->commands & (c->bit - 1) ||
                o->commands == CLI_ALL)
                continue;
            if (!titled)
                printf(".PP\n.I %s\n", cli_group_titles[group]);
            titled = true;
            option(o, values);
        }
    }
    known_options(c);
}

static void common_options(const cli_values *values) {
    section("OPTIONS OF EVERY COMMAND");
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_options[i].commands == CLI_ALL)
            option(&cli_options[i], values);
}

static void json(void) {
    section("JSON");
    printf(
        "With\n.B \\-\\-json\nevery line of standard output is one object. Its member\n.I event\n"
        "says which; the others are, by event:\n");
    for (const cli_json_field *f = cli_json_fields; f->event; f++) {
        printf(".TP\n\\fB%s\\fR (\\fI", f->event);
        roff(f->fields);
        printf("\\fR)\n");
        line(f->meaning);
    }
}

static void record(void) {
    section("THE RECORD IN A PICTURE");
    line("A picture that paint writes carries, as the PNG text or the JPEG comment, one JSON "
         "object: impasto (the version), options (each with the text of the command line), "
         "content, style, init and network (name and sha256; never a path), iterations (done) and "
         "device. Its options are those of paint, and these, which presets set:");
    const imp_setting *setting;
    for (size_t i = 0; (setting = imp_setting_at(i)); i++) {
        char help[CLI_HELP_MAX];
        if (cli_has_option(setting->name))
            continue;
        cli_name_options(help, sizeof help, setting->meaning);
        printf(".TP\n.B ");
        line(setting->name);
        line(help);
    }
}

static void examples(void) {
    section("EXAMPLES");
    for (size_t i = 0; i < cli_command_count; i++)
        for (const cli_example *e = cli_commands[i].examples; e->line; e++) {
            printf(".TP\n.B ");
            line(e->line);
            line(e->meaning ? e->meaning : cli_commands[i].brief);
        }
}

void cli_man_page(const cli_values *values) {
    printf(".TH IMPASTO 1 \"\" \"impasto %s\" \"User Commands\"\n", imp_version());
    section("NAME");
    line("impasto - paint a photograph in the style of a picture");
    section("SYNOPSIS");
    for (size_t i = 0; i < cli_command_count; i++) {
        printf("%s.B impasto %s\n", i ? ".br\n" : "", cli_commands[i].name);
        if (*cli_commands[i].operands)
            line(cli_commands[i].operands);
        printf("[\\fIOPTION\\fR...]\n");
    }
    section("DESCRIPTION");
    line("impasto paints what one picture shows in the style of another, by neural style "
         "transfer, on any OpenCL device or on the processor alone. It needs no download: a "
         "network is built in.");
    section("COMMANDS");
    for (size_t i = 0; i < cli_command_count; i++)
        command(&cli_commands[i], values);
    common_options(values);
    json();
    record();
    section("EXIT STATUS");
    meanings(cli_exit_statuses);
    section("ENVIRONMENT");
    meanings(environment);
    section("FILES");
    meanings(files);
    examples();
}
