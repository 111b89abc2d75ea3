/* SPDX-License-Identifier: MIT
 *
 * The man page, in roff, from the table of commands and options.
 */
#include "cli/help.h"

#include "cli/json.h"

#include <string.h>

static const cli_meaning environment[] = {
    {"IMPASTO_DEVICE", "the device, where --device is not given"},
    {"IMPASTO_CACHE", "the folder of what is remembered of devices, instead of the one below"},
    {NULL, NULL}};

static const cli_meaning files[] = {
    {"$XDG_CACHE_HOME/impasto, ~/.cache/impasto",
     "compiled kernels, and what was found out about each device. It may be deleted at any time."},
    {NULL, NULL}};

/* Text with what roff would take for its own made harmless. */
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
    char value[CLI_TEXT_MAX];
    printf(".TP\n");
    if (o->letter)
        printf("\\fB\\-%c\\fR, ", o->letter);
    printf("\\fB\\-\\-");
    roff(o->name);
    printf("\\fR");
    if (o->argument) {
        printf(" \\fI");
        roff(o->argument);
        printf("\\fR");
    }
    putchar('\n');
    roff(o->help);
    cli_default_text(o, values, value, sizeof value);
    if (*value) {
        printf(" (default: ");
        roff(value);
        putchar(')');
    }
    putchar('\n');
}

/* The options of this command that an earlier one has explained. */
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
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->group != CLI_GROUP_RECORD)
            continue;
        printf(".TP\n.B ");
        line(o->name);
        line(o->help);
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
    line("impasto - paint one picture in the manner of another");
    section("SYNOPSIS");
    for (size_t i = 0; i < cli_command_count; i++) {
        printf("%s.B impasto %s\n", i ? ".br\n" : "", cli_commands[i].name);
        if (*cli_commands[i].operands)
            line(cli_commands[i].operands);
        printf("[\\fIOPTION\\fR...]\n");
    }
    section("DESCRIPTION");
    line("impasto paints what one picture shows in the manner of another, by neural style "
         "transfer, on any OpenCL device or on the processor alone. It needs no download: a "
         "network comes with it.");
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
